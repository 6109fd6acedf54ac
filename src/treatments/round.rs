//! `round`: a number to a multiple.

use super::about::{About, FieldKeys, KeyAbout, KeyShape, Treats};
use super::apply::{Apply, Given, Typed};
use super::field_kind::FieldKind;
use super::number;
use crate::cell::kind::TypeName;
use crate::error::Result;

/// Rounds a number to a multiple.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// The multiple, which is positive.
    pub to: i64,
}

impl Treats for Round {
    const ABOUT: About = About {
        name: "round",
        does: "The number, rounded to a multiple of `to`.",
        keys: &[KeyAbout {
            name: "to",
            shape: KeyShape::Number,
            says: "the multiple.",
            allows: "\u{2014} ; 1 or more",
        }],
        takes: &[TypeName::Integer, TypeName::Decimal],
        gives: "as the column's type",
        example: "to 100: `1240` -> `1200`",
        ..About::USUAL
    };

    fn read(keys: &mut dyn FieldKeys) -> Option<Self> {
        Some(Round { to: keys.number("to", 1..i64::MAX, None)? })
    }

    fn words(&self) -> String {
        format!("round to {}", self.to)
    }

    fn gives(&self, column: Option<Typed<'_>>) -> FieldKind {
        column.map_or(FieldKind::Int64, |column| column.kind())
    }

    fn ready(&self, given: &Given<'_>) -> Result<Option<Box<dyn Apply>>> {
        let (to, kind) = (self.to, self.gives(given.column));
        let forms = given.column.map(|column| column.forms.numbers.clone()).unwrap_or_default();
        Ok(Some(number::written(&forms, move |value, out| number::round(value, to, kind, out))))
    }
}
