//! `quarter`: first day of the quarter of a date or time, in the job's zone.

use super::about::{About, FieldKeys, Treats};
use super::apply::{Apply, Given, Typed};
use super::calendar::{self, Part, Unit};
use super::field_kind::FieldKind;
use crate::error::Result;

/// First day of the quarter.
#[derive(Clone, Debug, PartialEq)]
pub struct Quarter;

impl Treats for Quarter {
    const ABOUT: About = About {
        name: "quarter",
        does: "First day of the quarter.",
        gives: "Date32, first day",
        example: "`2026-11-24` -> `2026-10-01`",
        ..calendar::ABOUT
    };

    fn read(_: &mut dyn FieldKeys) -> Option<Self> {
        Some(Quarter)
    }

    fn gives(&self, _: Option<Typed<'_>>) -> FieldKind {
        FieldKind::Date
    }

    fn ready(&self, given: &Given<'_>) -> Result<Option<Box<dyn Apply>>> {
        calendar::ready(Part::First(Unit::Quarter), given)
    }
}
