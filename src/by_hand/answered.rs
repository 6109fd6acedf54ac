//! What a recipient has answered to notices, or why it cannot be told (Art. 19 GDPR, R72).

use crate::error::{Code, Error, Result};
use crate::evidence::LedgerEvent;
use crate::job::{Desk, SubjectCall, note};

/// An answer as typed.
pub struct Answered {
    /// Name of the recipient that has answered.
    pub recipient: String,
    /// Number of the last notice that it is about.
    pub up_to: u64,
    /// Why it is impossible or disproportionate to tell the recipient.
    pub impossible: Option<String>,
    /// Who notes the answer.
    pub by: Option<String>,
}

/// Notes an answer in the ledger.
///
/// # Errors
/// A policy error for notices that there are not, or for a reason that says nothing; storage errors.
pub fn answered(call: &SubjectCall, answer: Answered) -> Result<()> {
    let desk = Desk::open(call)?;
    let Answered { recipient, up_to, impossible, by } = answer;
    let last =
        desk.state.notices(&recipient, &desk.state.ledger().entries()?)?.last().map_or(0, |notice| notice.number);
    if up_to == 0 || up_to > last {
        let what = format!("recipient {recipient} has no notice {up_to}: the number of its last notice is {last}");
        return Err(Error::new(Code::ArgumentWrong, what)
            .help("`tamis recipient notices` writes them out, with the number that an answer names"));
    }
    if impossible.as_ref().is_some_and(|why| why.trim().is_empty()) {
        return Err(Error::new(Code::ArgumentWrong, "a recipient that cannot be told needs a reason")
            .help("--impossible \"…\"; it goes into the ledger (Art. 19 GDPR)"));
    }
    note(&desk, call, "answered-notices", LedgerEvent::RecipientAnswered { recipient, up_to, impossible, by })
}
