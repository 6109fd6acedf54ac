use super::*;
use crate::cell::kind::{DateRule, ValueType};
use crate::clock::Instant;
use jiff::civil::date;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

pub fn days() -> ValueType {
    ValueType::Date(DateRule { formats: vec!["%Y-%m-%d".into()], zone: None, epoch: None })
}

pub fn times() -> ValueType {
    ValueType::Timestamp(DateRule { formats: vec!["%Y-%m-%dT%H:%M:%S%z".into()], zone: None, epoch: None })
}

/// Values of one row, by column.
pub struct Cells<'a> {
    pub subject: Option<[u8; 16]>,
    pub others: &'a [Option<&'a str>],
}

/// Applies a treatment; `Ok` with the bytes, or what became of the value instead. Beside it, what was counted.
pub fn treat_row(how: &Treatment, column: Typed, text: &str, cells: &Cells) -> (Result<Vec<u8>, TreatOutcome>, Counts) {
    let zone = crate::clock::zone("Europe/Paris").expect("bundled");
    let as_of = Instant::parse("2026-11-24T12:00:00Z").expect("a time");
    let key = |context: &'static str| Zeroizing::new(blake3::derive_key(context, &[7; 32]));
    let given = Given { column: Some(column), as_of, zone: &zone, key: &key };
    let apply = how.ready(&given).expect("a plan").expect("not a token");
    let (mut calendars, mut out) = (apply.reader().map(|reader| reader.calendars(&zone)), Vec::new());
    let (mut counts, other) = (BTreeMap::new(), |at: usize| cells.others[at]);
    let mut row = Row { subject: cells.subject, other: &other, counts: &mut counts };
    let treated = match apply.apply(text, &mut row, &mut calendars, &mut out) {
        TreatOutcome::Value => {
            let width = how.gives(Some(column)).width();
            assert!(width.is_none_or(|width| width == out.len()), "the width of the field's kind");
            Ok(out)
        }
        other => {
            assert!(out.is_empty(), "nothing is appended for a null");
            Err(other)
        }
    };
    (treated, counts)
}

fn treat_column(how: Treatment, value: ValueType, birth: bool, text: &str) -> Result<Vec<u8>, TreatOutcome> {
    let sentinels = [date(1900, 1, 1)];
    let cells = Cells { subject: Some([1; 16]), others: &[] };
    treat_row(
        &how,
        Typed { value: &value, sentinels: &sentinels, birth, forms: &crate::cell::forms::CellForms::default() },
        text,
        &cells,
    )
    .0
}

pub fn treat(how: impl Into<Treatment>, value: ValueType, text: &str) -> Result<Vec<u8>, TreatOutcome> {
    treat_column(how.into(), value, false, text)
}

/// Of a date of birth.
pub fn treat_birth(how: impl Into<Treatment>, text: &str) -> Result<Vec<u8>, TreatOutcome> {
    treat_column(how.into(), days(), true, text)
}

pub fn treated_text(how: impl Into<Treatment>, value: ValueType, text: &str) -> Result<String, TreatOutcome> {
    treat(how, value, text).map(|bytes| String::from_utf8(bytes).expect("UTF-8"))
}

#[test]
fn r20_present_says_whether_there_is_a_value_and_a_sentinel_is_none() {
    assert_eq!(treat(Present, ValueType::Text, "x"), Ok(vec![1]));
    assert_eq!(treat(Present, days(), "1900-01-01"), Ok(vec![0]));
    assert_eq!(treat(Present, days(), "not a date"), Ok(vec![1]));
}

#[test]
fn r20_null_stays_null_except_in_present_and_constant() {
    let column = Some(Typed {
        value: &ValueType::Text,
        sentinels: &[],
        birth: false,
        forms: &crate::cell::forms::CellForms::default(),
    });
    let key = |context: &'static str| Zeroizing::new(blake3::derive_key(context, &[7; 32]));
    let given = Given { column, as_of: Instant(0), zone: &TimeZone::UTC, key: &key };
    let of_null = |how: Treatment| {
        let mut out = Vec::new();
        how.ready(&given).expect("a plan").expect("not a token").of_null(&mut out).then_some(out)
    };
    assert_eq!(of_null(AsIs.into()), None);
    assert_eq!(of_null(Prefix { length: 2 }.into()), None);
    assert_eq!(of_null(Present.into()), Some(vec![0]));
    assert_eq!(of_null(Constant { value: "crm".into() }.into()), Some(b"crm".to_vec()));
}

#[test]
fn the_table_of_the_docs_is_that_of_the_code() {
    let docs = std::fs::read_to_string("docs/spec.md").expect("the docs");
    let table = docs.split("\n| `treat` | keys |").nth(1).expect("the table");
    let written: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    let rows: Vec<String> = Treat::ALL.iter().map(|treat| treat.about().row()).collect();
    assert_eq!(written, rows);
}

#[test]
fn names_are_one_each_and_words_begin_with_them() {
    for treat in Treat::ALL {
        assert_eq!(Treat::named(treat.name()), Some(*treat));
        assert_eq!(serde_json::to_value(treat).expect("JSON"), treat.name());
    }
    for how in [Treatment::from(Prefix { length: 2 }), Mask { keep_last: 4, with: '*' }.into(), Pseudonymize.into()] {
        assert_eq!(Treat::told(&how.words()), Some(how.treat()));
    }
}
