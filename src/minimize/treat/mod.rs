//! Treatments: one value in, one published value out, by the table of docs/spec.md (R20).
//! Pure functions of one repeated shape. Must not know rows, keys or other columns.

mod calendar;
mod number;
mod text;

use super::dates::{Calendars, DateReader, Reading};
use super::rows::FieldKind;
use jiff::tz::TimeZone;

use crate::clock::Instant;
use crate::error::Result;
use crate::policy::{Column, Treatment, ValueType};
use calendar::Unit;

pub use number::boolean;

/// What became of a value that is not null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Bytes were appended: text, or exactly the width of the field's kind.
    Value,
    /// A sentinel: null for treatments (R20).
    Null,
    /// It cannot be treated: null and counted. Nothing was appended.
    Untreated,
    /// Two formats of the column read it differently: the run is refused (R23). Nothing was appended.
    Ambiguous,
}

/// One field's treatment, ready to be applied. `pseudonymize` is not among them: tokens are made a column at a time.
pub enum Treater {
    /// Text, trimmed and NFC.
    Text,
    /// The first characters.
    Prefix(usize),
    /// All but the last characters hidden.
    Mask { keep_last: usize, with: char },
    /// By table.
    Map(text::Table),
    /// The domain of an address.
    EmailDomain,
    /// 64 bits.
    Integer,
    /// A double.
    Float,
    /// 128 bits at a scale.
    Decimal(u8),
    /// true or false.
    Boolean,
    /// A number's band.
    Bucket { bands: number::Bands, kind: FieldKind },
    /// To a multiple.
    Round { to: i64, kind: FieldKind },
    /// Something made of a date or time.
    Calendar { reader: DateReader, part: calendar::Part, births: Option<calendar::Births> },
    /// Whether there is a value; a sentinel is none.
    Present(Option<DateReader>),
    /// Always the same text, also for null.
    Constant(String),
}

impl Treater {
    /// The treatment of a column's values; none for `pseudonymize`.
    ///
    /// # Errors
    /// A policy error for a date format that cannot be read.
    pub fn new(treat: &Treatment, column: Option<&Column>, as_of: Instant, zone: &TimeZone) -> Result<Option<Treater>> {
        use calendar::Part;
        let birth = matches!(treat, Treatment::AgeBand { .. }) || column.is_some_and(|column| column.birth);
        let births = || birth.then(|| calendar::Births::at(as_of, zone));
        let part = |part| Ok(dates(column)?.map(|reader| Treater::Calendar { reader, part, births: births() }));
        Ok(Some(match treat {
            Treatment::Pseudonymize => return Ok(None),
            Treatment::AsIs => match column.map(|column| &column.value) {
                Some(ValueType::Date(_)) => return part(Part::First(Unit::Day)),
                Some(ValueType::Timestamp(_)) => return part(Part::Instant),
                _ => as_is(column),
            },
            Treatment::Prefix { length } => Treater::Prefix(*length),
            Treatment::Mask { keep_last, with } => Treater::Mask { keep_last: *keep_last, with: *with },
            Treatment::Year => return part(Part::Year),
            Treatment::Quarter => return part(Part::First(Unit::Quarter)),
            Treatment::Month => return part(Part::First(Unit::Month)),
            Treatment::Week => return part(Part::First(Unit::Week)),
            Treatment::Day => return part(Part::First(Unit::Day)),
            Treatment::AgeBand { edges } => return part(Part::Age(number::Bands::new(edges))),
            Treatment::Bucket { edges } => {
                Treater::Bucket { bands: number::Bands::new(edges), kind: number_kind(column) }
            }
            Treatment::Round { to } => Treater::Round { to: *to, kind: number_kind(column) },
            Treatment::Map { values, default } => Treater::Map(text::Table::new(values, default)),
            Treatment::EmailDomain => Treater::EmailDomain,
            Treatment::Present => Treater::Present(dates(column)?),
            Treatment::Constant { value } => Treater::Constant(value.clone()),
        }))
    }

    /// Treats one value that is not null.
    pub fn apply(&self, value: &str, calendars: &mut Option<Calendars>, out: &mut Vec<u8>) -> Outcome {
        match self {
            Treater::Text => text::as_is(value, out),
            Treater::Prefix(length) => text::prefix(value, *length, out),
            Treater::Mask { keep_last, with } => text::mask(value, *keep_last, *with, out),
            Treater::Map(table) => text::map(value, table, out),
            Treater::EmailDomain => text::email_domain(value, out),
            Treater::Integer => number::integer(value, out),
            Treater::Float => number::float(value, out),
            Treater::Decimal(scale) => number::decimal(value, *scale, out),
            Treater::Boolean => number::yes_or_no(value, out),
            Treater::Bucket { bands, kind } => number::bucket(value, bands, *kind, out),
            Treater::Round { to, kind } => number::round(value, *to, *kind, out),
            Treater::Calendar { reader, .. } => self.apply_read(reader.read(value), calendars, out),
            Treater::Present(reader) => {
                let read = reader.as_ref().map(|reader| reader.read(value));
                if read == Some(Reading::Ambiguous) {
                    return Outcome::Ambiguous;
                }
                out.push(u8::from(read != Some(Reading::Sentinel)));
                Outcome::Value
            }
            Treater::Constant(value) => {
                out.extend_from_slice(value.as_bytes());
                Outcome::Value
            }
        }
    }

    /// Treats a date or time that has been read already, by a reader of the same column.
    pub fn apply_read(&self, read: Reading, calendars: &mut Option<Calendars>, out: &mut Vec<u8>) -> Outcome {
        match (self, read, calendars) {
            (Treater::Calendar { reader, part, births }, Reading::At(moment), Some(calendars)) => {
                part.of(reader, &moment, births.as_ref(), calendars, out)
            }
            (_, Reading::Sentinel, _) => Outcome::Null,
            (_, Reading::Ambiguous, _) => Outcome::Ambiguous,
            _ => Outcome::Untreated,
        }
    }

    /// Whether every value that is not null can be treated.
    pub fn treats_all(&self) -> bool {
        match self {
            Treater::Text | Treater::Map(_) | Treater::Constant(_) => true,
            Treater::Present(reader) => !reader.as_ref().is_some_and(DateReader::may_disagree),
            _ => false,
        }
    }

    /// What null becomes: appends and returns true for `present` and `constant`, the two where it is not null (R20).
    pub fn of_null(&self, out: &mut Vec<u8>) -> bool {
        match self {
            Treater::Present(_) => out.push(0),
            Treater::Constant(value) => out.extend_from_slice(value.as_bytes()),
            _ => return false,
        }
        true
    }

    /// The calendars that `apply` works with, for the treatments that need them.
    pub fn calendars(&self, job: &TimeZone) -> Option<Calendars> {
        match self {
            Treater::Calendar { reader, .. } => Some(reader.calendars(job)),
            _ => None,
        }
    }
}

/// The type of a published field.
pub fn kind(treat: &Treatment, column: Option<&Column>) -> FieldKind {
    match treat {
        Treatment::AsIs => match column.map(|c| &c.value) {
            Some(ValueType::Boolean) => FieldKind::Boolean,
            Some(ValueType::Date(_)) => FieldKind::Date,
            Some(ValueType::Timestamp(_)) => FieldKind::Timestamp,
            Some(ValueType::Integer | ValueType::Decimal { .. }) => number_kind(column),
            _ => FieldKind::Text,
        },
        Treatment::Pseudonymize => FieldKind::Token,
        Treatment::Year => FieldKind::Int32,
        Treatment::Quarter | Treatment::Month | Treatment::Week | Treatment::Day => FieldKind::Date,
        Treatment::Round { .. } => number_kind(column),
        Treatment::Present => FieldKind::Boolean,
        Treatment::Prefix { .. }
        | Treatment::Mask { .. }
        | Treatment::AgeBand { .. }
        | Treatment::Bucket { .. }
        | Treatment::Map { .. }
        | Treatment::EmailDomain
        | Treatment::Constant { .. } => FieldKind::Text,
    }
}

fn number_kind(column: Option<&Column>) -> FieldKind {
    match column.map(|c| &c.value) {
        Some(ValueType::Decimal { scale: Some(scale) }) => FieldKind::Decimal(*scale),
        Some(ValueType::Decimal { scale: None }) => FieldKind::Float64,
        _ => FieldKind::Int64,
    }
}

/// `as-is` of what is neither date nor timestamp.
fn as_is(column: Option<&Column>) -> Treater {
    match column.map(|c| &c.value) {
        Some(ValueType::Integer) => Treater::Integer,
        Some(ValueType::Decimal { scale: None }) => Treater::Float,
        Some(ValueType::Decimal { scale: Some(scale) }) => Treater::Decimal(*scale),
        Some(ValueType::Boolean) => Treater::Boolean,
        _ => Treater::Text,
    }
}

/// A reader for the column's dates; none when it has none.
pub fn dates(column: Option<&Column>) -> Result<Option<DateReader>> {
    match column.map(|c| (&c.value, &c.sentinels)) {
        Some((ValueType::Date(rule), sentinels)) => DateReader::new(rule, true, sentinels).map(Some),
        Some((ValueType::Timestamp(rule), sentinels)) => DateReader::new(rule, false, sentinels).map(Some),
        _ => Ok(None),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::policy::{DateRule, Identifier, Normal};

    pub fn column(value: ValueType) -> Column {
        let identifier = Identifier { kind: "source.Column/1".into(), normal: Normal::Text };
        let sentinels = vec![jiff::civil::date(1900, 1, 1)];
        Column {
            name: "Column".into(),
            value,
            sentinels,
            identifier,
            identified: false,
            several: None,
            birth: false,
            max_raw: None,
        }
    }

    pub fn days() -> ValueType {
        ValueType::Date(DateRule { formats: vec!["%Y-%m-%d".into()], zone: None, epoch: None })
    }

    pub fn times() -> ValueType {
        ValueType::Timestamp(DateRule { formats: vec!["%Y-%m-%dT%H:%M:%S%z".into()], zone: None, epoch: None })
    }

    /// Applies a treatment; `Ok` with the bytes, or what became of the value instead.
    pub fn treat(how: &Treatment, value: ValueType, text: &str) -> std::result::Result<Vec<u8>, Outcome> {
        treat_column(how, &column(value), text)
    }

    pub fn treat_column(how: &Treatment, column: &Column, text: &str) -> std::result::Result<Vec<u8>, Outcome> {
        let zone = crate::clock::zone("Europe/Paris").expect("bundled");
        let as_of = Instant::parse("2026-11-24T12:00:00Z").expect("a time");
        let treater = Treater::new(how, Some(column), as_of, &zone).expect("a plan").expect("not a token");
        let (mut calendars, mut out) = (treater.calendars(&zone), Vec::new());
        match treater.apply(text, &mut calendars, &mut out) {
            Outcome::Value => {
                let width = kind(how, Some(column)).width();
                assert!(width.is_none_or(|width| width == out.len()), "the width of the field's kind");
                Ok(out)
            }
            other => {
                assert!(out.is_empty(), "nothing is appended for a null");
                Err(other)
            }
        }
    }

    pub fn treated_text(how: &Treatment, value: ValueType, text: &str) -> std::result::Result<String, Outcome> {
        treat(how, value, text).map(|bytes| String::from_utf8(bytes).expect("UTF-8"))
    }

    #[test]
    fn r20_present_says_whether_there_is_a_value_and_a_sentinel_is_none() {
        assert_eq!(treat(&Treatment::Present, ValueType::Text, "x"), Ok(vec![1]));
        assert_eq!(treat(&Treatment::Present, days(), "1900-01-01"), Ok(vec![0]));
        assert_eq!(treat(&Treatment::Present, days(), "not a date"), Ok(vec![1]));
    }

    #[test]
    fn r20_null_stays_null_except_in_present_and_constant() {
        let zone = TimeZone::UTC;
        let text = column(ValueType::Text);
        let of_null = |how: &Treatment| {
            let treater = Treater::new(how, Some(&text), Instant(0), &zone).expect("a plan").expect("not a token");
            let mut out = Vec::new();
            treater.of_null(&mut out).then_some(out)
        };
        assert_eq!(of_null(&Treatment::AsIs), None);
        assert_eq!(of_null(&Treatment::Prefix { length: 2 }), None);
        assert_eq!(of_null(&Treatment::Present), Some(vec![0]));
        assert_eq!(of_null(&Treatment::Constant { value: "crm".into() }), Some(b"crm".to_vec()));
    }
}
