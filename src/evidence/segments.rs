//! The files of stored requests as evidence sees them: names, numbers without a gap, and the readable part in front.
//! Must not know what is in a request; no key is needed.

use super::record::OwnDigest;
use super::witness::Witness;
use crate::error::{Code, Error, Result};
use crate::store::{Object, Root};
use serde::Deserialize;

/// Folder of the segments below the state root.
pub const FOLDER: &str = "requests/segments";

/// What every segment begins with.
pub const MAGIC: &[u8; 8] = b"tamisreq";

/// The format that is written: the file ends in a digest of all bytes before. Files of format 1 have none.
pub const FORMAT: u32 = 2;

/// The part of a segment that says its format.
const FORMAT_AT: std::ops::Range<usize> = MAGIC.len()..MAGIC.len() + 4;

/// A segment's name: the numbers it covers, and how often they were merged. It never names other bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName {
    /// The first number it covers.
    pub first: u64,
    /// The last number it covers.
    pub last: u64,
    /// How often it was merged.
    pub generation: u32,
}

impl SegmentName {
    /// Of a segment that was just begun.
    pub fn new(number: u64) -> SegmentName {
        SegmentName { first: number, last: number, generation: 0 }
    }

    /// Name of the file.
    pub fn file(self) -> String {
        format!("{:010}-{:010}-{:04}.seg", self.first, self.last, self.generation)
    }

    /// Path below the state root.
    pub fn path(self) -> String {
        format!("{FOLDER}/{}", self.file())
    }

    /// Reads a file's name back.
    pub fn parse(file: &str) -> Option<SegmentName> {
        let mut parts = file.strip_suffix(".seg")?.split('-');
        let first = parts.next()?.parse().ok()?;
        let last = parts.next()?.parse().ok()?;
        let generation = parts.next()?.parse().ok()?;
        let name = SegmentName { first, last, generation };
        (name.file() == file && first >= 1 && first <= last).then_some(name)
    }

    /// Whether it is a merge that may have taken the place of another.
    pub fn covers(self, other: SegmentName) -> bool {
        self != other && self.generation > other.generation && self.first <= other.first && other.last <= self.last
    }

    /// Whether both cover a number.
    pub fn meets(self, other: SegmentName) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// The segments of a listing with their lengths, by number.
///
/// # Errors
/// An evidence error for a segment whose name tamis does not give.
pub fn names(objects: &[Object]) -> Result<Vec<(SegmentName, usize)>> {
    let mut names = Vec::new();
    for object in objects {
        let file = object.path.rsplit('/').next().unwrap_or("");
        if !file.ends_with(".seg") {
            continue;
        }
        let name = SegmentName::parse(file).ok_or_else(|| {
            Error::new(Code::StateForeignObject, format!("an object in {FOLDER} has a name that tamis does not give"))
                .help("nothing but tamis may write there; remove the object")
        })?;
        names.push((name, usize::try_from(object.bytes).unwrap_or(usize::MAX)));
    }
    names.sort_unstable();
    Ok(names)
}

/// The first number that no segment covers though a later one is there.
pub fn gap(names: &[SegmentName]) -> Option<u64> {
    let mut next = 1;
    for name in names {
        if name.first > next {
            return Some(next);
        }
        next = next.max(name.last + 1);
    }
    None
}

/// Number of the newest segment, from its name; 0 without any.
///
/// # Errors
/// Evidence, for a name that is none of a segment; storage.
pub fn last(state: &Root) -> Result<u64> {
    Ok(end(names(&state.list(FOLDER)?)?.iter().map(|(name, _)| name)))
}

/// The greatest number that any of the segments covers; 0 without any.
pub fn end<'a>(names: impl IntoIterator<Item = &'a SegmentName>) -> u64 {
    names.into_iter().map(|name| name.last).max().unwrap_or(0)
}

/// The newest segment's name and what it says of the ledger; none when it says nothing.
///
/// # Errors
/// As [`last`]; evidence, when it cannot be read as a segment.
pub fn witness(state: &Root) -> Result<Option<(SegmentName, Witness)>> {
    let names = names(&state.list(FOLDER)?)?;
    let Some((name, _)) = names.iter().max_by_key(|(name, _)| (name.last, name.generation)) else { return Ok(None) };
    let Some(bytes) = state.get(&name.path())? else { return Ok(None) };
    let told = told(&bytes).ok_or_else(|| {
        Error::new(
            Code::StatePartUnreadable,
            format!("{} cannot be read as a segment of stored requests", state.display(&name.path())),
        )
        .help("bring it back from a copy of the state")
    })?;
    Ok(told.map(|witness| (*name, witness)))
}

/// Adds what every segment ends with: the digest of all bytes before, which needs no key.
pub fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let own = blake3::hash(&bytes);
    bytes.extend_from_slice(own.as_bytes());
    bytes
}

/// Compares a segment's bytes with its own digest. One that has it was written with it, whatever its format says: no change
/// of one byte makes it a segment of an earlier build.
pub(crate) fn own_digest(bytes: &[u8]) -> OwnDigest {
    let Some((before, own)) = bytes.split_last_chunk::<32>() else { return OwnDigest::Differs };
    let Some(format) = before.get(FORMAT_AT) else { return OwnDigest::Differs };
    let parts = [&before[..FORMAT_AT.start], &FORMAT.to_le_bytes(), &before[FORMAT_AT.end..]];
    let mut hasher = blake3::Hasher::new();
    parts.into_iter().for_each(|part| {
        hasher.update(part);
    });
    let sealed = hasher.finalize() == *own;
    match (sealed, format == FORMAT.to_le_bytes()) {
        (true, true) => OwnDigest::Same,
        (false, false) if format == 1_u32.to_le_bytes() => OwnDigest::None,
        _ => OwnDigest::Differs,
    }
}

/// The witness in the readable part of a segment's bytes: the outer none for bytes that are no segment.
#[allow(clippy::option_option)]
pub(super) fn told(bytes: &[u8]) -> Option<Option<Witness>> {
    #[derive(Deserialize)]
    struct Front {
        #[serde(default)]
        witness: Option<Witness>,
    }
    let rest = bytes.strip_prefix(MAGIC.as_slice())?.get(4..)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let front = rest.get(..u32::from_le_bytes(*length) as usize)?;
    serde_json::from_slice::<Front>(front).ok().map(|front| front.witness)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(first: u64, last: u64, generation: u32) -> SegmentName {
        SegmentName { first, last, generation }
    }

    #[test]
    fn names_are_read_as_written_and_sort_by_number() {
        for n in [name(1, 1, 0), name(10, 4_000_000_000, 3)] {
            assert_eq!(SegmentName::parse(&n.file()), Some(n));
        }
        for bad in ["1-1-0.seg", "0000000002-0000000001-0000.seg", "0000000000-0000000001-0000.seg", "x.seg"] {
            assert_eq!(SegmentName::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_missing_number_is_found() {
        assert_eq!(gap(&[]), None);
        assert_eq!(gap(&[name(1, 4, 1), name(2, 2, 0), name(5, 5, 0)]), None);
        assert_eq!(gap(&[name(1, 4, 1), name(6, 6, 0)]), Some(5));
        assert_eq!(gap(&[name(2, 2, 0)]), Some(1));
    }

    #[test]
    fn every_changed_byte_of_a_segment_shows_without_a_key_and_older_segments_say_nothing() {
        let body = [MAGIC.as_slice(), &FORMAT.to_le_bytes(), b"the rest"].concat();
        let sealed = seal(body.clone());
        assert_eq!(own_digest(&sealed), OwnDigest::Same);
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut other = sealed.clone();
                other[at] ^= 1 << bit;
                assert_eq!(own_digest(&other), OwnDigest::Differs, "{at} {bit}");
            }
            assert_ne!(own_digest(&sealed[..at]), OwnDigest::Same, "{at}");
        }
        let mut as_before = sealed.clone();
        as_before[FORMAT_AT].copy_from_slice(&1_u32.to_le_bytes());
        assert_eq!(own_digest(&as_before), OwnDigest::Differs, "two changed bytes make none of an earlier build");
        let before = [MAGIC.as_slice(), &1_u32.to_le_bytes(), &[7; 40]].concat();
        assert_eq!(own_digest(&before), OwnDigest::None);
    }

    #[test]
    fn what_stands_in_front_is_read_without_a_key_and_older_segments_say_nothing() {
        let segment = |front: &str| {
            let length = u32::try_from(front.len()).unwrap().to_le_bytes();
            [&b"tamisreq\x01\0\0\0"[..], &length, front.as_bytes(), b"the rest"].concat()
        };
        assert_eq!(told(&segment(r#"{"marks":1}"#)), Some(None));
        let front = format!(r#"{{"witness":{{"ledger":{{"seq":3,"digest":"{}"}},"segment":2}}}}"#, "ab".repeat(32));
        assert_eq!(told(&segment(&front)).unwrap().unwrap().ledger.seq, 3);
        for bad in [&b""[..], b"tamisreq", b"tamisreq\x01\0\0\0\xff\0\0\0{}", b"PAR1\x01\0\0\0\x02\0\0\0{}"] {
            assert_eq!(told(bad), None);
        }
    }
}
