//! `redact`: patterns and the names of the same row, replaced by markers in a text. It finds forms, not persons: what it
//! cannot find is in docs/spec.md. Linear in the length of the text.

use super::about::{About, FieldKeys, KeyAbout, KeyShape, Treats};
use super::apply::{Apply, Given, Row, TreatOutcome};
use crate::cell::dates::Calendars;
use crate::cell::kind::TypeName;
use crate::cell::text::{tidy, with_canonical};
use crate::error::{Code, Error, Result};
use regex::Regex;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

/// Patterns replaced by markers.
#[derive(Clone, Debug, PartialEq)]
pub struct Redact {
    /// Columns with names of the row, by their index in the plan.
    pub names: Vec<usize>,
}

impl Treats for Redact {
    const ABOUT: About = About {
        name: "redact",
        does: "Text with e-mail addresses, URLs, IBANs, card and phone numbers and names of the row replaced by markers.",
        keys: &[KeyAbout {
            name: "names",
            shape: KeyShape::Columns,
            says: "columns whose values are names of the row's person. Default none.",
            allows: "\u{b7} ; columns whose values are replaced too",
        }],
        takes: &[TypeName::Text],
        gives: "Utf8, of the value after trim and NFC",
        example: "`Ada, ada@example.org` -> `[name], [email]`",
        counted: false,
        caution: "patterns find no nicknames, addresses or stories; have the text left out, or allow_raw written by whoever \
                  has read some of it",
        ..About::USUAL
    };

    fn read(keys: &mut dyn FieldKeys) -> Option<Self> {
        Some(Redact { names: keys.columns("names")? })
    }

    fn words(&self) -> String {
        match self.names.len() {
            0 => "redact".to_owned(),
            count => format!("redact with names of {count} columns"),
        }
    }

    fn ready(&self, _: &Given<'_>) -> Result<Option<Box<dyn Apply>>> {
        let patterns =
            PATTERNS.as_ref().ok_or_else(|| Error::new(Code::SpecUnusable, "a pattern of redact cannot be read"))?;
        Ok(Some(Box::new(Redactor { names: self.names.clone(), patterns })))
    }
}

/// What was found; of two that overlap, the one named first gives the marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum RedactMark {
    Url,
    Email,
    Iban,
    Card,
    Phone,
    Number,
    Name,
}

impl RedactMark {
    /// The name in counts, and in brackets in the text.
    fn name(self) -> &'static str {
        match self {
            RedactMark::Url => "url",
            RedactMark::Email => "email",
            RedactMark::Iban => "iban",
            RedactMark::Card => "card",
            RedactMark::Phone => "phone",
            RedactMark::Number => "number",
            RedactMark::Name => "name",
        }
    }
}

struct PatternFound {
    at: Range<usize>,
    mark: RedactMark,
}

struct Patterns {
    url: Regex,
    email: Regex,
    date: Regex,
}

const URL: &str = r#"(?ix) (?: [a-z][a-z0-9+.-]*:// | \bwww[0-9]*\. | \bmailto: | \btel: | (?:[\p{L}\p{N}_-]+\.)+\p{L}{2,}(?::[0-9]+)?/ )
    [^\s<>"]*"#;
const EMAIL: &str = r#"(?ix)
    (?: "[^"@\n]+" | [\p{L}\p{N}\p{M}\u200c\u200d.!\#$%&'*+/=?^_{|}~`-]+ )
    (?: [@\u{ff20}\u{fe6b}] (?: \[[^\]\s]+\] | [\p{L}\p{N}][\p{L}\p{N}\p{M}\u200c\u200d.-]* )
      | [\ ]? (?: [@\u{ff20}\u{fe6b}] | [(\[{][\ ]?at[\ ]?[)\]}] ) [\ ]?
        [\p{L}\p{N}-]+ (?: (?: \. | [\ ]?[(\[{][\ ]?dot[\ ]?[)\]}][\ ]? ) [\p{L}\p{N}-]+ )+ )"#;
const DATE: &str = r"(?x) \b (?: (?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])
    | (?:0?[1-9]|[12][0-9]|3[01]) [./] (?:0?[1-9]|[12][0-9]|3[01]) [./] (?:19|20)[0-9]{2} ) \b";

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    let regex = |text| Regex::new(text).ok();
    Some(Patterns { url: regex(URL)?, email: regex(EMAIL)?, date: regex(DATE)? })
});

struct Redactor {
    names: Vec<usize>,
    patterns: &'static Patterns,
}

impl Apply for Redactor {
    fn apply(&self, value: &str, row: &mut Row<'_>, _: &mut Option<Calendars>, out: &mut Vec<u8>) -> TreatOutcome {
        let text = tidy(value);
        let mut found = Vec::new();
        let all = |regex: &Regex, mark, found: &mut Vec<PatternFound>| {
            found.extend(regex.find_iter(&text).map(|hit| PatternFound { at: hit.range(), mark }));
        };
        all(&self.patterns.url, RedactMark::Url, &mut found);
        all(&self.patterns.email, RedactMark::Email, &mut found);
        ibans(&text, &mut found);
        numbers(&text, &self.patterns.date, &mut found);
        let names: Vec<&str> = self.names.iter().filter_map(|column| (row.other)(*column)).collect();
        if !names.is_empty() {
            Names::of(&names).find(&text, &mut found);
        }
        let mut shown = 0;
        for PatternFound { at, mark } in merged(found) {
            out.extend_from_slice(text.get(shown..at.start).unwrap_or_default().as_bytes());
            out.extend_from_slice(format!("[{}]", mark.name()).as_bytes());
            *row.counts.entry(mark.name()).or_default() += 1;
            shown = at.end;
        }
        out.extend_from_slice(text.get(shown..).unwrap_or_default().as_bytes());
        TreatOutcome::Value
    }

    fn treats_all(&self) -> bool {
        true
    }
}

/// What was found in order; what overlaps is one, so that all that anything has found is hidden.
fn merged(mut found: Vec<PatternFound>) -> Vec<PatternFound> {
    found.sort_by_key(|found| (found.at.start, found.mark));
    let mut merged: Vec<PatternFound> = Vec::with_capacity(found.len());
    for one in found {
        match merged.last_mut().filter(|last| one.at.start < last.at.end) {
            Some(last) => {
                last.at.end = last.at.end.max(one.at.end);
                last.mark = last.mark.min(one.mark);
            }
            None => merged.push(one),
        }
    }
    merged
}

/// A full-width character as its ASCII form.
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// Zeros of the scripts whose digits are numbers too.
const ZEROS: [u32; 12] = [0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xbe6, 0xc66, 0xce6, 0xe50, 0x17e0];

fn digit(c: char) -> Option<u32> {
    let of_script = |zero: &u32| u32::from(c).checked_sub(*zero).filter(|value| *value < 10);
    narrow(c).to_digit(10).or_else(|| ZEROS.iter().find_map(of_script))
}

fn joins(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{2010}'..='\u{2015}' | '\u{2212}')
        || matches!(narrow(c), '.' | '/' | '(' | ')' | '[' | ']' | '-' | '_' | '\u{b7}')
}

/// Most characters between two groups of digits of one number.
const GAP: usize = 3;
/// Fewest digits of a number that may be a phone's, and most.
const PHONE: Range<usize> = 7..16;
/// Digits of a card.
const CARD: std::ops::RangeInclusive<usize> = 13..=19;

/// A digit of a run: its value, its place, and whether another one stands right before it.
struct Digit {
    value: u32,
    at: Range<usize>,
    solid: bool,
}

/// Finds every number of 7 or more digits but dates, whatever separates its groups.
fn numbers(text: &str, date: &Regex, found: &mut Vec<PatternFound>) {
    let mut dates = date.find_iter(text).map(|hit| hit.range()).filter(|at| stands_alone(text, at)).peekable();
    let (mut run, mut gap): (Vec<Digit>, usize) = (Vec::new(), 0);
    for (start, c) in text.char_indices() {
        while dates.next_if(|date| date.end <= start).is_some() {}
        let value = digit(c).filter(|_| dates.peek().is_none_or(|date| !date.contains(&start)));
        match value {
            Some(value) => {
                let solid = gap == 0 && !run.is_empty();
                run.push(Digit { value, at: start..start + c.len_utf8(), solid });
                gap = 0;
            }
            None if gap < GAP && joins(c) && !run.is_empty() && digit(c).is_none() => gap += 1,
            None => {
                number(text, &run, found);
                run.clear();
                gap = 0;
            }
        }
    }
    number(text, &run, found);
}

/// Whether a date is not a part of a longer number.
fn stands_alone(text: &str, at: &Range<usize>) -> bool {
    let before = text.get(..at.start).unwrap_or_default().chars().rev();
    let before = before.take(GAP + 1).find(|c| !joins(*c));
    let mut after = text.get(at.end..).unwrap_or_default().chars();
    let after = (after.next(), after.next());
    before.is_none_or(|c| digit(c).is_none() && narrow(c) != '+')
        && !matches!(after, (Some(c), Some(next)) if joins(c) && !c.is_whitespace() && digit(next).is_some())
}

fn number(text: &str, run: &[Digit], found: &mut Vec<PatternFound>) {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return };
    if run.len() < PHONE.start {
        return;
    }
    let mark = match run.len() {
        _ if has_card(run) => RedactMark::Card,
        length if PHONE.contains(&length) => RedactMark::Phone,
        _ => RedactMark::Number,
    };
    let before = text.get(..first.at.start).and_then(|text| text.chars().next_back());
    let sign = before.filter(|c| matches!(narrow(*c), '+' | '(')).map_or(0, char::len_utf8);
    found.push(PatternFound { at: first.at.start - sign..last.at.end, mark });
}

/// Whether groups of the run are the number of a card.
fn has_card(run: &[Digit]) -> bool {
    let begins = |at: &usize| run.get(*at).is_some_and(|digit| !digit.solid);
    (0..run.len()).filter(begins).any(|start| {
        CARD.filter(|length| run.get(start + length).is_none_or(|next| !next.solid))
            .any(|length| run.get(start..start + length).is_some_and(luhn))
    })
}

fn luhn(digits: &[Digit]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match digit.value * (1 + at as u32 % 2) {
            twice if twice > 9 => twice - 9,
            once => once,
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|digit| digit.value != 0)
}

/// Most characters of an IBAN, and fewest.
const IBAN: std::ops::RangeInclusive<usize> = 15..=34;

/// Finds two letters, two digits and what follows up to where the whole has the remainder 1 by 97 (ISO 13616).
fn ibans(text: &str, found: &mut Vec<PatternFound>) {
    let mut before = ' ';
    for (start, c) in text.char_indices() {
        let begins = narrow(c).is_ascii_alphabetic() && !before.is_alphanumeric();
        before = c;
        if let Some(end) = text.get(start..).filter(|_| begins).and_then(iban) {
            found.push(PatternFound { at: start..start + end, mark: RedactMark::Iban });
        }
    }
}

/// The length in bytes of the longest IBAN that a text begins with.
fn iban(text: &str) -> Option<usize> {
    let (mut letters, mut gap, mut longest) = (Vec::with_capacity(*IBAN.end()), 0, None);
    let mut characters = text.char_indices().map(|(at, c)| (at, c, narrow(c))).peekable();
    while let Some((at, c, narrow_c)) = characters.next() {
        if !narrow_c.is_ascii_alphanumeric() {
            gap += 1;
            if gap > 1 || !joins(c) {
                break;
            }
            continue;
        }
        gap = 0;
        letters.push(narrow_c.to_ascii_uppercase());
        let head = |at: usize, c: &char| if at < 2 { c.is_ascii_alphabetic() } else { c.is_ascii_digit() };
        if letters.len() > *IBAN.end() || !letters.iter().take(4).enumerate().all(|(at, c)| head(at, c)) {
            break;
        }
        let ends = characters.peek().is_none_or(|(_, c, _)| !c.is_alphanumeric());
        if ends && IBAN.contains(&letters.len()) && remainder(&letters) == 1 {
            longest = Some(at + c.len_utf8());
        }
    }
    longest
}

fn remainder(letters: &[char]) -> u32 {
    let (head, rest) = letters.split_at(4);
    rest.iter().chain(head).filter_map(|c| c.to_digit(36)).fold(0, |sum, value| {
        let by = if value > 9 { 100 } else { 10 };
        (sum * by + value) % 97
    })
}

/// Longest name of characters that are words each, which is compared; of a longer one its beginning.
const LONGEST: usize = 8;

/// Names of a row, as folded words.
struct Names {
    words: HashSet<String>,
    /// Names in scripts that put no blanks between words.
    runs: Vec<Vec<String>>,
}

impl Names {
    fn of(names: &[&str]) -> Names {
        let (mut whole, mut runs) = (HashSet::new(), Vec::new());
        for name in names {
            let name = tidy(name);
            let words: Vec<&str> = words(&name).into_iter().filter_map(|at| name.get(at)).collect();
            let (close, apart): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| word.chars().any(is_close));
            whole.extend(
                apart.iter().filter(|word| words.len() == 1 || word.chars().nth(1).is_some()).map(|w| folded(w)),
            );
            runs.extend((!close.is_empty()).then(|| close.iter().take(LONGEST).map(|word| folded(word)).collect()));
        }
        Names { words: whole, runs }
    }

    fn find(&self, text: &str, found: &mut Vec<PatternFound>) {
        let places = words(text);
        let folded: Vec<String> =
            places.iter().map(|at| text.get(at.clone()).map_or_else(String::new, folded)).collect();
        for (at, place) in places.iter().enumerate() {
            let run = self.runs.iter().filter(|run| folded.get(at..).is_some_and(|rest| rest.starts_with(run)));
            let length = run.map(Vec::len).max().unwrap_or(0).max(usize::from(self.words.contains(&folded[at])));
            if let Some(last) = length.checked_sub(1).and_then(|more| places.get(at + more)) {
                found.push(PatternFound { at: place.start..last.end, mark: RedactMark::Name });
            }
        }
    }
}

fn folded(word: &str) -> String {
    with_canonical(word, str::to_owned)
}

/// Letters of scripts that put no blanks between words: each is a word.
fn is_close(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

/// Where the words of a text are: letters and digits with what combines with them.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut open = false;
    for (start, c) in text.char_indices() {
        let end = start + c.len_utf8();
        let goes_on = c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36f}' | '\u{200c}' | '\u{200d}');
        match words.last_mut().filter(|_| open && goes_on && !is_close(c)) {
            Some(word) => word.end = end,
            None if goes_on => words.push(start..end),
            None => {}
        }
        open = goes_on && !is_close(c);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::kind::ValueType;
    use crate::treatments::apply::{Counts, Typed};
    use crate::treatments::tests::{Cells, treat_row};
    use proptest::prelude::*;

    fn redact(text: &str, names: &[Option<&str>]) -> (String, Counts) {
        let column = Typed {
            value: &ValueType::Text,
            sentinels: &[],
            birth: false,
            forms: &crate::cell::forms::CellForms::default(),
        };
        let how = Redact { names: (0..names.len()).collect() }.into();
        let (treated, counts) = treat_row(&how, column, text, &Cells { subject: None, others: names });
        (String::from_utf8(treated.expect("a value")).expect("UTF-8"), counts)
    }

    #[track_caller]
    fn all(mark: &str, hidden: &[&str], shown: &[&str]) {
        for text in hidden {
            for (before, after) in [("", ""), ("Call ", " today"), ("(", ")."), ("\u{e9}: ", ", \u{6f22}")] {
                let (redacted, counts) = redact(&format!("{before}{text}{after}"), &[]);
                assert!(redacted.contains(&format!("[{mark}]")), "{text}: {redacted}");
                assert!(!redacted.contains(text) && counts[mark] == 1, "{text}: {redacted}");
            }
        }
        for text in shown {
            assert_eq!(redact(text, &[]).0, *text);
        }
    }

    #[test]
    fn r20_redact_hides_addresses() {
        let hidden = [
            "ada@example.org",
            "Ada.Lovelace+crm@Sub.Example.ORG",
            "o'brien@example.org",
            "j\u{f6}rg@m\u{fc}ller.example",
            "ada\u{ff20}example.org",
            "ada@localhost",
            "ada @ example.org",
            "ada [at] example [dot] org",
            "\"ada l\"@example.org",
            "ada@[10.0.0.1]",
            "\u{7528}\u{6237}@\u{4f8b}\u{5b50}.\u{5e7f}\u{544a}",
        ];
        all("email", &hidden, &["@ada", "at 5 @ noon", "ada (at work)"]);
        assert_eq!(redact("a\u{200b}da@exam\u{ad}ple.org", &[]).0, "[email]");
    }

    #[test]
    fn r20_redact_hides_urls() {
        let hidden = [
            "https://example.org/in/ada?x=1",
            "HTTP://EXAMPLE.ORG",
            "ftp://ada:pw@example.org/x",
            "www.example.org",
            "example.org/in/ada",
        ];
        all("url", &hidden, &["and/or", "1/2", "e.g. this", "Ltd./Inc."]);
    }

    #[test]
    fn r20_redact_hides_phone_numbers_and_leaves_dates_and_short_numbers() {
        let hidden = [
            "+49 30 123456",
            "+49 (0)170/1234567",
            "030-1234567",
            "(030) 123 45 67",
            "001.202.555.0143",
            "5550143",
            "\u{ff0b}49\u{ff13}\u{ff10}1234567",
            "\u{660}\u{665}\u{660} \u{661}\u{662}\u{663}\u{664}\u{665}\u{666}\u{667}",
            "030\u{2011}123456",
        ];
        let shown = ["2026-11-24", "24.11.2026 10:15", "11/24/2026", "123456", "1 234,56 EUR", "10:15:30"];
        all("phone", &hidden, &shown);
        let (text, counts) = redact("030 123456 0170 1234567", &[]);
        assert_eq!((text.as_str(), counts["number"]), ("[number]", 1));
        assert_eq!(redact("on 2026-11-24 030 1234567", &[]).0, "on 2026-11-24 [phone]");
    }

    #[test]
    fn r20_redact_hides_ibans_that_add_up_and_cards_that_pass_luhn() {
        let hidden = [
            "DE89370400440532013000",
            "de89 3704 0044 0532 0130 00",
            "GB29-NWBK-6016-1331-9268-19",
            "NO93 8601 1117 947",
        ];
        all("iban", &hidden, &["AB12", "DE89 37"]);
        assert_eq!(redact("DE89 3704 0044 0532 0130 00 please", &[]).0, "[iban] please");
        assert!(!redact("DE88370400440532013000", &[]).0.contains("[iban]"), "one off");
        all("card", &["4111 1111 1111 1111", "4111-1111-1111-1111", "378282246310005", "4111 1111 1111 1111 123"], &[]);
        assert_eq!(redact("4111 1111 1111 1112", &[]).0, "[number]");
    }

    #[test]
    fn r20_redact_hides_the_names_of_the_row() {
        let names = [
            Some("Anna Maria"),
            Some("M\u{fc}ller-L\u{fc}denscheidt"),
            None,
            Some("O'Brien"),
            Some("\u{738b}\u{5c0f}\u{660e}"),
        ];
        for (text, expected) in [
            ("Spoke to ANNA.", "Spoke to [name]."),
            ("Frau Mu\u{308}ller", "Frau [name]"),
            ("anna-maria O'Brien's", "[name]-[name] O'[name]'s"),
            ("\u{738b}\u{5c0f}\u{660e}\u{5148}\u{751f}", "[name]\u{5148}\u{751f}"),
            ("Annabel and a manual", "Annabel and a manual"),
        ] {
            assert_eq!(redact(text, &names).0, expected, "{text}");
        }
        let (text, counts) = redact("Li: li@example.org, list", &[Some("Li")]);
        assert_eq!(text, "[name]: [email], list");
        assert_eq!(Vec::from_iter(counts), [("email", 1), ("name", 1)]);
    }

    proptest! {
        #[test]
        fn r20_redact_takes_anything_and_what_it_left_it_leaves(text in "\\PC{0,200}", name in "\\PC{0,12}") {
            let (once, _) = redact(&text, &[Some(&name)]);
            let (twice, _) = redact(&once, &[]);
            prop_assert!(once.len() <= text.len() * 12 + 12);
            prop_assert_eq!(redact(&text, &[Some(&name)]).0, once.clone());
            prop_assert!(!twice.contains('@') || once.contains('@'));
        }

        #[test]
        fn r20_redact_finds_what_is_planted_in_any_text(
            before in "[\\PC--[@\"\\[({]]{0,30}", after in "\\PC{0,30}",
            local in "[a-z][a-z0-9.]{4,8}[a-z]", domain in "[a-z]{5,9}\\.example", number in "0[1-9]{9}"
        ) {
            let (text, _) = redact(&format!("{before} {local}@{domain} {after}"), &[]);
            let planted = format!("{local}@{domain}");
            prop_assert!(!text.contains(&planted), "{}", text);
            let (text, _) = redact(&format!("{before} {number} {after}"), &[]);
            prop_assert!(!text.contains(&number), "{}", text);
        }

        #[test]
        fn r20_redact_leaves_plain_words(words in "[a-zA-Z\u{e4}-\u{f6} ,;!]{0,80}") {
            let shown = tidy(&words).into_owned();
            prop_assert_eq!(redact(&words, &[]).0, shown);
        }
    }

    /// A text that every pattern begins to match everywhere takes as long as its length says.
    #[test]
    fn r20_redact_is_linear() {
        for part in ["a", "a@", "1 ", "DE89 ", "a.", "www.", "\"", "(at)", "\u{738b}"] {
            let text = part.repeat(200_000 / part.len());
            redact(&text, &[Some(&text)]);
        }
    }
}
