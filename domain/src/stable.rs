//! Types that may stand inside a stored event.
//!
//! Postcard writes fields and variants by order, not by name, so a type that has once been stored may only ever grow at the end
//! (enums) or be replaced by a new version (structs). Marking a type is the promise; the golden schemas hold it.

use postcard_schema::Schema;
use serde::{Serialize, de::DeserializeOwned};

/// A type whose postcard encoding never changes. Made by [`stable!`], which also checks that every field is one.
#[diagnostic::on_unimplemented(message = "`{Self}` may not stand in a stored event: mark it with `stable!`")]
pub trait StorageStable: Schema + Serialize + DeserializeOwned {}

macro_rules! primitives {
    ($($type:ty),* $(,)?) => { $(impl StorageStable for $type {})* };
}
primitives!(bool, u8, u16, u32, u64, i16, i32, i64, String, [u8; 12], [u8; 16], [u8; 32]);
impl<T: StorageStable> StorageStable for Option<T> {}
impl<T: StorageStable> StorageStable for Vec<T> {}

/// Defines structs and enums as storage-stable: derives what storage needs and checks each field.
#[macro_export]
macro_rules! stable {
    () => {};
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$fmeta:meta])* pub $field:ident : $type:ty),* $(,)? } $($rest:tt)*) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, ::serde::Serialize, ::serde::Deserialize, ::postcard_schema::Schema)]
        pub struct $name { $($(#[$fmeta])* pub $field: $type),* }
        impl $crate::StorageStable for $name {}
        const _: () = { #[allow(dead_code)] fn fields() { fn stable<T: $crate::StorageStable>() {} $(stable::<$type>();)* } };
        $crate::stable!($($rest)*);
    };
    ($(#[$meta:meta])* pub struct $name:ident ( $type:ty ); $($rest:tt)*) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize, ::postcard_schema::Schema)]
        pub struct $name($type);
        impl $crate::StorageStable for $name {}
        const _: () = { #[allow(dead_code)] fn fields() { fn stable<T: $crate::StorageStable>() {} stable::<$type>(); } };
        $crate::stable!($($rest)*);
    };
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident $({ $($(#[$fmeta:meta])* $field:ident : $type:ty),* $(,)? })? ),* $(,)? } $($rest:tt)*) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize, ::postcard_schema::Schema)]
        pub enum $name { $($(#[$vmeta])* $variant $({ $($(#[$fmeta])* $field: $type),* })? ),* }
        impl $crate::StorageStable for $name {}
        const _: () = { #[allow(dead_code)] fn fields() { #[allow(unused)] fn stable<T: $crate::StorageStable>() {} $($($(stable::<$type>();)*)?)* } };
        $crate::stable!($($rest)*);
    };
}
