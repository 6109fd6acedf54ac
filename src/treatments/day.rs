//! `day`: the day of a date or time, in the job's zone.

use super::about::{About, FieldKeys, Treats};
use super::apply::{Apply, Given, Typed};
use super::calendar::{self, Part, Unit};
use super::field_kind::FieldKind;
use crate::error::Result;

/// Keeps the day of a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Day;

impl Treats for Day {
    const ABOUT: About = About {
        name: "day",
        does: "The day.",
        gives: "Date32",
        example: "`2026-11-24T23:30:00Z` in Europe/Paris -> `2026-11-25`",
        ..calendar::ABOUT
    };

    fn read(_: &mut dyn FieldKeys) -> Option<Self> {
        Some(Day)
    }

    fn gives(&self, _: Option<Typed<'_>>) -> FieldKind {
        FieldKind::Date
    }

    fn ready(&self, given: &Given<'_>) -> Result<Option<Box<dyn Apply>>> {
        calendar::ready(Part::First(Unit::Day), given)
    }
}
