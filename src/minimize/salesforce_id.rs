//! Salesforce record ids to their 18 characters (R7).
//! The last three are a checksum of the case of the first fifteen, so folded ids can be repaired.

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

/// Appends the 18 characters of a trimmed id; false, and nothing appended, when it is none.
pub fn normalise(text: &str, out: &mut Vec<u8>) -> bool {
    let bytes = text.as_bytes();
    if !bytes.iter().all(u8::is_ascii_alphanumeric) {
        return false;
    }
    let id = match bytes {
        [id @ .., _, _, _] if bytes.len() == 18 => repair(id, &bytes[15..]),
        _ => widen(bytes),
    };
    if let Some(id) = &id {
        out.extend_from_slice(id);
    }
    id.is_some()
}

fn widen(id: &[u8]) -> Option<[u8; 18]> {
    let mut out = [0; 18];
    out[..15].copy_from_slice(id.first_chunk::<15>().filter(|_| id.len() == 15)?);
    for block in 0..3 {
        let bits = (0..5).fold(0, |bits, k| bits | usize::from(id[5 * block + k].is_ascii_uppercase()) << k);
        out[15 + block] = CHECKSUM[bits];
    }
    Some(out)
}

/// Gives each letter the case its checksum bit says; none when a bit is set for a digit, or the checksum is no checksum.
fn repair(id: &[u8], checksum: &[u8]) -> Option<[u8; 18]> {
    let mut out = [0; 18];
    let mut good = true;
    for (block, check) in checksum.iter().enumerate() {
        let bits = BITS[usize::from(*check)];
        out[15 + block] = check.to_ascii_uppercase();
        good &= bits < 32;
        for k in 0..5 {
            let (byte, upper) = (id[5 * block + k], bits >> k & 1 == 1);
            let digit = byte.is_ascii_digit();
            good &= !(upper && digit);
            // Letters differ from their other case in this one bit.
            out[5 * block + k] = if digit { byte } else { byte & !0x20 | u8::from(!upper) << 5 };
        }
    }
    good.then_some(out)
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
