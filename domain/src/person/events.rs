//! What is known of a person. Names and numbers stand in these events and nowhere else.

use crate::text::{PersonName, ShortText};

stable! {
    /// A person is known.
    pub struct PersonRegistered {
        /// Full name.
        pub name: PersonName,
        /// Official e-mail address.
        pub email: Option<ShortText>,
        /// Telephone for notices.
        pub phone: Option<ShortText>,
    }

    /// A person's name or contacts are others.
    pub struct PersonChanged {
        /// Full name.
        pub name: PersonName,
        /// Official e-mail address.
        pub email: Option<ShortText>,
        /// Telephone for notices.
        pub phone: Option<ShortText>,
    }
}
