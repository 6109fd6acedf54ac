//! `week`: monday of the week of a date or time, in the job's zone.

use super::about::{About, FieldKeys, Treats};
use super::apply::{Apply, Given, Typed};
use super::calendar::{self, Part, Unit};
use super::field_kind::FieldKind;
use crate::error::Result;

/// Monday of the week.
#[derive(Clone, Debug, PartialEq)]
pub struct Week;

impl Treats for Week {
    const ABOUT: About = About {
        name: "week",
        does: "Monday of the week.",
        gives: "Date32, the Monday",
        example: "`2026-11-24` -> `2026-11-23`",
        ..calendar::ABOUT
    };

    fn read(_: &mut dyn FieldKeys) -> Option<Self> {
        Some(Week)
    }

    fn gives(&self, _: Option<Typed<'_>>) -> FieldKind {
        FieldKind::Date
    }

    fn ready(&self, given: &Given<'_>) -> Result<Option<Box<dyn Apply>>> {
        calendar::ready(Part::First(Unit::Week), given)
    }
}
