//! socai tests.
