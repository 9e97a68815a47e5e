//! What happens in one number series of one year.

use crate::{
    id::{IncomingId, OrganId},
    text::{ArrivalNumber, Reason, ShortText},
};

stable! {
    /// The book of a series and year is opened, with its first number.
    pub struct BookOpened {
        /// Whose book.
        pub organ: OrganId,
        /// The series.
        pub series: ShortText,
        /// The year.
        pub year: i16,
    }

    /// The next number of the series goes to a document (cấp số đến).
    pub struct NumberAssigned {
        /// The number: one more than the last.
        pub number: ArrivalNumber,
        /// The document.
        pub document: IncomingId,
        /// What is compared to find a duplicate: issuer, number, symbol and year of promulgation.
        pub fingerprint: Option<Fingerprint>,
        /// Documents of this or last year's book that the clerk saw and accepted as duplicates.
        pub accepted_duplicates: Vec<IncomingId>,
        /// Why they were accepted.
        pub accepted_because: Option<Reason>,
    }

    /// A number cannot be used. It stays in the book and is never given again.
    pub struct NumberVoided {
        /// The number.
        pub number: ArrivalNumber,
        /// Why.
        pub reason: VoidReason,
        /// In words.
        pub note: Option<Reason>,
    }

    /// By what a document of the book is compared from now on, instead of what was said before: it has several fingerprints, or
    /// what they are made of was corrected.
    pub struct FingerprintsRenewed {
        /// The document.
        pub document: IncomingId,
        /// By the issuer's code, where that is known, then by the issuer's name. Empty: too little is known.
        pub fingerprints: Vec<Fingerprint>,
        /// The revision of the document that says so; what an older one says comes too late.
        pub as_of: u64,
    }

    /// Digest of issuer, number, symbol and year of promulgation (Decree 30/2020, Annex VI, 1h).
    #[derive(Copy)]
    pub struct Fingerprint([u8; 16]);

    /// Why a number was voided.
    #[derive(Copy)]
    pub enum VoidReason {
        /// The document was registered in error.
        Error,
        /// The document is already in the book.
        Duplicate,
        /// The document belongs to the register of secret documents.
        BelongsToSecretRegister,
        /// The sender took the document back.
        RecalledBySender,
    }
}

impl Fingerprint {
    /// Of an issuer's code or name, the document's number and symbol, and its year of promulgation.
    pub fn of(issuer: &str, number: &str, notation: &str, year: i16) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("socai 2026-11 duplicate fingerprint v1");
        for part in [issuer, number, notation, &year.to_string()] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        Self(bytes)
    }
}
