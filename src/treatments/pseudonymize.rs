//! `pseudonymize`: a token (R2 to R4).

use super::about::{About, FieldKeys, Treats};
use super::apply::{Apply, Given, Typed};
use super::field_kind::FieldKind;
use crate::cell::kind::TypeName;
use crate::error::Result;

/// Replaces an identifier by its token.
#[derive(Clone, Debug, PartialEq)]
pub struct Pseudonymize;

impl Treats for Pseudonymize {
    const ABOUT: About = About {
        name: "pseudonymize",
        does: "A token.",
        takes: &[TypeName::Text],
        gives: "Utf8, 32 hex digits; with `token_format = \"binary\"` FixedSizeBinary(16)",
        example: "`7d0c\u{2026}`",
        ..About::USUAL
    };

    fn read(_: &mut dyn FieldKeys) -> Option<Self> {
        Some(Pseudonymize)
    }

    fn gives(&self, _: Option<Typed<'_>>) -> FieldKind {
        FieldKind::Token
    }

    fn ready(&self, _: &Given<'_>) -> Result<Option<Box<dyn Apply>>> {
        Ok(None)
    }
}
