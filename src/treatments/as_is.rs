//! `as-is`: the value by the column's type.

use super::about::{About, FieldKeys, Treats};
use super::apply::{Any, Apply, Each, Given, TreatOutcome, Typed};
use super::calendar::{self, Part, Unit};
use super::field_kind::FieldKind;
use super::number;
use crate::cell::dates::DateReading;
use crate::cell::kind::ValueType;
use crate::cell::text::tidy;
use crate::error::Result;

/// The value by the column's type.
#[derive(Clone, Debug, PartialEq)]
pub struct AsIs;

impl Treats for AsIs {
    const ABOUT: About = About {
        name: "as-is",
        does: "The value by the column's type.",
        gives: "text: Utf8, after trim and NFC; integer: Int64; decimal: Decimal128(38, scale) with `scale`, else Float64; boolean: Boolean; date: Date32; timestamp: Timestamp(\u{b5}s, UTC)",
        example: "`Berlin` -> `Berlin`",
        ..About::USUAL
    };

    fn read(_: &mut dyn FieldKeys) -> Option<Self> {
        Some(AsIs)
    }

    fn gives(&self, column: Option<Typed<'_>>) -> FieldKind {
        column.map_or(FieldKind::Text, |column| column.kind())
    }

    fn ready(&self, given: &Given<'_>) -> Result<Option<Box<dyn Apply>>> {
        let forms = given.column.map(|column| column.forms.clone()).unwrap_or_default();
        Ok(Some(match given.column.map(|column| column.value) {
            Some(ValueType::Date(_)) => return calendar::ready(Part::First(Unit::Day), given),
            Some(ValueType::Timestamp(_)) => return calendar::ready(Part::Instant, given),
            Some(ValueType::Integer) => number::written(&forms.numbers, number::integer),
            Some(ValueType::Decimal { scale: None }) => number::written(&forms.numbers, number::float),
            Some(ValueType::Decimal { scale: Some(scale) }) => {
                let scale = *scale;
                number::written(&forms.numbers, move |value, out| number::decimal(value, scale, out))
            }
            Some(ValueType::Boolean) => {
                Box::new(Each(move |value: &str, out: &mut Vec<u8>| number::yes_or_no(value, &forms, out)))
            }
            Some(ValueType::Text) | None => Box::new(Any(text)),
        }))
    }
}

/// Returns whether a value can be read as what its column holds.
///
/// # Errors
/// A policy error for a date format that cannot be read.
pub fn is_readable(column: &Typed<'_>, value: &str) -> Result<bool> {
    if let Some(dates) = column.dates()? {
        return Ok(matches!(dates.read(value), DateReading::At(_) | DateReading::Sentinel));
    }
    let (numbers, mut out) = (&column.forms.numbers, Vec::new());
    let outcome = match (column.value, numbers.plain(value)) {
        (ValueType::Boolean, _) => number::yes_or_no(value, column.forms, &mut out),
        (ValueType::Text | ValueType::Date(_) | ValueType::Timestamp(_), _) => text(value, &mut out),
        (_, None) => TreatOutcome::Untreated,
        (ValueType::Integer, Some(plain)) => number::integer(&plain, &mut out),
        (ValueType::Decimal { scale: None }, Some(plain)) => number::float(&plain, &mut out),
        (ValueType::Decimal { scale: Some(scale) }, Some(plain)) => number::decimal(&plain, *scale, &mut out),
    };
    Ok(outcome == TreatOutcome::Value)
}

/// Text, trimmed and NFC.
fn text(value: &str, out: &mut Vec<u8>) -> TreatOutcome {
    out.extend_from_slice(tidy(value).as_bytes());
    TreatOutcome::Value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::treatments::tests::treated_text;

    #[test]
    fn r20_text_as_is_is_trimmed_and_composed_and_nothing_in_it_is_unseen() {
        assert_eq!(treated_text(AsIs, ValueType::Text, "\u{feff}Ber\u{ad}lin\u{200b}").as_deref(), Ok("Berlin"));
        assert_eq!(treated_text(AsIs, ValueType::Text, " Zu\u{308}rich\n").as_deref(), Ok("Z\u{FC}rich"));
    }
}
