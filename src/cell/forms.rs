//! How numbers and booleans are written in a column, where that is another way than the usual one (R20, R22, R53).

use super::text::{trim, with_canonical};
use std::borrow::Cow;

/// Digits beyond which an exponent is not followed.
const LONGEST: usize = 60;

/// How the cells of a column are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CellForms {
    /// How numbers are written in this column.
    pub numbers: NumberForm,
    /// Of booleans; none = the usual words.
    pub words: Option<BooleanWords>,
}

impl CellForms {
    /// Reads a boolean; none for anything else.
    pub fn boolean(&self, value: &str) -> Option<bool> {
        match &self.words {
            None => boolean(value),
            Some(words) => words.read(value),
        }
    }
}

/// `true/false/1/0/yes/no` after trim, NFC and case folding (R22); none for anything else.
pub fn boolean(value: &str) -> Option<bool> {
    match value {
        "true" => return Some(true),
        "false" => return Some(false),
        _ => {}
    }
    with_canonical(value, |word| match word {
        "1" | "true" | "yes" => Some(true),
        "0" | "false" | "no" => Some(false),
        _ => None,
    })
}

/// Words for yes and no in place of the usual ones: trimmed, NFC, case folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BooleanWords {
    /// Each of these words means yes.
    pub yes: Vec<String>,
    /// Each of these words means no.
    pub no: Vec<String>,
}

impl BooleanWords {
    /// Reads a value; none when it is none of the words.
    pub fn read(&self, value: &str) -> Option<bool> {
        with_canonical(value, |word| {
            let one_of = |words: &[String]| words.iter().any(|known| known == word);
            if one_of(&self.yes) { Some(true) } else { one_of(&self.no).then_some(false) }
        })
    }
}

/// How numbers are written. The usual way is an optional sign, digits, and at most one point among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberForm {
    /// A comma stands where the usual way has a point.
    pub comma: bool,
    /// Stands before every third digit from the end of the whole part.
    pub thousands: Option<char>,
    /// Signs and words, of which one may stand before or after a number.
    pub currency: Vec<String>,
    /// Numbers with an exponent are read, as `1.5E+3`.
    pub exponents: bool,
    /// `1.0` is a whole number.
    pub zeros: bool,
    /// A number in brackets is negative: `(12)` is `-12`.
    pub brackets: bool,
}

impl NumberForm {
    /// Whether it is the usual way.
    pub fn is_usual(&self) -> bool {
        *self == NumberForm::default()
    }

    /// Returns a number as the usual way writes it; none when it is not written in this way.
    pub fn plain<'a>(&self, text: &'a str) -> Option<Cow<'a, str>> {
        if self.is_usual() {
            return Some(Cow::Borrowed(text));
        }
        let (text, marked) = self.without_currency(trim(text));
        let (text, bracketed) = match text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
            Some(inner) if self.brackets => (trim(inner), true),
            _ => (text, false),
        };
        let (text, marked) = if marked { (text, true) } else { self.without_currency(text) };
        let (signed, negative) = match text.strip_prefix(['-', '+']) {
            Some(rest) => (rest, text.starts_with('-')),
            None => (text, false),
        };
        let signed_twice = bracketed && signed.len() < text.len();
        let number = if marked { signed } else { self.without_currency(signed).0 };
        let digits = self.digits(number).filter(|_| !signed_twice)?;
        Some(Cow::Owned(if negative || bracketed { format!("-{digits}") } else { digits }))
    }

    /// Takes one sign or word of a currency off, at either end, with the blanks between.
    fn without_currency<'a>(&self, text: &'a str) -> (&'a str, bool) {
        let bare = |word: &String| text.strip_prefix(word.as_str()).or_else(|| text.strip_suffix(word.as_str()));
        self.currency.iter().find_map(bare).map_or((text, false), |bare| (trim(bare), true))
    }

    /// Digits with at most one point, from a number without sign.
    fn digits(&self, number: &str) -> Option<String> {
        let (number, exponent) = match number.split_once(['e', 'E']) {
            Some((number, exponent)) if self.exponents => (number, power(exponent)?),
            _ => (number, 0),
        };
        let (whole, fraction) = number.split_once(if self.comma { ',' } else { '.' }).unwrap_or((number, ""));
        let whole = self.whole(whole)?;
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !are_digits(&whole) || !are_digits(fraction) || whole.len() + fraction.len() == 0 {
            return None;
        }
        let (whole, fraction) = shifted(&whole, fraction, exponent)?;
        let none = fraction.is_empty() || self.zeros && fraction.bytes().all(|digit| digit == b'0');
        Some(if none { whole } else { format!("{whole}.{fraction}") })
    }

    /// The digits before the point, without what stands between thousands. All groups are there, or none.
    fn whole<'a>(&self, whole: &'a str) -> Option<Cow<'a, str>> {
        let Some(mark) = self.thousands else { return Some(Cow::Borrowed(whole)) };
        let is_mark = |c: char| match mark {
            ' ' => matches!(c, ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}'),
            '\'' => matches!(c, '\'' | '\u{2019}'),
            mark => c == mark,
        };
        if !whole.contains(is_mark) {
            return Some(Cow::Borrowed(whole));
        }
        let groups: Vec<&str> = whole.split(is_mark).collect();
        let (first, rest) = groups.split_first()?;
        let whole = (1..=3).contains(&first.len()) && rest.iter().all(|group| group.len() == 3);
        whole.then(|| Cow::Owned(groups.concat()))
    }
}

/// An exponent of at most three digits.
fn power(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let short = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    short.then(|| text.parse().ok()).flatten()
}

/// Moves the point of a number; none when that makes more digits than anything holds.
fn shifted(whole: &str, fraction: &str, exponent: i32) -> Option<(String, String)> {
    if exponent == 0 {
        return Some((whole.to_owned(), fraction.to_owned()));
    }
    let by = usize::try_from(exponent.unsigned_abs()).ok().filter(|by| *by <= LONGEST)?;
    if exponent > 0 {
        let moved = fraction.len().min(by);
        let zeros = "0".repeat(by - moved);
        return Some((format!("{whole}{}{zeros}", &fraction[..moved]), fraction[moved..].to_owned()));
    }
    let whole = format!("{}{whole}", "0".repeat((by + 1).saturating_sub(whole.len())));
    let (left, moved) = whole.split_at(whole.len() - by);
    Some((left.to_owned(), format!("{moved}{fraction}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(change: impl FnOnce(&mut NumberForm)) -> NumberForm {
        let mut form = NumberForm::default();
        change(&mut form);
        form
    }

    fn agrees(form: &NumberForm, read: &[(&str, &str)], refused: &[&str]) {
        for (text, plain) in read {
            assert_eq!(form.plain(text).as_deref(), Some(*plain), "{text}");
        }
        for text in refused {
            assert_eq!(form.plain(text), None, "{text}");
        }
    }

    #[test]
    fn r53_marks_stand_where_they_are_declared_to_stand() {
        let german = form(|form| (form.comma, form.thousands) = (true, Some('.')));
        agrees(
            &german,
            &[("1.234.567,50", "1234567.50"), ("-1234,5", "-1234.5"), ("+7", "7"), (" 12,0 ", "12.0"), (",5", ".5")],
            &[
                "1,234.50",
                "12.34",
                "1.2345",
                "1234.567",
                ".123",
                "1..234",
                "1,2,3",
                "",
                "-",
                ",",
                "1e3",
                "\u{20ac} 12",
                "(1)",
            ],
        );
        let french = form(|form| (form.comma, form.thousands) = (true, Some(' ')));
        agrees(
            &french,
            &[("1 234,5", "1234.5"), ("1\u{202f}234\u{a0}567", "1234567")],
            &["1 23", "1.234", "12 34 567", "- 5"],
        );
        let swiss = form(|form| form.thousands = Some('\''));
        agrees(&swiss, &[("1'234.5", "1234.5"), ("1\u{2019}234", "1234")], &["1''234", "1,5"]);
    }

    #[test]
    fn r53_a_currency_stands_once_before_or_after() {
        let money = form(|form| {
            form.currency = vec!["\u{20ac}".into(), "EUR".into()];
            form.thousands = Some(',');
            form.brackets = true;
        });
        agrees(
            &money,
            &[
                ("\u{20ac} 1,234.50", "1234.50"),
                ("12.5\u{a0}EUR", "12.5"),
                ("-\u{20ac}5", "-5"),
                ("\u{20ac}-5", "-5"),
                ("(5 EUR)", "-5"),
                ("\u{20ac}(5)", "-5"),
                ("7", "7"),
            ],
            &["\u{20ac} 5 EUR", "$5", "EUR", "(-5)", "(5", "5)", "((5))", "\u{20ac}\u{20ac}5"],
        );
    }

    #[test]
    fn r53_exponents_move_the_point_and_zeros_after_it_may_be_nothing() {
        let exponents = form(|form| form.exponents = true);
        agrees(
            &exponents,
            &[
                ("3.00E+07", "30000000"),
                ("1.5e3", "1500"),
                ("25E-3", "0.025"),
                ("1E0", "1"),
                ("-1.25e1", "-12.5"),
                ("7", "7"),
            ],
            &["1E", "E5", "1E+", "1E1000", "1E99", "1e1.5", "0x1", "1,5e3"],
        );
        let zeros = form(|form| form.zeros = true);
        agrees(&zeros, &[("1.0", "1"), ("1.", "1"), ("12", "12"), ("-3.000", "-3"), ("1.5", "1.5")], &["1,0", "one"]);
        assert_eq!(NumberForm::default().plain("anything").as_deref(), Some("anything"));
    }

    #[test]
    fn r22_words_stand_in_place_of_the_usual_ones() {
        let words = BooleanWords { yes: vec!["ja".into(), "y".into()], no: vec!["nein".into()] };
        let forms = CellForms { words: Some(words), ..CellForms::default() };
        for (text, read) in [(" JA ", Some(true)), ("y", Some(true)), ("Nein", Some(false)), ("yes", None), ("1", None)]
        {
            assert_eq!(forms.boolean(text), read, "{text}");
        }
        assert_eq!(CellForms::default().boolean("Yes"), Some(true));
    }
}
