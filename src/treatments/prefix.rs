//! `prefix`: the first characters of a text. Characters are code points after trim and NFC (R20).

use super::about::{About, FieldKeys, KeyAbout, KeyShape, Treats};
use super::apply::{Apply, Each, Given, TreatOutcome};
use crate::cell::kind::TypeName;
use crate::cell::text::tidy;
use crate::error::Result;

/// Keeps the first characters of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Prefix {
    /// Number of characters that stay.
    pub length: usize,
}

impl Treats for Prefix {
    const ABOUT: About = About {
        name: "prefix",
        does: "The first `length` characters.",
        keys: &[KeyAbout {
            name: "length",
            shape: KeyShape::Number,
            says: "number of characters.",
            allows: "\u{2014} ; 1 or more",
        }],
        takes: &[TypeName::Text],
        gives: "Utf8, of the value after trim and NFC; a value not longer than `length` is untreated",
        example: "length 2: `10115` -> `10`",
        ..About::USUAL
    };

    fn read(keys: &mut dyn FieldKeys) -> Option<Self> {
        let length = keys.number("length", 1..10_001, None)?;
        Some(Prefix { length: usize::try_from(length).ok()? })
    }

    fn words(&self) -> String {
        format!("prefix {}", self.length)
    }

    fn ready(&self, _: &Given<'_>) -> Result<Option<Box<dyn Apply>>> {
        let length = self.length;
        Ok(Some(Box::new(Each(move |value: &str, out: &mut Vec<u8>| first(value, length, out)))))
    }
}

/// Appends the first characters. A value not longer than that is untreated, as it would be shown whole.
fn first(value: &str, length: usize, out: &mut Vec<u8>) -> TreatOutcome {
    let text = tidy(value);
    let Some((end, _)) = text.char_indices().nth(length) else { return TreatOutcome::Untreated };
    out.extend_from_slice(&text.as_bytes()[..end]);
    TreatOutcome::Value
}

#[cfg(test)]
mod tests {
    use super::TreatOutcome::Untreated;
    use super::*;
    use crate::cell::kind::ValueType;
    use crate::treatments::tests::treated_text;

    #[test]
    fn r20_prefix_counts_characters_and_hides_short_values() {
        let two = Prefix { length: 2 };
        assert_eq!(treated_text(two.clone(), ValueType::Text, " 10115 ").as_deref(), Ok("10"));
        assert_eq!(treated_text(two.clone(), ValueType::Text, "U\u{308}ber").as_deref(), Ok("\u{DC}b"));
        assert_eq!(treated_text(two.clone(), ValueType::Text, "10"), Err(Untreated));
        assert_eq!(treated_text(two.clone(), ValueType::Text, "U\u{308}b"), Err(Untreated));
    }
}
