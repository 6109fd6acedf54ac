//! Normal forms of values (R4 to R9): trim, NFC, case folding, and one rule per kind of identifier.
//! Must not know keys nor what the normal form is for.

use super::{email, phone, salesforce_id};
use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use icu_normalizer::{ComposingNormalizer, ComposingNormalizerBorrowed};
use std::borrow::Cow;

use crate::policy::Normal;

const NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizer::new_nfc();
const CASES: CaseMapperBorrowed<'static> = CaseMapper::new();

/// NFC. Characters below U+0300, the first that combines, stand in it as they are; none of them has a byte from 0xCC on.
pub fn nfc(text: &str) -> Cow<'_, str> {
    if text.bytes().fold(0, u8::max) < 0xCC { Cow::Borrowed(text) } else { NFC.normalize(text) }
}

/// Without Unicode White_Space at both ends (R5); text that begins and ends in visible ASCII has none.
pub fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

/// Trimmed (Unicode White_Space) and NFC (R5, R9, R20).
pub fn tidy(text: &str) -> Cow<'_, str> {
    nfc(trim(text))
}

/// The raw form of R5: trim, NFC, full case folding. Also what `exclude.equals`, `consent.equals` and `map` compare.
pub fn canonical(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        let text = trim(text);
        let upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
        return if upper { Cow::Owned(text.to_ascii_lowercase()) } else { Cow::Borrowed(text) };
    }
    match tidy(text) {
        Cow::Borrowed(text) => CASES.fold_string(text),
        Cow::Owned(text) => Cow::Owned(CASES.fold_string(&text).into_owned()),
    }
}

/// Shows a value's canonical form to `look`, without touching the heap for short ASCII.
pub fn with_canonical<T>(text: &str, look: impl FnOnce(&str) -> T) -> T {
    let mut buffer = [0; 64];
    let trimmed = trim(text);
    if let Some(lower) = buffer.get_mut(..trimmed.len()).filter(|_| trimmed.is_ascii()) {
        lower.copy_from_slice(trimmed.as_bytes());
        lower.make_ascii_lowercase();
        if let Ok(lower) = std::str::from_utf8(lower) {
            return look(lower);
        }
    }
    look(&canonical(text))
}

/// Whether a value's canonical form is `wanted`, which is canonical already.
pub fn matches_canonical(text: &str, wanted: &str) -> bool {
    if text.is_ascii() {
        return trim(text).eq_ignore_ascii_case(wanted);
    }
    canonical(text) == wanted
}

/// Appends the normal form of a value that is not blank; false, and nothing appended, when it does not normalise.
/// `region` is for phone numbers only.
pub fn normalise(rule: &Normal, text: &str, region: Option<phone::Region>, out: &mut Vec<u8>) -> bool {
    let text = trim(text);
    match rule {
        Normal::Email => email::normalise(text, out),
        Normal::SalesforceId => salesforce_id::normalise(text, out),
        Normal::Phone(_) => phone::normalise(text, region, out),
        Normal::Text => {
            out.extend_from_slice(nfc(text).as_bytes());
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r5_raw_forms_are_trimmed_composed_and_fully_folded() {
        assert_eq!(canonical("\u{2003}Stra\u{DF}e\u{A0}"), "strasse");
        assert_eq!(canonical("Cafe\u{301}"), "caf\u{E9}");
        assert_eq!(canonical("PLAIN"), "plain");
        assert!(matches_canonical(" TRUE ", "true"));
        assert!(matches_canonical("JOSE\u{301}", "jos\u{E9}"));
        assert!(!matches_canonical("jose", "jos\u{E9}"));
        assert!(matches_canonical("\u{212A}", "k"));
        for text in [" TRUE ", "JOSE\u{301}", "", &"Long ".repeat(40)] {
            with_canonical(text, |found| assert_eq!(found, canonical(text)));
        }
    }

    #[test]
    fn r9_text_is_trimmed_and_composed_and_keeps_its_case() {
        let mut out = Vec::new();
        assert!(normalise(&Normal::Text, " Zu\u{308}rich\t", None, &mut out));
        assert_eq!(out, "Z\u{FC}rich".as_bytes());
    }
}
