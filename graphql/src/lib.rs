//! socai graphql.
