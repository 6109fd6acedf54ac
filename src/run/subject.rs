//! Requests by command, and what is known of a person: values come in, identities are made at once, nothing of a value
//! goes out again. Must not know where values were typed.

use super::input;
use super::names::{Published, published};
use super::prepare::{Wrap, data_roots, open_roots};
use super::reach::{self, Reach};
use crate::clock::{Instant, add};
use crate::decide::LinkLimits;
use crate::error::{Error, Result};
use crate::evidence::{Event, RunRef, ledger};
use crate::key::Keyring;
use crate::minimize::IdentityMaker;
use crate::monitor::Silent;
use crate::policy::{self, Effect, Identifier, Normal, PhoneRegion, Plan, Project};
use crate::publish::Companions;
use crate::requests::{Command, LiftEnds, RequestStatus, Requests, half};
use crate::state::{Current, State};
use crate::store::Root;
use crate::unseen;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use tokio::runtime::Handle;
use zeroize::Zeroizing;

/// What every request id looks like; a list's own `request_pattern` is accepted too.
const PATTERN: &str = "^(?:[A-Za-z0-9-]{1,40})$";

/// A command about one person.
pub struct SubjectCall {
    /// Folder of the specs.
    pub dir: PathBuf,
    /// Roots put elsewhere: name and URL.
    pub roots: Vec<(String, String)>,
    /// The present.
    pub now: Instant,
    /// Drives the stores.
    pub runtime: Handle,
    /// Between tamis and its stores.
    pub wrap: Option<Wrap>,
    /// `kind: value`, one a line; of a lift nothing.
    pub values: Zeroizing<String>,
}

/// A request as typed, apart from its values.
pub struct Asked {
    /// What it asks for.
    pub effect: Effect,
    /// Opaque id.
    pub request: String,
    /// Purposes; none = all.
    pub purposes: Vec<String>,
    /// When it was received; now when it is not said.
    pub received: Option<Instant>,
    /// A lift: the id of the request it ends.
    pub lifts: Option<String>,
    /// A lift: it may end an erasure.
    pub lift_erase: bool,
}

/// What became of a request.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Stored {
    /// Version of this schema.
    pub schema: &'static str,
    /// Its id.
    pub request: String,
    /// Its effect.
    pub effect: String,
    /// False when exactly this request was stored before.
    pub new: bool,
    /// Values that it names.
    pub identities: usize,
    /// Of these, values without a normal form: only the same spelling matches (R4).
    pub raw: usize,
    /// When it was received.
    pub received: Instant,
    /// When it has to be done.
    pub due: Instant,
    /// A lift: how many requests it ends.
    pub ends: Option<u64>,
    /// A lift: what it comes to, in words (R30).
    pub lift: Option<&'static str>,
    /// Jobs whose purpose it binds.
    pub binds: Vec<String>,
}

/// What is known of a person: counts, ids and states.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Known {
    /// Version of this schema.
    pub schema: &'static str,
    /// Values asked for.
    pub identities: usize,
    /// Of these, values without a normal form.
    pub raw: usize,
    /// One per job that has published.
    pub datasets: Vec<InDataset>,
    /// Requests that name one of the values, or have learned it by links.
    pub requests: Vec<OfRequest>,
}

/// Rows in the current version of one dataset.
#[derive(Clone, Debug, serde::Serialize)]
pub struct InDataset {
    /// The job.
    pub job: String,
    /// Whether the job is gone from the specs: no request is applied there.
    pub no_job: bool,
    /// The dataset.
    pub dataset: String,
    /// Its current version.
    pub version: u64,
    /// Rows whose key, strong or weak column carries one of the values.
    pub rows: u64,
    /// Distinct subjects of those rows.
    pub subjects: u64,
    /// What an erasure of the values would reach, links followed over published rows.
    pub erasure: Reach,
}

/// One request.
#[derive(Clone, Debug, serde::Serialize)]
pub struct OfRequest {
    /// Its id.
    pub request: String,
    /// The list it came by; `command` for commands.
    pub list: String,
    /// Its effect.
    pub effect: String,
    /// When it was received.
    pub received: Instant,
    /// When it has to be done.
    pub due: Instant,
    /// Whether a lift has ended it.
    pub ended: bool,
    /// Whether it names one of the values itself.
    pub named: bool,
    /// Where it stands, by job.
    pub states: BTreeMap<String, RequestStatus>,
    /// Why a person has to look at it, by job.
    pub review: BTreeMap<String, &'static str>,
}

/// Specs, roots, keys and state, for commands that are about requests.
pub(super) struct Desk {
    pub(super) project: Project,
    pub(super) roots: BTreeMap<String, Root>,
    pub(super) keys: Keyring,
    pub(super) state: State,
}

impl Desk {
    pub(super) fn open(call: &SubjectCall) -> Result<Desk> {
        let project = policy::load(&call.dir, &call.roots)?;
        let roots = open_roots(&project, &call.runtime, call.wrap.as_ref())?;
        let keys = Keyring::load(&project.keys, &data_roots(&project))?;
        let root = roots.get("state").ok_or_else(|| Error::policy("the policy has no root \"state\""))?;
        let state = State::open(root)?;
        state.check_keys(&keys.ids())?;
        state.agree()?;
        Ok(Desk { project, roots, keys, state })
    }

    pub(super) fn root(&self) -> &Root {
        self.state.root()
    }

    pub(super) fn requests(&self) -> Result<Requests> {
        input::stored(&self.state, &self.keys.identity)
    }

    pub(super) fn due(&self, received: Instant) -> Instant {
        due(&self.project, received)
    }
}

/// When a request has to be done.
pub(super) fn due(project: &Project, received: Instant) -> Instant {
    add(received, &project.removal.due, &TimeZone::UTC)
}

/// Kinds of identifier that sources carry in key, strong and weak columns, as they are written in specs.
pub(super) fn kinds(project: &Project) -> BTreeMap<String, Identifier> {
    let of = |columns: &[policy::Column], controls: &policy::Controls| {
        let carried = std::iter::once(&controls.key).chain(&controls.strong).chain(&controls.weak);
        carried.map(|at| columns[*at].identifier.clone()).collect::<Vec<_>>()
    };
    let plan = |plan: &Plan| {
        let observed = plan.observe.iter().flat_map(|observe| of(&observe.columns, &observe.controls));
        of(&plan.columns, &plan.controls).into_iter().chain(observed).collect::<Vec<_>>()
    };
    let written = |mut identifier: Identifier| {
        if let Normal::Phone(_) = identifier.normal {
            identifier.normal = Normal::Phone(PhoneRegion::International);
        }
        (identifier.kind.trim_end_matches("/1").to_owned(), identifier)
    };
    project.jobs.values().flat_map(plan).map(written).collect()
}

/// Reads `kind: value` lines. An error names the line, never what is on it.
pub(super) fn identities(desk: &Desk, values: &str) -> Result<Vec<([u8; 32], bool)>> {
    let kinds = kinds(&desk.project);
    let known = || format!("kinds here: {}", kinds.keys().map(String::as_str).collect::<Vec<_>>().join(", "));
    let mut identities = BTreeSet::new();
    for (at, line) in values.lines().enumerate().filter(|(_, line)| !unseen::is_blank(line)) {
        let wrong = |what: &str| Error::policy(format!("line {}: {what}", at + 1)).help(known());
        let (kind, value) = line.split_once(':').ok_or_else(|| wrong("this is not `kind: value`"))?;
        let kind = kinds.get(unseen::seen(kind).trim()).ok_or_else(|| wrong("no source carries this kind of value"))?;
        let (raw, identity) =
            IdentityMaker::new(&desk.keys, kind).make(value, None).ok_or_else(|| wrong("there is no value"))?;
        identities.insert((identity, raw));
    }
    Ok(identities.into_iter().collect())
}

/// Stores a request.
///
/// # Errors
/// Policy errors for what was typed; evidence and storage errors of the state.
pub fn ask(call: &SubjectCall, asked: Asked) -> Result<Stored> {
    let desk = Desk::open(call)?;
    check(&desk.project, &asked, call.now)?;
    let identities = identities(&desk, &call.values)?;
    let lift = asked.effect == Effect::Lift;
    if identities.is_empty() != lift {
        let what = if lift { "a lift names a request, no person" } else { "nothing says who is meant" };
        return Err(Error::policy(what).help("give one `kind: value` a line, such as `email: …`, on standard input"));
    }
    let mut requests = desk.requests()?;
    let received = asked.received.unwrap_or(Instant(call.now.0.div_euclid(1_000_000) * 1_000_000));
    let (raw, count) = (identities.iter().filter(|(_, raw)| *raw).count(), identities.len());
    let command = Command {
        effect: asked.effect,
        purposes: (!asked.purposes.is_empty()).then(|| asked.purposes.clone()),
        request: asked.request.clone(),
        received,
        lifts: asked.lifts.clone(),
        lift_erase: asked.lift_erase,
        identities,
    };
    let new = requests.ask(desk.root(), command, call.now)?;
    let word = asked.effect.name();
    if new {
        let intake = ledger::Intake { rows: 1, stored: 1, ..Default::default() };
        let lists = BTreeMap::from([(word.to_owned(), intake)]);
        let stored = requests.stored(desk.state.ledger().segment()?);
        note(&desk, call, word, Event::Requests { lists, segment: requests.last_segment(), stored })?;
    }
    let lifts = requests.of_request(&asked.request).into_iter().filter(|at| {
        lift && {
            let entry = requests.entry(*at);
            entry.lifts == asked.lifts.as_deref() && entry.received == received && entry.lift_erase == asked.lift_erase
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
        due: desk.due(received),
        ends: ends.map(|ends| if let LiftEnds::Requests(count) = ends { count } else { 0 }),
        lift: ends.map(lift_said),
        binds: binds(&desk.project, &asked),
        request: asked.request,
    })
}

/// What a lift comes to.
pub(super) fn lift_said(ends: LiftEnds) -> &'static str {
    match ends {
        LiftEnds::Requests(1) => "ends one request",
        LiftEnds::Requests(_) => "ends several requests",
        LiftEnds::NoRequest => {
            "ends nothing: no request is known under the id it names; one that was received before the lift ends when it comes"
        }
        LiftEnds::Erasure => "ends nothing: only a lift that says so (lift_erase) ends an erasure (R30)",
        LiftEnds::Later => "ends nothing: what is stored under the id it names was received later (R30)",
    }
}

fn binds(project: &Project, asked: &Asked) -> Vec<String> {
    let binds = |plan: &&Plan| {
        let sale = plan.recipient.as_ref().is_some_and(|recipient| recipient.sale);
        let concerns = asked.purposes.is_empty() || asked.purposes.contains(&plan.purpose.name);
        concerns && crate::decide::binding(asked.effect, plan.purpose.basis, sale).is_ok()
    };
    project.jobs.values().filter(binds).map(|plan| plan.job.clone()).collect()
}

fn check(project: &Project, asked: &Asked, now: Instant) -> Result<()> {
    let built = regex::Regex::new(PATTERN).into_iter();
    let patterns: Vec<regex::Regex> = built.chain(project.lists.values().map(|l| l.request_pattern.clone())).collect();
    for id in std::iter::once(&asked.request).chain(&asked.lifts) {
        if !patterns.iter().any(|pattern| pattern.is_match(id)) {
            return Err(Error::policy("a request id matches no request_pattern")
                .help("use an opaque id, such as a case number: it is kept as written and shows up in reports"));
        }
    }
    let purposes: BTreeSet<&str> = project.jobs.values().map(|plan| plan.purpose.name.as_str()).collect();
    if asked.purposes.iter().any(|named| !purposes.contains(named.as_str())) {
        let known = purposes.into_iter().collect::<Vec<_>>().join(", ");
        return Err(Error::policy("no job serves such a purpose").help(format!("purposes: {known}")));
    }
    if asked.effect == Effect::Object && asked.purposes.is_empty() {
        return Err(Error::policy("an objection names its purposes (R29)").help("add --purpose"));
    }
    if asked.received.is_some_and(|received| received > now) {
        return Err(Error::policy("the request would have been received later than now").help("correct --received"));
    }
    if (asked.effect == Effect::Lift) != asked.lifts.is_some() {
        return Err(Error::policy("a lift, and only a lift, says what it ends (R30)").help("give --lifts ID with lift"));
    }
    Ok(())
}

pub(super) fn note(desk: &Desk, call: &SubjectCall, word: &str, event: Event) -> Result<()> {
    let run = format!("subject-{word}-{}", call.now.0);
    let of = RunRef { run: &run, attempt: 1, since: call.now };
    desk.state.ledger().append(of, event, call.now).map(|_| ())
}

/// Which datasets, versions and requests know a person by these values, and which rows an erasure of them would reach.
/// That it was asked is in the ledger first.
///
/// # Errors
/// As `ask`.
pub fn find(call: &SubjectCall) -> Result<Known> {
    let desk = Desk::open(call)?;
    let identities = identities(&desk, &call.values)?;
    if identities.is_empty() {
        return Err(Error::policy("nothing says who is meant")
            .help("give one `kind: value` a line, such as `email: …`, on standard input"));
    }
    note(&desk, call, "find", Event::Asked { command: "subject find".into() })?;
    let wanted: BTreeSet<[u8; 16]> = identities.iter().map(|(identity, _)| *half(identity)).collect();
    let (mut datasets, mut companions) = (Vec::new(), Vec::new());
    let published = published(&desk.state, &desk.project)?;
    for of in &published {
        let Some(current) = &of.dataset.current else { continue };
        let (rows, subjects) = carriers(desk.root(), current, &wanted)?;
        let (job, no_job) = (of.job.clone(), of.plan.is_none());
        let (version, dataset) = (current.version, of.dataset.dataset.clone());
        companions.push(current.files.iter().map(|file| file.companion.clone()).collect());
        datasets.push(InDataset { job, no_job, dataset, version, rows, subjects, erasure: Reach::default() });
    }
    let limits = LinkLimits::of(&desk.project.links);
    let reached = reach::of_values(desk.root(), &identities, &companions, limits, &Silent)?;
    datasets.iter_mut().zip(reached).for_each(|(dataset, reached)| dataset.erasure = reached);
    let raw = identities.iter().filter(|(_, raw)| *raw).count();
    let requests = of_person(&desk, &published, &wanted)?;
    Ok(Known { schema: "tamis-subject-find/1", identities: identities.len(), raw, datasets, requests })
}

fn carriers(state: &Root, current: &Current, wanted: &BTreeSet<[u8; 16]>) -> Result<(u64, u64)> {
    let (mut rows, mut subjects) = (0, BTreeSet::new());
    for file in &current.files {
        let mut companions = Companions::open_identities(state, &file.companion)?;
        while let Some(group) = companions.next_group()? {
            for row in 0..group.rows() {
                let mut carried = (0..group.identities()).filter_map(|slot| group.identity(row, slot));
                if carried.any(|identity| wanted.contains(identity)) {
                    rows += 1;
                    subjects.insert(*group.person(row));
                }
            }
        }
    }
    Ok((rows, subjects.len() as u64))
}

fn of_person(desk: &Desk, published: &[Published<'_>], wanted: &BTreeSet<[u8; 16]>) -> Result<Vec<OfRequest>> {
    let requests = desk.requests()?;
    let mut found: BTreeMap<u32, bool> = BTreeMap::new();
    for entry in wanted.iter().flat_map(|identity| requests.effects(identity)) {
        *found.entry(entry.entry()).or_default() |= entry.bond() == crate::requests::Bond::Named;
    }
    let mut told = Vec::new();
    requests.told(desk.root(), &|entry| found.contains_key(&entry), &mut |at, record| {
        let entry = requests.entry(at);
        let jobs = desk.project.jobs.values().map(|plan| (&plan.job, &plan.purpose.name));
        let gone = published
            .iter()
            .filter(|of| of.plan.is_none() && of.dataset.current.is_some())
            .map(|of| (&of.job, &of.purpose));
        let concerned = jobs.chain(gone).filter(|(_, purpose)| entry.concerns(purpose));
        let standings: Vec<_> = concerned.map(|(job, _)| (job.clone(), requests.standing(at, job))).collect();
        told.push(OfRequest {
            request: record.request.to_owned(),
            list: entry.list.to_owned(),
            effect: entry.effect.name().into(),
            received: entry.received,
            due: desk.due(entry.received),
            ended: entry.ended,
            named: found.get(&at).copied().unwrap_or(false),
            review: standings.iter().filter_map(|(job, s)| Some((job.clone(), s.review?.why()))).collect(),
            states: standings.into_iter().map(|(job, standing)| (job, standing.status())).collect(),
        });
        Ok(())
    })?;
    told.sort_by(|a, b| (a.received, &a.request).cmp(&(b.received, &b.request)));
    Ok(told)
}
