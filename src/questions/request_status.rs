//! How far requests have come, each over all datasets that it concerns, with its deadline; and up to which request each
//! dataset is clean. Ids, dates and counts only. Must not know raw values.

use super::keepers::{Keeper, keepers};
use crate::clock::Instant;
use crate::error::Result;
use crate::evidence::manifest::Identifiers;
use crate::job::{Desk, PublishedDataset, SubjectCall, has_deadline, published, waits};
use crate::requests::{Entry, LiftEnds, RequestStatus, Requests, Standing, Usable};
use crate::state::Current;
use std::collections::{BTreeMap, BTreeSet};

const DAY: i64 = 86_400_000_000;

/// What `status` says of requests and datasets.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Standings {
    /// Requests by how far they have come.
    pub counts: BTreeMap<String, u64>,
    /// Requests that are past their deadline and not done in a dataset, or matched nobody anywhere; those that only wait
    /// for the store are not in it.
    pub overdue: u64,
    /// Requests that are not done, those with the next deadline first.
    pub open: Vec<OpenRequest>,
    /// How many more there are than shown.
    pub more: u64,
    /// Lifts that end nothing (R30).
    pub idle_lifts: Vec<IdleLift>,
    /// Ids under which requests of several persons are stored, as far as is known: a lift ends none of them (R54).
    pub shared_ids: Vec<String>,
    /// What keeps bytes from being removed for good (R34, R69, R70).
    pub keepers: Vec<Keeper>,
    /// One per dataset that is published.
    pub datasets: Vec<DatasetStanding>,
}

/// A request that is not done.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct OpenRequest {
    /// Id of the request.
    pub request: String,
    /// The list it came by; `command` for commands.
    pub list: String,
    /// What the request asks for.
    pub effect: String,
    /// When it was received.
    pub received: Instant,
    /// When it is due.
    pub due: Instant,
    /// Whole days until then; negative when that has passed.
    pub days_left: i64,
    /// How far it has come over all datasets.
    pub state: RequestStatus,
    /// How far it has come, by job.
    pub states: BTreeMap<String, RequestStatus>,
    /// A remark on the values that it names, if some can only be found in the same spelling.
    pub note: Option<String>,
}

impl OpenRequest {
    /// Returns whether somebody has to do something about it, and no sweep does it by itself.
    pub fn wants_attention(&self) -> bool {
        self.days_left < 0 || matches!(self.state, RequestStatus::Unmatched | RequestStatus::NeedsReview)
    }
}

/// A lift that ends nothing.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct IdleLift {
    /// Id of the request.
    pub request: String,
    /// The list it came by; `command` for commands.
    pub list: String,
    /// When it was received.
    pub received: Instant,
    /// The id of the request that it names.
    pub lifts: String,
    /// Why it ends nothing.
    pub why: String,
}

/// Where a dataset stands.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct DatasetStanding {
    /// Name of the job.
    pub job: String,
    /// Whether the job is gone from the specs: no run and no sweep looks at the dataset any more.
    pub no_job: bool,
    /// The job's table, as `ROOT:path`.
    pub dataset: String,
    /// Epoch of its tokens.
    pub epoch: String,
    /// Time up to which the requests that were taken in are applied to the current version.
    pub applied: Option<Instant>,
    /// Time up to which applied requests are removed: no byte of their persons is left that tamis could verify. A request
    /// that leads to further persons later is applied again then.
    pub removed: Option<Instant>,
    /// Whether a hold, or a restriction that keeps bytes, is in force that may keep files of it (R34, R69).
    pub held: bool,
    /// Files of earlier versions that wait for removal.
    pub waiting: u64,
    /// Until when the store keeps deleted bytes, when it says so.
    pub kept_until: Option<Instant>,
    /// Columns of the export that the source does not list, oldest first, and for how many days.
    pub drift: Vec<DriftAge>,
    /// Columns that the source lists and the last export did not have, oldest first, and for how many days.
    pub lost: Vec<DriftAge>,
    /// Columns of which more than one value in a hundred has no normal form: requests find these in one spelling only.
    pub raw: Vec<Identifiers>,
}

/// A column in which export and source differ.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct DriftAge {
    /// Its name; empty for columns without one.
    pub column: String,
    /// When it was first seen.
    pub first_seen: Instant,
    /// Whole days that have passed since then.
    pub days: i64,
}

/// How far all requests have come; at most `most` of the open ones are named.
///
/// # Errors
/// Policy errors for specs, keys and state; evidence and storage errors.
pub fn standings(call: &SubjectCall, most: usize) -> Result<Standings> {
    let desk = Desk::open(call)?;
    let requests = desk.requests()?;
    let published = published(&desk.state, &desk.project)?;
    let mut told = Standings {
        counts: BTreeMap::new(),
        overdue: 0,
        open: Vec::new(),
        more: 0,
        idle_lifts: idle_lifts(&desk, &requests)?,
        shared_ids: shared_ids(&desk, &requests)?,
        keepers: keepers(&desk, &requests, &published, call.now)?,
        datasets: Vec::new(),
    };
    let mut unfinished: Vec<(Instant, u32)> = Vec::new();
    for at in 0..requests.len() as u32 {
        let entry = requests.entry(at);
        if !has_deadline(&entry) {
            continue;
        }
        let standings: Vec<Standing> = of_entry(&requests, at, &entry, &published).collect();
        let status = overall(&standings, requests.usable(at));
        *told.counts.entry(status.to_string()).or_default() += 1;
        // Whoever matched nobody may be meant all the same: a person has to look.
        let kept = status == RequestStatus::Applied && entry.keeps_bytes();
        if !kept && !matches!(status, RequestStatus::Removed | RequestStatus::NotBinding) {
            unfinished.push((desk.due(entry.list, entry.counts_from), at));
        }
        let late = desk.due(entry.list, entry.counts_from) <= call.now;
        let open = standings.iter().any(|standing| waits(&entry, standing));
        told.overdue += u64::from(late && (status == RequestStatus::Unmatched || open));
    }
    unfinished.sort_unstable();
    told.more = unfinished.len().saturating_sub(most) as u64;
    unfinished.truncate(most);
    told.open = named(&desk, &requests, &published, &unfinished, call.now)?;
    told.datasets = published.iter().filter_map(|of| dataset(&desk, &requests, of, call.now)).collect();
    Ok(told)
}

/// Where an entry stands in each dataset that it concerns.
fn of_entry<'a>(
    requests: &'a Requests,
    at: u32,
    entry: &'a Entry<'a>,
    published: &'a [PublishedDataset<'a>],
) -> impl Iterator<Item = Standing> + 'a {
    where_it_stands(requests, at, entry, published).map(|(_, standing)| standing)
}

fn where_it_stands<'a>(
    requests: &'a Requests,
    at: u32,
    entry: &'a Entry<'a>,
    published: &'a [PublishedDataset<'a>],
) -> impl Iterator<Item = (&'a PublishedDataset<'a>, Standing)> + 'a {
    let concerned = published.iter().filter(|of| entry.concerns(&of.purpose));
    concerned.map(move |of| (of, requests.standing(at, &of.job))).filter(|(of, standing)| of.counts(standing))
}

/// Returns one status for all datasets: what is least far, where anybody was found; a person has to look before anything else.
pub(super) fn overall(standings: &[Standing], usable: Usable) -> RequestStatus {
    let unusable = (usable == Usable::None).then_some(RequestStatus::NeedsReview);
    standings.iter().map(Standing::status).chain(unusable).min().unwrap_or(RequestStatus::Received)
}

fn idle_lifts(desk: &Desk, requests: &Requests) -> Result<Vec<IdleLift>> {
    let idle: BTreeMap<u32, LiftEnds> = requests.idle_lifts().into_iter().collect();
    let mut told = Vec::new();
    requests.told(desk.root(), &|at| idle.contains_key(&at), &mut |at, record| {
        let entry = requests.entry(at);
        let lifts = entry.lifts.unwrap_or_default();
        told.push(IdleLift {
            request: record.request.to_string(),
            list: entry.list.to_string(),
            received: entry.received,
            lifts: lifts.to_string(),
            why: idle[&at].why_nothing(lifts),
        });
        Ok(())
    })?;
    told.sort_by(|a, b| (a.received, &a.request).cmp(&(b.received, &b.request)));
    Ok(told)
}

fn shared_ids(desk: &Desk, requests: &Requests) -> Result<Vec<String>> {
    let shared: BTreeSet<u32> = requests.of_several_persons().into_iter().collect();
    let mut ids = Vec::new();
    requests.told(desk.root(), &|at| shared.contains(&at), &mut |_, record| {
        ids.push(record.request.to_string());
        Ok(())
    })?;
    ids.sort();
    Ok(ids)
}

fn named(
    desk: &Desk,
    requests: &Requests,
    published: &[PublishedDataset<'_>],
    open: &[(Instant, u32)],
    now: Instant,
) -> Result<Vec<OpenRequest>> {
    let wanted: BTreeMap<u32, Instant> = open.iter().map(|(due, at)| (*at, *due)).collect();
    let mut named = Vec::new();
    requests.told(desk.root(), &|at| wanted.contains_key(&at), &mut |at, record| {
        let (entry, due) = (requests.entry(at), wanted[&at]);
        let standings: Vec<Standing> = of_entry(requests, at, &entry, published).collect();
        let each = where_it_stands(requests, at, &entry, published);
        let states = each.map(|(of, standing)| (of.job.clone(), standing.status())).collect();
        named.push(OpenRequest {
            request: record.request.to_string(),
            list: entry.list.to_string(),
            effect: entry.effect.name().into(),
            received: entry.received,
            due,
            days_left: (due.0 - now.0).div_euclid(DAY),
            state: overall(&standings, requests.usable(at)),
            states,
            note: requests.usable(at).note().map(str::to_owned),
        });
        Ok(())
    })?;
    named.sort_by(|a, b| (a.due, &a.request).cmp(&(b.due, &b.request)));
    Ok(named)
}

/// Columns of the current version's export that have many raw values; none when its manifest cannot be read, which
/// `verify` says.
fn raw(desk: &Desk, current: &Current) -> Vec<Identifiers> {
    let manifest = desk.state.manifest(&current.run, current.attempt, &current.manifest);
    let many = |column: &Identifiers| column.raw > 0 && column.raw * 100 > column.values;
    manifest.map_or(Vec::new(), |manifest| manifest.identifiers.into_iter().filter(many).collect())
}

fn dataset(
    desk: &Desk,
    requests: &Requests,
    published: &PublishedDataset<'_>,
    now: Instant,
) -> Option<DatasetStanding> {
    let dataset = &published.dataset;
    let current = dataset.current.as_ref()?;
    let age = |(column, first_seen): (&String, &Instant)| DriftAge {
        column: column.clone(),
        first_seen: *first_seen,
        days: (now.0 - first_seen.0).div_euclid(DAY),
    };
    let oldest_first = |columns: &BTreeMap<String, Instant>| {
        let mut ages: Vec<DriftAge> = columns.iter().map(age).collect();
        ages.sort_by(|a, b| (a.first_seen, &a.column).cmp(&(b.first_seen, &b.column)));
        ages
    };
    Some(DatasetStanding {
        job: published.job.clone(),
        no_job: published.plan.is_none(),
        dataset: dataset.dataset.clone(),
        epoch: current.epoch.clone(),
        applied: dataset.applied,
        removed: dataset.removed,
        held: requests.keeps_bytes_of(&published.purpose, now),
        waiting: dataset.replaced.iter().map(|replaced| replaced.files.len() as u64).sum(),
        kept_until: dataset.kept_until,
        drift: oldest_first(&dataset.drift),
        lost: oldest_first(&dataset.lost),
        raw: raw(desk, current),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requests::{RequestState, Review};

    #[test]
    fn one_word_says_what_is_least_far_where_anybody_was_found() {
        let of = |states: &[RequestState]| {
            let standings: Vec<Standing> = states.iter().map(|s| Standing::new(*s, Instant(0))).collect();
            overall(&standings, Usable::All)
        };
        assert_eq!(of(&[]), RequestStatus::Received);
        assert_eq!(of(&[RequestState::Unmatched, RequestState::Unmatched]), RequestStatus::Unmatched);
        assert_eq!(
            of(&[RequestState::Unmatched, RequestState::Removed, RequestState::NotBinding]),
            RequestStatus::Removed
        );
        assert_eq!(of(&[RequestState::Removed, RequestState::AwaitingLifecycle]), RequestStatus::AwaitingLifecycle);
        assert_eq!(
            of(&[RequestState::Removed, RequestState::Applied, RequestState::AwaitingLifecycle]),
            RequestStatus::Applied
        );
        assert_eq!(of(&[RequestState::Removed, RequestState::Received]), RequestStatus::Received);
        let review = Standing { review: Some(Review::SharedAlias), ..Standing::new(RequestState::Applied, Instant(0)) };
        let word = |standings: &[Standing]| overall(standings, Usable::Part);
        assert_eq!(word(&[review, Standing::new(RequestState::Removed, Instant(0))]), RequestStatus::NeedsReview);
        assert_eq!(
            word(&[Standing { state: RequestState::Removed, ..review }]),
            RequestStatus::NeedsReview,
            "nobody has looked yet"
        );
        assert_eq!(overall(&[], Usable::None), RequestStatus::NeedsReview, "no other spelling would be found");
    }
}
