//! What is said of a file whose bytes are damaged.

use crate::error::Error;

pub(super) fn damaged(place: &str, how: &str) -> Error {
    Error::input(format!("{place} is damaged: {how}")).help("have it exported or transferred again")
}
