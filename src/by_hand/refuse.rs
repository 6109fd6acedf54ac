//! A request that is refused (Art. 12(4) GDPR): which one, why, and when the person was told. Of whom it is, nobody asks.

use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::LedgerEvent;
use crate::job::{CaseRefusal, Desk, SubjectCall, note, refusals};
use crate::policy::{Effect, Refusal, RefusedRight};

/// What somebody has typed of a refusal.
pub struct RefusalTyped {
    /// Id by which the controller knows the request; it names nobody.
    pub request: String,
    /// The right that the person asked for.
    pub right: RefusedRight,
    /// The reason, one of those that the law knows.
    pub reason: Refusal,
    /// When the request was received; now when it is not said.
    pub received: Option<Instant>,
    /// When the person was told.
    pub informed: Option<Instant>,
}

/// What became of a refusal.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RefusalNoted {
    /// Version of this schema.
    pub schema: &'static str,
    /// Id of the request.
    pub request: String,
    /// What the ledger has of it now.
    pub refusal: CaseRefusal,
    /// The supervisory authority that takes complaints, when the policy names it.
    pub authority: Option<String>,
}

/// Notes a refusal in the ledger. Nothing that is in force ends by it.
///
/// # Errors
/// Policy errors for what was typed, and for a request that is stored and in force; evidence and storage errors.
pub fn refuse(call: &SubjectCall, typed: &RefusalTyped) -> Result<RefusalNoted> {
    let desk = Desk::open(call)?;
    super::ask::check_id(&desk.project, &typed.request)?;
    let (now, requests) = (call.now.to_seconds(), desk.requests()?);
    check_reason(typed)?;
    let stored = requests.of_request(&typed.request).into_iter().map(|at| requests.entry(at));
    let mut in_force = stored.filter(|entry| entry.effect != Effect::Lift && entry.in_force(call.now));
    if in_force.any(|entry| typed.right == RefusedRight::Asked(entry.effect)) {
        return Err(Error::new(Code::RequestWrong, "this request is stored and in force, so it is not refused")
            .help("end it with `tamis subject lift` first, if it has to be refused after all"));
    }
    if [typed.received, typed.informed].into_iter().flatten().any(|at| at > call.now) {
        return Err(
            Error::new(Code::RequestWrong, "a refusal has no time that is still to come").help("give times up to now")
        );
    }
    let ledger = desk.state.ledger();
    let before = refusals::of_case(&ledger.entries()?, &typed.request);
    let before = before.into_iter().find(|before| before.right == typed.right.name());
    let received = typed.received.or(before.map(|before| before.received)).unwrap_or(now);
    super::ask::check_informed(typed.informed, received)?;
    let event = LedgerEvent::RequestRefused {
        request: typed.request.clone(),
        right: typed.right.name().into(),
        reason: typed.reason.name().into(),
        received,
        informed: typed.informed,
    };
    note(&desk, call, "refuse", event)?;
    let noted = refusals::of_case(&desk.state.ledger().entries()?, &typed.request);
    let refusal = noted.into_iter().find(|noted| noted.right == typed.right.name());
    let refusal = refusal.ok_or_else(|| Error::new(Code::InternalFault, "the refusal is not in the ledger"))?;
    let (request, authority) = (typed.request.clone(), desk.register.contact.authority.clone());
    Ok(RefusalNoted { schema: "tamis-refusal/1", request, refusal, authority })
}

fn check_reason(typed: &RefusalTyped) -> Result<()> {
    if typed.reason.answers(typed.right) {
        return Ok(());
    }
    let names = Refusal::ALL.into_iter().filter(|reason| reason.answers(typed.right)).map(Refusal::name);
    let what = format!("{} is no reason to refuse {}", typed.reason.name(), typed.right.name());
    Err(Error::new(Code::RequestWrong, what).help(format!("reasons for it: {}", names.collect::<Vec<_>>().join(", "))))
}
