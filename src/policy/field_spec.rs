//! A published field as written: the keys of every field, and those of the treatments by their table.

use super::spec::{At, Named};
use crate::treatments::{self, KeyShape, Treat};
use schemars::{JsonSchema, Schema};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

/// What `[fields.F]` of a job can say.
#[derive(Clone, JsonSchema)]
#[schemars(deny_unknown_fields, transform = describe_keys)]
pub struct FieldSpec {
    /// Column it is made from; absent only for constant.
    pub from: Option<At<String>>,
    /// What is done with the column's values.
    pub treat: At<Treat>,
    /// Whether this is the subject token: exactly one field, pseudonymize of the source's key. Default false.
    pub subject: Option<At<bool>>,
    /// The field becomes null after this period, ISO 8601.
    pub keep: Option<At<String>>,
    /// Share of values that may fail the treatment. Default the larger of 0.1% and 10 values.
    pub max_untreated: Option<At<String>>,
    /// Why the field is published: who needs it for what (Art. 5(1)(c), 35(7)(b) GDPR). Default: not assessed.
    pub why: Option<At<String>>,
    /// Keys of treatments, with their names.
    #[schemars(skip)]
    pub keys: Vec<(&'static str, KeyValue)>,
}

/// What is written under a key of a treatment.
#[derive(Clone, serde::Serialize)]
#[serde(untagged)]
pub enum KeyValue {
    Number(At<i64>),
    Numbers(At<Vec<At<i64>>>),
    Text(At<String>),
    Texts(At<Vec<At<String>>>),
    Words(At<Vec<At<String>>>),
    Table(At<Named<At<String>>>),
}

impl KeyValue {
    /// Byte range in the file.
    pub fn span(&self) -> Range<usize> {
        match self {
            KeyValue::Number(at) => at.span(),
            KeyValue::Numbers(at) => at.span(),
            KeyValue::Text(at) => at.span(),
            KeyValue::Texts(at) | KeyValue::Words(at) => at.span(),
            KeyValue::Table(at) => at.span(),
        }
    }

    fn next<'de, A: MapAccess<'de>>(shape: KeyShape, map: &mut A) -> Result<KeyValue, A::Error> {
        Ok(match shape {
            KeyShape::Number => KeyValue::Number(map.next_value()?),
            KeyShape::Numbers => KeyValue::Numbers(map.next_value()?),
            KeyShape::Text => KeyValue::Text(map.next_value()?),
            KeyShape::Columns => KeyValue::Texts(map.next_value()?),
            KeyShape::Words => KeyValue::Words(map.next_value()?),
            KeyShape::Table => KeyValue::Table(map.next_value()?),
        })
    }
}

impl FieldSpec {
    /// Returns what is written under a key of a treatment.
    pub fn key(&self, name: &str) -> Option<&KeyValue> {
        self.keys.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Returns the names of the columns that it is made of.
    pub fn columns(&self) -> impl Iterator<Item = &At<String>> {
        let lists = self.keys.iter().filter_map(|(_, value)| match value {
            KeyValue::Texts(names) => Some(names.iter()),
            _ => None,
        });
        self.from.iter().chain(lists.flatten())
    }
}

const OF_EVERY_FIELD: [&str; 6] = ["from", "treat", "subject", "keep", "max_untreated", "why"];

static KEYS: LazyLock<Vec<(&treatments::KeyAbout, Vec<&str>)>> = LazyLock::new(treatments::keys);

static NAMES: LazyLock<Vec<&str>> =
    LazyLock::new(|| OF_EVERY_FIELD.into_iter().chain(KEYS.iter().map(|(key, _)| key.name)).collect());

/// The name of a key.
struct KeyName(&'static str);

impl<'de> Deserialize<'de> for KeyName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KnownKeys;
        impl Visitor<'_> for KnownKeys {
            type Value = KeyName;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("field identifier")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<KeyName, E> {
                let known = NAMES.iter().find(|name| **name == text);
                known.map(|name| KeyName(name)).ok_or_else(|| E::unknown_field(text, &NAMES))
            }
        }
        deserializer.deserialize_identifier(KnownKeys)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = FieldSpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("struct FieldSpec")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FieldSpec, A::Error> {
        let (mut from, mut treat, mut subject, mut keep) = (None, None, None, None);
        let (mut max_untreated, mut why) = (None, None);
        let mut keys = Vec::new();
        while let Some(KeyName(name)) = map.next_key()? {
            match name {
                "from" => from = Some(map.next_value()?),
                "treat" => treat = Some(map.next_value()?),
                "subject" => subject = Some(map.next_value()?),
                "keep" => keep = Some(map.next_value()?),
                "max_untreated" => max_untreated = Some(map.next_value()?),
                "why" => why = Some(map.next_value()?),
                _ => {
                    if let Some((key, _)) = KEYS.iter().find(|(key, _)| key.name == name) {
                        keys.push((name, KeyValue::next(key.shape, &mut map)?));
                    }
                }
            }
        }
        let treat = treat.ok_or_else(|| A::Error::missing_field("treat"))?;
        Ok(FieldSpec { from, treat, subject, keep, max_untreated, why, keys })
    }
}

impl<'de> Deserialize<'de> for FieldSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct("FieldSpec", &NAMES, FieldsVisitor)
    }
}

/// Keys of the first treatments are null in the JSON of a field without them, which digests are made of; others are not
/// there.
const NULL_WHERE_ABSENT: [&str; 8] = ["length", "keep_last", "with", "edges", "to", "values", "default", "value"];

impl Serialize for FieldSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("from", &self.from)?;
        map.serialize_entry("treat", &self.treat)?;
        map.serialize_entry("subject", &self.subject)?;
        map.serialize_entry("keep", &self.keep)?;
        map.serialize_entry("max_untreated", &self.max_untreated)?;
        if let Some(why) = &self.why {
            map.serialize_entry("why", why)?;
        }
        for (name, value) in &self.keys {
            map.serialize_entry(name, value)?;
        }
        for name in NULL_WHERE_ABSENT.iter().filter(|name| self.key(name).is_none()) {
            map.serialize_entry(name, &None::<()>)?;
        }
        map.end()
    }
}

/// Adds the keys of treatments to the schema of a field.
fn describe_keys(schema: &mut Schema) {
    let Some(properties) = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut) else { return };
    for (key, of) in KEYS.iter() {
        let mut about = match key.shape {
            KeyShape::Number => serde_json::json!({ "type": ["integer", "null"], "format": "int64" }),
            KeyShape::Numbers => {
                serde_json::json!({ "type": ["array", "null"], "items": { "type": "integer", "format": "int64" } })
            }
            KeyShape::Text => serde_json::json!({ "type": ["string", "null"] }),
            KeyShape::Columns | KeyShape::Words => {
                serde_json::json!({ "type": ["array", "null"], "items": { "type": "string" } })
            }
            KeyShape::Table => {
                serde_json::json!({ "type": ["object", "null"], "additionalProperties": { "type": "string" } })
            }
        };
        about["description"] = format!("{}: {}", of.join(", "), key.says).into();
        properties.insert(key.name.to_owned(), about);
    }
}
