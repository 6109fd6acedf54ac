//! `age-band`: the age at `as_of` in bands, of a date of birth.

use super::about::{About, FieldKeys, KeyAbout, KeyShape, Treats};
use super::apply::{Apply, Given, Typed};
use super::calendar::{self, Part};
use super::number::Bands;
use crate::cell::kind::TypeName;
use crate::error::Result;

/// Age at `as_of` in bands.
#[derive(Clone, Debug, PartialEq)]
pub struct AgeBand {
    /// Ages at which a band begins, ascending.
    pub edges: Vec<i64>,
}

impl Treats for AgeBand {
    const ABOUT: About = About {
        name: "age-band",
        does: "Age at `as_of` in bands.",
        keys: &[KeyAbout {
            name: "edges",
            shape: KeyShape::Numbers,
            says: "ascending edges.",
            allows: "\u{2014} ; ascending, 0 to 150",
        }],
        takes: &[TypeName::Date],
        takes_note: " (of birth)",
        gives: "Utf8, by the age at `as_of`; an age below 0 or above 130 is untreated",
        example: "edges 25, 35, 85: `25-34`, `85+`",
        ..About::USUAL
    };

    fn read(keys: &mut dyn FieldKeys) -> Option<Self> {
        Some(AgeBand { edges: keys.ascending("edges", 0..151)? })
    }

    fn words(&self) -> String {
        format!("age-band {:?}", self.edges)
    }

    fn ready(&self, given: &Given<'_>) -> Result<Option<Box<dyn Apply>>> {
        let column = given.column.map(|column| Typed { birth: true, ..column });
        calendar::ready(Part::Age(Bands::new(&self.edges)), &Given { column, ..*given })
    }
}
