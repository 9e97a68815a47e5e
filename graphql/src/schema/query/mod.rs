//! What can be asked.

mod documents;
mod general;

use async_graphql::MergedObject;

/// Everything that can be asked (các truy vấn). Without a valid token nothing is answered. What you may not see is answered
/// like what is not there.
#[derive(Debug, Default, MergedObject)]
pub(crate) struct Query(documents::DocumentQuery, general::GeneralQuery);
