//! What a sweep of one dataset works with.

use crate::clock::Instant;
use crate::decide::Entries;
use crate::evidence::manifest::ListApplied;
use crate::job::{Ready, companions_of};
use crate::policy::{Plan, Project};
use crate::publish::Target;
use crate::state::State;
use std::path::Path;

/// What a sweep of one dataset works with; everything is open and checked.
pub struct Scene<'a> {
    /// All specs of the installation, resolved.
    pub project: &'a Project,
    /// The job whose dataset is swept.
    pub plan: &'a Plan,
    /// The root that holds the state.
    pub state: &'a State,
    /// Where the dataset lives.
    pub target: Target<'a>,
    /// Prefixes of companions that were written under earlier names of the job.
    pub earlier: Vec<String>,
    /// The instant to judge at.
    pub as_of: Instant,
    /// The present: requests were taken in then.
    pub now: Instant,
    /// Threads that may be used at once.
    pub threads: usize,
    /// Bytes of rows held before they are sealed on disk.
    pub memory_bytes: usize,
    /// Folder for sealed rows.
    pub spill: &'a Path,
}

impl<'a> Scene<'a> {
    /// The dataset of a job as a sweep needs it.
    pub fn of(ready: &'a Ready) -> Scene<'a> {
        Scene {
            project: &ready.project,
            plan: ready.plan(),
            state: &ready.state,
            target: ready.target(),
            earlier: ready.names.iter().map(|name| companions_of(name)).collect(),
            as_of: ready.as_of,
            now: ready.call.now,
            threads: ready.call.threads,
            memory_bytes: ready.call.memory_bytes,
            spill: &ready.call.spill,
        }
    }
}

/// Why rows of erased persons may be left in files of corrections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CorrectionsLeft {
    /// A file cannot be read.
    Unread,
    /// A hold, or a restriction that keeps bytes, keeps them, or a file was written to meanwhile.
    Kept,
}

impl CorrectionsLeft {
    /// Returns the reason in words.
    pub fn said(self) -> &'static str {
        match self {
            CorrectionsLeft::Unread => "a file of corrections cannot be read, and may have rows of erased persons",
            CorrectionsLeft::Kept => "rows of erased persons are left in files of corrections",
        }
    }
}

/// What requests say of a dataset.
pub struct DatasetRequests<'a> {
    /// Says which effects bind an identity.
    pub entries: &'a dyn Entries,
    /// Lists and their entries in force, for evidence.
    pub lists: Vec<ListApplied>,
    /// Whether a legal hold is in force that concerns the dataset, whoever it is about (R34).
    pub holds: bool,
    /// Why files of corrections may still have rows of erased persons.
    pub corrections: Option<CorrectionsLeft>,
    /// Number of the newest segment of stored requests.
    pub segment: u64,
}
