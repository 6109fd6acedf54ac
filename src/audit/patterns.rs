//! What identifies a person by its form alone: addresses, phone numbers, cards, accounts. Written apart from what
//! `redact` looks for, and narrower: a finding has to be one.

use regex::Regex;
use std::sync::LazyLock;

/// What a text has in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TellingPattern {
    Email,
    Phone,
    Card,
    Iban,
}

impl TellingPattern {
    /// Every pattern that texts are held against.
    pub const ALL: [TellingPattern; 4] =
        [TellingPattern::Email, TellingPattern::Phone, TellingPattern::Card, TellingPattern::Iban];

    /// Returns what is said of a row that has it.
    pub fn said(self) -> &'static str {
        match self {
            TellingPattern::Email => "text with the form of an e-mail address",
            TellingPattern::Phone => "text with the form of a phone number",
            TellingPattern::Card => "text with the form of a card number, whose check digit is right",
            TellingPattern::Iban => "text with the form of an IBAN, whose check digits are right",
        }
    }

    /// Returns whether it is in a text.
    pub fn is_in(self, text: &str) -> bool {
        match self {
            TellingPattern::Email => text.contains(['@', '\u{ff20}']) && found(&EMAIL, text, |_| true),
            TellingPattern::Phone => text.bytes().any(|byte| byte.is_ascii_digit()) && found(&PHONE, text, is_phone),
            TellingPattern::Card => text.bytes().any(|byte| byte.is_ascii_digit()) && found(&CARD, text, is_card),
            TellingPattern::Iban => text.bytes().any(|byte| byte.is_ascii_digit()) && found(&IBAN, text, is_iban),
        }
    }
}

type PatternForm = LazyLock<Option<Regex>>;

static EMAIL: PatternForm =
    LazyLock::new(|| Regex::new(r"[\p{L}\p{N}._%+'-]+[@\x{ff20}][\p{L}\p{N}][\p{L}\p{N}-]*(?:\.[\p{L}\p{N}-]+)+").ok());
/// An international number, or one with an area code or a trunk zero whose groups stand apart.
static PHONE: PatternForm = LazyLock::new(|| {
    Regex::new(
        r"(?x) \+[1-9][0-9\ ()./-]{6,22}[0-9] | \b0[1-9][0-9]{1,4}[\ /-]{1,3}[1-9][0-9\ -]{4,12}[0-9]
        | \(0?[1-9][0-9]{1,4}\)[\ -]?[0-9][0-9\ -]{4,12}[0-9] | \b[2-9][0-9]{2}[.\ -][0-9]{3}[.\ -][0-9]{4}\b",
    )
    .ok()
});
static CARD: PatternForm = LazyLock::new(|| Regex::new(r"\b[2-6](?:[ -]?[0-9]){12,18}\b").ok());
static IBAN: PatternForm = LazyLock::new(|| Regex::new(r"(?i)\b[a-z]{2}[0-9]{2}(?: ?[a-z0-9]){11,30}\b").ok());

/// Whether a part of the text has the form and passes the test; what stands in a longer word or number does not.
fn found(form: &PatternForm, text: &str, test: fn(&str) -> bool) -> bool {
    let Some(form) = form.as_ref() else { return false };
    form.find_iter(text).any(|hit| {
        let before = text[..hit.start()].chars().next_back();
        let after = text[hit.end()..].chars().next();
        let apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        apart(before) && apart(after) && test(hit.as_str())
    })
}

fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}

fn is_phone(text: &str) -> bool {
    (7..=15).contains(&digits(text).len())
}

/// ISO/IEC 7812: every second digit from the right counts twice.
fn is_card(text: &str) -> bool {
    let digits = digits(text);
    let twice = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(at, digit)| if at % 2 == 1 { twice(*digit) } else { *digit }).sum();
    (13..=19).contains(&digits.len()) && sum.is_multiple_of(10)
}

/// ISO 13616: the first four characters go to the end, letters count from 10, and the remainder by 97 is 1.
fn is_iban(text: &str) -> bool {
    let letters: Vec<u32> = text.chars().filter_map(|c| c.to_digit(36)).collect();
    if !(15..=34).contains(&letters.len()) {
        return false;
    }
    let turned = letters[4..].iter().chain(&letters[..4]);
    turned.fold(0, |sum, value| (sum * if *value > 9 { 100 } else { 10 } + value) % 97) == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<TellingPattern> {
        TellingPattern::ALL.into_iter().filter(|pattern| pattern.is_in(text)).collect()
    }

    #[test]
    fn what_identifies_by_its_form_is_found() {
        for text in ["ana@example.org", "write to Ana.B+x@mail.example.com, please", "ana\u{ff20}example.org"] {
            assert_eq!(of(text), [TellingPattern::Email], "{text}");
        }
        for text in ["+49 30 901820", "call 030/9018-2000", "(030) 901820", "202-555-0123", "+12025550123"] {
            assert_eq!(of(text), [TellingPattern::Phone], "{text}");
        }
        for text in ["4111 1111 1111 1111", "card 5500005555555559.", "3400-0000-0000-009"] {
            assert_eq!(of(text), [TellingPattern::Card], "{text}");
        }
        for text in ["DE89 3704 0044 0532 0130 00", "to GB82WEST12345698765432!"] {
            assert_eq!(of(text), [TellingPattern::Iban], "{text}");
        }
    }

    #[test]
    fn what_only_looks_alike_is_not() {
        let dates = ["2026-11-24", "24.11.2026", "01-01-2024", "2026-11-24T02:00:00Z"];
        let numbers =
            ["4111 1111 1111 1112", "1234567890123", "order 20261124-0001", "12345", "DE89370400440532013001"];
        let others =
            ["[email]", "@home", "a @ b", "Berlin", "100-199", "<0", "8a3d1cbba349c73402164ecfad72b456", "10.0.0.1"];
        for text in dates.iter().chain(&numbers).chain(&others) {
            assert_eq!(of(text), [], "{text}");
        }
    }
}
