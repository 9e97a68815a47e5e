//! Buckets of a server that tests start.

use socai_test_s3::{BUCKET, Server};

use super::{super::BlobStore, *};

/// What the names of all objects begin with.
pub(crate) const PREFIX: &str = "so/cai";

/// The store that the server keeps.
pub(crate) fn store(server: &Server) -> BlobStore {
    BlobStore::of(of(server))
}

/// The same, as what is behind it.
pub(in crate::blobs) fn of(server: &Server) -> S3 {
    with(server, |_, value| value.to_owned(), PATIENCE).unwrap()
}

/// The same, with another environment, and another patience.
pub(super) fn with(
    server: &Server,
    change: impl Fn(&str, &str) -> String,
    patience: Duration,
) -> Result<S3, BlobError> {
    let bucket = format!("s3://{BUCKET}/{PREFIX}").parse().unwrap();
    let set = server.environment();
    let environment =
        |name: &str| set.iter().find(|(key, _)| *key == name).map(|(key, value)| change(key, value.as_str()));
    let this = S3::with(bucket, environment, patience)?;
    this.tidy()?;
    Ok(this)
}
