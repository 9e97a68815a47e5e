//! Makes the event types from the catalogue's lines.

/// One block per stream kind, one line per event: `number "Name" version => Variant(payload type)`.
macro_rules! catalogue {
    ($($kind:ident: $(#[$meta:meta])* $set:ident { $($number:literal $name:literal $version:literal => $variant:ident($payload:ty)),* $(,)? })*) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Debug, PartialEq, Eq)]
            #[allow(clippy::large_enum_variant)] // decoded one at a time, never kept in bulk
            pub enum $set { $(#[doc = concat!("`", $name, "`.")] $variant($payload)),* }

            impl StoredEvent for $set {
                const STREAM: StreamKind = StreamKind::$kind;

                fn kind(&self) -> EventKind {
                    match self { $(Self::$variant(_) => <$payload>::KIND),* }
                }

                fn encode(&self, bytes: &mut Vec<u8>) {
                    match self { $(Self::$variant(payload) => body::write(payload, bytes)),* }
                }

                fn decode(kind: EventKind, bytes: &[u8]) -> Result<Self, Unreadable> {
                    match kind.0 {
                        $($number => read::<$payload>(kind, bytes).map(Self::$variant),)*
                        _ => Err(Unreadable::UnknownKind(kind)),
                    }
                }

                fn from_domain(event: &DomainEvent) -> Option<&Self> {
                    match event { DomainEvent::$kind(event) => Some(event), _ => None }
                }
            }

            impl From<$set> for DomainEvent {
                fn from(event: $set) -> Self { Self::$kind(event) }
            }

            $(
                impl From<$payload> for $set {
                    fn from(payload: $payload) -> Self { Self::$variant(payload) }
                }

                impl $payload {
                    #[doc = concat!("The kind of `", $name, "`.")]
                    pub const KIND: EventKind = EventKind($number);
                }
            )*
        )*

        /// Any event of the ledger.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(clippy::large_enum_variant)] // decoded one at a time, never kept in bulk
        pub enum DomainEvent { $(#[doc = concat!("Of a stream of kind `", stringify!($kind), "`.")] $kind($set)),* }

        impl DomainEvent {
            /// The event of this kind in these bytes.
            #[allow(clippy::manual_range_patterns)] // one number an event
            pub fn decode(kind: EventKind, bytes: &[u8]) -> Result<Self, Unreadable> {
                match kind.0 {
                    $($($number)|* => $set::decode(kind, bytes).map(Self::$kind),)*
                    _ => Err(Unreadable::UnknownKind(kind)),
                }
            }

            /// Its kind.
            pub fn kind(&self) -> EventKind {
                match self { $(Self::$kind(event) => event.kind()),* }
            }

            /// Its bytes, as they are sealed.
            pub fn encode(&self, bytes: &mut Vec<u8>) {
                match self { $(Self::$kind(event) => event.encode(bytes)),* }
            }
        }

        /// Every event that is ever stored, in the order of the kind numbers.
        pub const CATALOGUE: &[Entry] = &[$($(Entry {
            kind: <$payload>::KIND,
            name: $name,
            version: $version,
            stream: StreamKind::$kind,
            schema: <$payload as postcard_schema::Schema>::SCHEMA,
        }),*),*];
    };
}
