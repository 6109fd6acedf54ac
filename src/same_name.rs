//! When two names of columns are one (R67). On the floor, for specs, exports and lists must agree: else `check` accepts
//! what every run refuses. Must not know what the names are of.

use crate::invisible::seen;
use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;

/// Returns a name as a column is found by it: trimmed and NFC.
pub fn normal(name: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(name.trim()).into_owned()
}

/// Returns a name without what nobody sees, trimmed and NFC: two names that differ here differ to the eye.
pub fn visible(name: &str) -> String {
    normal(&seen(name))
}

/// Returns what two names have in common that are one: their visible form, whatever its case.
pub fn folded(name: &str) -> String {
    CaseMapper::new().fold_string(&visible(name)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_whatever_their_case_and_what_nobody_sees() {
        let id = folded("Straße");
        for same in ["STRASSE", "stra\u{df}e", "Stra\u{200b}sse", "\u{feff} Straße", "Strass\u{ad}e\u{a0}"] {
            assert_eq!(folded(same), id, "{same:?}");
        }
        assert_eq!(folded("Cafe\u{200b}\u{301}"), folded("CAFÉ"), "NFC comes after what nobody sees is gone");
        assert_ne!(folded("Strase"), id);
        assert_eq!((normal(" Cafe\u{301}\t"), folded("\u{200b} ")), ("Café".into(), String::new()));
    }
}
