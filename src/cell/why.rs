//! Why a value has no normal form (R4), and the values that stand for none, or for too many, whatever their kind.

/// Why a value has no normal form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyRaw {
    /// It stands for no value: `-`, `N/A`, `null`, `0`.
    Placeholder,
    /// A spreadsheet has rounded it: `4.68769E+17`.
    Rounded,
    /// A spreadsheet has cut it to 15 digits and filled it up with zeros: `468769123456789000`.
    Cut,
    /// An address without `@`.
    NoAt,
    /// An address with a local part that is none.
    LocalPart,
    /// An address with a domain that is none.
    Domain,
    /// A number without `+` whose country is not known.
    UnknownRegion,
    /// The cell is no number in the form that the column declares.
    NoNumber,
    /// Not 15 or 18 letters and digits.
    NoRecordId,
    /// An id of 18 characters with a checksum of another.
    Checksum,
    /// Not 32 hexadecimal digits with or without hyphens and brackets.
    NoGuid,
}

impl WhyRaw {
    /// How many there are.
    pub const COUNT: usize = 11;

    /// All of them, each at the place of its number.
    pub const ALL: [WhyRaw; WhyRaw::COUNT] = [
        WhyRaw::Placeholder,
        WhyRaw::Rounded,
        WhyRaw::Cut,
        WhyRaw::NoAt,
        WhyRaw::LocalPart,
        WhyRaw::Domain,
        WhyRaw::UnknownRegion,
        WhyRaw::NoNumber,
        WhyRaw::NoRecordId,
        WhyRaw::Checksum,
        WhyRaw::NoGuid,
    ];

    /// In words for reports.
    pub fn as_str(self) -> &'static str {
        match self {
            WhyRaw::Placeholder => "stands for no value",
            WhyRaw::Rounded => "rounded number",
            WhyRaw::Cut => "cut by a spreadsheet",
            WhyRaw::NoAt => "no @",
            WhyRaw::LocalPart => "odd local part",
            WhyRaw::Domain => "no domain",
            WhyRaw::UnknownRegion => "unknown region",
            WhyRaw::NoNumber => "no possible number",
            WhyRaw::NoRecordId => "no record id",
            WhyRaw::Checksum => "wrong checksum",
            WhyRaw::NoGuid => "no GUID",
        }
    }
}

/// What programs and spreadsheets write where there is no value, folded.
const PLACEHOLDERS: [&str; 21] = [
    "n/a",
    "#n/a",
    "n.a.",
    "na",
    "nan",
    "nil",
    "none",
    "null",
    "(null)",
    "<null>",
    "[null]",
    "\\n",
    "undefined",
    "unknown",
    "not available",
    "#ref!",
    "#value!",
    "#name?",
    "#null!",
    "#num!",
    "#div/0!",
];

/// Digits that a spreadsheet keeps of a number.
const KEPT_DIGITS: usize = 15;
/// From how many digits on a number that has only zeros after those is taken for one that was cut: of real ids of so many
/// digits one in a thousand looks so.
const CUT_DIGITS: usize = KEPT_DIGITS + 3;

/// Whether a trimmed text in printable ASCII needs no closer look by `stands_for_none`: a number or word of another kind.
pub fn is_ordinary(text: &str) -> bool {
    match text.as_bytes() {
        [b'1'..=b'9', next, ..] => {
            let long = text.len() >= CUT_DIGITS && text.ends_with('0');
            !long && !matches!(next, b'.' | b',' | b'e' | b'E')
        }
        [b'1'..=b'9'] => true,
        [first, ..] => first.is_ascii_alphabetic() && !matches!(first, b'n' | b'N' | b'u' | b'U'),
        [] => false,
    }
}

/// Why a trimmed text is no value of any kind: it says that there is none, or only the first digits of it are left.
pub fn stands_for_none(text: &str) -> Option<WhyRaw> {
    let says_nothing = text.chars().all(|c| c == '0' || !c.is_alphanumeric());
    if says_nothing || PLACEHOLDERS.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Some(WhyRaw::Placeholder);
    }
    if rounded(text.as_bytes()) {
        return Some(WhyRaw::Rounded);
    }
    cut(text.as_bytes()).then_some(WhyRaw::Cut)
}

/// A long number of which only the first digits are left, with a fraction of zeros or none.
fn cut(text: &[u8]) -> bool {
    let zeros = |digits: &[u8]| digits.iter().all(|digit| *digit == b'0');
    let text = unsigned(text);
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at(digits);
    let whole = match rest {
        [] => true,
        [b'.' | b',', fraction @ ..] => !fraction.is_empty() && zeros(fraction),
        _ => false,
    };
    whole && digits >= CUT_DIGITS && number[0] != b'0' && zeros(&number[KEPT_DIGITS..])
}

fn unsigned(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"+").or(text.strip_prefix(b"-")).unwrap_or(text)
}

/// One digit, a fraction and an exponent. Without a fraction the exponent has a sign: `1E5` may be an id.
fn rounded(text: &[u8]) -> bool {
    let text = unsigned(text);
    let Some(at) = text.iter().position(|byte| matches!(byte, b'e' | b'E')) else { return false };
    let (mantissa, exponent) = (&text[..at], &text[at + 1..]);
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let fraction = match mantissa {
        [b'0'..=b'9'] => false,
        [b'0'..=b'9', b'.' | b',', rest @ ..] if digits(rest) => true,
        _ => return false,
    };
    match exponent.strip_prefix(b"+") {
        Some(exponent) => digits(exponent) && exponent.len() <= 3,
        None => fraction && digits(exponent) && exponent.len() <= 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_no_value_or_is_rounded_or_cut_is_told_apart_from_ids() {
        for text in ["-", "--", "N/A", "#N/A", "null", "NULL", "0", "000", "?", "n/a", "None", "\\N", "00000000-0000"] {
            assert_eq!(stands_for_none(text), Some(WhyRaw::Placeholder), "{text}");
            assert!(!is_ordinary(text), "{text}");
        }
        for text in ["4.68769E+17", "4,68769e+17", "1E+15", "4.68769E17", "-4.7E+11"] {
            assert_eq!(stands_for_none(text), Some(WhyRaw::Rounded), "{text}");
            assert!(!is_ordinary(text), "{text}");
        }
        for text in [
            "468769000000000000",
            "468769123456789000",
            "-468769123456789000",
            "+468769123456789000",
            "468769123456789000.0",
            "468769123456789000,00",
            "1000000000000000000000",
        ] {
            assert_eq!(stands_for_none(text), Some(WhyRaw::Cut), "{text}");
            assert!(!is_ordinary(text), "{text}");
        }
        let ids = ["468769123456789010", "46876912345678900", "046876912345678900", "4687691234567890000a"];
        let odd = ["468769123456789000.5", "468769123456789000.", "468769123456789000-1", "0468769123456789000"];
        let short = ["1E5", "12E+4", "E+17", "10", "p2", "Nadia", "1.5", "4.6E+", "0a", "\u{672a}"];
        for text in ids.into_iter().chain(odd).chain(short) {
            assert_eq!(stands_for_none(text), None, "{text}");
        }
        assert!(WhyRaw::ALL.iter().enumerate().all(|(at, why)| *why as usize == at));
    }
}
