//! Cosignatures: a witness saw this checkpoint, found that the log only grew, and says when (C2SP `tlog-cosignature`,
//! Ed25519). They show that everyone is shown the same history.

use thiserror::Error;

use super::{
    key::{SecretKey, SignatureKind, VerifierKey},
    note::{NotSigned, Note, SignatureLine},
};
use crate::time::Timestamp;

/// The latest second that a cosignature may name.
const LATEST: u64 = i64::MAX.unsigned_abs();

/// A key cannot cosign.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CannotCosign {
    /// It signs something else.
    #[error("a checkpoint is cosigned with the key of a witness (kind 4), not with that of a log")]
    NotAWitness,
    /// Cosignatures count seconds from 1970.
    #[error("the time {0} lies before 1970")]
    TooEarly(Timestamp),
}

/// What a witness says of the checkpoint in `note` at a time, as a line to be added to it. The witness must have checked
/// the log's signature and that the log only grew since the last checkpoint that it cosigned.
pub fn cosign(note: &Note, at: Timestamp, witness: &SecretKey) -> Result<SignatureLine, CannotCosign> {
    if witness.public().kind() != SignatureKind::Cosignature {
        return Err(CannotCosign::NotAWitness);
    }
    let seconds = u64::try_from(at.as_micros().div_euclid(1_000_000)).map_err(|_| CannotCosign::TooEarly(at))?;
    let signature = witness.sign(message(seconds, note.text()).as_bytes());
    Ok(SignatureLine::of(witness.public(), [&seconds.to_be_bytes()[..], &signature].concat()))
}

/// When did this witness see the checkpoint in `note`? Of several lines by one witness each must be good; the latest counts.
pub fn cosigned(note: &Note, witness: &VerifierKey) -> Result<Timestamp, NotSigned> {
    if witness.kind() != SignatureKind::Cosignature {
        return Err(NotSigned::kind(witness));
    }
    let mut latest = None;
    for line in note.signatures().iter().filter(|line| line.is_by(witness)) {
        let seconds = time_of(line.bytes(), note.text(), witness).ok_or_else(|| NotSigned::is_false(witness))?;
        latest = latest.max(Some(seconds));
    }
    let seconds = latest.ok_or_else(|| NotSigned::missing(witness))?;
    Ok(Timestamp::from_micros(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000)))
}

fn time_of(bytes: &[u8], text: &str, witness: &VerifierKey) -> Option<u64> {
    let (seconds, signature) = bytes.split_first_chunk()?;
    let seconds = Some(u64::from_be_bytes(*seconds)).filter(|seconds| *seconds <= LATEST)?;
    witness.signed(message(seconds, text).as_bytes(), signature.try_into().ok()?).then_some(seconds)
}

/// What is signed: the text is the checkpoint's, extension lines and all.
fn message(seconds: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::{checkpoint::Checkpoint, key::KeyName};
    use super::*;

    /// A checkpoint of a public log for tests, of May 2026, with the keys of the log and of three of its witnesses.
    pub(in super::super) const PUBLIC: &str = "arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

\u{2014} arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
\u{2014} arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
\u{2014} transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
\u{2014} witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
\u{2014} remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
\u{2014} witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
";
    pub(in super::super) const PUBLIC_LOG: &str =
        "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f";
    pub(in super::super) const PUBLIC_WITNESSES: [&str; 3] = [
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
        "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
    ];

    fn key(name: &str, kind: SignatureKind, seed: u8) -> SecretKey {
        SecretKey::new(KeyName::new(name).unwrap(), kind, &[seed; 32])
    }

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_public_logs_checkpoint_and_its_witnesses_verify() {
        let note = Note::parse(PUBLIC.as_bytes()).unwrap();
        let checkpoint = Checkpoint::open(&note, &PUBLIC_LOG.parse().unwrap()).unwrap();
        assert_eq!(checkpoint.size(), 1_432_088_532);
        for witness in PUBLIC_WITNESSES {
            let seen = cosigned(&note, &witness.parse().unwrap());
            assert_eq!(seen, Ok(time("2026-05-23T21:50:24Z")), "{witness}");
        }
        assert_eq!(note.to_string(), PUBLIC);
    }

    #[test]
    fn the_latest_of_a_witnesss_lines_counts_and_each_must_be_good() {
        let (log, witness) =
            (key("l.example", SignatureKind::Note, 1), key("w.example", SignatureKind::Cosignature, 2));
        let mut note = Note::sign("l.example\n1\nroot\n", &log).unwrap();
        assert_eq!(cosigned(&note, witness.public()), Err(NotSigned::missing(witness.public())));
        let times = [time("2026-11-21T08:00:01.9Z"), time("2026-11-21T08:00:00Z")];
        let lines = times.map(|at| cosign(&note, at, &witness).unwrap().to_string());
        let both = Note::parse(format!("{note}{}\n{}\n", lines[0], lines[1]).as_bytes()).unwrap();
        assert_eq!(cosigned(&both, witness.public()), Ok(time("2026-11-21T08:00:01Z")));
        note.add(both.signatures()[1].clone());
        let other = Note::sign("l.example\n2\nroot\n", &log).unwrap();
        for false_line in [cosign(&other, times[0], &witness).unwrap(), other.signatures()[0].clone()] {
            let bytes = false_line.bytes().to_vec();
            let forged = SignatureLine::of(witness.public(), bytes);
            let both = Note::parse(format!("{note}{forged}\n").as_bytes()).unwrap();
            assert_eq!(cosigned(&both, witness.public()), Err(NotSigned::is_false(witness.public())));
        }
    }

    #[test]
    fn one_flipped_bit_anywhere_is_found() {
        let (log, witness) =
            (key("l.example", SignatureKind::Note, 1), key("w.example", SignatureKind::Cosignature, 2));
        let mut note = Note::sign("l.example\n1\nroot\n", &log).unwrap();
        note.add(cosign(&note, time("2026-11-21T08:00:00Z"), &witness).unwrap());
        let text = note.to_string();
        for bit in 0..text.len() * 8 {
            let mut bytes = text.as_bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let verified = Note::parse(&bytes)
                .is_ok_and(|note| note.verify(log.public()).is_ok() && cosigned(&note, witness.public()).is_ok());
            assert!(!verified, "bit {bit}: {}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn a_log_does_not_cosign_and_a_witness_not_before_1970() {
        let (log, witness) =
            (key("a.example", SignatureKind::Note, 1), key("a.example", SignatureKind::Cosignature, 1));
        let note = Note::sign("a.example\n1\nroot\n", &log).unwrap();
        let before = time("1969-12-31T23:59:59Z");
        assert_eq!(cosign(&note, before, &log), Err(CannotCosign::NotAWitness));
        assert_eq!(cosign(&note, before, &witness), Err(CannotCosign::TooEarly(before)));
        assert_eq!(cosigned(&note, log.public()), Err(NotSigned::kind(log.public())));
        // One key in both roles: neither signature passes for the other.
        let mut both = note.clone();
        both.add(cosign(&note, time("2026-11-21T08:00:00Z"), &witness).unwrap());
        assert!(both.verify(log.public()).is_ok() && cosigned(&both, witness.public()).is_ok());
        assert_eq!(cosigned(&note, witness.public()), Err(NotSigned::missing(witness.public())));
    }
}
