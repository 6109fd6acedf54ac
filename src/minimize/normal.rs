//! Normal forms of values (R4 to R9): trim, NFC, case folding, and one rule per kind of identifier.

use super::{guid, phone, salesforce_id};
use std::borrow::Cow;

use crate::cell::email;
use crate::cell::text::{folded, nfc, trim};
use crate::cell::why::{self, WhyRaw};
use crate::invisible::{is_plain, seen};
use crate::policy::Normal;

/// What came of a value.
pub struct Formed {
    /// Why it has no normal form, when it has none.
    pub why: Option<WhyRaw>,
    /// It has characters that nobody sees.
    pub unseen: bool,
    /// The rules have given it another identity before: see `normalise_before`.
    pub renewed: bool,
}

/// Appends the normal form of a value that is not blank; nothing is appended when it has none. `region` is for phone
/// numbers only.
pub fn normalise(rule: &Normal, text: &str, region: Option<phone::Region>, out: &mut Vec<u8>) -> Formed {
    let text = trim(text);
    let quick = match rule {
        Normal::Email => email::plain(text, out),
        Normal::SalesforceId => salesforce_id::normalise(text, out),
        Normal::Phone(_) => phone::short(text.as_bytes(), region, out),
        Normal::Text if is_plain(text) && why::is_ordinary(text) => {
            out.extend_from_slice(text.as_bytes());
            true
        }
        Normal::Guid => guid::normalise(text, out),
        Normal::Text | Normal::AnyCase => false,
    };
    if quick { Formed { why: None, unseen: false, renewed: false } } else { whole(rule, text, region, out) }
}

/// The whole rule, for values that the quick way leaves open.
fn whole(rule: &Normal, text: &str, region: Option<phone::Region>, out: &mut Vec<u8>) -> Formed {
    let text = seen(text);
    let unseen = matches!(text, Cow::Owned(_));
    let text = trim(&text);
    let none = why::stands_for_none(text);
    let why = match rule {
        _ if none.is_some() => none,
        Normal::Email if email::normalise(text, out) => None,
        Normal::Email => Some(email::why(text)),
        Normal::SalesforceId if salesforce_id::normalise(text, out) => None,
        Normal::SalesforceId => Some(salesforce_id::why(text)),
        Normal::Phone(_) if phone::normalise(text, region, out) => None,
        Normal::Phone(_) => Some(phone::why(text, region)),
        Normal::Guid if guid::normalise(text, out) => None,
        Normal::Guid => Some(WhyRaw::NoGuid),
        Normal::AnyCase => {
            out.extend_from_slice(folded(nfc(text)).as_bytes());
            None
        }
        Normal::Text => {
            out.extend_from_slice(nfc(text).as_bytes());
            None
        }
    };
    let renewed = unseen || matches!(why, Some(WhyRaw::Placeholder | WhyRaw::Rounded | WhyRaw::Cut));
    Formed { why, unseen, renewed }
}

/// Appends what was hashed before characters that nobody sees were dropped, and before values that stand for none were
/// raw: a normal form (true) or a raw form. Stored requests may name it.
pub fn normalise_before(rule: &Normal, text: &str, region: Option<phone::Region>, out: &mut Vec<u8>) -> bool {
    let text = trim(text);
    let normal = match rule {
        Normal::Email => email::normalise(text, out),
        Normal::SalesforceId => salesforce_id::normalise_before(text, out),
        Normal::Phone(_) => phone::normalise(text, region, out),
        Normal::Guid => guid::normalise(text, out),
        Normal::Text | Normal::AnyCase => {
            out.extend_from_slice(nfc(text).as_bytes());
            true
        }
    };
    if !normal {
        out.extend_from_slice(folded(nfc(text)).as_bytes());
    }
    normal
}

/// Returns whether a value has a normal form. Phone numbers are read without a country.
pub fn formed(rule: &Normal, text: &str) -> bool {
    !trim(text).is_empty() && normalise(rule, text, None, &mut Vec::new()).why.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::text::{canonical, matches_canonical, with_canonical};

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
        assert!(normalise(&Normal::Text, " Zu\u{308}rich\t", None, &mut out).why.is_none());
        assert_eq!(out, "Z\u{FC}rich".as_bytes());
    }

    #[test]
    fn r5_what_nobody_sees_changes_no_form() {
        let form = |rule: &Normal, text: &str| {
            let mut out = Vec::new();
            let why = normalise(rule, text, super::super::region::region("DE"), &mut out).why;
            (why, String::from_utf8(out).expect("UTF-8"))
        };
        let phone = Normal::Phone(crate::policy::PhoneRegion::International);
        for (rule, plain) in [
            (Normal::Email, "ada@example.org"),
            (Normal::Text, "p2"),
            (Normal::SalesforceId, "003D000000IqhSL"),
            (phone, "030 123456"),
        ] {
            let wanted = form(&rule, plain);
            assert_eq!(wanted.0, None);
            for hidden in "\u{200b}\u{feff}\u{202a}\u{ad}\u{2060}\u{200d}\u{fe0f}\u{e0041}\u{1}\u{7f}".chars() {
                for at in [0, 1, 2, plain.len()] {
                    let mut text = plain.to_owned();
                    text.insert(at, hidden);
                    assert_eq!(form(&rule, &text), wanted, "{hidden:?} at {at} of {plain}");
                    assert_eq!(canonical(&text), canonical(plain));
                }
            }
        }
    }

    #[test]
    fn r4_values_without_a_normal_form_say_why() {
        let phone = Normal::Phone(crate::policy::PhoneRegion::Column(0));
        for (rule, text, why) in [
            (&Normal::Email, "ada", WhyRaw::NoAt),
            (&Normal::Email, "<ada@example.org>", WhyRaw::LocalPart),
            (&Normal::Email, "ada@example.org.", WhyRaw::Domain),
            (&Normal::Email, "n/a", WhyRaw::Placeholder),
            (&Normal::Text, "\u{200b}-", WhyRaw::Placeholder),
            (&Normal::Text, "4.68769E+17", WhyRaw::Rounded),
            (&Normal::Text, "468769000000000000", WhyRaw::Cut),
            (&Normal::SalesforceId, "003D000000IqhS", WhyRaw::NoRecordId),
            (&Normal::SalesforceId, "003D000000IqhSLIA9", WhyRaw::Checksum),
            (&Normal::SalesforceId, "000000000000000AAA", WhyRaw::Placeholder),
            (&phone, "030 123456", WhyRaw::UnknownRegion),
            (&phone, "+1", WhyRaw::NoNumber),
        ] {
            let mut out = Vec::new();
            assert_eq!(normalise(rule, text, None, &mut out).why, Some(why), "{text}");
            assert!(out.is_empty());
        }
    }
}
