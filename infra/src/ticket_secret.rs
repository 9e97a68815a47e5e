//! The secret under which upload tickets are written: a file of its own, so that serving needs no private key.

use std::{io, path::Path};

use zeroize::Zeroizing;

use crate::files;

/// The secret of a data directory, made at its first start. Whoever has it can attach any file whose hash they know.
/// Without it, tickets of the last 24 hours are no good any more, and nothing else is lost.
pub fn load_or_make(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    match files::read_secret(path) {
        Ok(secret) if secret.len() == LENGTH => Ok(secret),
        Ok(_) => Err(io::Error::other("not a secret of upload tickets: delete it, and a new one is made")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut secret = Zeroizing::new(vec![0; LENGTH]);
            getrandom::fill(&mut secret).map_err(io::Error::other)?;
            files::create_private(path, &secret)?;
            Ok(secret)
        }
        Err(error) => Err(error),
    }
}

/// Bytes of a secret.
const LENGTH: usize = 32;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn it_is_made_once_and_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ticket.secret");
        let made = load_or_make(&path).unwrap();
        assert_eq!(load_or_make(&path).unwrap(), made);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, b"short").unwrap();
        assert!(load_or_make(&path).is_err());
        std::fs::remove_file(&path).unwrap();
        assert_ne!(load_or_make(&path).unwrap(), made);
    }
}
