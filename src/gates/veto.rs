//! What stands against publishing a run, and the error that it becomes.

use crate::error::{Code, Error, Kind};

/// Why a gate does not let a run pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Veto {
    /// Which gate, or which of its limits.
    pub code: Code,
    /// The limit and the numbers that break it, in words.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// Whether `accept` lets it through.
    pub acceptable: bool,
}

/// Said of whatever can be accepted.
const LOOK: &str =
    "look at the plan; if this is what should happen, accept its digest; otherwise correct the job or the export";

impl Veto {
    /// A veto that nobody can lift.
    pub(super) fn final_one(code: Code, message: String, help: impl Into<String>) -> Veto {
        Veto { code, message, help: help.into(), acceptable: false }
    }

    /// A veto that a person can lift who has seen exactly these counts.
    pub(super) fn acceptable(code: Code, message: String) -> Veto {
        Veto { code, message, help: LOOK.into(), acceptable: true }
    }
}

/// Returns the error that says all of some vetoes; none without any. What can be accepted is not offered beside something
/// that cannot.
pub fn refusal(vetoes: &[Veto]) -> Option<Error> {
    let of = |kind| vetoes.iter().find(|veto| veto.code.kind() == kind);
    let code = of(Kind::Evidence).or(of(Kind::Input)).or(vetoes.first())?.code;
    let all_acceptable = vetoes.iter().all(|veto| veto.acceptable);
    let mut helps: Vec<&str> = Vec::new();
    for veto in vetoes.iter().filter(|veto| veto.acceptable == all_acceptable) {
        if !helps.contains(&veto.help.as_str()) {
            helps.push(&veto.help);
        }
    }
    let message = vetoes.iter().map(|veto| veto.message.as_str()).collect::<Vec<_>>().join("; ");
    Some(Error::new(code, message).help(helps.join("\n")))
}
