//! What one column holds, over a sample: counts, type, form. Facts are counts, names of forms and date formats, and
//! never a value. Of what columns are called, it must know no more than whether they are called a time.

use super::dates::{self, Dates};
use super::shape::{self, Shape};
use crate::clock::Instant;
use crate::policy::says_time;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The cells of one column of a sample, trimmed.
/// Deliberately without `Debug`: it holds raw values.
#[derive(Default)]
pub(super) struct ColumnCells {
    blank: u64,
    /// Each distinct value, and how many cells hold it.
    values: BTreeMap<String, u64>,
}

/// What somebody may have written for "no value".
const NULLS: [&str; 17] = [
    "null",
    "NULL",
    "Null",
    "\\N",
    "#N/A",
    "N/A",
    "n/a",
    "None",
    "-",
    "--",
    "(blank)",
    "(null)",
    "nil",
    "NaN",
    "nan",
    "undefined",
    "#NULL!",
];

/// What the cells of a column are.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// Every cell looked at is blank.
    Empty,
    /// The cells are text of no narrower form.
    Text,
    /// Whole numbers of at most 64 bits.
    Integer,
    /// Decimal numbers with a point and at most so many digits after it.
    Decimal {
        /// Digits after the point.
        scale: u8,
    },
    /// Numbers that are written in another way, which is named.
    OddNumber {
        /// In which other way they are written, in words.
        how: &'static str,
    },
    /// Yes or no in words that are read.
    Boolean,
    /// Every value is a date or a time in one of these ways.
    Dates(Dates),
    /// Whole numbers of milliseconds (or seconds) since 1970.
    Epoch {
        /// The number counts milliseconds, else seconds.
        millis: bool,
    },
    /// Dates with years of two digits, which say too little.
    ShortYears,
}

/// What is known of a column.
#[derive(Clone, Debug, serde::Serialize)]
pub struct PeekColumn {
    /// As in the header, trimmed.
    pub name: String,
    /// Cells with a value.
    pub filled: u64,
    /// Cells that are blank.
    pub blank: u64,
    /// Words for "no value" that stand in cells.
    pub null_words: Vec<&'static str>,
    /// Cells with such a word.
    pub null_cells: u64,
    /// Different values among those looked at.
    pub distinct: u64,
    /// No two cells hold the same value.
    pub unique: bool,
    /// All cells with a value hold the same one.
    pub constant: bool,
    /// Characters of the shortest value.
    pub shortest: u64,
    /// Characters of the longest value.
    pub longest: u64,
    /// Cells of the value that fewest cells hold.
    pub rarest: u64,
    /// What the cells are.
    pub value: Value,
    /// What most of them look like.
    pub looks: Option<Shape>,
    /// What a few of them look like, and how many, where that is something to protect.
    pub also: Vec<(Shape, u64)>,
    /// Cells in whose text an e-mail address stands.
    pub emails_inside: u64,
    /// Every value begins with a plus sign.
    pub international: Option<&'static str>,
    /// Digests of the values, to compare columns with each other; they live no longer than the command.
    #[serde(skip)]
    pub(super) values: BTreeSet<u64>,
}

impl ColumnCells {
    /// Takes a cell as written.
    pub fn take(&mut self, cell: &str) {
        let cell = cell.trim();
        match self.values.get_mut(cell) {
            _ if cell.is_empty() => self.blank += 1,
            Some(count) => *count += 1,
            None => {
                self.values.insert(cell.to_owned(), 1);
            }
        }
    }

    /// Returns whether a cell of JSON holds an array or an object.
    pub fn hold_structures(&self) -> bool {
        let within = |value: &String| value.starts_with(['{', '[']) && value.ends_with(['}', ']']);
        self.values.keys().any(within)
    }

    /// Returns what is known of the column.
    pub fn facts(mut self, name: &str, now: Instant) -> PeekColumn {
        let (mut null_words, mut null_cells) = (Vec::new(), 0);
        for word in NULLS {
            if let Some(count) = self.values.remove(word) {
                null_words.push(word);
                null_cells += count;
            }
        }
        let filled: u64 = self.values.values().sum();
        let lengths = self.values.keys().map(|value| value.chars().count() as u64);
        let (shapes, emails_inside) = self.shapes();
        let looks =
            shapes.iter().find(|(shape, count)| self.is_form(**shape, **count, filled)).map(|(shape, _)| *shape);
        let value = self.value(filled, looks, latest_millis(name, now));
        // Days with hyphens could be phone numbers by their form.
        let looks = looks.filter(|shape| *shape != Shape::Phone || value == Value::Text);
        let guarded = |shape: &Shape| {
            matches!(shape, Shape::Email | Shape::NamedEmail | Shape::Iban | Shape::Card | Shape::NationalId)
        };
        // One number in ten passes Luhn, and one in a hundred another checksum.
        let told = |shape: &Shape, count: u64| {
            matches!(shape, Shape::Email | Shape::NamedEmail | Shape::Iban) || count * 5 > filled
        };
        PeekColumn {
            name: name.to_owned(),
            filled,
            blank: self.blank,
            null_words,
            null_cells,
            distinct: self.values.len() as u64,
            unique: filled > 0 && self.values.values().all(|count| *count == 1),
            constant: self.values.len() == 1 && filled > 1,
            shortest: lengths.clone().min().unwrap_or(0),
            longest: lengths.max().unwrap_or(0),
            rarest: self.values.values().copied().min().unwrap_or(0),
            also: shapes
                .iter()
                .filter(|(s, n)| guarded(s) && Some(**s) != looks && told(s, **n))
                .map(|(s, n)| (*s, *n))
                .collect(),
            looks,
            emails_inside,
            international: self.international(),
            values: self.values.keys().map(|value| digest(value)).collect(),
            value,
        }
    }

    fn shapes(&self) -> (BTreeMap<Shape, u64>, u64) {
        let (mut shapes, mut inside) = (BTreeMap::new(), 0);
        for (value, count) in &self.values {
            let shape = shape::of(value);
            if let Some(shape) = shape {
                *shapes.entry(shape).or_default() += count;
            }
            let whole = matches!(shape, Some(Shape::Email | Shape::Emails | Shape::NamedEmail));
            inside += if !whole && shape::holds_email(value) { *count } else { 0 };
        }
        (shapes, inside)
    }

    /// Whether so many cells make a form that of the column. A text is free as soon as a part of it is.
    fn is_form(&self, shape: Shape, count: u64, filled: u64) -> bool {
        let distinct = self.values.len();
        match shape {
            Shape::FreeText => count * 4 >= filled,
            Shape::Card | Shape::NationalId => count * 20 >= filled * 19 && distinct >= 3,
            _ => count * 5 >= filled * 4,
        }
    }

    fn value(&self, filled: u64, looks: Option<Shape>, latest: u64) -> Value {
        let all = |test: &dyn Fn(&str) -> bool| self.values.keys().all(|value| test(value));
        let formed = !matches!(looks, None | Some(Shape::FreeText | Shape::Phone | Shape::Card | Shape::NationalId));
        match () {
            () if filled == 0 => Value::Empty,
            () if formed => Value::Text,
            () if self.is_boolean() => Value::Boolean,
            () if let Some(dates) = dates::detect(self.values.iter().map(|(v, n)| (v.as_str(), *n))) => {
                Value::Dates(dates)
            }
            () if all(&|value| dates::of_two_digits(value)) => Value::ShortYears,
            () if looks.is_some() => Value::Text,
            () if all(&|value| is_epoch_millis(value, latest)) => Value::Epoch { millis: true },
            () if all(&is_integer) => Value::Integer,
            () if all(&|value| scale(value).is_some()) => {
                let scale = self.values.keys().filter_map(|value| scale(value)).max().unwrap_or(0);
                Value::Decimal { scale }
            }
            () if all(&|value| odd_number(value).is_some()) => {
                let how = self.values.keys().filter_map(|value| odd_number(value)).max().unwrap_or_default();
                Value::OddNumber { how }
            }
            () => Value::Text,
        }
    }

    fn is_boolean(&self) -> bool {
        let words: BTreeSet<String> = self.values.keys().map(|value| value.to_ascii_lowercase()).collect();
        let of = |pair: [&str; 2]| words.iter().all(|word| pair.contains(&word.as_str()));
        // Nothing but zeros may as well be a count.
        of(["true", "false"]) || of(["yes", "no"]) || (of(["1", "0"]) && words.len() == 2)
    }

    /// The country whose calling code most values begin with, where all begin with a plus sign.
    fn international(&self) -> Option<&'static str> {
        if self.values.is_empty() || !self.values.keys().all(|value| value.starts_with('+')) {
            return None;
        }
        let mut countries = BTreeMap::new();
        for value in self.values.keys() {
            let digits: String = value.chars().filter(char::is_ascii_digit).take(3).collect();
            let code = CALLING_CODES.iter().find(|(code, _)| digits.starts_with(code));
            *countries.entry(code.map_or("DE", |(_, country)| *country)).or_insert(0_u64) += 1;
        }
        countries.into_iter().max_by_key(|(_, count)| *count).map(|(country, _)| country)
    }
}

const CALLING_CODES: [(&str, &str); 24] = [
    ("351", "PT"),
    ("352", "LU"),
    ("353", "IE"),
    ("358", "FI"),
    ("420", "CZ"),
    ("30", "GR"),
    ("31", "NL"),
    ("32", "BE"),
    ("33", "FR"),
    ("34", "ES"),
    ("36", "HU"),
    ("39", "IT"),
    ("40", "RO"),
    ("41", "CH"),
    ("43", "AT"),
    ("44", "GB"),
    ("45", "DK"),
    ("46", "SE"),
    ("47", "NO"),
    ("48", "PL"),
    ("49", "DE"),
    ("61", "AU"),
    ("81", "JP"),
    ("1", "US"),
];

fn digest(value: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn is_integer(value: &str) -> bool {
    let digits = value.strip_prefix(['-', '+']).unwrap_or(value);
    let led = digits.len() > 1 && digits.starts_with('0');
    !led && digits.bytes().all(|byte| byte.is_ascii_digit()) && value.parse::<i64>().is_ok()
}

/// Beginnings of the years 1990 and 2100, in milliseconds since 1970.
const MILLIS_OF_1990: u64 = 631_152_000_000;
const MILLIS_OF_2100: u64 = 4_102_444_800_000;

/// The latest milliseconds that a number may be: ids of 13 digits are none, unless the column is called a time.
fn latest_millis(name: &str, now: Instant) -> u64 {
    const YEAR: i64 = 366 * 24 * 60 * 60 * 1000;
    let next_year = u64::try_from(now.0 / 1000 + YEAR).unwrap_or(0);
    if says_time(name) { MILLIS_OF_2100 } else { next_year }
}

fn is_epoch_millis(value: &str, latest: u64) -> bool {
    let digits = (12..=13).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit());
    digits && value.parse::<u64>().is_ok_and(|millis| (MILLIS_OF_1990..latest).contains(&millis))
}

/// Digits after the point of a number that is read as it stands.
fn scale(value: &str) -> Option<u8> {
    let digits = value.strip_prefix(['-', '+']).unwrap_or(value);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let all = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let led = whole.len() > 1 && whole.starts_with('0');
    let good = !led && !whole.is_empty() && whole.len() + part.len() <= 30 && all(whole) && all(part);
    good.then(|| u8::try_from(part.len()).ok()).flatten()
}

/// How a number is written that is not read as it stands.
fn odd_number(value: &str) -> Option<&'static str> {
    let plain = value.trim_start_matches(['-', '+']);
    if scale(value).is_some() || is_integer(value) {
        return Some("");
    }
    let money = ['$', '\u{20ac}', '\u{a3}', '\u{a5}'];
    if plain.contains(money)
        && plain
            .trim_matches(|c: char| money.contains(&c) || c.is_whitespace())
            .starts_with(|c: char| c.is_ascii_digit())
    {
        return Some("with a currency sign");
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((number, exponent)) = plain.split_once(['e', 'E'])
        && scale(number).is_some()
        && digits(exponent.trim_start_matches(['-', '+']))
    {
        return Some("with an exponent");
    }
    let groups = |mark: char, point: char| {
        let (whole, part) = plain.split_once(point).unwrap_or((plain, "0"));
        let mut groups = whole.split(mark);
        let first = groups.next().is_some_and(|group| (1..=3).contains(&group.len()) && digits(group));
        let rest: Vec<&str> = groups.collect();
        first && !rest.is_empty() && rest.iter().all(|group| group.len() == 3 && digits(group)) && digits(part)
    };
    if groups(',', '.') || groups('.', ',') || groups(' ', ',') || groups('\'', '.') {
        return Some("with marks between thousands");
    }
    plain.split_once(',').filter(|(whole, part)| digits(whole) && digits(part)).map(|_| "with a decimal comma")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-18.
    const NOW: Instant = Instant(1_795_000_000_000_000);

    fn told(cells: &[&str]) -> PeekColumn {
        called("x", cells)
    }

    fn called(name: &str, cells: &[&str]) -> PeekColumn {
        let mut gathered = ColumnCells::default();
        cells.iter().for_each(|cell| gathered.take(cell));
        gathered.facts(name, NOW)
    }

    #[test]
    fn numbers_of_thirteen_digits_are_times_only_until_next_year_or_by_name() {
        let millis = Value::Epoch { millis: true };
        assert_eq!(called("x", &["1661707291575", "946684800000"]).value, millis);
        assert_eq!(called("x", &["1661707291575", "2840578006084"]).value, Value::Integer);
        for name in ["Valid until date", "expires_at", "Created On"] {
            assert_eq!(called(name, &["1661707291575", "2840578006084"]).value, millis, "{name}");
        }
        assert_eq!(called("expires_at", &["9840578006084"]).value, Value::Integer);
    }

    #[test]
    fn types_are_told_by_all_values() {
        for (cells, value) in [
            (&["", " "][..], Value::Empty),
            (&["true", "FALSE", ""], Value::Boolean),
            (&["1", "0"], Value::Boolean),
            (&["1", "2"], Value::Integer),
            (&["0", "0"], Value::Integer),
            (&["01", "2"], Value::Text),
            (&["1.50", "-2"], Value::Decimal { scale: 2 }),
            (&["3.00E+07", "1"], Value::OddNumber { how: "with an exponent" }),
            (&["1.234,50", "7,5"], Value::OddNumber { how: "with marks between thousands" }),
            (&["3,5"], Value::OddNumber { how: "with a decimal comma" }),
            (&["\u{20ac} 12"], Value::OddNumber { how: "with a currency sign" }),
            (&["1661707291575"], Value::Epoch { millis: true }),
            (&["05/01/24"], Value::ShortYears),
            (&["Ulm", "12"], Value::Text),
        ] {
            assert_eq!(told(cells).value, value, "{cells:?}");
        }
        assert!(matches!(told(&["2024-05-01", "NULL"]).value, Value::Dates(_)));
    }

    #[test]
    fn counts_say_nothing_of_the_values() {
        let column = told(&["Ada", "Bo", "Bo", "", "NULL", "-"]);
        assert_eq!((column.filled, column.blank, column.null_cells, column.distinct), (3, 1, 2, 2));
        assert_eq!((column.unique, column.constant, column.shortest, column.longest), (false, false, 2, 3));
        assert_eq!(column.null_words, ["NULL", "-"]);
        assert!(told(&["a", "a"]).constant && told(&["a", "b"]).unique);
    }

    #[test]
    fn a_form_is_that_of_most_and_what_a_few_hold_is_named() {
        let column = told(&["a@b.example", "c@b.example", "d@b.example", "e@b.example", "none"]);
        assert_eq!(column.looks, Some(Shape::Email));
        let column = told(&["a@b.example", "Ulm", "Bonn", "write to x@y.example"]);
        assert_eq!((column.looks, &column.also[..], column.emails_inside), (None, &[(Shape::Email, 1)][..], 1));
        assert_eq!(told(&["+49 40 1234567", "+49 40 7654321"]).international, Some("DE"));
    }
}
