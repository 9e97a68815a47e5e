//! What a repetition of a command is compared by.

use std::sync::LazyLock;

use socai_domain::{decide::Decide, id::CommandId, refusal::Code};

use crate::{Envelope, Refused, Requester};

/// The context of the digest of a command's actor and input.
const INPUT_CONTEXT: &str = "socai 2026-11 command input v1";
/// The context of the digest of a step that the system takes by itself.
const STEP_CONTEXT: &str = "socai 2026-11 command step v1";

static INPUT: LazyLock<blake3::Hasher> = LazyLock::new(|| blake3::Hasher::new_derive_key(INPUT_CONTEXT));

/// BLAKE3 over who asks, in which named post, for which command with which input.
pub(crate) fn of<C: Decide>(envelope: &Envelope, command: &C) -> Result<[u8; 32], Refused> {
    if let Some(digest) = envelope.digest {
        return Ok(digest);
    }
    let person = match envelope.who {
        Requester::System => None,
        Requester::Person(person) => Some(person),
    };
    let bytes = postcard::to_stdvec(&(person, envelope.acting_as, C::NAME, command));
    let bytes = bytes.map_err(|error| Refused::new(Code::InvalidInput, format!("cannot be written down: {error}")))?;
    Ok(INPUT.clone().update(&bytes).finalize().into())
}

/// Of a step: its id says all that it is about.
pub(crate) fn of_step(command: CommandId) -> [u8; 32] {
    blake3::derive_key(STEP_CONTEXT, command.uuid().as_bytes())
}
