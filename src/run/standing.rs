//! How far requests have come, each over all datasets that it concerns, with its deadline; and up to which request each
//! dataset is clean. Ids, dates and counts only. Must not know raw values.

use super::prepare::{Ready, dataset_of, output_of};
use super::subject::{self, Desk, SubjectCall};
use crate::clock::Instant;
use crate::error::Result;
use crate::policy::{Effect, Plan};
use crate::requests::{Entry, Requests, Standing, State};
use crate::state::Dataset;
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
    /// One per dataset that is published.
    pub datasets: Vec<DatasetStanding>,
}

/// A request that is not done.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct OpenRequest {
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
    /// Whole days until then; negative when that has passed.
    pub days_left: i64,
    /// How far it has come over all datasets.
    pub state: String,
    /// How far it has come, by job.
    pub states: BTreeMap<String, String>,
}

/// Where a dataset stands.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct DatasetStanding {
    /// The job.
    pub job: String,
    /// Whether the job is gone from the specs: no run and no sweep looks at the dataset any more.
    pub no_job: bool,
    /// Its table.
    pub dataset: String,
    /// Epoch of its tokens.
    pub epoch: String,
    /// Requests taken in up to then are applied to the current version.
    pub applied: Option<Instant>,
    /// Of these, those applied up to then are in no byte that tamis could verify. A request that leads to further persons
    /// later is applied again then.
    pub removed: Option<Instant>,
    /// Whether a legal hold is in force that may keep files of it (R34).
    pub held: bool,
    /// Files of earlier versions that wait for removal.
    pub waiting: u64,
    /// Until when the store keeps deleted bytes, when it says so.
    pub kept_until: Option<Instant>,
    /// Columns of the export that the source does not list, oldest first, and for how many days.
    pub drift: Vec<DriftAge>,
    /// Columns that the source lists and the last export had not, likewise.
    pub lost: Vec<DriftAge>,
}

/// A column in which export and source differ.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct DriftAge {
    /// Its name; empty for columns without one.
    pub column: String,
    /// When it was first seen.
    pub first_seen: Instant,
    /// Whole days since.
    pub days: i64,
}

/// How far all requests have come; at most `most` of the open ones are named.
///
/// # Errors
/// Policy errors for specs, keys and state; evidence and storage errors.
pub fn standings(call: &SubjectCall, most: usize) -> Result<Standings> {
    let desk = Desk::open(call)?;
    let requests = desk.requests()?;
    let published = published(&desk)?;
    let mut told = Standings { counts: BTreeMap::new(), overdue: 0, open: Vec::new(), more: 0, datasets: Vec::new() };
    let mut open: Vec<(Instant, u32)> = Vec::new();
    for at in 0..requests.len() as u32 {
        let entry = requests.entry(at);
        if !has_deadline(&entry) {
            continue;
        }
        let standings: Vec<Standing> = of_entry(&requests, at, &entry, &published).collect();
        let word = overall(&standings);
        *told.counts.entry(word.into()).or_default() += 1;
        // Whoever matched nobody may be meant all the same: a person has to look.
        if !matches!(word, "removed" | "not-binding") {
            open.push((desk.due(entry.received), at));
        }
        let late = desk.due(entry.received) <= call.now;
        told.overdue += u64::from(late && (word == "unmatched" || standings.iter().any(waits)));
    }
    open.sort_unstable();
    told.more = open.len().saturating_sub(most) as u64;
    open.truncate(most);
    told.open = named(&desk, &requests, &published, &open, call.now)?;
    told.datasets = published.iter().filter_map(|published| dataset(&requests, published, call.now)).collect();
    Ok(told)
}

/// A dataset that is published.
pub(super) struct Published<'a> {
    /// Its job.
    pub(super) job: String,
    /// The purpose it is for.
    pub(super) purpose: String,
    /// None when the job is gone from the specs.
    pub(super) plan: Option<&'a Plan>,
    /// What is known of it.
    pub(super) dataset: Dataset,
}

/// Every dataset that is published, also of jobs that are gone from the specs, by job.
pub(super) fn published(desk: &Desk) -> Result<Vec<Published<'_>>> {
    let (jobs, mut found) = (&desk.project.jobs, Vec::new());
    for plan in jobs.values() {
        let known = dataset_of(&desk.state, &desk.project, plan)?.filter(|dataset| dataset.current.is_some());
        let of = |dataset| Published {
            job: plan.job.clone(),
            purpose: plan.purpose.name.clone(),
            plan: Some(plan),
            dataset,
        };
        found.extend(known.map(of));
    }
    let outputs: BTreeSet<String> = jobs.values().map(output_of).collect();
    for job in desk.state.jobs()?.into_iter().filter(|job| !jobs.contains_key(job)) {
        let known = desk.state.dataset(&job)?.filter(|dataset| !outputs.contains(&dataset.dataset));
        let Some((current, dataset)) = known.and_then(|dataset| Some((dataset.current.clone()?, dataset))) else {
            continue;
        };
        let purpose = desk.state.manifest(&current.run, current.attempt, &current.manifest)?.purpose;
        found.push(Published { job, purpose, plan: None, dataset });
    }
    Ok(found)
}

/// Whether a request has to be done by a time: what takes rows out has, as long as nothing has ended it.
fn has_deadline(entry: &Entry<'_>) -> bool {
    !entry.ended && !matches!(entry.effect, Effect::Lift | Effect::Consent | Effect::Hold)
}

/// Whether something is left to do here for a request: not for one whose last bytes only wait for the store.
fn waits(standing: &Standing) -> bool {
    matches!(standing.word(), "received" | "applied" | "needs-review")
}

/// The earliest deadline of a request that is not done in the job's dataset; none before anything is published.
pub(super) fn next_deadline(ready: &Ready, requests: &Requests) -> Option<Instant> {
    ready.dataset.current.as_ref()?;
    let (job, purpose) = (&ready.call.job, &ready.plan().purpose.name);
    let all = (0..requests.len() as u32).map(|at| (at, requests.entry(at)));
    let open =
        all.filter(|(at, entry)| has_deadline(entry) && entry.concerns(purpose) && waits(&requests.standing(*at, job)));
    open.map(|(_, entry)| subject::due(&ready.project, entry.received)).min()
}

/// Where an entry stands in each dataset that it concerns.
fn of_entry<'a>(
    requests: &'a Requests,
    at: u32,
    entry: &'a Entry<'a>,
    published: &'a [Published<'a>],
) -> impl Iterator<Item = Standing> + 'a {
    published.iter().filter(|of| entry.concerns(&of.purpose)).map(move |of| requests.standing(at, &of.job))
}

/// One word for all datasets: what is least far, where anybody was found; a person has to look before anything else.
pub(super) fn overall(standings: &[Standing]) -> &'static str {
    let has = |state: State| standings.iter().any(|standing| standing.state == state);
    let review = standings.iter().any(|standing| standing.word() == "needs-review");
    if review {
        return "needs-review";
    }
    let order = [
        (State::Received, "received"),
        (State::Applied, "applied"),
        (State::AwaitingLifecycle, "awaiting-lifecycle"),
        (State::Removed, "removed"),
        (State::Unmatched, "unmatched"),
        (State::NotBinding, "not-binding"),
    ];
    order.into_iter().find(|(state, _)| has(*state)).map_or("received", |(_, word)| word)
}

fn named(
    desk: &Desk,
    requests: &Requests,
    published: &[Published<'_>],
    open: &[(Instant, u32)],
    now: Instant,
) -> Result<Vec<OpenRequest>> {
    let wanted: BTreeMap<u32, Instant> = open.iter().map(|(due, at)| (*at, *due)).collect();
    let mut named = Vec::new();
    requests.told(desk.root(), &|at| wanted.contains_key(&at), &mut |at, record| {
        let (entry, due) = (requests.entry(at), wanted[&at]);
        let standings: Vec<Standing> = of_entry(requests, at, &entry, published).collect();
        let concerned = published.iter().filter(|of| entry.concerns(&of.purpose));
        let states = concerned.zip(&standings).map(|(of, s)| (of.job.clone(), s.word().to_string())).collect();
        named.push(OpenRequest {
            request: record.request.to_string(),
            list: entry.list.to_string(),
            effect: entry.effect.name().into(),
            received: entry.received,
            due,
            days_left: (due.0 - now.0).div_euclid(DAY),
            state: overall(&standings).into(),
            states,
        });
        Ok(())
    })?;
    named.sort_by(|a, b| (a.due, &a.request).cmp(&(b.due, &b.request)));
    Ok(named)
}

/// Whether a legal hold is in force for a purpose (R34).
pub(super) fn held(requests: &Requests, purpose: &str) -> bool {
    let concerns = |purposes: Option<&[String]>| purposes.is_none_or(|named| named.iter().any(|p| p == purpose));
    let in_force = requests.in_force();
    in_force.iter().any(|(_, effect, purposes, entries)| *effect == Effect::Hold && *entries > 0 && concerns(*purposes))
}

fn dataset(requests: &Requests, published: &Published<'_>, now: Instant) -> Option<DatasetStanding> {
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
        held: held(requests, &published.purpose),
        waiting: dataset.replaced.iter().map(|replaced| replaced.files.len() as u64).sum(),
        kept_until: dataset.kept_until,
        drift: oldest_first(&dataset.drift),
        lost: oldest_first(&dataset.lost),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requests::Review;

    #[test]
    fn one_word_says_what_is_least_far_where_anybody_was_found() {
        let of = |states: &[State]| {
            let standings: Vec<Standing> = states.iter().map(|s| Standing::new(*s, Instant(0))).collect();
            overall(&standings)
        };
        assert_eq!(of(&[]), "received");
        assert_eq!(of(&[State::Unmatched, State::Unmatched]), "unmatched");
        assert_eq!(of(&[State::Unmatched, State::Removed, State::NotBinding]), "removed");
        assert_eq!(of(&[State::Removed, State::AwaitingLifecycle]), "awaiting-lifecycle");
        assert_eq!(of(&[State::Removed, State::Applied, State::AwaitingLifecycle]), "applied");
        assert_eq!(of(&[State::Removed, State::Received]), "received");
        let review = Standing { review: Some(Review::SharedAlias), ..Standing::new(State::Applied, Instant(0)) };
        assert_eq!(overall(&[review, Standing::new(State::Removed, Instant(0))]), "needs-review");
        assert_eq!(overall(&[Standing { state: State::Removed, ..review }]), "needs-review", "nobody has looked yet");
    }
}
