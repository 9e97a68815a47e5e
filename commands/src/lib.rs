//! socai commands.
