//! Treatments of text: as-is, prefix, mask, map, email-domain. Characters are code points after trim and NFC (R20).
//! Must not know other types.

use super::Outcome;
use crate::minimize::email;
use crate::minimize::normal::{canonical, tidy, trim, with_canonical};
use crate::unseen::seen;
use std::collections::{BTreeMap, HashMap};

/// `as-is` of text: trimmed and NFC.
pub fn as_is(value: &str, out: &mut Vec<u8>) -> Outcome {
    out.extend_from_slice(tidy(value).as_bytes());
    Outcome::Value
}

/// `prefix`: the first `length` characters. A value not longer than that is untreated, as it would be shown whole (R20).
pub fn prefix(value: &str, length: usize, out: &mut Vec<u8>) -> Outcome {
    let text = tidy(value);
    let Some((end, _)) = text.char_indices().nth(length) else { return Outcome::Untreated };
    out.extend_from_slice(&text.as_bytes()[..end]);
    Outcome::Value
}

/// `mask`: all but the last `keep_last` characters replaced, one for one. A value of which all would be shown is
/// untreated (R20).
pub fn mask(value: &str, keep_last: usize, with: char, out: &mut Vec<u8>) -> Outcome {
    let text = tidy(value);
    let count = text.chars().count();
    if count <= keep_last {
        return Outcome::Untreated;
    }
    let (mut utf8, hidden) = ([0; 4], count - keep_last);
    let with = with.encode_utf8(&mut utf8).as_bytes();
    (0..hidden).for_each(|_| out.extend_from_slice(with));
    let shown = text.char_indices().nth(hidden).map_or(text.len(), |(at, _)| at);
    out.extend_from_slice(&text.as_bytes()[shown..]);
    Outcome::Value
}

/// The table of `map`: keys trimmed, NFC, case folded.
pub struct Table {
    values: HashMap<String, String>,
    default: String,
}

impl Table {
    /// From the plan.
    pub fn new(values: &BTreeMap<String, String>, default: &str) -> Table {
        let values = values.iter().map(|(key, value)| (canonical(key).into_owned(), value.clone())).collect();
        Table { values, default: default.to_owned() }
    }
}

/// `map`: the table's value, or its default.
pub fn map(value: &str, table: &Table, out: &mut Vec<u8>) -> Outcome {
    let mapped = with_canonical(value, |key| table.values.get(key)).unwrap_or(&table.default);
    out.extend_from_slice(mapped.as_bytes());
    Outcome::Value
}

/// `email-domain`: the domain of the address's normal form (R6); untreated when it has none.
pub fn email_domain(value: &str, out: &mut Vec<u8>) -> Outcome {
    let start = out.len();
    if !email::normalise(trim(&seen(value)), out) {
        return Outcome::Untreated;
    }
    let domain = start + out[start..].len() - email::domain(&out[start..]).len();
    out.drain(start..domain);
    Outcome::Value
}

#[cfg(test)]
mod tests {
    use crate::minimize::treat::Outcome::Untreated;
    use crate::minimize::treat::tests::treated_text;
    use crate::policy::{Treatment, ValueType};

    fn treat(how: &Treatment, text: &str) -> Result<String, super::Outcome> {
        treated_text(how, ValueType::Text, text)
    }

    #[test]
    fn r20_text_as_is_is_trimmed_and_composed_and_nothing_in_it_is_unseen() {
        assert_eq!(treat(&Treatment::AsIs, "\u{feff}Ber\u{ad}lin\u{200b}").as_deref(), Ok("Berlin"));
        assert_eq!(treat(&Treatment::AsIs, " Zu\u{308}rich\n").as_deref(), Ok("Z\u{FC}rich"));
    }

    #[test]
    fn r20_prefix_counts_characters_and_hides_short_values() {
        let two = Treatment::Prefix { length: 2 };
        assert_eq!(treat(&two, " 10115 ").as_deref(), Ok("10"));
        assert_eq!(treat(&two, "U\u{308}ber").as_deref(), Ok("\u{DC}b"));
        assert_eq!(treat(&two, "10"), Err(Untreated));
        assert_eq!(treat(&two, "U\u{308}b"), Err(Untreated));
    }

    #[test]
    fn r20_mask_keeps_the_last_characters_and_never_all() {
        let mask = |keep_last, with| Treatment::Mask { keep_last, with };
        assert_eq!(treat(&mask(4, '*'), "DE891234").as_deref(), Ok("****1234"));
        assert_eq!(treat(&mask(1, '\u{2022}'), "\u{E4}\u{F6}\u{FC}").as_deref(), Ok("\u{2022}\u{2022}\u{FC}"));
        assert_eq!(treat(&mask(0, 'x'), "ab").as_deref(), Ok("xx"));
        assert_eq!(treat(&mask(4, '*'), "1234"), Err(Untreated));
    }

    #[test]
    fn r20_map_compares_folded_and_has_a_default() {
        let values = [("Gro\u{DF}kunde".to_string(), "large".to_string())].into();
        let map = Treatment::Map { values, default: "other".into() };
        assert_eq!(treat(&map, " GROSSKUNDE ").as_deref(), Ok("large"));
        assert_eq!(treat(&map, "x").as_deref(), Ok("other"));
    }

    #[test]
    fn r20_email_domain_is_that_of_the_normal_form() {
        assert_eq!(treat(&Treatment::EmailDomain, "Ada@Example.ORG ").as_deref(), Ok("example.org"));
        assert_eq!(treat(&Treatment::EmailDomain, "ada@m\u{FC}ller.example").as_deref(), Ok("xn--mller-kva.example"));
        assert_eq!(treat(&Treatment::EmailDomain, "no address"), Err(Untreated));
    }
}
