//! `mask`: all but the last characters of a text hidden. Characters are code points after trim and NFC (R20).

use super::about::{About, FieldKeys, KeyAbout, KeyShape, Treats};
use super::apply::{Apply, Each, Given, TreatOutcome};
use crate::cell::kind::TypeName;
use crate::cell::text::tidy;
use crate::error::Result;

/// All but the last characters hidden.
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    /// Number of characters at the end that stay.
    pub keep_last: usize,
    /// What stands for the others.
    pub with: char,
}

impl Treats for Mask {
    const ABOUT: About = About {
        name: "mask",
        does: "All but the last `keep_last` characters hidden.",
        keys: &[
            KeyAbout {
                name: "keep_last",
                shape: KeyShape::Number,
                says: "characters that stay. Default 4.",
                allows: "4",
            },
            KeyAbout {
                name: "with",
                shape: KeyShape::Text,
                says: "the character for the others. Default `*`.",
                allows: "`*`, one character",
            },
        ],
        takes: &[TypeName::Text],
        gives: "Utf8, of the value after trim and NFC; a value it would show whole is untreated",
        example: "`55551234` -> `****1234`",
        ..About::USUAL
    };

    fn read(keys: &mut dyn FieldKeys) -> Option<Self> {
        let (keep_last, with) = (keys.number("keep_last", 0..10_001, Some(4)), keys.character("with", '*'));
        Some(Mask { keep_last: usize::try_from(keep_last?).ok()?, with: with? })
    }

    fn words(&self) -> String {
        format!("mask all but {} with {}", self.keep_last, self.with)
    }

    fn ready(&self, _: &Given<'_>) -> Result<Option<Box<dyn Apply>>> {
        let Mask { keep_last, with } = *self;
        Ok(Some(Box::new(Each(move |value: &str, out: &mut Vec<u8>| hide(value, keep_last, with, out)))))
    }
}

/// Replaces all but the last characters, one for one. A value of which all would be shown is untreated.
fn hide(value: &str, keep_last: usize, with: char, out: &mut Vec<u8>) -> TreatOutcome {
    let text = tidy(value);
    let count = text.chars().count();
    if count <= keep_last {
        return TreatOutcome::Untreated;
    }
    let (mut utf8, hidden) = ([0; 4], count - keep_last);
    let with = with.encode_utf8(&mut utf8).as_bytes();
    (0..hidden).for_each(|_| out.extend_from_slice(with));
    let shown = text.char_indices().nth(hidden).map_or(text.len(), |(at, _)| at);
    out.extend_from_slice(&text.as_bytes()[shown..]);
    TreatOutcome::Value
}

#[cfg(test)]
mod tests {
    use super::TreatOutcome::Untreated;
    use super::*;
    use crate::cell::kind::ValueType;
    use crate::treatments::tests::treated_text;

    #[test]
    fn r20_mask_keeps_the_last_characters_and_never_all() {
        let mask = |keep_last, with| Mask { keep_last, with };
        assert_eq!(treated_text(mask(4, '*'), ValueType::Text, "DE891234").as_deref(), Ok("****1234"));
        assert_eq!(
            treated_text(mask(1, '\u{2022}'), ValueType::Text, "\u{E4}\u{F6}\u{FC}").as_deref(),
            Ok("\u{2022}\u{2022}\u{FC}")
        );
        assert_eq!(treated_text(mask(0, 'x'), ValueType::Text, "ab").as_deref(), Ok("xx"));
        assert_eq!(treated_text(mask(4, '*'), ValueType::Text, "1234"), Err(Untreated));
    }
}
