//! `constant`: always the same text, also for null.

use super::about::{About, FieldKeys, KeyAbout, KeyShape, Treats};
use super::apply::{Apply, Given, Row, TreatOutcome};
use crate::cell::dates::Calendars;
use crate::error::Result;

/// Replaces every value by the same one.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    /// The value that all rows get.
    pub value: String,
}

impl Treats for Constant {
    const ABOUT: About = About {
        name: "constant",
        does: "Always `value`.",
        keys: &[KeyAbout { name: "value", shape: KeyShape::Text, says: "the value.", allows: "\u{2014}" }],
        example: "`crm`",
        columnless: true,
        counted: false,
        ..About::USUAL
    };

    fn read(keys: &mut dyn FieldKeys) -> Option<Self> {
        Some(Constant { value: keys.text("value")? })
    }

    fn ready(&self, _: &Given<'_>) -> Result<Option<Box<dyn Apply>>> {
        Ok(Some(Box::new(Same(self.value.clone()))))
    }
}

struct Same(String);

impl Apply for Same {
    fn apply(&self, _: &str, _: &mut Row<'_>, _: &mut Option<Calendars>, out: &mut Vec<u8>) -> TreatOutcome {
        out.extend_from_slice(self.0.as_bytes());
        TreatOutcome::Value
    }

    fn treats_all(&self) -> bool {
        true
    }

    fn of_null(&self, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(self.0.as_bytes());
        true
    }
}
