//! Why somebody is not in a dataset: requests that reach them, or what became of their rows in the newest export, and
//! the version in which they vanished. That it was asked is in the ledger first; of whom is not. Nothing of a value goes
//! out again.

use crate::clock::Instant;
use crate::decide::{self, Reason, SetAside, Traced};
use crate::error::{Code, Error, Result};
use crate::evidence::{LedgerEntry, LedgerEvent};
use crate::job::{Call, Desk, Ready, SubjectCall, identities_asked, intake, names_of, note, output_of};
use crate::monitor::Monitor;
use crate::policy::{Plan, Rule, place};
use crate::publish::Companions;
use crate::requests::{RequestStatus, Requests, StoredBond, half};
use crate::run::judge::{Aim, JudgedRun, judge};
use crate::run::pinned::pin;
use crate::state::{Dataset, PublishedFile};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// Says why a person is in a dataset or not.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Explanation {
    /// Version of this schema.
    pub schema: &'static str,
    /// Number of values that were asked for.
    pub identities: usize,
    /// Of these, values without a normal form.
    pub raw: usize,
    /// What holds in each dataset, one per job.
    pub datasets: Vec<ExplainedDataset>,
}

/// Says why a person is in one dataset or not.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct ExplainedDataset {
    /// Name of the job.
    pub job: String,
    /// The job's table, as `ROOT:path`.
    pub dataset: String,
    /// The current version; none before the first.
    pub version: Option<u64>,
    /// Rows of it that carry one of the values.
    pub rows: u64,
    /// When the last of them goes.
    pub keep_until: Option<Instant>,
    /// Further rows that carry one of the values as that of another person than their own (R68).
    pub rows_as_other: u64,
    /// Requests that reach the person.
    pub requests: Vec<Reaching>,
    /// What became of the person's rows in the newest export; looked at when there is no row in the version.
    pub export: Option<InExport>,
    /// Where they vanished, when that can still be told.
    pub vanished: Option<Vanished>,
}

/// A request that reaches the person.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Reaching {
    /// Id of the request.
    pub request: String,
    /// The list it came by.
    pub list: String,
    /// What the request asks for.
    pub effect: String,
    /// When it was received.
    pub received: Instant,
    /// Zone of its list, in which people read its dates.
    #[serde(skip)]
    #[schemars(skip)]
    pub zone: TimeZone,
    /// Whether a lift has ended it.
    pub ended: bool,
    /// By what it reaches them: `named`, `links`, `weak link`.
    pub by: String,
    /// Why it does not bind this dataset, when it does not (R29).
    pub not_binding: Option<String>,
    /// How far it has come.
    pub state: RequestStatus,
    /// `FILE:LINE` of the list.
    pub rule: Option<String>,
}

/// What the newest export has of the person.
#[derive(Clone, Debug, Default, serde::Serialize, schemars::JsonSchema)]
pub struct InExport {
    /// The set, when the input has sets.
    pub set: Option<String>,
    /// Why it could not be looked at, when it could not.
    pub stop: Option<String>,
    /// Rows of the person, by what becomes of them; empty when the export has none.
    pub rows: Vec<RowsSaid>,
}

/// Rows that have the same to say.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct RowsSaid {
    /// Number of rows that the reason holds for.
    pub rows: u64,
    /// Why they go; `observed` for activity, `superseded` for earlier versions of a record, `ended` for records that a deletion
    /// mark has ended (R75), `stays` for rows that the next version has, `null-cells` for such rows without
    /// the cells of the person, who is another one than their own.
    pub reason: String,
    /// The reason behind the label; none for rows that do not go.
    #[serde(skip)]
    why: Option<Reason>,
    /// The other person of the rows that the values name, where they do not name their own (R68).
    pub other: Option<String>,
    /// The clock that counts.
    pub clock: Option<Instant>,
    /// When they go or went by it.
    pub keep_until: Option<Instant>,
    /// `FILE:LINE` of the rule.
    pub rule: Option<String>,
}

/// The first version without the person.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Vanished {
    /// Number of the version.
    pub version: u64,
    /// Id of the run that made the version.
    pub run: String,
    /// When it was made.
    pub at: Instant,
    /// `seen` in the version before, which is not removed yet, or `inferred` from the dates of request or clock.
    pub how: &'static str,
}

/// Explains where a person is, in every dataset or in that of `call.job` when it names one.
///
/// # Errors
/// Policy errors for what was typed; evidence and storage errors.
pub fn explain(who: &SubjectCall, call: &Call, monitor: &dyn Monitor) -> Result<Explanation> {
    let desk = Desk::open(who)?;
    let found = identities_asked(&desk, &who.values)?;
    if !call.job.is_empty() && !desk.project.jobs.contains_key(&call.job) {
        return Err(Error::new(Code::NameUnknown, format!("no job is called {:?}", call.job)));
    }
    note(&desk, who, "explain", LedgerEvent::Asked { command: "explain".into() })?;
    let wanted: BTreeSet<[u8; 16]> = found.iter().map(|(identity, _)| *half(identity)).collect();
    let (requests, entries) = (desk.requests()?, desk.state.ledger().entries()?);
    let book = PersonBook { desk: &desk, requests: &requests, entries: &entries, wanted: &wanted, call };
    let named = |plan: &&Plan| call.job.is_empty() || plan.job == call.job;
    let datasets = desk.project.jobs.values().filter(named).map(|plan| book.dataset(plan, monitor));
    Ok(Explanation {
        schema: "tamis-explain/1",
        identities: found.len(),
        raw: found.iter().filter(|(_, raw)| *raw).count(),
        datasets: datasets.collect::<Result<_>>()?,
    })
}

struct PersonBook<'a> {
    desk: &'a Desk,
    requests: &'a Requests,
    entries: &'a [LedgerEntry],
    wanted: &'a BTreeSet<[u8; 16]>,
    call: &'a Call,
}

impl PersonBook<'_> {
    fn dataset(&self, plan: &Plan, monitor: &dyn Monitor) -> Result<ExplainedDataset> {
        let mut names = names_of(&self.desk.state, &self.desk.project, plan)?;
        let known = self.desk.state.dataset_under(&plan.job, &names)?;
        let dataset = known.unwrap_or_else(|| Dataset::new(&plan.job, &output_of(plan)));
        names.push(plan.job.clone());
        let files = dataset.current.as_ref().map_or(&[][..], |current| &current.files);
        let (rows, keep_until, rows_as_other) = self.rows(files)?;
        let (requests, taken) = self.reaching(plan)?;
        let export = if rows == 0 { Some(self.export(plan, monitor)?) } else { None };
        let vanished = if rows == 0 { self.vanished((&dataset, &names), taken, export.as_ref())? } else { None };
        Ok(ExplainedDataset {
            job: plan.job.clone(),
            version: dataset.current.as_ref().map(|current| current.version),
            dataset: dataset.dataset,
            rows,
            keep_until,
            rows_as_other,
            requests,
            export,
            vanished,
        })
    }

    /// Rows of some files that carry one of the values, and when the last of them goes; then those that carry one as that of
    /// another person.
    fn rows(&self, files: &[PublishedFile]) -> Result<(u64, Option<Instant>, u64)> {
        let (mut rows, mut until, mut as_other) = (0, None, 0);
        for file in files {
            let mut companions = Companions::open(self.desk.root(), &file.companion)?;
            while let Some(group) = companions.next_group()? {
                let carries = |row: &usize| {
                    let mut own = (0..group.identities()).filter_map(|slot| group.identity(*row, slot));
                    own.any(|identity| self.wanted.contains(identity))
                };
                let other = |row: &usize| {
                    let mut others = group.others(*row);
                    !carries(row) && others.any(|(_, identity)| self.wanted.contains(identity))
                };
                as_other += (0..group.rows()).filter(other).count() as u64;
                for row in (0..group.rows()).filter(carries) {
                    rows += 1;
                    until = until.max(Some(Instant(group.keep_until(row))));
                }
            }
        }
        Ok((rows, until, as_other))
    }

    /// Requests that reach the person, and when the first that binds was taken in.
    fn reaching(&self, plan: &Plan) -> Result<(Vec<Reaching>, Option<Instant>)> {
        let mut found: BTreeMap<u32, StoredBond> = BTreeMap::new();
        for entry in self.wanted.iter().flat_map(|identity| self.requests.effects(identity)) {
            let bond = found.entry(entry.entry()).or_insert(entry.bond());
            *bond = (*bond).min(entry.bond());
        }
        let (mut told, mut taken) = (Vec::new(), None::<Instant>);
        self.requests.told(self.desk.root(), &|at| found.contains_key(&at), &mut |at, record| {
            let entry = self.requests.entry(at);
            if !entry.concerns(&plan.purpose.name) {
                return Ok(());
            }
            let binding = decide::binding(entry.effect, plan.grounds());
            if binding.is_ok() && !entry.ended {
                taken = Some(taken.map_or(record.taken, |first| first.min(record.taken)));
            }
            told.push(Reaching {
                request: record.request.to_string(),
                list: entry.list.to_string(),
                effect: entry.effect.name().into(),
                received: entry.received,
                zone: self.desk.project.zone_of_list(entry.list),
                ended: entry.ended,
                by: match found.get(&at) {
                    Some(StoredBond::Strong) => "links".into(),
                    Some(StoredBond::ViaWeak) => "weak link".into(),
                    _ => "named".into(),
                },
                not_binding: binding.err().map(str::to_string),
                state: self.requests.standing(at, &plan.job).status(),
                rule: place(&self.call.dir, Rule::List(entry.list)),
            });
            Ok(())
        })?;
        told.sort_by(|a, b| (a.received, &a.request).cmp(&(b.received, &b.request)));
        Ok((told, taken))
    }

    /// Reads the newest export as a plan does, and follows the person's rows.
    fn export(&self, plan: &Plan, monitor: &dyn Monitor) -> Result<InExport> {
        let call = Call { job: plan.job.clone(), ..self.call.clone() };
        match traced(&call, self.wanted, monitor) {
            Ok((set, rows)) => Ok(InExport { set, stop: None, rows: self.said(plan, rows) }),
            Err(error) => Ok(InExport { stop: Some(error.message().to_string()), ..InExport::default() }),
        }
    }

    fn said(&self, plan: &Plan, mut rows: Vec<Traced>) -> Vec<RowsSaid> {
        rows.sort();
        let said = |alike: &[Traced]| {
            let Traced { aside, reason, other, taken, clock, keep_until } = alike[0].clone();
            let rule = reason.as_ref().and_then(|(label, why)| self.rule(plan, label, *why));
            let stays = match (aside, taken) {
                (Some(SetAside::Observed), _) => "observed",
                (Some(SetAside::Superseded), _) => "superseded",
                (Some(SetAside::Ended), _) => "ended",
                (None, true) => "null-cells",
                (None, false) => "stays",
            };
            let other = other.and_then(|number| plan.controls.others.get(number)).map(|other| other.name.clone());
            let (reason, why) = reason.map_or((stays.into(), None), |(label, why)| (label, Some(why)));
            RowsSaid { rows: alike.len() as u64, reason, why, other, clock, keep_until, rule }
        };
        rows.chunk_by(|a, b| a == b).map(said).collect()
    }

    fn rule(&self, plan: &Plan, label: &str, why: Reason) -> Option<String> {
        let dir = &self.call.dir;
        match why {
            Reason::Excluded(_) => {
                let label = label.strip_prefix("excluded:").unwrap_or(label);
                place(dir, Rule::Exclude(&plan.job, label))
            }
            Reason::Expired => place(dir, Rule::Retention(&plan.job)),
            Reason::Suppressed => place(dir, Rule::Gate(&plan.job)),
            Reason::Rejected => place(dir, Rule::Subject(&plan.source.name)),
            Reason::NoConsent => place(dir, Rule::Consent(&plan.source.name)),
            Reason::Restricted | Reason::Erased | Reason::Objected | Reason::OptedOut => None,
        }
    }

    fn vanished(
        &self,
        (dataset, names): (&Dataset, &[String]),
        taken: Option<Instant>,
        export: Option<&InExport>,
    ) -> Result<Option<Vanished>> {
        for replaced in dataset.replaced.iter().rev() {
            if self.rows(&replaced.files)?.0 > 0 {
                return Ok(self.version(names, "seen", |version, _, _| version > replaced.version));
            }
        }
        if let Some(taken) = taken {
            return Ok(self.version(names, "inferred", |_, at, _| at >= taken));
        }
        let expired = export.iter().flat_map(|export| &export.rows).filter(|rows| rows.why == Some(Reason::Expired));
        let until = expired.filter_map(|rows| rows.keep_until).max();
        Ok(until.and_then(|until| self.version(names, "inferred", |_, _, as_of| as_of >= until)))
    }

    /// The first version of a job, under any of its names, for which `is` holds of its number, when it was made, and its instant.
    fn version(
        &self,
        names: &[String],
        how: &'static str,
        is: impl Fn(u64, Instant, Instant) -> bool,
    ) -> Option<Vanished> {
        self.entries.iter().find_map(|entry| match &entry.event {
            LedgerEvent::Published { job: of, version, as_of, .. }
            | LedgerEvent::Swept { job: of, version, as_of, .. }
                if names.contains(of) && is(*version, entry.at, *as_of) =>
            {
                Some(Vanished { version: *version, run: entry.run.clone(), at: entry.at, how })
            }
            _ => None,
        })
    }
}

/// What becomes of the person's rows in the newest export; nothing is written.
fn traced(call: &Call, wanted: &BTreeSet<[u8; 16]>, monitor: &dyn Monitor) -> Result<(Option<String>, Vec<Traced>)> {
    let ready = Ready::for_sweep(call, true, monitor)?;
    let (mut requests, _) = intake::requests(&ready, false, monitor)?;
    let pinned = pin(&ready)?;
    let JudgedRun { judged, findings } = judge(&ready, &pinned, &mut requests, Aim::Explain, monitor)?;
    let rows =
        judged.trace(findings.links.entries(), &|identity: &[u8; 16]| wanted.contains(identity), call.threads)?;
    Ok((pinned.main.set, rows))
}
