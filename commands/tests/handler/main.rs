//! The command handler on a log in memory. One program, because each costs a link.
#![allow(unreachable_pub)] // nothing is reached from outside of a test
#![allow(clippy::unwrap_used)] // helpers of tests fail as tests do

mod closing;
mod faults;
mod following;
mod idempotency;
mod in_turn;
mod killed;
mod lookout;
mod numbers;
mod on_top;
mod organs;
mod servers;
mod trouble;
mod world;
