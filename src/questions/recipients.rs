//! Recipients of datasets: where they are, what allows the transfer, and by when they are looked at again.

use super::notices::OpenNotices;
use crate::clock::Instant;
use crate::error::Result;
use crate::policy::{Project, RecipientKind, Register, days_left};
use crate::state::State;
use jiff::tz::TimeZone;

/// How a recipient stands.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct RecipientStatus {
    /// Name of the recipient.
    pub recipient: String,
    /// What it is: within the controller, processor or third party.
    pub kind: &'static str,
    /// ISO 3166 code of its country.
    pub country: Option<String>,
    /// What allows the transfer to that country.
    pub transfer: Option<String>,
    /// By when it is to be looked at again.
    pub review_by: Option<String>,
    /// Whole days until the review; negative once its day has passed.
    pub days_left: Option<i32>,
    /// Notices that it has not answered (R72); none for one within the controller.
    pub notices: Option<OpenNotices>,
    /// Jobs that publish for it. They are refused once the day has passed.
    pub jobs: Vec<String>,
}

/// Returns how each recipient of the policy stands, by name. Days are those of UTC.
///
/// # Errors
/// Evidence and storage errors of the state.
pub fn recipients(project: &Project, register: &Register, state: &State, now: Instant) -> Result<Vec<RecipientStatus>> {
    let ledger = state.ledger().entries()?;
    let today = now.day(&TimeZone::UTC);
    let of = |(name, facts): (&String, &crate::policy::RecipientFacts)| {
        let serves = |plan: &&crate::policy::Plan| plan.recipient.as_ref().is_some_and(|of| of.name == *name);
        let internal = facts.kind == RecipientKind::Internal;
        let notices = if internal { None } else { Some(OpenNotices::of(state, &ledger, name, now)?) };
        Ok(RecipientStatus {
            recipient: name.clone(),
            kind: facts.kind.said(),
            country: facts.country.clone(),
            transfer: facts.transfer.clone(),
            review_by: facts.review_by.map(|day| day.to_string()),
            days_left: facts.review_by.map(|day| days_left(day, today)),
            notices: notices.filter(|notices| notices.tokens > 0),
            jobs: project.jobs.values().filter(serves).map(|plan| plan.job.clone()).collect(),
        })
    };
    register.recipients.iter().map(of).collect()
}
