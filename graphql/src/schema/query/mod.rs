//! What can be asked.

mod counted;
mod documents;
mod figures;
mod general;
mod proofs;
pub(crate) mod work;

use async_graphql::MergedObject;

/// Everything that can be asked (các truy vấn). Without a valid token nothing is answered. What you may not see is answered
/// like what is not there.
#[derive(Debug, Default, MergedObject)]
pub(crate) struct Query(
    documents::DocumentQuery,
    work::WorkQuery,
    figures::FiguresQuery,
    counted::CountedQuery,
    general::GeneralQuery,
    proofs::ProofQuery,
);
