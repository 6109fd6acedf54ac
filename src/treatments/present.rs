//! `present`: whether there is a value; a sentinel is none.

use super::about::{About, FieldKeys, Treats};
use super::apply::{Apply, Given, Row, TreatOutcome, Typed};
use super::field_kind::FieldKind;
use crate::cell::dates::{Calendars, DateReader, DateReading};
use crate::error::Result;

/// Whether there is a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Present;

impl Treats for Present {
    const ABOUT: About = About {
        name: "present",
        does: "Whether there is a value.",
        gives: "Boolean",
        example: "` ` -> `false`",
        counted: false,
        ..About::USUAL
    };

    fn read(_: &mut dyn FieldKeys) -> Option<Self> {
        Some(Present)
    }

    fn gives(&self, _: Option<Typed<'_>>) -> FieldKind {
        FieldKind::Boolean
    }

    fn ready(&self, given: &Given<'_>) -> Result<Option<Box<dyn Apply>>> {
        let reader = given.column.map(|column| column.dates()).transpose()?.flatten();
        Ok(Some(Box::new(There(reader))))
    }
}

struct There(Option<DateReader>);

impl Apply for There {
    fn apply(&self, value: &str, _: &mut Row<'_>, _: &mut Option<Calendars>, out: &mut Vec<u8>) -> TreatOutcome {
        let read = self.0.as_ref().map(|reader| reader.read(value));
        if read == Some(DateReading::Ambiguous) {
            return TreatOutcome::Ambiguous;
        }
        out.push(u8::from(read != Some(DateReading::Sentinel)));
        TreatOutcome::Value
    }

    fn treats_all(&self) -> bool {
        !self.0.as_ref().is_some_and(DateReader::may_disagree)
    }

    fn of_null(&self, out: &mut Vec<u8>) -> bool {
        out.push(0);
        true
    }
}
