//! socai projections.
