//! What recipients are told of persons whom requests have taken out (Art. 19 GDPR, R72): which notices there are, which
//! were written out to be sent, which were answered. Tokens and dates only.

use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::{LedgerEntry, LedgerEvent};
use crate::job::{Desk, SubjectCall, note};
use crate::policy::{ContactFacts, RecipientFacts};
use crate::requests::Requests;
use crate::state::{Notice, RECTIFY, State, in_hex, last_answered};
use std::collections::BTreeSet;

/// What a recipient is told, as the file for it has it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct RecipientNotices {
    /// Version of this schema.
    pub schema: &'static str,
    /// Name of the controller, who tells.
    pub controller: String,
    /// Whom to answer to.
    pub contact: ContactFacts,
    /// Name of the recipient, who is told.
    pub recipient: String,
    /// What the recipient is: processor or third party.
    pub kind: &'static str,
    /// ISO 3166 code of its country.
    pub country: Option<String>,
    /// What allows the transfer to that country.
    pub transfer: Option<String>,
    /// Where the contract can be found.
    pub contract: Option<String>,
    /// When the file was made.
    pub at: Instant,
    /// Number of the last notice in it: what an answer names.
    pub up_to: u64,
    /// The law, and what to do.
    pub to_do: [&'static str; 5],
    /// The tokens, in the order of their notices.
    pub tokens: Vec<NoticedToken>,
}

/// A token that the recipient has to do something about.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct NoticedToken {
    /// Number of its notice.
    pub notice: u64,
    /// When the notice was written.
    pub at: Instant,
    /// What was asked for: erase, restrict, object, opt-out or rectify.
    pub effect: String,
    /// The table, as `ROOT:path`.
    pub dataset: String,
    /// The token, as the table has it.
    pub token: String,
    /// Epoch of the token.
    pub epoch: String,
    /// The last version of the table that had it; earlier ones may have had it, too.
    pub last_version: u64,
    /// Of a correction the first version without the wrong value.
    pub take_version: Option<u64>,
    /// When the request was received.
    pub received: Instant,
    /// When it is due.
    pub due: Instant,
}

const TO_DO: [&str; 5] = [
    "erase: delete all rows with the token, and tell those to whom you passed them on (Art. 17 and 19 GDPR; Civ. Code §1798.105(c))",
    "restrict: keep the rows and do nothing else with them (Art. 18 and 19 GDPR)",
    "object: stop the processing that the contract names for the purpose (Art. 21 GDPR)",
    "opt-out: neither sell nor share the rows any further (Civ. Code §1798.120)",
    "rectify: replace your rows with the token by those of version take_version or a later one (Art. 16 and 19 GDPR; 11 CCR §7023(c))",
];

/// Returns what a recipient has not answered yet, with what is written into the file for it.
///
/// # Errors
/// A policy error for a recipient that the policy does not have; evidence and storage errors of the state.
pub fn unanswered(call: &SubjectCall, recipient: &str) -> Result<RecipientNotices> {
    let desk = Desk::open(call)?;
    let facts = known(&desk, recipient)?;
    let ledger = desk.state.ledger().entries()?;
    let notices = desk.state.notices(recipient, &ledger)?;
    let answered = last_answered(&ledger, recipient);
    let open = notices.iter().filter(|notice| notice.number > answered);
    let mut tokens: Vec<NoticedToken> = open.flat_map(tokens_of).collect();
    // Two requests of one person ask for the same once.
    let mut seen = BTreeSet::new();
    tokens.retain(|of| seen.insert((of.dataset.clone(), of.token.clone(), of.effect.clone())));
    Ok(RecipientNotices {
        schema: "tamis-recipient-notices/1",
        controller: desk.project.controller.clone(),
        contact: desk.register.contact.clone(),
        recipient: recipient.into(),
        kind: facts.kind.said(),
        country: facts.country.clone(),
        transfer: facts.transfer.clone(),
        contract: facts.contract.clone(),
        at: call.now,
        up_to: notices.last().map_or(0, |notice| notice.number),
        to_do: TO_DO,
        tokens,
    })
}

fn tokens_of(notice: &Notice) -> impl Iterator<Item = NoticedToken> + '_ {
    notice.items.iter().filter(|item| !item.token.is_empty()).map(|item| NoticedToken {
        notice: notice.number,
        at: notice.at,
        effect: item.effect.clone(),
        dataset: notice.dataset.clone(),
        token: item.token.clone(),
        epoch: item.epoch.clone(),
        last_version: item.last_version,
        take_version: (item.effect == RECTIFY).then_some(item.last_version + 1),
        received: item.received,
        due: item.due,
    })
}

/// Finds a recipient of the policy that is told: none within the controller.
///
/// # Errors
/// A policy error when there is no such recipient.
fn known<'a>(desk: &'a Desk, recipient: &str) -> Result<&'a RecipientFacts> {
    desk.register.recipients.get(recipient).ok_or_else(|| {
        let names: Vec<&str> = desk.register.recipients.keys().map(String::as_str).collect();
        Error::new(Code::NameUnknown, format!("the policy has no recipient {recipient:?}"))
            .help(format!("the recipients are: {}", names.join(", ")))
    })
}

/// Notes in the ledger that notices were written out, to be sent.
///
/// # Errors
/// Storage errors.
pub fn written(call: &SubjectCall, told: &RecipientNotices) -> Result<()> {
    let desk = Desk::open(call)?;
    let (recipient, up_to, tokens) = (told.recipient.clone(), told.up_to, told.tokens.len() as u64);
    note(&desk, call, "told", LedgerEvent::RecipientTold { recipient, up_to, tokens })
}

/// What the ledger says of the notices of one recipient.
pub struct Answers<'a> {
    told: Vec<(u64, Instant)>,
    answers: Vec<(u64, Instant, Option<&'a str>)>,
}

impl<'a> Answers<'a> {
    /// Gathers what the ledger has of one recipient.
    pub fn of(entries: &'a [LedgerEntry], recipient: &str) -> Answers<'a> {
        let mut all = Answers { told: Vec::new(), answers: Vec::new() };
        for entry in entries {
            match &entry.event {
                LedgerEvent::RecipientTold { recipient: of, up_to, .. } if of == recipient => {
                    all.told.push((*up_to, entry.at));
                }
                LedgerEvent::RecipientAnswered { recipient: of, up_to, impossible, .. } if of == recipient => {
                    all.answers.push((*up_to, entry.at, impossible.as_deref()));
                }
                _ => {}
            }
        }
        all
    }

    /// Returns when a notice was first written out.
    fn told_at(&self, number: u64) -> Option<Instant> {
        self.told.iter().find(|(up_to, _)| number <= *up_to).map(|(_, at)| *at)
    }

    /// Returns the first answer to a notice: when, and why it is impossible to tell, when it is.
    fn answer(&self, number: u64) -> Option<(Instant, Option<&'a str>)> {
        self.answers.iter().find(|(up_to, ..)| number <= *up_to).map(|(_, at, why)| (*at, *why))
    }
}

/// A recipient that has been told of a request, or has to be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct CaseRecipient {
    /// Name of the recipient.
    pub recipient: String,
    /// Number of the notice.
    pub notice: u64,
    /// The table, as `ROOT:path`.
    pub dataset: String,
    /// When the notice was written.
    pub noticed: Instant,
    /// When it was written out, to be sent.
    pub told: Option<Instant>,
    /// When the recipient answered.
    pub answered: Option<Instant>,
    /// Why it is impossible or disproportionate to tell the recipient.
    pub impossible: Option<String>,
}

/// Returns who was told of any of these stored requests or corrections, and when.
///
/// # Errors
/// Evidence and storage errors of the state.
pub(super) fn of_entries(
    desk: &Desk,
    ledger: &[LedgerEntry],
    (requests, wanted): (&Requests, &[u32]),
    corrections: Vec<String>,
) -> Result<Vec<CaseRecipient>> {
    let corrections = corrections.into_iter().flat_map(|id| [format!("{id}-open"), id]);
    let requests = wanted.iter().map(|at| in_hex(requests.entry(*at).id));
    let ids: BTreeSet<String> = requests.chain(corrections).collect();
    let mut told = Vec::new();
    for recipient in desk.register.recipients.keys() {
        let answers = Answers::of(ledger, recipient);
        for notice in desk.state.notices(recipient, ledger)? {
            if notice.items.iter().any(|item| ids.contains(&item.entry)) {
                let answer = answers.answer(notice.number);
                told.push(CaseRecipient {
                    recipient: recipient.clone(),
                    notice: notice.number,
                    dataset: notice.dataset,
                    noticed: notice.at,
                    told: answers.told_at(notice.number),
                    answered: answer.map(|(at, _)| at),
                    impossible: answer.and_then(|(_, why)| why.map(str::to_owned)),
                });
            }
        }
    }
    Ok(told)
}

/// Notices to one recipient that nobody has answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct OpenNotices {
    /// Tokens in these notices.
    pub tokens: u64,
    /// Number of the last one.
    pub up_to: u64,
    /// When the first of them is due.
    pub due: Option<Instant>,
    /// Whether that has passed.
    pub overdue: bool,
    /// Whether all of them were written out, to be sent.
    pub told: bool,
}

impl OpenNotices {
    /// Counts them.
    ///
    /// # Errors
    /// Evidence and storage errors of the state.
    pub(super) fn of(state: &State, ledger: &[LedgerEntry], recipient: &str, now: Instant) -> Result<OpenNotices> {
        let answers = Answers::of(ledger, recipient);
        let mut all = OpenNotices { told: true, ..OpenNotices::default() };
        let (notices, answered) = (state.notices(recipient, ledger)?, last_answered(ledger, recipient));
        for notice in notices.into_iter().filter(|notice| notice.number > answered) {
            let due = notice.items.iter().map(|item| item.due).min();
            all.tokens += notice.items.len() as u64;
            all.up_to = notice.number;
            all.due = all.due.into_iter().chain(due).min();
            all.told &= answers.told_at(notice.number).is_some();
        }
        all.overdue = all.due.is_some_and(|due| due <= now);
        Ok(all)
    }
}
