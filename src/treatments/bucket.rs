//! `bucket`: a number's band.

use super::about::{About, FieldKeys, KeyAbout, KeyShape, Treats};
use super::apply::{Apply, Given, Typed};
use super::field_kind::FieldKind;
use super::number::{self, Bands};
use crate::cell::kind::TypeName;
use crate::error::Result;

/// Replaces a number by the band that it is in.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    /// Numbers at which a band begins, ascending.
    pub edges: Vec<i64>,
}

impl Treats for Bucket {
    const ABOUT: About = About {
        name: "bucket",
        does: "A number's band.",
        keys: &[KeyAbout {
            name: "edges",
            shape: KeyShape::Numbers,
            says: "ascending edges.",
            allows: "\u{2014} ; ascending",
        }],
        takes: &[TypeName::Integer, TypeName::Decimal],
        example: "edges 0, 100, 200, 500: `100-199`, `<0`, `500+`",
        ..About::USUAL
    };

    fn read(keys: &mut dyn FieldKeys) -> Option<Self> {
        Some(Bucket { edges: keys.ascending("edges", i64::MIN..i64::MAX)? })
    }

    fn words(&self) -> String {
        format!("bucket {:?}", self.edges)
    }

    fn ready(&self, given: &Given<'_>) -> Result<Option<Box<dyn Apply>>> {
        let (bands, kind) =
            (Bands::new(&self.edges), given.column.map_or(FieldKind::Int64, |column| Typed::kind(&column)));
        let forms = given.column.map(|column| column.forms.numbers.clone()).unwrap_or_default();
        Ok(Some(number::written(&forms, move |value, out| number::bucket(value, &bands, kind, out))))
    }
}
