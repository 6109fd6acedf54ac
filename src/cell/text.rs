//! Text of a cell: trim, NFC, case folding (R5, R20).

use crate::invisible::{is_plain, seen, shown};
use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use icu_normalizer::{ComposingNormalizer, ComposingNormalizerBorrowed};
use std::borrow::Cow;

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

/// Text as it is published (R20): without what nobody sees, trimmed, NFC.
pub fn tidy(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(trim(text));
    }
    composed(shown(text))
}

/// Trims and composes what a text may own already.
fn composed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => nfc(trim(text)),
        Cow::Owned(text) => Cow::Owned(nfc(trim(&text)).into_owned()),
    }
}

/// The raw form of R5: without what nobody sees, trimmed, NFC, fully folded. Also what `exclude.equals`,
/// `consent.equals` and `map` compare.
pub fn canonical(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        let text = trim(text);
        let upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
        return if upper { Cow::Owned(text.to_ascii_lowercase()) } else { Cow::Borrowed(text) };
    }
    folded(composed(seen(text)))
}

/// Returns the text in full case folding, as Unicode defines it.
pub fn folded(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => CASES.fold_string(text),
        Cow::Owned(text) => Cow::Owned(CASES.fold_string(&text).into_owned()),
    }
}

/// Shows a value's canonical form to `look`, without touching the heap for short ASCII.
pub fn with_canonical<T>(text: &str, look: impl FnOnce(&str) -> T) -> T {
    let mut buffer = [0; 64];
    let trimmed = trim(text);
    if let Some(lower) = buffer.get_mut(..trimmed.len()).filter(|_| is_plain(trimmed)) {
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
    if is_plain(text) {
        return trim(text).eq_ignore_ascii_case(wanted);
    }
    canonical(text) == wanted
}
