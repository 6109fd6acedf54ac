//! A request that a person types in: values come in, identities are made at once and stored, nothing of a value goes
//! out again. Must not know where values were typed.

use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::{LedgerEvent, ledger};
use crate::job::{Desk, SubjectCall, identities, matching, note};
use crate::policy::{Effect, Plan, Project};
use crate::requests::{COMMAND, LiftEnds, RequestCommand, RequestTerms, Requests};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// What every request id looks like; a list's own `request_pattern` is accepted too.
const PATTERN: &str = "^(?:[A-Za-z0-9-]{1,40})$";

/// A request as typed, apart from its values.
pub struct Asked {
    /// What it asks for.
    pub effect: Effect,
    /// Id by which the controller knows the request; it names nobody.
    pub request: String,
    /// Purposes; none = all.
    pub purposes: Vec<String>,
    /// When it was received; now when it is not said.
    pub received: Option<Instant>,
    /// A lift: the id of the request it ends.
    pub lifts: Option<String>,
    /// A lift: it may end an erasure.
    pub lift_erase: bool,
    /// A lift: it may end requests of several persons (R54).
    pub lift_several: bool,
    /// What only some effects have to say.
    pub terms: RequestTerms,
}

/// What became of a request.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Stored {
    /// Version of this schema.
    pub schema: &'static str,
    /// Id of the request that was stored.
    pub request: String,
    /// What the request asks for, as lists spell it.
    pub effect: String,
    /// False when exactly this request was stored before.
    pub new: bool,
    /// Values that it names.
    pub identities: usize,
    /// Of these, values without a normal form: only the same spelling matches (R4).
    pub raw: usize,
    /// When it was received.
    pub received: Instant,
    /// When it is due.
    pub due: Instant,
    /// A lift: how many requests it ends.
    pub ends: Option<u64>,
    /// A lift: what it comes to, in words (R30).
    pub lift: Option<&'static str>,
    /// Whether another person's request seems to be stored under this id: a lift ends neither (R54).
    pub shares_id: bool,
    /// Jobs whose purpose it binds.
    pub binds: Vec<String>,
}

/// Stores a request.
///
/// # Errors
/// Policy errors for what was typed; evidence and storage errors of the state.
pub fn ask(call: &SubjectCall, asked: Asked) -> Result<Stored> {
    let desk = Desk::open(call)?;
    check(&desk.project, &asked, call.now)?;
    let (lift, identities) = (asked.effect == Effect::Lift, person(&desk, call, &asked)?);
    let mut requests = desk.requests()?;
    let received = asked.received.unwrap_or(call.now.to_seconds());
    check_lift(&requests, &asked, received)?;
    let lifted = asked.lifts.clone().map(|lifted| requests.stored_name(lifted));
    let (raw, count) = (identities.iter().filter(|(_, raw)| *raw).count(), identities.len());
    let command = RequestCommand {
        effect: asked.effect,
        purposes: (!asked.purposes.is_empty()).then(|| asked.purposes.clone()),
        request: asked.request.clone(),
        received,
        lifts: lifted.clone(),
        lift_erase: asked.lift_erase,
        lift_several: asked.lift_several,
        terms: asked.terms,
        identities,
    };
    let new = requests.ask(desk.root(), command, call.now)?;
    let word = asked.effect.name();
    if new {
        let intake = ledger::IntakeCounts { rows: 1, stored: 1, ..Default::default() };
        let lists = BTreeMap::from([(word.to_owned(), intake)]);
        let stored = requests.stored(desk.state.ledger().segment()?);
        note(&desk, call, word, LedgerEvent::Requests { lists, segment: requests.last_segment(), stored })?;
    }
    let lifts = requests.of_request(&asked.request).into_iter().filter(|at| {
        lift && {
            let entry = requests.entry(*at);
            entry.lifts == lifted.as_deref()
                && entry.received == received
                && (entry.lift_erase, entry.lift_several) == (asked.lift_erase, asked.lift_several)
        }
    });
    let ends = lifts.filter_map(|at| requests.lift_ends(at)).next();
    Ok(Stored {
        schema: "tamis-subject/1",
        effect: word.into(),
        new,
        identities: count,
        raw,
        received,
        due: desk.due(COMMAND, received),
        ends: ends.map(|ends| if let LiftEnds::Requests(count) = ends { count } else { 0 }),
        lift: ends.map(LiftEnds::said),
        shares_id: !lift && !requests.is_of_one_person(&asked.request),
        binds: binds(&desk.project, &asked),
        request: asked.request,
    })
}

/// Identities of the person who is meant; of a lift nobody is.
fn person(desk: &Desk, call: &SubjectCall, asked: &Asked) -> Result<Vec<([u8; 32], bool)>> {
    let identities = identities(desk, &call.values)?;
    let lift = asked.effect == Effect::Lift;
    if identities.is_empty() != lift {
        let what = if lift { "a lift names a request, no person" } else { "standard input names no person" };
        return Err(Error::new(Code::RequestWrong, what)
            .help("give one `kind: value` a line, such as `email: …`, on standard input"));
    }
    if names_person(&call.values, &asked.request) {
        return Err(Error::new(Code::RequestWrong, "the request id is a value of the person (R83)")
            .help("use an opaque id, such as a case number: it is kept as written and shows up in reports"));
    }
    Ok(identities)
}

/// Whether an id is one of the values that were typed of the person.
fn names_person(values: &str, request: &str) -> bool {
    let value = |line: &str| line.split_once(':').is_some_and(|(_, value)| value.trim() == request.trim());
    values.lines().any(value)
}

fn binds(project: &Project, asked: &Asked) -> Vec<String> {
    let binds = |plan: &&Plan| {
        let concerns = asked.purposes.is_empty() || asked.purposes.contains(&plan.purpose.name);
        concerns && matching::not_binding(plan, asked.effect).is_none()
    };
    project.jobs.values().filter(binds).map(|plan| plan.job.clone()).collect()
}

/// Checks that an id is one of a request, and names nobody as far as that can be seen.
///
/// # Errors
/// A policy error when it matches no pattern.
pub(super) fn check_id(project: &Project, id: &str) -> Result<()> {
    let built = regex::Regex::new(PATTERN).into_iter();
    let of_lists = project.lists.values().map(|list| list.request_pattern.clone());
    let of_corrections = project.corrections.values().map(|list| list.request_pattern.clone());
    if built.chain(of_lists).chain(of_corrections).any(|pattern| pattern.is_match(id)) {
        return Ok(());
    }
    Err(Error::new(Code::RequestWrong, "a request id matches no request_pattern")
        .help("use an opaque id, such as a case number: it is kept as written and shows up in reports"))
}

fn check(project: &Project, asked: &Asked, now: Instant) -> Result<()> {
    for id in std::iter::once(&asked.request).chain(&asked.lifts) {
        check_id(project, id)?;
    }
    let purposes: BTreeSet<&str> = project.jobs.values().map(|plan| plan.purpose.name.as_str()).collect();
    if asked.purposes.iter().any(|named| !purposes.contains(named.as_str())) {
        let known = purposes.into_iter().collect::<Vec<_>>().join(", ");
        return Err(Error::new(Code::RequestWrong, "no job serves this purpose").help(format!("purposes: {known}")));
    }
    if asked.effect == Effect::Object && asked.purposes.is_empty() {
        return Err(Error::new(Code::RequestWrong, "an objection needs a purpose (R29)").help("add --purpose"));
    }
    if asked.received.is_some_and(|received| received > now) {
        return Err(Error::new(Code::RequestWrong, "the request would have been received later than now")
            .help("correct --received"));
    }
    if (asked.effect == Effect::Lift) != asked.lifts.is_some() {
        return Err(Error::new(Code::RequestWrong, "a lift, and only a lift, says what it ends (R30)")
            .help("give --lifts ID with lift"));
    }
    check_terms(asked, now)
}

/// What has to be said of restrictions and holds (R69, R70).
fn check_terms(asked: &Asked, now: Instant) -> Result<()> {
    let wrong = |what: &str, help: &str| Err(Error::new(Code::RequestWrong, what.to_string()).help(help));
    if (asked.effect == Effect::Restrict) != asked.terms.ground.is_some() {
        return wrong(
            "a restriction, and only a restriction, has a ground (R69)",
            "give --ground a, b, c or d with restrict: the letter of Art. 18(1) GDPR; with b and c bytes of the person \
             are kept",
        );
    }
    let ends = [asked.terms.until, asked.terms.review_by];
    if (asked.effect == Effect::Hold) != ends.iter().any(Option::is_some) {
        return wrong(
            "a hold, and only a hold, has a day on which it ends or is looked at again (R70)",
            "give --until or --review-by with hold",
        );
    }
    if ends.into_iter().flatten().any(|day| day <= now) {
        return wrong("a hold would be over, or its review due, before it begins", "correct --until or --review-by");
    }
    if asked.terms.informed.is_some() && asked.effect != Effect::Lift {
        return wrong("only a lift says when the person was told (R69)", "leave --informed out");
    }
    if asked.terms.informed.is_some_and(|informed| informed > now) {
        return wrong("the person would have been told later than now", "correct --informed");
    }
    Ok(())
}

/// R69: a restriction ends after the person was told (Art. 18(3) GDPR).
fn check_lift(requests: &Requests, asked: &Asked, received: Instant) -> Result<()> {
    let told = asked.terms.informed.is_some_and(|informed| informed <= received);
    let named = asked.lifts.iter().flat_map(|lifted| requests.of_request(lifted));
    let mut entries =
        named.map(|at| requests.entry(at)).filter(|entry| !entry.ended && entry.effect == Effect::Restrict);
    if told {
        return entries.try_for_each(|entry| check_informed(asked.terms.informed, entry.received));
    }
    if entries.next().is_none() {
        return Ok(());
    }
    let what = "a restriction ends only after the person was told (Art. 18(3) GDPR, R69)";
    Err(Error::new(Code::RequestWrong, what).help("tell the person, then give --informed with the day of it"))
}

/// Checks that nobody was told of a request before it came. Days are compared: the time of a day is often not known.
///
/// # Errors
/// A policy error when somebody was.
pub(super) fn check_informed(informed: Option<Instant>, received: Instant) -> Result<()> {
    let day = |at: Instant| at.day(&TimeZone::UTC);
    if informed.is_none_or(|informed| day(informed) >= day(received)) {
        return Ok(());
    }
    Err(Error::new(Code::RequestWrong, "the person would have been told before the request was received")
        .help("correct --informed, or give --received with the day on which the request came"))
}
