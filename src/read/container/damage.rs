//! What is said of a file whose bytes are damaged, or too many once they are unpacked.

use crate::error::{Code, Error, Result};
use crate::policy::ReadFormat;
use crate::store::from_io;

/// Below this the ratio of a stream says nothing.
const RATIO_FROM: u64 = 1 << 20;

pub(in crate::read) fn damaged(place: &str, how: &str) -> Error {
    Error::new(Code::InputDamaged, format!("{place} is damaged: {how}")).help("have it exported or transferred again")
}

/// Says what broke the reading. Errors of the store hold ours and are of another kind; these are the decoders'.
pub(super) fn broken(place: &str, error: std::io::Error) -> Error {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match error.kind() {
        UnexpectedEof => damaged(place, "it is cut short"),
        InvalidData | InvalidInput => damaged(place, "its compressed bytes make no sense"),
        _ => from_io(place, error),
    }
}

/// How much an object may unpack to.
#[derive(Clone, Copy)]
pub(in crate::read) struct Caps {
    pub max_out: u64,
    pub max_ratio: u64,
}

impl Caps {
    /// Those of a source, of whose object so much has been unpacked before.
    pub fn new(format: &ReadFormat, spent: u64) -> Caps {
        Caps { max_out: format.max_decompressed.saturating_sub(spent), max_ratio: format.max_ratio }
    }

    /// Judges what has come `out`; of what is compressed, `whole` is all that it is made of. A beginning that compresses
    /// well says nothing, so it is the whole that counts: beyond the ratio of that, the rest cannot make it right again.
    ///
    /// # Errors
    /// An input error beyond a limit of the source.
    pub fn hold(&self, place: &str, out: u64, whole: Option<u64>) -> Result<()> {
        if out > self.max_out {
            return Err(Error::new(
                Code::InputTooLarge,
                format!("{place} holds more than limits.max_decompressed allows"),
            )
            .help("raise limits.max_decompressed in the source if the export is right"));
        }
        if whole.is_some_and(|whole| out > RATIO_FROM && out / whole.max(1) > self.max_ratio) {
            return Err(Error::new(
                Code::InputTooLarge,
                format!("{place} unpacks to more than {} times its size", self.max_ratio),
            )
            .help("raise limits.max_ratio in the source if the export is right"));
        }
        Ok(())
    }
}
