//! Names of treatments in specs and their JSON Schema.

use super::Treat;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use std::borrow::Cow;
use std::sync::LazyLock;

static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| Treat::ALL.iter().map(|treat| treat.name()).collect());

impl Treat {
    /// Returns the name as written in specs and evidence.
    pub fn name(self) -> &'static str {
        self.about().name
    }

    /// Returns the treatment of that name.
    pub fn named(name: &str) -> Option<Treat> {
        Treat::ALL.iter().find(|treat| treat.name() == name).copied()
    }

    /// Returns the treatment of which `Treatment::words` has told.
    pub fn told(words: &str) -> Option<Treat> {
        Treat::named(words.split(' ').next().unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Treat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Treat::named(&name).ok_or_else(|| D::Error::unknown_variant(&name, &NAMES))
    }
}

impl Serialize for Treat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl JsonSchema for Treat {
    fn schema_name() -> Cow<'static, str> {
        "Treat".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let each = Treat::ALL.iter().map(|treat| {
            let about = treat.about();
            serde_json::json!({ "description": about.does, "type": "string", "const": about.name })
        });
        let each: Vec<_> = each.collect();
        json_schema!({ "description": "Names of treatments.", "oneOf": each })
    }
}
