//! The notary's proofs from outside: against foreign implementations, on saved and mutated inputs, and as files that are
//! kept for ever.

#![allow(clippy::unwrap_used)] // a test, helpers included

mod examples;
mod foreign;
mod inputs;
