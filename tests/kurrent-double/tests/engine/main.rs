//! The engine on KurrentDB's double: what it does when the cluster does not do what it should.

#![allow(clippy::unwrap_used)] // tests, helpers included

mod appends;
mod cluster;
mod follows;
mod foreign;
mod opening;
mod restore;
mod servers;
mod support;
mod tls;
