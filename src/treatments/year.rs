//! `year`: calendar year of a date or time, in the job's zone.

use super::about::{About, FieldKeys, Treats};
use super::apply::{Apply, Given, Typed};
use super::calendar::{self, Part};
use super::field_kind::FieldKind;
use crate::error::Result;

/// Keeps the calendar year of a date.
#[derive(Clone, Debug, PartialEq)]
pub struct Year;

impl Treats for Year {
    const ABOUT: About = About {
        name: "year",
        does: "Calendar year.",
        gives: "Int32",
        example: "`1984-05-17` -> `1984`",
        ..calendar::ABOUT
    };

    fn read(_: &mut dyn FieldKeys) -> Option<Self> {
        Some(Year)
    }

    fn gives(&self, _: Option<Typed<'_>>) -> FieldKind {
        FieldKind::Int32
    }

    fn ready(&self, given: &Given<'_>) -> Result<Option<Box<dyn Apply>>> {
        calendar::ready(Part::Year, given)
    }
}
