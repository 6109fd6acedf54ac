//! `[schedule]` of a job file as it is written.

use super::spec::At;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happens after missed runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CatchUp {
    /// One run makes up for all that were missed.
    Once,
    /// Runs that were missed are not made up for.
    None,
}

/// What `[schedule]` of a job can say.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = former_names)]
pub struct ScheduleSpec {
    /// Five fields: minute, hour, day of month, month, day of week.
    pub cron: At<String>,
    /// IANA zone of the schedule and of the job's calendar.
    // Digests of plans and files of before have the word `timezone`.
    #[serde(rename(serialize = "timezone", deserialize = "zone"), alias = "timezone")]
    pub zone: At<String>,
    /// After missed runs: once, none. Default once.
    pub catch_up: Option<At<CatchUp>>,
    /// How late a run may begin, ISO 8601. Default any.
    pub deadline: Option<At<String>>,
    /// Longest run, ISO 8601. Default PT6H.
    pub timeout: Option<At<String>>,
    /// Largest delay; the job's part of it is derived from its name, ISO 8601. Default PT0S.
    pub jitter: Option<At<String>>,
    /// Whether the job does not run by its schedule. Default false.
    pub suspend: Option<At<bool>>,
}

/// The schema takes the former name of `zone` too, and says that it is one.
fn former_names(schema: &mut schemars::Schema) {
    let zone = schema.get("properties").and_then(|properties| properties.get("zone")).cloned();
    if let (Some(mut zone), Some(properties)) = (zone, schema.get_mut("properties").and_then(|p| p.as_object_mut())) {
        zone["description"] = "The former name of `zone`.".into();
        zone["deprecated"] = true.into();
        properties.insert("timezone".into(), zone);
    }
    schema.insert("required".into(), serde_json::json!(["cron"]));
    schema.insert("oneOf".into(), serde_json::json!([{ "required": ["zone"] }, { "required": ["timezone"] }]));
}
