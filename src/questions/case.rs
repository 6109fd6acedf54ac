//! What became of one case: each of its requests in each dataset, with dates, versions and what is still lying about.
//! Meant to be handed on: ids, dates and words; counts under ten are banded, and no value of a person is in it.

use super::corrections::{self, CaseCorrection};
use super::notices::{self, CaseRecipient};
use super::request_status::overall;
use crate::clock::Instant;
use crate::decide;
use crate::error::{Code, Error, Result};
use crate::evidence::{LedgerEntry, LedgerEvent};
use crate::job::{self, CaseRefusal, Desk, PublishedDataset, SubjectCall, published, refusals};
use crate::policy::{CorrectionList, Effect};
use crate::requests::{Entry, LiftEnds, RequestState, RequestStatus, Requests, Standing};
use crate::store::Forgets;
use crate::sweep;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// Counts below this are told as a band.
pub(super) const BAND: u64 = 10;
const DAY: i64 = 86_400_000_000;

/// The report of a case.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct CaseReport {
    /// Version of this schema.
    pub schema: &'static str,
    /// Name of the controller, as reports give it.
    pub controller: String,
    /// Id of the request.
    pub request: String,
    /// When this was made.
    pub at: Instant,
    /// How far it has come over all its parts.
    pub state: RequestStatus,
    /// What was asked for under this id.
    pub parts: Vec<CasePart>,
    /// What came of the corrections that were asked for under this id, in each dataset (Art. 16 GDPR).
    pub corrections: Vec<CaseCorrection>,
    /// What was refused under this id, and why (Art. 12(4) GDPR).
    pub refusals: Vec<CaseRefusal>,
    /// The supervisory authority that takes complaints, when something was refused and the policy names it.
    pub authority: Option<String>,
    /// Recipients that were told of it, or have to be (Art. 19 GDPR).
    pub recipients: Vec<CaseRecipient>,
    /// Raw exports that lie there: `none`, `fewer than 10` or a number.
    pub raw_exports: String,
    /// Request files that lie there, likewise.
    pub request_files: String,
    /// What this does not say.
    pub not_said: Vec<String>,
}

/// How far one request of the case has come.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct CasePart {
    /// The list it came by; `command` for commands.
    pub list: String,
    /// What the request asks for.
    pub effect: String,
    /// Purposes it is limited to; none = all.
    pub purposes: Option<Vec<String>>,
    /// When it was received.
    pub received: Instant,
    /// When it was taken in.
    pub taken: Instant,
    /// When it is due.
    pub due: Instant,
    /// Zone of its list, in which people read its dates.
    #[serde(skip)]
    #[schemars(skip)]
    pub zone: TimeZone,
    /// Whole days from receipt to the deadline.
    pub days: i64,
    /// Whether it has no effect any more.
    pub ended: bool,
    /// What ended it, or what it ends.
    pub note: Option<String>,
    /// A remark on the values that it names, if some can only be found in the same spelling.
    pub values: Option<String>,
    /// How far it has come over all datasets; `ended`; of a lift `applied` or `ends-nothing`.
    pub state: RequestStatus,
    /// One per dataset that it concerns, as long as it has an effect.
    pub datasets: Vec<CaseDataset>,
}

/// One request in one dataset.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct CaseDataset {
    /// The table, as `ROOT:path`.
    pub dataset: String,
    /// Purpose of the dataset.
    pub purpose: String,
    /// How far the request has come in it.
    pub state: RequestStatus,
    /// Since when the request is in this state.
    pub since: Instant,
    /// Whole days from receipt to then.
    pub after_days: i64,
    /// A version that is without the person, as every later one is; none when that cannot be told.
    pub version: Option<u64>,
    /// Rows that went with that version for the same reason, from all requests together.
    pub rows: Option<String>,
    /// Why it does not bind, when it does not (R29).
    pub not_binding: Option<String>,
    /// Why a person has to look, when one has to.
    pub review: Option<String>,
    /// What stands between `applied` and `removed`.
    pub waits: Vec<String>,
}

/// The report of the case with this id.
///
/// # Errors
/// A policy error when no request has the id; those of specs, keys and state; storage errors.
pub fn report(call: &SubjectCall, request: &str) -> Result<CaseReport> {
    let desk = Desk::open(call)?;
    let requests = desk.requests()?;
    let wanted = requests.of_request(request);
    let (mut taken, mut lifts) = (BTreeMap::new(), BTreeMap::new());
    let by: Vec<u32> = wanted.iter().filter_map(|at| requests.ended_by(*at)).collect();
    requests.told(desk.root(), &|at| wanted.contains(&at) || by.contains(&at), &mut |at, told| {
        if requests.is_called(told.request, request) {
            taken.insert(at, told.taken);
        }
        lifts.insert(at, told.request.to_string());
        Ok(())
    })?;
    let published = published(&desk.state, &desk.project)?;
    let entries = desk.state.ledger().entries()?;
    let is_called = |stored: &str| requests.is_called(stored, request);
    let corrections = corrections::of_case(&desk, &published, &entries, &is_called)?;
    let refusals = refusals::of_case(&entries, request);
    if taken.is_empty() && corrections.is_empty() && refusals.is_empty() {
        return Err(Error::new(Code::NameUnknown, "no request is stored under this id")
            .help("ids are compared as written; `tamis status` names those that are open"));
    }
    let (requests, published) = (&requests, &published);
    let book = CaseBook { desk: &desk, requests, entries: &entries, published, lifts: &lifts, now: call.now };
    let parts = taken.iter().map(|(at, taken)| book.part(*at, *taken)).collect::<Result<Vec<CasePart>>>()?;
    let refused = refusals.iter().map(|_| RequestStatus::Refused);
    let corrected = corrections.iter().map(|of| of.status).chain(refused);
    let state = parts.iter().map(|part| part.state).chain(corrected).min().unwrap_or(RequestStatus::Received);
    let ids = corrections.iter().map(|of| of.id.clone()).collect();
    Ok(CaseReport {
        schema: "tamis-case/1",
        controller: desk.project.controller.clone(),
        request: request.to_string(),
        at: call.now,
        state,
        recipients: notices::of_entries(&desk, &entries, (requests, &wanted), ids)?,
        raw_exports: lying(sweep::count_raw(&desk.project, &desk.roots)?),
        request_files: lying(request_files(&desk)?),
        not_said: NOT_SAID.map(String::from).to_vec(),
        corrections,
        authority: desk.register.contact.authority.clone().filter(|_| !refusals.is_empty()),
        refusals,
        parts,
    })
}

const KEEPER: &str = "a hold, or a restriction that keeps bytes, is in force; it may keep some of them (R34, R69)";

const NOT_SAID: [&str; 3] = [
    "tamis cannot see copies that readers of a dataset have made, backups and replicas.",
    "Raw exports and request files that are still there may contain the person.",
    "This report says nothing about other systems, such as the CRM.",
];

/// A count that may be handed on.
pub fn band(count: u64) -> String {
    match count {
        0 => "none".into(),
        few if few < BAND => format!("fewer than {BAND}"),
        many => many.to_string(),
    }
}

/// What lies there, with what cannot be seen there.
fn lying((files, unseen): (u64, u64)) -> String {
    match unseen {
        0 => band(files),
        _ => format!("{}, and something that cannot be seen", band(files)),
    }
}

fn request_files(desk: &Desk) -> Result<(u64, u64)> {
    let (mut files, mut unseen) = (0, 0);
    for list in desk.project.lists.values() {
        let glob = crate::store::PathGlob::new(&list.input.path);
        let glob =
            glob.ok_or_else(|| Error::new(Code::SpecUnusable, format!("list {}: input is not a glob", list.name)))?;
        let found = desk.roots[&list.input.root].meant(&glob)?;
        (files, unseen) = (files + found.objects.len() as u64, unseen + found.unseen.len() as u64);
    }
    Ok((files, unseen))
}

struct CaseBook<'a> {
    desk: &'a Desk,
    requests: &'a Requests,
    entries: &'a [LedgerEntry],
    published: &'a [PublishedDataset<'a>],
    /// Ids of requests, those of lifts that ended a part among them.
    lifts: &'a BTreeMap<u32, String>,
    now: Instant,
}

impl CaseBook<'_> {
    fn part(&self, at: u32, taken: Instant) -> Result<CasePart> {
        let entry = self.requests.entry(at);
        let (mut datasets, mut standings) = (Vec::new(), Vec::new());
        let over = self.over(at);
        for of in self.published.iter().filter(|of| over.is_none() && entry.concerns(&of.purpose)) {
            let standing = self.requests.standing(at, &of.job);
            if !of.counts(&standing) {
                continue;
            }
            datasets.push(self.dataset(of, at, standing)?);
            standings.push(standing);
        }
        let (state, note) = match over {
            Some((state, note)) => (state, Some(note)),
            None => (overall(&standings, self.requests.usable(at)), kept(&entry)),
        };
        let due = self.desk.due(entry.list, entry.counts_from);
        Ok(CasePart {
            list: entry.list.to_string(),
            effect: entry.effect.name().into(),
            purposes: entry.purposes.map(<[String]>::to_vec),
            received: entry.received,
            taken,
            due,
            zone: self.desk.project.zone_of_list(entry.list),
            days: (due.0 - entry.received.0).div_euclid(DAY),
            ended: !entry.in_force(self.now),
            note,
            values: self.requests.usable(at).note().map(str::to_owned),
            state,
            datasets,
        })
    }

    /// State and reason of what has no effect on datasets: a lift, and what has been ended (R30).
    fn over(&self, at: u32) -> Option<(RequestStatus, String)> {
        if let Some(ends) = self.requests.lift_ends(at) {
            let ended = matches!(ends, LiftEnds::Requests(_));
            let state = if ended { RequestStatus::Applied } else { RequestStatus::EndsNothing };
            return Some((state, ends.said().to_string()));
        }
        let by = self.requests.ended_by(at).and_then(|lift| self.lifts.get(&lift));
        let why = by.map_or("ended: the list no longer has it".to_string(), |lift| format!("ended by {lift}"));
        let entry = self.requests.entry(at);
        if entry.ended {
            return Some((RequestStatus::Ended, why));
        }
        let over = entry.to.filter(|_| !entry.in_force(self.now));
        over.map(|until| (RequestStatus::Ended, format!("the hold was until {until}")))
    }

    fn dataset(&self, of: &PublishedDataset<'_>, at: u32, standing: Standing) -> Result<CaseDataset> {
        let entry = self.requests.entry(at);
        let (effect, received) = (entry.effect, entry.received);
        let binding = |plan: &crate::policy::Plan| decide::binding(effect, plan.grounds()).err().map(str::to_string);
        let applied = if takes_out(effect, &standing) { self.applied(of, at) } else { None };
        let rows = match applied {
            Some(entry) => self.rows(entry, effect)?,
            None => None,
        };
        Ok(CaseDataset {
            dataset: of.dataset.dataset.clone(),
            purpose: of.purpose.clone(),
            state: standing.status(),
            since: standing.at,
            after_days: (standing.at.0 - received.0).div_euclid(DAY),
            version: applied.and_then(version),
            rows,
            not_binding: of.plan.and_then(binding),
            review: standing.review.map(|review| review.why().to_string()),
            waits: if entry.keeps_bytes() { Vec::new() } else { self.waits(of, standing) },
        })
    }

    /// The version that was made when it was last noted that the request is applied.
    fn applied(&self, of: &PublishedDataset<'_>, at: u32) -> Option<&LedgerEntry> {
        let noted = self.requests.applied_at(at, &of.job)?;
        let made = |entry: &&LedgerEntry| match &entry.event {
            LedgerEvent::Published { job, .. } | LedgerEvent::Swept { job, .. } => {
                of.names.contains(job) && entry.at == noted
            }
            _ => false,
        };
        self.entries.iter().find(made)
    }

    fn rows(&self, entry: &LedgerEntry, effect: Effect) -> Result<Option<String>> {
        let (LedgerEvent::Published { manifest, .. } | LedgerEvent::Swept { manifest, .. }) = &entry.event else {
            return Ok(None);
        };
        let manifest = self.desk.state.manifest(&entry.run, entry.attempt, manifest)?;
        let Some(reason) = decide::Reason::of(effect) else { return Ok(None) };
        let rows = manifest.removed.iter().find(|removed| reason.is(&removed.reason)).map_or(0, |removed| removed.rows);
        Ok(Some(band(rows)))
    }

    fn waits(&self, of: &PublishedDataset<'_>, standing: Standing) -> Vec<String> {
        let (dataset, mut waits) = (&of.dataset, Vec::new());
        if dataset.current.is_none() && standing.state == RequestState::AwaitingLifecycle {
            return vec!["the table is removed; the store may keep deleted bytes for a while".into()];
        }
        let done = matches!(standing.state, RequestState::Removed | RequestState::Unmatched | RequestState::NotBinding);
        let Some(plan) = of.plan.filter(|_| !done) else {
            let gone = format!("{} is served by no job any more: no sweep looks at it", dataset.dataset);
            return if done { waits } else { vec![gone] };
        };
        if standing.state == RequestState::Received {
            return waits;
        }
        let files: usize = dataset.replaced.iter().map(|replaced| replaced.files.len()).sum();
        if files > 0 {
            waits.push(format!("{} files of earlier versions", band(files as u64)));
        }
        if self.requests.keeps_bytes_of(&of.purpose, self.now) {
            waits.push(KEEPER.into());
        }
        let lake = &self.desk.roots[&plan.output.root];
        if lake.forgets() == Forgets::Unknown {
            waits.push("the store may keep deleted bytes for a while, and tamis cannot look".into());
        }
        if let Some(until) = dataset.kept_until {
            waits.push(format!("the store protects deleted bytes until {until}"));
        }
        let lists = job::corrections::of_source(&self.desk.project, &plan.source.name);
        waits.extend(lists.filter_map(|list| self.unread(list)));
        waits
    }

    /// Why rows of the person may be left in files of corrections.
    fn unread(&self, list: &CorrectionList) -> Option<String> {
        let root = job::corrections::root_of(list, &self.desk.roots);
        let error = root.and_then(|root| job::corrections::read(list, root, &self.desk.keys, self.now)).err()?;
        Some(format!("corrections cannot be read, and may name the person: {}", error.message()))
    }
}

/// What a request that keeps bytes says of itself.
fn kept(entry: &Entry<'_>) -> Option<String> {
    let day = |what: &str, at: Option<Instant>| at.map_or(String::new(), |at| format!(", {what} {at}"));
    match (entry.keeps_bytes(), entry.ground) {
        (true, Some(ground)) => Some(format!(
            "rests on Art. 18(1)({}) GDPR: bytes of the person are kept until it is lifted, or until an erasure of the \
             same person that was received later (R69)",
            ground.name()
        )),
        (true, None) => {
            let (until, review) = (day("until", entry.to), day("to be looked at by", entry.review_by));
            Some(format!("keeps bytes of the person{until}{review} (R70)"))
        }
        (false, _) => None,
    }
}

/// Whether a request in this state has taken rows out for good reason to say since which version: one of a hold has
/// none, who withdrew may have agreed again, and links that nobody followed may lead to more.
fn takes_out(effect: Effect, standing: &Standing) -> bool {
    let takes = matches!(effect, Effect::Erase | Effect::Restrict | Effect::Object | Effect::OptOut);
    let found =
        matches!(standing.state, RequestState::Applied | RequestState::AwaitingLifecycle | RequestState::Removed);
    takes && found && standing.review.is_none()
}

fn version(entry: &LedgerEntry) -> Option<u64> {
    match &entry.event {
        LedgerEvent::Published { version, .. } | LedgerEvent::Swept { version, .. } => Some(*version),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::band;

    #[test]
    fn small_counts_are_banded() {
        assert_eq!([0, 1, 9, 10, 12].map(band), ["none", "fewer than 10", "fewer than 10", "10", "12"]);
    }
}
