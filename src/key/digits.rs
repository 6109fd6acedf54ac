//! What a key is written as.

use super::Key;
use crate::error::{Code, Error, Result};
use zeroize::Zeroize;

pub(super) const DIGITS: usize = 64;

/// R1: 64 hex digits and at most one final newline.
pub(super) fn parse(text: &[u8], place: &str) -> Result<Key> {
    let digits = text.strip_suffix(b"\n").unwrap_or(text);
    let wrong = |what: &str| {
        Error::new(Code::KeyUnreadable, format!("key {place} {what}"))
            .help("a key file holds 64 hex digits (32 bytes) and at most one final newline; `tamis key new` makes one")
    };
    if digits.len() != DIGITS {
        return Err(wrong("does not have the length of a key"));
    }
    let mut bytes = [0_u8; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
        let (Some(high), Some(low)) = (high, low) else {
            bytes.zeroize();
            return Err(wrong("holds something other than hex digits"));
        };
        *byte = (high << 4 | low) as u8;
    }
    if bytes.iter().all(|byte| *byte == bytes[0]) {
        return Err(wrong("is one byte over and over: that is no secret"));
    }
    let key = Key::new(bytes);
    bytes.zeroize();
    Ok(key)
}
