//! What `run` and `plan` say.

use crate::evidence::Manifest;
use crate::job::LeftAside;

/// What `run` and `plan` say, in text and as JSON.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Report {
    /// Version of this schema.
    pub schema: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// All numbers; of a plan the files are missing.
    pub manifest: Manifest,
    /// Rows of observed sources that name a person.
    pub observed: u64,
    /// Digest that `tamis accept` takes.
    pub plan_digest: String,
    /// What stands against publishing; only of a plan.
    pub stops: Vec<String>,
    /// Exit code that a run would have, as far as a plan can tell; of a run 0.
    pub exit: u8,
    /// What would help the gate.
    pub hints: Vec<String>,
    /// What lists and inputs left aside though it looks like what is meant.
    pub aside: Vec<LeftAside>,
    /// Last entry of the ledger; none of a plan.
    pub ledger_head: Option<String>,
    /// Where the table is, as a URL or path.
    pub location: String,
}

impl Report {
    /// Returns a command that shows rows of the table at `place`, which is [`Report::location`] or a shorter way to it.
    pub fn sample_command(&self, place: &str) -> String {
        crate::publish::sample_command(place)
    }
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A new version is there.
    Published,
    /// The run was only planned, and nothing written.
    Planned,
}

impl Outcome {
    /// Returns the word for it, as JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Published => "published",
            Outcome::Planned => "plan of",
        }
    }
}
