//! The beginning of a member, for who has to find out what it is like before anything is declared. Must not know formats.

use super::container::{Bytes, Member};
use super::signature;
use crate::error::Result;
use crate::policy::ReadFormat;
use crate::store::Root;

/// The first bytes of a member, unpacked.
/// Deliberately without `Debug`: it holds raw values.
pub struct Beginning {
    /// At most as many as were asked for.
    pub bytes: Vec<u8>,
    /// That is all there is of it.
    pub whole: bool,
}

/// Reads the beginning of a member, at most `most` bytes of it.
///
/// # Errors
/// Input errors for a member that cannot be unpacked; storage errors.
pub fn beginning(root: &Root, member: &Member, most: usize) -> Result<Beginning> {
    let mut bytes = Bytes::open(root, member, &ReadFormat::csv(), 0, blake3::Hasher::new())?;
    let (mut start, mut filled) = (vec![0; most], 0);
    while filled < most {
        match bytes.read(&mut start[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    start.truncate(filled);
    Ok(Beginning { whole: filled < most, bytes: start })
}

/// Returns what an operator can do about a file that is something else.
pub fn what_to_do(what: &str) -> &'static str {
    signature::help(what)
}

/// Returns what a file is that begins so and is no text with cells; none when it may be one.
pub fn foreign(start: &[u8]) -> Option<&'static str> {
    signature::foreign(start.get(..signature::LOOKED_AT).unwrap_or(start))
}
