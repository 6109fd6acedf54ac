//! What is known of a person: datasets, versions and requests, as counts, ids and states.

use super::reach::{self, FollowedDataset, Reach};
use crate::clock::Instant;
use crate::decide::LinkLimits;
use crate::error::Result;
use crate::evidence::LedgerEvent;
use crate::job::{Desk, PublishedDataset, SubjectCall, identities_asked, note, published};
use crate::monitor::Silent;
use crate::policy::{Controls, Plan};
use crate::publish::Companions;
use crate::requests::{RequestStatus, StoredBond, half};
use crate::state::Current;
use crate::store::Root;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a person: counts, ids and states.
#[derive(Clone, Debug, serde::Serialize)]
pub struct KnownPerson {
    /// Version of this schema.
    pub schema: &'static str,
    /// Number of values that were asked for.
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
    /// Name of the job.
    pub job: String,
    /// Whether the job is gone from the specs: no request is applied there.
    pub no_job: bool,
    /// The job's table, as `ROOT:path`.
    pub dataset: String,
    /// Number of the table's current version.
    pub version: u64,
    /// Rows whose key, strong or weak column carries one of the values.
    pub rows: u64,
    /// Distinct subjects of those rows.
    pub subjects: u64,
    /// What an erasure of the values would reach, links followed over published rows.
    pub erasure: Reach,
}

/// A stored request that concerns the person.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct OfRequest {
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
    /// Id of the stored request.
    #[serde(skip)]
    #[schemars(skip)]
    pub(super) entry: [u8; 16],
    /// Zone of its list, in which people read its dates.
    #[serde(skip)]
    pub zone: TimeZone,
    /// Whether a lift has ended it.
    pub ended: bool,
    /// Whether it names one of the values itself.
    pub named: bool,
    /// Where it stands, by job.
    pub states: BTreeMap<String, RequestStatus>,
    /// Why a person has to look at it, by job.
    pub review: BTreeMap<String, &'static str>,
}

/// Which datasets, versions and requests know a person by these values, and which rows an erasure of them would reach.
/// That it was asked is in the ledger first.
///
/// # Errors
/// As `ask`.
pub fn find(call: &SubjectCall) -> Result<KnownPerson> {
    let desk = Desk::open(call)?;
    let identities = identities_asked(&desk, &call.values)?;
    note(&desk, call, "find", LedgerEvent::Asked { command: "subject find".into() })?;
    let wanted: BTreeSet<[u8; 16]> = identities.iter().map(|(identity, _)| *half(identity)).collect();
    let (mut datasets, mut companions) = (Vec::new(), Vec::new());
    let published = published(&desk.state, &desk.project)?;
    for of in &published {
        let Some(current) = &of.dataset.current else { continue };
        let (rows, subjects) = carriers(desk.root(), current, &wanted)?;
        let (job, no_job) = (of.job.clone(), of.plan.is_none());
        let (version, dataset) = (current.version, of.dataset.dataset.clone());
        let files = current.files.iter().map(|file| file.companion.clone()).collect();
        companions.push(FollowedDataset { companions: files, columns: of.plan.map(slots).unwrap_or_default() });
        datasets.push(InDataset { job, no_job, dataset, version, rows, subjects, erasure: Reach::default() });
    }
    let limits = LinkLimits::of(&desk.project.links);
    let reached = reach::of_values(desk.root(), &identities, &companions, limits, &Silent)?;
    datasets.iter_mut().zip(reached).for_each(|(dataset, reached)| dataset.erasure = reached);
    let raw = identities.iter().filter(|(_, raw)| *raw).count();
    let requests = of_person(&desk, &published, &wanted)?;
    Ok(KnownPerson { schema: "tamis-subject-find/1", identities: identities.len(), raw, datasets, requests })
}

/// Columns of the identity slots of a job's companions, in their order.
fn slots(plan: &Plan) -> Vec<String> {
    let Controls { key, strong, weak, others, .. } = &plan.controls;
    let others = others.iter().flat_map(|other| &other.by);
    key.iter().chain(strong).chain(weak).chain(others).map(|column| plan.columns[*column].name.clone()).collect()
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

pub(super) fn of_person(
    desk: &Desk,
    published: &[PublishedDataset<'_>],
    wanted: &BTreeSet<[u8; 16]>,
) -> Result<Vec<OfRequest>> {
    let requests = desk.requests()?;
    let mut found: BTreeMap<u32, bool> = BTreeMap::new();
    for entry in wanted.iter().flat_map(|identity| requests.effects(identity)) {
        *found.entry(entry.entry()).or_default() |= entry.bond() == StoredBond::Named;
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
            entry: *entry.id,
            list: entry.list.to_owned(),
            effect: entry.effect.name().into(),
            received: entry.received,
            due: desk.due(entry.list, entry.counts_from),
            zone: desk.project.zone_of_list(entry.list),
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
