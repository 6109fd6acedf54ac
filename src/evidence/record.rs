//! How records of the state are written and read: JSON whose last field is the digest of all bytes before it, so that a
//! changed byte shows in the file itself. Records of earlier builds have none.

use super::{digest, json};
use crate::error::Result;
use serde::de::DeserializeOwned;

const KEY: &[u8] = b",\n  \"own_digest\": \"";
const DIGITS: usize = 64;
const CLOSE: &[u8] = b"\"\n}\n";
/// How the JSON of a record ends without the field.
const END: &[u8] = b"\n}\n";

/// The bytes of a record with its own digest.
pub(crate) fn record<T: serde::Serialize>(value: &T) -> Result<Vec<u8>> {
    let mut bytes = json(value)?;
    if bytes.ends_with(END) {
        bytes.truncate(bytes.len() - END.len());
        let own = digest(&bytes);
        bytes.extend([KEY, own.as_bytes(), CLOSE].concat());
    }
    Ok(bytes)
}

/// What the bytes of a record say of themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnDigest {
    /// They are those that were written.
    Same,
    /// They are not those that were written.
    Differs,
    /// An earlier build wrote them: they say nothing.
    None,
}

/// Compares the bytes of a record with its own digest. One that has the name of the field anywhere, or digits where its
/// digits belong, was written with it: no change of one byte makes it a record of an earlier build.
pub(crate) fn own_digest(bytes: &[u8]) -> OwnDigest {
    let (before, tail) = split(bytes).unwrap_or((bytes, &[]));
    let digits = tail.get(KEY.len()..KEY.len() + DIGITS).unwrap_or_default();
    if tail == [KEY, digest(before).as_bytes(), CLOSE].concat() {
        return OwnDigest::Same;
    }
    let named = bytes.windows(KEY.len()).any(|part| part == KEY);
    let with_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    if named || with_digits { OwnDigest::Differs } else { OwnDigest::None }
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    Some(bytes.split_at(bytes.len().checked_sub(KEY.len() + DIGITS + CLOSE.len())?))
}

/// Reads a record; none when its bytes were changed or are not what they should be.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    match (own_digest(bytes), split(bytes)) {
        (OwnDigest::Same, Some((before, _))) => serde_json::from_slice(&[before, END].concat()).ok(),
        (OwnDigest::None, _) => serde_json::from_slice(bytes).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_changed_byte_of_a_record_shows_and_one_of_an_earlier_build_is_read() {
        let value = BTreeMap::from([("job".to_string(), "contacts".to_string()), ("seq".into(), "7".into())]);
        let (before, bytes) = (json(&value).unwrap(), record(&value).unwrap());
        assert_eq!((own_digest(&bytes), parse(&bytes)), (OwnDigest::Same, Some(value.clone())));
        assert!(serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()["own_digest"].is_string());
        assert_eq!((own_digest(&before), parse(&before)), (OwnDigest::None, Some(value)));
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut other = bytes.clone();
                other[at] ^= 1 << bit;
                assert_eq!(own_digest(&other), OwnDigest::Differs, "{at} {bit}");
                assert_eq!(parse::<BTreeMap<String, String>>(&other), None, "{at} {bit}");
            }
        }
        for cut in 0..bytes.len() {
            assert_eq!(parse::<BTreeMap<String, String>>(&bytes[..cut]), None, "{cut}");
        }
        assert_eq!(parse::<BTreeMap<String, String>>(&[&bytes[..], b" "].concat()), None);
    }
}
