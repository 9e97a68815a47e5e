//! The API: one GraphQL schema, the HTTP server around it, and the rules of who is let in.
//!
//! - [`App`] and [`Services`]: everything injected, and the way of every operation.
//! - [`serve`], [`router`]: HTTP and WebSocket.
//! - [`words`]: events, posts and times in words. [`token`]: who somebody is. [`error`]: what a client is told.
//! - [`files`], [`notary`], [`witness`]: the ports to where files are kept, to who proves, and to who watches other logs.

// Doc comments of the schema are its descriptions: they speak GraphQL, where CODES stand without backticks.
#![allow(clippy::doc_markdown)]

mod app;
mod asked;
pub mod error;
mod feed;
pub mod files;
mod http;
mod language;
pub mod notary;
mod rate;
mod reading;
mod scalars;
mod schema;
mod session;
mod settings;
#[cfg(test)]
mod testing;
pub mod token;
mod visible;
pub mod witness;
pub mod words;

pub use app::{App, Render, Services};
pub use http::{metrics_router, router, serve};
pub use language::Language;
pub use schema::sdl;
pub use session::{Caller, Session};
pub use settings::Settings;
