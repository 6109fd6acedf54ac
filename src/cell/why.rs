//! Why a value has no normal form (R4), and the values that stand for none whatever their kind. Must not know columns.

/// Why a value has no normal form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyRaw {
    /// It stands for no value: `-`, `N/A`, `null`, `0`.
    Placeholder,
    /// A spreadsheet has rounded it: `4.68769E+17`.
    Rounded,
    /// An address without `@`.
    NoAt,
    /// An address with a local part that is none.
    LocalPart,
    /// An address with a domain that is none.
    Domain,
    /// A number without `+` whose country is not known.
    UnknownRegion,
    /// No possible number.
    NoNumber,
    /// Not 15 or 18 letters and digits.
    NoRecordId,
    /// An id of 18 characters with a checksum of another.
    Checksum,
}

impl WhyRaw {
    /// How many there are.
    pub const COUNT: usize = 9;

    /// All of them, each at the place of its number.
    pub const ALL: [WhyRaw; WhyRaw::COUNT] = [
        WhyRaw::Placeholder,
        WhyRaw::Rounded,
        WhyRaw::NoAt,
        WhyRaw::LocalPart,
        WhyRaw::Domain,
        WhyRaw::UnknownRegion,
        WhyRaw::NoNumber,
        WhyRaw::NoRecordId,
        WhyRaw::Checksum,
    ];

    /// In words for reports.
    pub fn as_str(self) -> &'static str {
        match self {
            WhyRaw::Placeholder => "stands for no value",
            WhyRaw::Rounded => "rounded number",
            WhyRaw::NoAt => "no @",
            WhyRaw::LocalPart => "odd local part",
            WhyRaw::Domain => "no domain",
            WhyRaw::UnknownRegion => "unknown region",
            WhyRaw::NoNumber => "no possible number",
            WhyRaw::NoRecordId => "no record id",
            WhyRaw::Checksum => "wrong checksum",
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

/// Whether a trimmed text in printable ASCII needs no closer look by `stands_for_none`: a number or word of another kind.
pub fn is_ordinary(text: &str) -> bool {
    match text.as_bytes() {
        [b'1'..=b'9', next, ..] => !matches!(next, b'.' | b',' | b'e' | b'E'),
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
    rounded(text.as_bytes()).then_some(WhyRaw::Rounded)
}

/// One digit, a fraction and an exponent. Without a fraction the exponent has a sign: `1E5` may be an id.
fn rounded(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"+").or(text.strip_prefix(b"-")).unwrap_or(text);
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
    fn what_stands_for_no_value_or_is_rounded_is_told_apart_from_ids() {
        for text in ["-", "--", "N/A", "#N/A", "null", "NULL", "0", "000", "?", "n/a", "None", "\\N", "00000000-0000"] {
            assert_eq!(stands_for_none(text), Some(WhyRaw::Placeholder), "{text}");
            assert!(!is_ordinary(text), "{text}");
        }
        for text in ["4.68769E+17", "4,68769e+17", "1E+15", "4.68769E17", "-4.7E+11"] {
            assert_eq!(stands_for_none(text), Some(WhyRaw::Rounded), "{text}");
            assert!(!is_ordinary(text), "{text}");
        }
        for text in
            ["1E5", "12E+4", "E+17", "10", "p2", "Nadia", "468769000000000000", "1.5", "4.6E+", "0a", "\u{672a}"]
        {
            assert_eq!(stands_for_none(text), None, "{text}");
        }
        assert!(WhyRaw::ALL.iter().enumerate().all(|(at, why)| *why as usize == at));
    }
}
