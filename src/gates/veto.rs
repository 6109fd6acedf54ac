//! What stands against publishing a run, and the error that it becomes. Must not know which gates there are.

use crate::error::{Error, Kind};

/// Why a gate does not let a run pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Veto {
    /// Limit and numbers.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// Whether `accept` lets it through.
    pub acceptable: bool,
    /// What kind of error it is.
    pub kind: Kind,
}

/// Said of whatever can be accepted.
const LOOK: &str =
    "look at the plan; when this is what should happen, accept its digest, else correct the job or the export";

impl Veto {
    /// A veto that nobody can lift.
    pub(super) fn final_one(message: String, help: impl Into<String>) -> Veto {
        Veto { message, help: help.into(), acceptable: false, kind: Kind::Gate }
    }

    /// A veto that a person can lift who has seen exactly these counts.
    pub(super) fn acceptable(message: String) -> Veto {
        Veto { message, help: LOOK.into(), acceptable: true, kind: Kind::Gate }
    }

    /// The same as an error of another kind.
    pub(super) fn of_kind(self, kind: Kind) -> Veto {
        Veto { kind, ..self }
    }
}

/// Returns the error that says all of some vetoes; none without any. What can be accepted is not offered beside something
/// that cannot.
pub fn refusal(vetoes: &[Veto]) -> Option<Error> {
    if vetoes.is_empty() {
        return None;
    }
    let all_acceptable = vetoes.iter().all(|veto| veto.acceptable);
    let mut helps: Vec<&str> = Vec::new();
    for veto in vetoes.iter().filter(|veto| veto.acceptable == all_acceptable) {
        if !helps.contains(&veto.help.as_str()) {
            helps.push(&veto.help);
        }
    }
    let message = vetoes.iter().map(|veto| veto.message.as_str()).collect::<Vec<_>>().join("; ");
    let has = |kind| vetoes.iter().any(|veto| veto.kind == kind);
    let error = match () {
        () if has(Kind::Evidence) => Error::evidence(message),
        () if has(Kind::Input) => Error::input(message),
        () => Error::gate(message),
    };
    Some(error.help(helps.join("\n")))
}
