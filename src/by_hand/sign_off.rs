//! A person signs what a job does, or advises on it (Art. 35 GDPR, R76): the controller decides, the data protection officer
//! advises. Must not know what an assessment looks like.

use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::job::{profile_now, served};
use crate::policy::{Project, Register};
use crate::state::{SignedRole, State};

/// A signature or an advice as typed.
pub struct SignOffOrder {
    /// Name of the job.
    pub job: String,
    /// The role of whoever signs or advises.
    pub by: String,
    /// Why it may be done, or what the advice is.
    pub reason: String,
    /// Whether it is advice, and no decision.
    pub advice: bool,
}

/// What was signed.
#[derive(Clone, Debug, serde::Serialize)]
pub struct SignedOffJob {
    /// Name of the job.
    pub job: String,
    /// BLAKE3 hex of what was signed; the ledger has it.
    pub profile: String,
    /// Whether it is advice, and no decision.
    pub advice: bool,
    /// The role of whoever signed or advised.
    pub by: String,
    /// Whether the purpose asks for the signature before the job publishes.
    pub required: bool,
}

/// Names that a data protection officer goes by (Art. 37 GDPR).
const OFFICER: [&str; 4] = ["dpo", "data protection officer", "data-protection-officer", "datenschutzbeauftragter"];

/// Writes a signature or an advice into the ledger, with what it is about.
///
/// # Errors
/// A policy error for a job that is not there, a reason that says nothing, an officer who decides or somebody else who
/// advises; storage errors.
pub fn sign_off(
    project: &Project,
    register: &Register,
    state: &State,
    order: SignOffOrder,
    now: Instant,
) -> Result<SignedOffJob> {
    let plan = project.job(&order.job)?;
    check(&order, register.contact.dpo.as_deref())?;
    let rows = served(state, project, plan)?.and_then(|known| known.current).map(|current| current.rows);
    let profile = profile_now(project, plan, rows, &state.ledger().entries()?);
    let bytes = crate::evidence::json(&profile)?;
    let SignOffOrder { job, by, reason, advice } = order;
    let signed = SignedRole { job: &job, profile: &bytes, advice, by: &by, reason: &reason };
    let profile = state.sign_off(&signed, now)?;
    Ok(SignedOffJob { profile, advice, by, required: plan.purpose.signed, job })
}

fn check(order: &SignOffOrder, officer: Option<&str>) -> Result<()> {
    let wrong = |what: &str, help: &str| Err(Error::new(Code::ArgumentWrong, what).help(help));
    if order.by.trim().is_empty() || order.reason.trim().is_empty() {
        return wrong("a signature needs a role and a reason", "--by ROLE --reason \"…\"; both go into the ledger");
    }
    let by = order.by.trim().to_lowercase();
    let is_officer = OFFICER.contains(&by.as_str()) || officer.is_some_and(|name| name.trim().to_lowercase() == by);
    match (is_officer, order.advice) {
        (true, false) => wrong(
            "the data protection officer advises and does not decide (Art. 35(2), 38(6) GDPR; C-453/21)",
            "add --advice for the officer's advice; whoever answers for the processing signs",
        ),
        (false, true) => wrong(
            "--advice is for the data protection officer (Art. 35(2) GDPR)",
            "write --by dpo, or leave --advice out to sign",
        ),
        _ => Ok(()),
    }
}
