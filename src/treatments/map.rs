//! `map`: a table's value, or its default.

use super::about::{About, FieldKeys, KeyAbout, KeyShape, Treats};
use super::apply::{Any, Apply, Given, TreatOutcome};
use crate::cell::kind::TypeName;
use crate::cell::text::{canonical, with_canonical};
use crate::error::Result;
use std::collections::{BTreeMap, HashMap};

/// By table; keys are trimmed, NFC, case folded.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// What each known value becomes.
    pub values: BTreeMap<String, String>,
    /// What every other value becomes.
    pub default: String,
}

impl Treats for Map {
    const ABOUT: About = About {
        name: "map",
        does: "Another value from a table, with a default.",
        keys: &[
            KeyAbout {
                name: "values",
                shape: KeyShape::Table,
                says: "value -> published value.",
                allows: "\u{2014} ; not empty",
            },
            KeyAbout {
                name: "default",
                shape: KeyShape::Text,
                says: "what every other value becomes.",
                allows: "\u{2014}",
            },
        ],
        takes: &[TypeName::Text],
        takes_note: "; keys compared after trim, NFC and case folding",
        example: "`{ Herr = \"m\" }`",
        ..About::USUAL
    };

    fn read(keys: &mut dyn FieldKeys) -> Option<Self> {
        let (values, default) = (keys.table("values"), keys.text("default"));
        Some(Map { values: values?, default: default? })
    }

    fn words(&self) -> String {
        format!("map of {} values", self.values.len())
    }

    fn ready(&self, _: &Given<'_>) -> Result<Option<Box<dyn Apply>>> {
        let values = self.values.iter().map(|(key, value)| (canonical(key).into_owned(), value.clone()));
        let (values, default) = (values.collect::<HashMap<_, _>>(), self.default.clone());
        Ok(Some(Box::new(Any(move |value: &str, out: &mut Vec<u8>| {
            let mapped = with_canonical(value, |key| values.get(key)).unwrap_or(&default);
            out.extend_from_slice(mapped.as_bytes());
            TreatOutcome::Value
        }))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::kind::ValueType;
    use crate::treatments::tests::treated_text;

    #[test]
    fn r20_map_compares_folded_and_has_a_default() {
        let values = [("Gro\u{DF}kunde".to_string(), "large".to_string())].into();
        let map = Map { values, default: "other".into() };
        assert_eq!(treated_text(map.clone(), ValueType::Text, " GROSSKUNDE ").as_deref(), Ok("large"));
        assert_eq!(treated_text(map.clone(), ValueType::Text, "x").as_deref(), Ok("other"));
    }
}
