//! E-mail addresses to their normal form (R6).
//! Plain addresses are decided byte by byte; everything else takes the whole rule. Both agree.

use super::text::nfc;
use super::why::WhyRaw;
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

/// Appends the normal form of a trimmed address; false, and nothing appended, when there is none.
pub fn normalise(text: &str, out: &mut Vec<u8>) -> bool {
    plain(text, out) || whole(text, out)
}

/// Why a trimmed text that has no normal form has none.
pub fn why(text: &str) -> WhyRaw {
    match text.rsplit_once('@') {
        None => WhyRaw::NoAt,
        Some((local, _)) if !is_local(local) => WhyRaw::LocalPart,
        Some(_) => WhyRaw::Domain,
    }
}

fn is_local(text: &str) -> bool {
    let forbidden = |c: char| c.is_whitespace() || "@<>\",;:()".contains(c);
    !text.is_empty() && !text.contains(forbidden)
}

/// The part after the last `@` of a normal form.
pub fn domain(normal: &[u8]) -> &[u8] {
    let at = memchr::memrchr(b'@', normal).map_or(0, |at| at + 1);
    &normal[at..]
}

fn whole(text: &str, out: &mut Vec<u8>) -> bool {
    let text = nfc(text);
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    if !is_local(local) {
        return false;
    }
    let ascii = Uts46::new().to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Verify);
    let Ok(domain) = ascii else { return false };
    out.extend_from_slice(local.to_lowercase().as_bytes());
    out.push(b'@');
    out.extend_from_slice(domain.as_bytes());
    true
}

/// What a byte may be part of: a local part, an ASCII one; or what it is in a domain.
mod class {
    pub const LOCAL: u8 = 1;
    pub const ASCII: u8 = 2;
    /// Between labels, or words of a label.
    pub const BETWEEN: u8 = 4;
    /// In no plain domain.
    pub const STRANGE: u8 = 8;
}

/// Beyond ASCII a local part has the bytes of U+00C0 to U+02FF: no white space, nothing unseen, and NFC as they are.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        let white = matches!(byte, b' ' | b'\t'..=b'\r');
        let forbidden = matches!(byte, b'@' | b'<' | b'>' | b'"' | b',' | b';' | b':' | b'(' | b')');
        let local = match byte {
            // Control characters are seen by nobody: the whole rule drops them.
            0..0x20 | 0x7F => 0,
            0..0x80 if white || forbidden => 0,
            0..0x80 => class::LOCAL | class::ASCII,
            0x80..0xC0 | 0xC3..0xCC => class::LOCAL,
            _ => 0,
        };
        let domain = match byte {
            b'-' | b'.' => class::BETWEEN,
            _ if byte.is_ascii_alphanumeric() => 0,
            _ => class::STRANGE,
        };
        classes[at] = local | domain;
        at += 1;
    }
    classes
};

/// The short way: true only for an address that is plainly well-formed.
pub fn plain(text: &str, out: &mut Vec<u8>) -> bool {
    let Some(at) = memchr::memrchr(b'@', text.as_bytes()) else { return false };
    let (local, domain) = (&text[..at], &text[at + 1..]);
    let all = local.bytes().fold(class::LOCAL | class::ASCII, |all, byte| all & CLASSES[usize::from(byte)]);
    if local.is_empty() || all & class::LOCAL == 0 || !plain_domain(domain.as_bytes()) {
        return false;
    }
    let start = out.len();
    if all & class::ASCII != 0 {
        out.extend_from_slice(text.as_bytes());
    } else {
        local.chars().for_each(|c| lower(c, out));
        out.push(b'@');
        out.extend_from_slice(domain.as_bytes());
    }
    out[start..].make_ascii_lowercase();
    true
}

/// An ASCII domain that fits into one label's length and has no two hyphens or dots together, so nothing of what UTS 46
/// checks or decodes can be in it.
fn plain_domain(domain: &[u8]) -> bool {
    let (mut before, mut odd) = (class::BETWEEN, 0);
    for byte in domain {
        let class = CLASSES[usize::from(*byte)];
        odd |= class & (before | class::STRANGE) & (class::BETWEEN | class::STRANGE);
        before = class;
    }
    odd == 0 && before & class::BETWEEN == 0 && domain.len() <= 63
}

fn lower(c: char, out: &mut Vec<u8>) {
    if c.is_ascii() {
        return out.push(c as u8);
    }
    for c in c.to_lowercase() {
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal(text: &str) -> Option<String> {
        let mut out = Vec::new();
        normalise(text, &mut out).then(|| String::from_utf8(out).expect("UTF-8"))
    }

    #[test]
    fn r6_addresses_become_lower_case_with_an_ascii_domain() {
        assert_eq!(normal("Ada.Lovelace+x@Example.ORG").as_deref(), Some("ada.lovelace+x@example.org"));
        assert_eq!(normal("J\u{D6}RG@m\u{FC}ller.example").as_deref(), Some("j\u{F6}rg@xn--mller-kva.example"));
        assert_eq!(normal("jo\u{308}rg@mu\u{308}ller.example"), normal("J\u{D6}RG@XN--MLLER-KVA.example"));
        assert_eq!(normal("a@stra\u{DF}e.example").as_deref(), Some("a@xn--strae-oqa.example"));
        assert_eq!(normal("a@example\u{3002}org").as_deref(), Some("a@example.org"));
        assert_eq!(normal("o'brien%x@localhost").as_deref(), Some("o'brien%x@localhost"));
    }

    #[test]
    fn r6_other_addresses_do_not_normalise() {
        let long = format!("a@{}.example", "x".repeat(64));
        for bad in [
            "",
            "@",
            "a@",
            "@b.example",
            "a b@c.example",
            "a@b@c.example",
            "<a@b.example>",
            "a@b.example.",
            "a@b..example",
            "a@-b.example",
            "a@b-.example",
            "a@ab--c.example",
            "a@b_c.example",
            "a@xn--a.example",
            "a;b@c.example",
            "a\u{A0}b@c.example",
            "a@b.example,c@d.example",
            "a\"b@c.example",
            "no at sign",
            "a@b c.example",
            &long,
        ] {
            assert_eq!(normal(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn r6_the_short_way_agrees_with_the_whole_rule(
            text in "[aZ0._%+' \u{e9}\u{c9}\u{130}\u{2ff}\u{301}\u{a0}-]{0,4}@?[a-zA-Z0-9._-]{0,8}(@|\\.)[a-cX-Z0-9-]{0,6}(\\.[a-z-]{0,4}){0,3}\\.?",
            any in "\\PC{0,12}@[\\x00-\\x7f]{0,10}",
        ) {
            for text in [text, any] {
                let (mut short, mut long) = (Vec::new(), Vec::new());
                if plain(&text, &mut short) {
                    prop_assert!(whole(&text, &mut long), "{}", text);
                    prop_assert_eq!(&short, &long);
                } else {
                    prop_assert!(short.is_empty());
                }
            }
        }

        #[test]
        fn r6_normal_forms_are_their_own_normal_form(text in "[a-zA-ZÄÖß.]{1,5}@[a-zA-Zäöüß0-9-]{1,8}\\.[a-z]{2,3}") {
            if let Some(once) = normal(&text) {
                prop_assert_eq!(normal(&once), Some(once));
            }
        }
    }
}
