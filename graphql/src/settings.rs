//! What this server allows one request to ask for.

use std::time::Duration;

/// Limits, each per request unless it says otherwise.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How deep a query may be nested. GraphiQL's own introspection needs 15.
    pub depth: usize,
    /// How many fields it may ask for, items of lists counted.
    pub complexity: usize,
    /// Bytes of a GraphQL request.
    pub body: usize,
    /// Bytes of an uploaded file.
    pub upload: u64,
    /// How long it may take.
    pub time: Duration,
    /// How long a read waits for the views to come to a position.
    pub wait: Duration,
    /// How long past moments may be read from the ledger, all of a request together, on top of `time`.
    pub replay: Duration,
    /// Requests per second of one person, over a longer time.
    pub rate: f64,
    /// Requests of one person at once.
    pub burst: u32,
    /// Subscriptions open at once on one connection.
    pub subscriptions: usize,
    /// Serve GraphiQL, a page to try queries on.
    pub graphiql: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            depth: 20,
            complexity: 10_000,
            body: 1 << 20,
            upload: 50 << 20,
            time: Duration::from_secs(30),
            wait: Duration::from_secs(3),
            replay: Duration::from_mins(10),
            rate: 50.0,
            burst: 200,
            subscriptions: 50,
            graphiql: false,
        }
    }
}
