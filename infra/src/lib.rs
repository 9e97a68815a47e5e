//! socai infra.
