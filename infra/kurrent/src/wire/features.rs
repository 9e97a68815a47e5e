//! `serverfeatures.proto`.

use prost::Message;

/// What the server can do.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct SupportedMethods {
    /// Each call, in small letters.
    #[prost(message, repeated, tag = "1")]
    pub methods: Vec<SupportedMethod>,
    /// The server's version, as in `26.1.0`.
    #[prost(string, tag = "2")]
    pub version: String,
}

/// A call.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct SupportedMethod {
    /// Its name.
    #[prost(string, tag = "1")]
    pub method: String,
    /// Its service.
    #[prost(string, tag = "2")]
    pub service: String,
    /// Variants of it.
    #[prost(string, repeated, tag = "3")]
    pub features: Vec<String>,
}
