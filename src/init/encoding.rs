//! The encoding of a text, from its first bytes: the byte order mark, UTF-8, UTF-16, else what the bytes allow.

use crate::error::{Code, Error, Result};
use encoding_rs::{BIG5, EUC_KR, Encoding, GB18030, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How a text is encoded.
pub(super) struct Encoded {
    pub encoding: &'static Encoding,
    /// It begins with a byte order mark.
    pub bom: bool,
    /// The beginning, decoded, without the mark.
    pub text: String,
    /// What somebody has to look at.
    pub doubts: Vec<String>,
}

const EXPORT_AS_UTF_8: &str = "have it exported as UTF-8";
/// Bytes that windows-1252 does not have.
const NOT_IN_WINDOWS_1252: [u8; 5] = [0x81, 0x8d, 0x8f, 0x90, 0x9d];
/// Encodings of several bytes a letter, tried in this order.
const OF_SEVERAL_BYTES: [&Encoding; 4] = [SHIFT_JIS, EUC_KR, BIG5, GB18030];
/// UTF-8 that was read as windows-1252 and written as UTF-8 again: the beginning of `ä`, `é`, `ß`, `’`.
const READ_TWICE: [&str; 6] = ["Ã¤", "Ã¶", "Ã¼", "Ã©", "ÃŸ", "â€"];

/// Tells how a text is encoded whose first bytes are given; `whole` when they are all.
///
/// # Errors
/// An input error for UTF-32, for bytes of which the mark says something else, and for an empty text.
pub(super) fn detect(place: &str, start: &[u8], whole: bool) -> Result<Encoded> {
    let marked = Encoding::for_bom(start);
    let of_four = of_four_bytes(start);
    if let Some(width) = of_four {
        let what = match marked {
            Some((mark, _)) if !start.starts_with(&[0xff, 0xfe, 0, 0]) => {
                let mark = mark.name().to_lowercase();
                format!("{place} begins with the byte order mark of {mark} and goes on in {width}")
            }
            _ => format!("{place} is {width}, which is not read"),
        };
        return Err(Error::new(Code::EncodingWrong, what).help(EXPORT_AS_UTF_8));
    }
    let (encoding, length) = marked.unwrap_or_else(|| (of_two_bytes(start).unwrap_or(UTF_8), 0));
    let body = &start[length..];
    let mut doubts = Vec::new();
    let encoding = match cut(body, whole) {
        body if encoding != UTF_8 || std::str::from_utf8(body).is_ok() => encoding,
        body if marked.is_some() => {
            let at = length + std::str::from_utf8(body).map_or_else(|e| e.valid_up_to(), |_| 0);
            let what = format!("{place} begins with the byte order mark of utf-8, and byte {at} is none of UTF-8");
            return Err(Error::new(Code::EncodingWrong, what).help(EXPORT_AS_UTF_8));
        }
        body => other(body, &mut doubts),
    };
    let (text, _) = encoding.decode_without_bom_handling(body);
    if encoding == UTF_8 && READ_TWICE.iter().any(|mark| text.contains(mark)) {
        doubts.push(
            "some letters were UTF-8, read as windows-1252 and written again: have the export mended at its source"
                .into(),
        );
    }
    Ok(Encoded { encoding, bom: marked.is_some(), text: text.into_owned(), doubts })
}

/// The bytes up to a whole character of UTF-8, where there are more after them.
fn cut(body: &[u8], whole: bool) -> &[u8] {
    match std::str::from_utf8(body) {
        Err(e) if !whole && e.error_len().is_none() => &body[..e.valid_up_to()],
        _ => body,
    }
}

/// UTF-32, by the NULs of its letters: three in each four bytes.
fn of_four_bytes(start: &[u8]) -> Option<&'static str> {
    let (body, mut of) = (start.get(..2048).unwrap_or(start), [0_usize; 2]);
    for from in [0, 2] {
        let fours = body.get(from..).unwrap_or_default().chunks_exact(4);
        let (mut little, mut big, count) = (0, 0, fours.len());
        for four in fours {
            little += usize::from(four[0] != 0 && four[1..] == [0, 0, 0]);
            big += usize::from(four[3] != 0 && four[..3] == [0, 0, 0]);
        }
        let most = |share: usize| if count >= 2 && share * 10 >= count * 7 { share } else { 0 };
        of = [of[0].max(most(little)), of[1].max(most(big))];
    }
    match of {
        [0, 0] => None,
        [little, big] if little >= big => Some("utf-32le"),
        _ => Some("utf-32be"),
    }
}

/// UTF-16 without a mark, by the NULs of its plain letters.
fn of_two_bytes(start: &[u8]) -> Option<&'static Encoding> {
    let body = start.get(..2048).unwrap_or(start);
    let nuls = |parity: usize| body.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count() * 10;
    let most = body.len() / 2 * 4;
    match (nuls(0), nuls(1)) {
        (0, odd) if odd > most => Some(UTF_16LE),
        (even, 0) if even > most => Some(UTF_16BE),
        _ => None,
    }
}

/// What bytes are that are no UTF-8.
fn other(body: &[u8], doubts: &mut Vec<String>) -> &'static Encoding {
    let lossy = String::from_utf8_lossy(body);
    let whole = lossy.chars().filter(|letter| !letter.is_ascii() && *letter != '\u{fffd}').count();
    if whole > 0 {
        let bad = lossy.matches('\u{fffd}').count();
        doubts.push(format!("{whole} letters are UTF-8 and {bad} are not: two encodings in one file"));
    }
    if body.iter().any(|byte| NOT_IN_WINDOWS_1252.contains(byte)) {
        let fits = |encoding: &&&'static Encoding| {
            encoding.decode_without_bom_handling_and_without_replacement(body).is_some()
        };
        if let Some(encoding) = OF_SEVERAL_BYTES.iter().find(fits) {
            doubts.push(format!("{} fits the bytes; nothing in the file says so", encoding.name().to_lowercase()));
            return encoding;
        }
    }
    let high = body.iter().filter(|byte| **byte >= 0x80).count();
    let letters = body.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    if high * 3 > letters {
        doubts.push(
            "many letters are not ASCII: windows-1252 is a guess, and windows-1251 or another may be right".into(),
        );
    }
    WINDOWS_1252
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(start: &[u8]) -> String {
        match detect("raw:x", start, true) {
            Ok(found) => format!("{} {} {}", found.encoding.name(), found.bom, found.doubts.join(";")),
            Err(error) => error.to_string(),
        }
    }

    fn wide(text: &str, width: usize, big: bool) -> Vec<u8> {
        let bytes = |letter: char| {
            let little = u32::from(letter).to_le_bytes();
            let mut cut = little[..width].to_vec();
            cut.reverse();
            if big { cut } else { little[..width].to_vec() }
        };
        text.chars().flat_map(bytes).collect()
    }

    #[test]
    fn encodings_are_told_by_mark_and_by_bytes() {
        let text = "Id,Name\r\n1,Zo\u{eb}\r\n";
        for (start, expected) in [
            (text.as_bytes().to_vec(), "UTF-8 false "),
            ([b"\xef\xbb\xbf", text.as_bytes()].concat(), "UTF-8 true "),
            (b"Id,Name\r\n1,Zo\xeb\r\n".to_vec(), "windows-1252 false "),
            (wide(text, 2, false), "UTF-16LE false "),
            ([b"\xfe\xff".to_vec(), wide(text, 2, true)].concat(), "UTF-16BE true "),
            (b"Id,Name\n1,\x93\x8c\x8b\x9e\x81\x40\n".to_vec(), "Shift_JIS false shift_jis fits"),
            ("a\nK\u{c3}\u{b6}ln".as_bytes().to_vec(), "UTF-8 false some letters were UTF-8"),
            (b"a\nK\xc3\xb6ln\nK\xf6ln".to_vec(), "windows-1252 false 1 letters are UTF-8 and 1 are not"),
            (b"a\n\xcf\xf0\xe8\xe2\xe5\xf2".to_vec(), "windows-1252 false many letters"),
        ] {
            assert!(told(&start).starts_with(expected), "{}: {expected}", told(&start));
        }
    }

    #[test]
    fn a_mark_that_the_bytes_deny_is_named() {
        let text = wide("Id,Name\n1,Ada\n", 4, false);
        let contradiction = told(&[b"\xfe\xff".to_vec(), text.clone()].concat());
        assert!(contradiction.contains("mark of utf-16be and goes on in utf-32le"), "{contradiction}");
        assert!(told(&text).contains("is utf-32le, which is not read"));
        assert!(told(&[b"\xff\xfe\0\0".to_vec(), text].concat()).contains("is utf-32le"));
        assert!(told(b"\xef\xbb\xbfId\n\xe9\n").contains("mark of utf-8, and byte 6 is none"));
    }

    #[test]
    fn a_letter_cut_at_the_end_of_the_beginning_is_no_doubt() {
        let found = detect("raw:x", b"Id\nZo\xc3", false).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((found.encoding, found.doubts.len()), (UTF_8, 0));
    }
}
