//! When persons were first read, and when last (R42): one file in `state` beside the companions of a version, for jobs
//! that count retention from then. Holds first halves of identities and times, nothing else.

use super::table::Target;
use crate::clock::Instant;
use crate::error::Result;
use crate::store::{Root, Uploaded};
use std::io::Write;

/// What the file begins with; after it the length of the key's kind, the kind, and the persons in order.
const MAGIC: &[u8; 16] = b"tamis seen v1\0\0\0";
/// Bytes of a person: half an identity, the second in which a row was first read, and that of the last run that read one.
const PERSON: usize = 24;
const SECOND: i64 = 1_000_000;

/// A person of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeenPerson {
    /// First half of the identity of the key.
    pub identity: [u8; 16],
    /// When a run first read a row of the person.
    pub first: Instant,
    /// The last run that did.
    pub last: Instant,
}

/// All persons that a job has read lately, by identity. Deliberately without `Debug`: it holds identities.
pub struct SeenPersons {
    /// Kind of the identities.
    kind: String,
    persons: Vec<[u8; PERSON]>,
}

/// A file as written.
pub struct SeenWritten {
    /// Path below the state root.
    pub path: String,
    /// Persons that the file has.
    pub persons: u64,
    /// Length of the file.
    pub bytes: u64,
    /// BLAKE3 hex of its bytes.
    pub blake3: String,
}

impl SeenPersons {
    /// Takes persons in the order of their identities, each once.
    pub fn of(kind: &str, persons: impl Iterator<Item = SeenPerson>) -> SeenPersons {
        SeenPersons { kind: kind.to_owned(), persons: persons.map(packed).collect() }
    }

    /// Reads the file at `path`; none when it is not there, or is not the one with this BLAKE3.
    ///
    /// # Errors
    /// Storage errors.
    pub fn open(state: &Root, path: &str, blake3: &str) -> Result<Option<SeenPersons>> {
        let Some(bytes) = state.get(path)? else { return Ok(None) };
        if blake3::hash(&bytes).to_hex().as_str() != blake3 {
            return Ok(None);
        }
        Ok(Self::read(&bytes))
    }

    fn read(bytes: &[u8]) -> Option<SeenPersons> {
        let (length, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk()?;
        let (kind, persons) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let (persons, rest) = persons.as_chunks::<PERSON>();
        let kind = std::str::from_utf8(kind).ok().filter(|_| rest.is_empty())?.to_owned();
        Some(SeenPersons { kind, persons: persons.to_vec() })
    }

    /// Writes the file of one attempt of a run; nothing refers to it before its manifest is committed.
    ///
    /// # Errors
    /// Storage errors.
    pub fn write(&self, target: &Target<'_>, run: &str, attempt: u32) -> Result<SeenWritten> {
        let path = target.companion(&file_name(run, attempt));
        let mut upload = target.state.upload(&path)?;
        let failed = |error| crate::store::from_io(&target.state.display(&path), error);
        upload.write_all(MAGIC).map_err(failed)?;
        upload.write_all(&(self.kind.len() as u32).to_le_bytes()).map_err(failed)?;
        upload.write_all(self.kind.as_bytes()).map_err(failed)?;
        upload.write_all(self.persons.as_flattened()).map_err(failed)?;
        let Uploaded { bytes, blake3 } = upload.finish()?;
        Ok(SeenWritten { path, persons: self.len(), bytes, blake3 })
    }

    /// Returns the kind of the identities.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns how many persons it has.
    pub fn len(&self) -> u64 {
        self.persons.len() as u64
    }

    /// Returns whether it has nobody.
    pub fn is_empty(&self) -> bool {
        self.persons.is_empty()
    }

    /// Returns all of them, by identity.
    pub fn iter(&self) -> impl Iterator<Item = SeenPerson> {
        self.persons.iter().map(unpacked)
    }

    /// Returns when a row of a person was first read.
    pub fn first(&self, identity: &[u8; 16]) -> Option<Instant> {
        let at = self.persons.binary_search_by(|person| person[..16].cmp(identity)).ok()?;
        Some(unpacked(&self.persons[at]).first)
    }
}

/// Times are cut to seconds, and to what 32 bits of them hold: never later than they are.
fn packed(person: SeenPerson) -> [u8; PERSON] {
    let seconds = |at: Instant| (at.0.div_euclid(SECOND).clamp(0, i64::from(u32::MAX)) as u32).to_le_bytes();
    let mut bytes = [0; PERSON];
    bytes[..16].copy_from_slice(&person.identity);
    bytes[16..20].copy_from_slice(&seconds(person.first));
    bytes[20..].copy_from_slice(&seconds(person.last));
    bytes
}

fn unpacked(bytes: &[u8; PERSON]) -> SeenPerson {
    let seconds = |at: usize| {
        let four = bytes[at..].first_chunk().copied().unwrap_or_default();
        Instant(i64::from(u32::from_le_bytes(four)) * SECOND)
    };
    SeenPerson { identity: bytes[..16].try_into().unwrap_or_default(), first: seconds(16), last: seconds(20) }
}

fn file_name(run: &str, attempt: u32) -> String {
    format!("seen-{run}-{attempt}.bin")
}

/// Returns run and attempt that wrote a file, by its name; none of another file.
pub fn seen_by(name: &str) -> Option<(&str, u32)> {
    let (run, attempt) = name.strip_prefix("seen-")?.strip_suffix(".bin")?.rsplit_once('-')?;
    let digits = !attempt.is_empty() && attempt.bytes().all(|b| b.is_ascii_digit());
    Some((run, attempt.parse().ok()?)).filter(|_| digits && !run.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(byte: u8, first: i64, last: i64) -> SeenPerson {
        SeenPerson { identity: [byte; 16], first: Instant(first), last: Instant(last) }
    }

    #[test]
    fn r42_persons_come_back_with_times_that_are_never_later() {
        let all = [person(1, 5_999_999, 9 * SECOND), person(7, -SECOND, i64::MAX)];
        let seen = SeenPersons::of("text/1", all.into_iter());
        let back: Vec<SeenPerson> = seen.iter().collect();
        let last = i64::from(u32::MAX) * SECOND;
        assert_eq!(back, [person(1, 5 * SECOND, 9 * SECOND), person(7, 0, last)]);
        assert_eq!(seen.first(&[7; 16]), Some(Instant(0)));
        assert_eq!(seen.first(&[2; 16]), None);
    }

    #[test]
    fn bytes_that_are_no_such_file_are_none() {
        let seen = SeenPersons::of("text/1", [person(1, 0, 0)].into_iter());
        let mut bytes = MAGIC.to_vec();
        bytes.extend([6, 0, 0, 0]);
        bytes.extend(b"text/1");
        bytes.extend(seen.persons.as_flattened());
        assert_eq!(SeenPersons::read(&bytes).map(|seen| (seen.kind.clone(), seen.len())), Some(("text/1".into(), 1)));
        for cut in 0..bytes.len() {
            assert!(SeenPersons::read(&bytes[..cut]).is_none_or(|seen| seen.is_empty()), "{cut}");
        }
    }

    #[test]
    fn names_are_known_again() {
        assert_eq!(seen_by(&file_name("crm-20261124t020000z-1", 2)), Some(("crm-20261124t020000z-1", 2)));
        for other in ["part-00000-run-1.parquet", "seen-run.bin", "seen--1.bin", "seen-run-x.bin"] {
            assert_eq!(seen_by(other), None, "{other}");
        }
    }
}
