//! JSON Schemas of the three kinds of spec file, for editors (`#:schema`).

use super::{job_spec::JobSpec, policy_spec::PolicySpec, source_spec::SourceSpec};

/// The three kinds of spec file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecKind {
    /// The schema of `policy.toml`.
    Policy,
    /// The schema of `sources/*.toml`.
    Source,
    /// The schema of every other `*.toml`.
    Job,
}

/// The JSON Schema of a kind of file.
pub fn schema(kind: SpecKind) -> serde_json::Value {
    match kind {
        SpecKind::Policy => schemars::schema_for!(PolicySpec),
        SpecKind::Source => schemars::schema_for!(SourceSpec),
        SpecKind::Job => schemars::schema_for!(JobSpec),
    }
    .to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// Every object of a schema that lists properties.
    fn tables(value: &Value) -> Vec<&Value> {
        let own = value.get("properties").map(|_| value);
        let children: Vec<&Value> = match value {
            Value::Object(map) => map.values().collect(),
            Value::Array(items) => items.iter().collect(),
            _ => Vec::new(),
        };
        own.into_iter().chain(children.into_iter().flat_map(tables)).collect()
    }

    #[test]
    fn every_key_is_described_and_unknown_ones_are_refused() {
        for kind in [SpecKind::Policy, SpecKind::Source, SpecKind::Job] {
            let schema = schema(kind);
            for table in tables(&schema) {
                assert_eq!(table["additionalProperties"], Value::Bool(false), "{table}");
                for (key, value) in table["properties"].as_object().expect("a table") {
                    assert!(value["description"].is_string(), "{key} is not described");
                }
            }
        }
    }

    #[test]
    fn required_keys_are_those_without_a_default() {
        let required = |kind| {
            let schema = schema(kind);
            let keys = schema["required"].as_array().expect("keys").iter().filter_map(Value::as_str);
            let mut keys: Vec<_> = keys.map(str::to_owned).collect();
            keys.sort();
            keys.join(" ")
        };
        assert_eq!(required(SpecKind::Policy), "controller keys purposes recipients roots spec");
        assert_eq!(required(SpecKind::Source), "columns name read spec subject");
        assert_eq!(required(SpecKind::Job), "fields input name output purpose retention source spec");
    }
}
