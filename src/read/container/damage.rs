//! What is said of a file whose bytes are damaged.

use crate::error::{Code, Error};

pub(super) fn damaged(place: &str, how: &str) -> Error {
    Error::new(Code::InputDamaged, format!("{place} is damaged: {how}")).help("have it exported or transferred again")
}
