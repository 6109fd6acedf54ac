//! What all three spec files share: values that remember where they stand, named tables, the closed lists.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeSeq, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::{fmt, marker::PhantomData, ops};

/// A value and its byte range in the spec file.
#[derive(Clone, serde::Deserialize, serde::Serialize)]
#[serde(transparent)]
pub struct At<T>(toml::Spanned<T>);

impl<T> At<T> {
    /// Byte range in the file.
    pub fn span(&self) -> ops::Range<usize> {
        self.0.span()
    }
}

impl<T> ops::Deref for At<T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.0.get_ref()
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A table of named entries, in the order written. Its JSON is sorted by name, so order does not change a digest.
#[derive(Clone)]
pub struct Named<T>(Vec<(At<String>, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Named(Vec::new())
    }
}

impl<T> Named<T> {
    /// Entries in the order written.
    pub fn iter(&self) -> impl Iterator<Item = (&At<String>, &T)> {
        self.0.iter().map(|(name, value)| (name, value))
    }
    /// The entry of that exact name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(n, _)| **n == name).map(|(_, value)| value)
    }
    /// Returns how many entries the table has.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

struct NamedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for NamedVisitor<T> {
    type Value = Named<T>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
        let mut entries: Vec<(At<String>, T)> = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        entries.sort_by_key(|(name, _)| name.span().start);
        Ok(Named(entries))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamedVisitor(PhantomData))
    }
}

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (&**name, value)).collect::<BTreeMap<_, _>>())
    }
}

/// JSON of a table whose order means something, as a list of pairs.
pub fn in_order<T: Serialize, S: Serializer>(named: &At<Named<T>>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut pairs = serializer.serialize_seq(Some(named.len()))?;
    for (name, value) in named.iter() {
        pairs.serialize_element(&(&**name, value))?;
    }
    pairs.end()
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("NamedOf{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, T>::json_schema(generator)
    }
}

/// What a column holds. It decides what may be done with the column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Names, ids, numbers of a person.
    Identity,
    /// Ways to reach a person.
    Contact,
    /// Where a person is.
    Location,
    /// Age, sex, household and the like.
    Demographic,
    /// About the business relation.
    Business,
    /// What a person did.
    Behaviour,
    /// Money, accounts and cards.
    Financial,
    /// Special categories, Art. 9 GDPR.
    Special,
    /// Text that may hold anything.
    FreeText,
    /// About the system, not about the person.
    Technical,
    /// Never published, under any treatment.
    Secret,
}

impl Category {
    /// The name as written in a spec.
    pub fn name(self) -> &'static str {
        match self {
            Category::Identity => "identity",
            Category::Contact => "contact",
            Category::Location => "location",
            Category::Demographic => "demographic",
            Category::Business => "business",
            Category::Behaviour => "behaviour",
            Category::Financial => "financial",
            Category::Special => "special",
            Category::FreeText => "free-text",
            Category::Technical => "technical",
            Category::Secret => "secret",
        }
    }

    /// Whether `as-is` needs `allow_raw` (design section 5).
    pub fn guarded(self) -> bool {
        matches!(self, Category::Identity | Category::Contact | Category::Special | Category::FreeText)
    }

    /// Whether it is of persons alone: no column of a source without persons has it (R61).
    pub fn personal(self) -> bool {
        use Category::{Behaviour, Contact, Demographic, Identity, Special};
        matches!(self, Identity | Contact | Demographic | Special | Behaviour)
    }

    /// R36: whether a published field of it is a quasi-identifier unless the source says otherwise.
    pub fn quasi(self) -> bool {
        matches!(self, Category::Location | Category::Demographic | Category::Behaviour)
    }
}
