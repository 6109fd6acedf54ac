//! What the controller decides after a breach: whether authority and people are told (Art. 33, 34 GDPR).

use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::{LedgerEvent, RunRef};
use crate::state::State;

/// What somebody has typed of whom to tell of a breach.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct BreachDecision {
    /// Number that `breach scope` gave.
    pub number: u64,
    /// Whether the authority is told (Art. 33).
    pub authority: bool,
    /// Whether the people are told (Art. 34).
    pub people: bool,
    /// Role of whoever has decided.
    pub by: String,
    /// The reason, which the ledger keeps.
    pub reason: String,
}

/// Writes a decision into the ledger.
///
/// # Errors
/// A policy error for a breach that is not there, or without who and why; storage errors.
pub fn decide_breach(state: &State, decision: &BreachDecision, now: Instant) -> Result<()> {
    state.breach(decision.number)?;
    if decision.by.trim().is_empty() || decision.reason.trim().is_empty() {
        return Err(Error::new(Code::ArgumentWrong, "a decision needs who has taken it, and why")
            .help("--by WHO --reason \"…\"; both go into the ledger (Art. 33(5) GDPR)"));
    }
    let BreachDecision { number, authority, people, by, reason } = decision.clone();
    let run = format!("breach-decided-{number}-{}", now.0);
    let event = LedgerEvent::BreachDecided { number, authority, people, by, reason };
    state.ledger().append(RunRef { run: &run, attempt: 1, since: now }, event, now).map(drop)
}
