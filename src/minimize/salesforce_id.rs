//! Salesforce record ids to their 18 characters (R7).
//! The last three are a checksum of the case of the first fifteen, so folded ids can be repaired.

use crate::cell::why::WhyRaw;

/// Checksum characters by the case bits of five characters.
const CHECKSUM: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// The case bits of a checksum character, in either case; 255 for no checksum character.
const BITS: [u8; 256] = {
    let mut bits = [255; 256];
    let mut at = 0;
    while at < CHECKSUM.len() {
        bits[CHECKSUM[at] as usize] = at as u8;
        bits[CHECKSUM[at].to_ascii_lowercase() as usize] = at as u8;
        at += 1;
    }
    bits
};

/// For case bits, the bit that makes each of five letters upper case.
const CASES: [u64; 32] = {
    let mut cases = [0; 32];
    let mut at = 0;
    while at < 5 * 32 {
        let upper = ((at / 5) >> (at % 5) & 1) as u64;
        cases[at / 5] |= upper << (8 * (at % 5) + 5);
        at += 1;
    }
    cases
};

/// Sixteen times a byte.
const fn each(byte: u8) -> u128 {
    u128::from_ne_bytes([byte; 16])
}

/// What Salesforce writes where there is no record, before the checksum.
const NO_RECORD: &[u8] = b"000000000000000";

/// Appends the 18 characters of a trimmed id; false, and nothing appended, when it is none.
pub fn normalise(text: &str, out: &mut Vec<u8>) -> bool {
    !text.as_bytes().starts_with(NO_RECORD) && normalise_before(text, out)
}

/// The same, with the id of no record as an id like others.
pub fn normalise_before(text: &str, out: &mut Vec<u8>) -> bool {
    let id = match text.as_bytes() {
        id if id.len() == 18 => id.first_chunk().zip(id.last_chunk()).and_then(|(id, checksum)| repair(*id, *checksum)),
        id => id.try_into().ok().and_then(widen),
    };
    if let Some(id) = &id {
        out.extend_from_slice(id);
    }
    id.is_some()
}

/// Why a trimmed text that has no normal form has none.
pub fn why(text: &str) -> WhyRaw {
    match text.as_bytes() {
        id if id.starts_with(NO_RECORD) => WhyRaw::Placeholder,
        id if id.len() == 18 && id.iter().all(u8::is_ascii_alphanumeric) => WhyRaw::Checksum,
        _ => WhyRaw::NoRecordId,
    }
}

fn widen(id: [u8; 15]) -> Option<[u8; 18]> {
    let mut out = [0; 18];
    out[..15].copy_from_slice(&id);
    for block in 0..3 {
        let bits = (0..5).fold(0, |bits, k| bits | usize::from(id[5 * block + k].is_ascii_uppercase()) << k);
        out[15 + block] = CHECKSUM[bits];
    }
    id.iter().all(u8::is_ascii_alphanumeric).then_some(out)
}

/// Gives each letter the case its checksum bit says; none when a bit is set for a digit, or the checksum is no checksum.
/// All letters at once: byte `n` of a number is character `n`; the sixteenth is the first of the checksum.
fn repair(id: [u8; 16], checksum: [u8; 3]) -> Option<[u8; 18]> {
    let [a, b, c] = checksum.map(|check| BITS[usize::from(check)]);
    if (a | b | c) >= 32 {
        return None;
    }
    let case = |bits: u8| u128::from(CASES[usize::from(bits)]);
    let upper = case(a) | case(b) << 40 | case(c) << 80;
    let id = u128::from_le_bytes(id);
    // Letters differ from their other case in the bit 0x20, which digits have set; 0x40 is set in letters only.
    let good = alphanumeric(id) && upper << 1 & !id == 0;
    let mut out = [0; 18];
    out[..16].copy_from_slice(&((id | each(0x20)) & !upper).to_le_bytes());
    out[15..].copy_from_slice(&checksum.map(|check| check.to_ascii_uppercase()));
    good.then_some(out)
}

/// Whether all sixteen bytes are ASCII letters or digits.
fn alphanumeric(bytes: u128) -> bool {
    let from = |bytes: u128, least: u8| bytes + each(0x80 - least);
    let lower = bytes | each(0x20);
    let digits = from(bytes & each(0x7f), b'0') & !from(bytes & each(0x7f), b'9' + 1);
    let letters = from(lower & each(0x7f), b'a') & !from(lower & each(0x7f), b'z' + 1);
    (digits | letters) & !bytes & each(0x80) == each(0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> Option<String> {
        let mut out = Vec::new();
        normalise(text, &mut out).then(|| String::from_utf8(out).expect("ASCII"))
    }

    #[test]
    fn r7_15_characters_are_widened_and_keep_their_case() {
        assert_eq!(normal("001D000000IqhSL").as_deref(), Some("001D000000IqhSLIAZ"));
        assert_eq!(normal("001000000000000").as_deref(), Some("001000000000000AAA"));
        assert_ne!(normal("001D000000IqhSL"), normal("001d000000iqhsl"));
    }

    #[test]
    fn r7_folded_ids_of_18_are_repaired() {
        let id = normal("001D000000IqhSLIAZ");
        assert_eq!(id.as_deref(), Some("001D000000IqhSLIAZ"));
        assert_eq!(normal("001d000000iqhsliaz"), id);
        assert_eq!(normal("001D000000IQHSLIAZ"), id);
    }

    #[test]
    fn r7_other_text_does_not_normalise() {
        for bad in
            ["", "001D000000IqhS", "001D000000IqhSLI", "001D000000IqhSLIA", "001D000000IqhSLIAZX", "001D-00000IqhSL"]
        {
            assert_eq!(normal(bad), None, "{bad}");
        }
        assert_eq!(normal("001D000000IqhSLIA6"), None, "6 is no checksum character");
        assert_eq!(normal("001D000000IqhSLBAZ"), None, "a bit is set for the digit 0");
        assert_eq!(normal("001D000000IqhS\u{E9}"), None);
    }
}
