//! The end of a dataset: all bytes of its table are removed for good, or were removed by hand, which is looked at; then
//! requests wait for it no longer, and it is complained of no longer. Whatever is cut short is resumed by the next
//! call.

use crate::clock::Instant;
use crate::decide::{self, LinkLimits, Links};
use crate::error::{Code, Error, Result};
use crate::evidence::{LedgerEvent, RunRef};
use crate::job::matching::InForce;
use crate::job::{
    Awake, Caller, CompanionFiles, Desk, Seat, Seeker, Stop, SubjectCall, Watched, companions_of, intake, output_of,
    served,
};
use crate::monitor::Monitor;
use crate::policy::{Grounds, Plan};
use crate::publish::{self, Target};
use crate::requests::{EntryStatus, RequestState as Come, Requests};
use crate::state::{Dataset, PublishedFile, Retirement};
use crate::store::{Forgets, Root};
use crate::sweep::{NoticeScene, WholeGone, WholeTable, not_empty};
use std::collections::BTreeMap;

/// Which dataset ends, and why.
pub struct Retiring {
    /// A job, or `ROOT:path` of a table.
    pub of: String,
    /// Why; goes to the ledger.
    pub reason: String,
    /// Who, when the operator wants it said.
    pub by: Option<String>,
    /// Whether what is still there is to be removed.
    pub remove: bool,
}

/// What became of it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Retired {
    /// Version of this schema.
    pub schema: &'static str,
    /// `ROOT:path` of the table.
    pub dataset: String,
    /// The job that it was of.
    pub job: String,
    /// Newest version of the table, none where it never had one.
    pub version: Option<u64>,
    /// False when it was retired before: nothing was done.
    pub new: bool,
    /// Objects removed now, by what they were.
    pub objects: BTreeMap<String, u64>,
    /// Length of these objects together.
    pub bytes: u64,
    /// Requests that are done in it by that.
    pub requests: u64,
    /// Whether the store may keep deleted bytes where tamis cannot look.
    pub unseen: bool,
    /// Last entry of the ledger.
    pub ledger_head: String,
}

/// Retires a dataset, under the lease of its job.
///
/// # Errors
/// Policy, for a table that nobody knows, that is not empty, or that another one lies in; gate, while a legal hold keeps
/// something of it; storage and evidence errors, and that somebody else is at work. Calling again goes on.
pub fn retire(call: &SubjectCall, caller: &Caller, asked: &Retiring, monitor: &dyn Monitor) -> Result<Retired> {
    let desk = Desk::open(call)?;
    desk.state.check_clock(call.now)?;
    let table = RetiringTable::find(&desk, &asked.of)?;
    if table.dataset.current.is_none() {
        return table.before(&desk);
    }
    let (job, stop) = (table.dataset.job, Stop::default());
    let work = |seat: Seat| held_table(call, seat, asked, monitor);
    Seeker { job: &job, caller, stop: &stop }.held(&desk.state, monitor, work)?.or_elsewhere(&job)
}

/// Looks again now that nobody else is at work. After a sleep nothing more goes: a legal hold may have come.
fn held_table(call: &SubjectCall, seat: Seat, asked: &Retiring, monitor: &dyn Monitor) -> Result<Retired> {
    let Seat { now, caller, stop } = seat;
    let (dir, roots, values) = (call.dir.clone(), call.roots.clone(), call.values.clone());
    let call = SubjectCall { dir, roots, now, runtime: call.runtime.clone(), wrap: call.wrap.clone(), values };
    let desk = Desk::open(&call)?;
    desk.state.check_clock(now)?;
    let table = RetiringTable::find(&desk, &asked.of)?;
    if table.dataset.current.is_none() {
        return table.before(&desk);
    }
    let watched = Watched { monitor, stop };
    let done = table.end(&desk, &call, asked, &Awake::new(&caller, &watched));
    done.map_err(|error| caller.explained(error))
}

/// A table and what is known of it.
struct RetiringTable {
    dataset: Dataset,
    purpose: String,
    /// Prefixes of its companions, under every name of its job.
    companions: Vec<String>,
    /// Objects and companions that its record names.
    named: Vec<String>,
    named_companions: Vec<String>,
    lake: Root,
    path: String,
}

/// What the record of a dataset names: entries of the history and data files below the root of the table, and companions.
fn named(dataset: &Dataset, path: &str) -> (Vec<String>, Vec<String>) {
    let versions = dataset.replaced.iter().map(|replaced| replaced.version);
    let versions = versions.chain(dataset.current.iter().map(|current| current.version));
    let log = versions.map(|version| publish::history_entry(path, version));
    let files = || {
        let replaced = dataset.replaced.iter().flat_map(|replaced| &replaced.files);
        replaced.chain(dataset.current.iter().flat_map(|current| &current.files))
    };
    let companions = files().map(|file| file.companion.clone()).collect();
    (log.chain(files().map(|file| file.path.clone())).collect(), companions)
}

impl RetiringTable {
    fn find(desk: &Desk, of: &str) -> Result<RetiringTable> {
        let (project, state) = (&desk.project, &desk.state);
        let tables = state.tables()?;
        // A job whose output was changed has only the table that it had before.
        let of_job = project.jobs.get(of).map(output_of).filter(|output| tables.contains_key(output));
        let output = match of_job {
            Some(output) => output,
            None => state.dataset(of)?.map_or(of.to_string(), |found| found.dataset),
        };
        let unknown = || {
            Error::new(Code::NameUnknown, "no table is known by this name")
                .help("give a job or ROOT:path of a table; `tamis status` names them")
        };
        let mut dataset = tables.get(&output).cloned().ok_or_else(unknown)?;
        let of_another = |plan: &Plan| Result::Ok(state.dataset(&plan.job)?.is_some_and(|own| own.dataset != output));
        let plan = match project.jobs.values().find(|plan| output_of(plan) == output) {
            Some(plan) if of_another(plan)? => None,
            plan => plan,
        };
        let mut names: Vec<String> = Vec::new();
        for name in state.jobs()? {
            if state.dataset(&name)?.is_some_and(|found| found.dataset == output) {
                names.push(name);
            }
        }
        if let Some(plan) = plan {
            dataset = served(state, project, plan)?.unwrap_or(dataset);
            names.push(plan.job.clone());
        }
        let purpose = match (plan, &dataset.current) {
            (Some(plan), _) => plan.purpose.name.clone(),
            (None, Some(current)) => state.manifest(&current.run, current.attempt, &current.manifest)?.purpose,
            (None, None) => dataset.retired.as_ref().map(|retired| retired.purpose.clone()).unwrap_or_default(),
        };
        let (root, path) = output.split_once(':').ok_or_else(unknown)?;
        let lake = desk.roots.get(root).cloned().ok_or_else(|| {
            Error::new(Code::NameUnknown, format!("the policy has no root {root:?}, where {output} lies"))
                .help("name the root in the policy again, so that what is there can be looked at")
        })?;
        let others = project.jobs.values().map(output_of).chain(tables.into_keys());
        if let Some(inside) = others.into_iter().find(|other| other.starts_with(&format!("{output}/"))) {
            return Err(Error::new(Code::PlaceOverlaps, format!("{inside} lies inside {output}"))
                .help("retire the inner table first, or move it: everything below the outer one would be deleted"));
        }
        names.sort();
        names.dedup();
        let companions = names.iter().map(|name| companions_of(name)).collect();
        let (named, named_companions) = named(&dataset, path);
        Ok(RetiringTable { dataset, purpose, companions, named, named_companions, lake, path: path.into() })
    }

    fn whole<'a>(&'a self, desk: &'a Desk) -> WholeTable<'a> {
        let versions = self.dataset.replaced.iter().map(|replaced| &replaced.files);
        let versions = versions.chain(self.dataset.current.iter().map(|current| &current.files));
        let digest = |file: &PublishedFile| Some((file.companion.clone(), file.companion_blake3.clone()?));
        WholeTable {
            lake: &self.lake,
            path: &self.path,
            state: desk.root(),
            companions: &self.companions,
            named: &self.named,
            named_companions: &self.named_companions,
            digests: versions.flatten().filter_map(digest).collect(),
        }
    }

    /// It has no version: it was retired before, or was never published.
    fn before(&self, desk: &Desk) -> Result<Retired> {
        if self.dataset.retired.is_none() {
            return Err(Error::new(
                Code::NothingPublished,
                format!("nothing has been published to {}", self.dataset.dataset),
            )
            .help("there is nothing to retire; remove the job's file when it is not needed"));
        }
        let told = self.told(desk, &self.dataset, &WholeGone::default(), 0)?;
        Ok(Retired { new: false, ..told })
    }

    fn told(&self, desk: &Desk, record: &Dataset, gone: &WholeGone, requests: u64) -> Result<Retired> {
        Ok(Retired {
            schema: "tamis-dataset-retire/1",
            dataset: record.dataset.clone(),
            job: record.job.clone(),
            version: record.retired.as_ref().map(|retired| retired.version),
            new: true,
            objects: gone.objects.clone(),
            bytes: gone.bytes,
            requests,
            unseen: self.unseen(desk),
            ledger_head: desk.state.ledger().head()?.to_string(),
        })
    }

    /// Whether a store may keep deleted bytes where tamis cannot look.
    fn unseen(&self, desk: &Desk) -> bool {
        [&self.lake, desk.root()].iter().any(|root| root.forgets() == Forgets::Unknown)
    }

    /// Holds are looked for before anything goes, and what is done by that is noted when nothing is left.
    fn end(&self, desk: &Desk, call: &SubjectCall, asked: &Retiring, monitor: &dyn Monitor) -> Result<Retired> {
        let whole = self.whole(desk);
        let left = whole.left()?;
        if left > 0 && !asked.remove {
            return Err(not_empty(&self.dataset.dataset, left));
        }
        let mut requests = self.requests(desk, call, monitor)?;
        let links = self.follow(desk, &requests, call.now, monitor)?;
        let keeps = |requests: &Requests| requests.keeps_bytes_of(&self.purpose, call.now);
        self.check_free(&whole, keeps(&requests), &links)?;
        self.note_reached(desk, &mut requests, &links, call.now)?;
        monitor.proceed()?;
        // A hold may have come while the table was looked through.
        requests = desk.requests()?;
        let links = self.follow(desk, &requests, call.now, monitor)?;
        self.check_free(&whole, keeps(&requests), &links)?;
        self.tell_recipients(desk, &requests, call.now, monitor)?;
        let gone = whole.remove(monitor)?;
        if gone.protected > 0 {
            let until = gone.kept_until.map_or(String::new(), |until| format!(" until {until}"));
            let what = format!("{}: the store protects {} version(s){until}", self.dataset.dataset, gone.protected);
            return Err(
                Error::new(Code::StoreProtects, what).help("everything else is removed; retire it again after that")
            );
        }
        if whole.left()? > 0 || !whole.companion_paths()?.is_empty() {
            let what = format!("{}: something was written to it meanwhile", self.dataset.dataset);
            return Err(Error::new(Code::Overtaken, what).help("stop whoever writes there, then retire it again"));
        }
        monitor.proceed()?;
        self.close(desk, call, asked, &gone, &mut requests)
    }

    /// R34: while a hold keeps something of it, nothing goes.
    fn check_free(&self, whole: &WholeTable<'_>, keeps: bool, links: &Links) -> Result<()> {
        let kept = if keeps { whole.held(links.entries())? } else { 0 };
        if kept == 0 {
            return Ok(());
        }
        Err(Error::new(
            Code::LegalHold,
            format!(
                "{}: a hold, or a restriction that keeps bytes, keeps {kept} object(s) of it",
                self.dataset.dataset
            ),
        )
        .help("nothing was removed; bring the job back until that is lifted, then retire it (R34, R69)"))
    }

    /// Takes in the lists first: a hold that came today counts.
    fn requests(&self, desk: &Desk, call: &SubjectCall, monitor: &dyn Monitor) -> Result<Requests> {
        let place = intake::Intake {
            state: &desk.state,
            keys: &desk.keys,
            roots: &desk.roots,
            project: &desk.project,
            now: call.now,
        };
        let (requests, intake) = place.take_in(true, monitor)?;
        place.note(&requests, &intake)?;
        if intake.blind_to_holds(&desk.project) {
            let what = "a list of legal holds cannot be read to the end: nothing is removed (R34)";
            return Err(intake.refusal().unwrap_or_else(|| Error::new(Code::RequestListUnreadable, what)));
        }
        Ok(requests)
    }

    fn follow(&self, desk: &Desk, requests: &Requests, now: Instant, monitor: &dyn Monitor) -> Result<Links> {
        let rows = CompanionFiles::readable(desk.root(), self.whole(desk).companion_paths()?)?;
        let limits = LinkLimits::of(&desk.project.links);
        decide::follow(&rows, &InForce::for_purpose(requests, &self.purpose, now), limits, 1, monitor)
    }

    /// R72: with the table goes what tells whom its recipients have to be told of.
    fn tell_recipients(&self, desk: &Desk, requests: &Requests, now: Instant, monitor: &dyn Monitor) -> Result<()> {
        let Some(current) = &self.dataset.current else { return Ok(()) };
        let manifest = desk.state.manifest(&current.run, current.attempt, &current.manifest)?;
        let Some(grounds) = self.grounds(desk) else { return Ok(()) };
        let names = self.companions.iter().filter_map(|folder| Some(folder.rsplit_once('/')?.1.to_owned()));
        let names = std::iter::once(self.dataset.job.clone()).chain(names.filter(|name| *name != self.dataset.job));
        let scene = NoticeScene {
            state: &desk.state,
            project: &desk.project,
            requests,
            dataset: &self.dataset,
            target: Target {
                lake: &self.lake,
                path: &self.path,
                state: desk.root(),
                companions: &companions_of(&self.dataset.job),
            },
            names: names.collect(),
            purpose: &self.purpose,
            grounds,
            recipient: manifest.recipient.as_deref(),
            now,
        };
        scene.note(true, monitor)
    }

    /// What decides which requests bind the table; none where the policy has its purpose no more.
    fn grounds(&self, desk: &Desk) -> Option<Grounds> {
        let served = desk.project.jobs.values().find(|plan| plan.purpose.name == self.purpose).map(Plan::grounds);
        let facts = desk.register.purposes.get(&self.purpose);
        served.or_else(|| Some(Grounds { basis: facts?.basis, direct_marketing: false, sale: false }))
    }

    /// Whom requests reach here is only told by companions, which go now: it is kept, as not done, until nothing is left.
    fn note_reached(&self, desk: &Desk, requests: &mut Requests, links: &Links, now: Instant) -> Result<()> {
        let job = &self.dataset.job;
        let open = |standing: EntryStatus| matches!(standing.state, Come::Received | Come::Unmatched | Come::Applied);
        let reached = links.reached.iter().map(|reached| reached.entry);
        let reached = reached.filter(|entry| open(requests.noted(*entry, job)));
        let noted: Vec<(u32, EntryStatus)> =
            reached.map(|entry| (entry, EntryStatus::new(Come::Received, now))).collect();
        requests.note(desk.root(), job, &noted, None).map(|_| ())
    }

    fn close(
        &self,
        desk: &Desk,
        call: &SubjectCall,
        asked: &Retiring,
        gone: &WholeGone,
        requests: &mut Requests,
    ) -> Result<Retired> {
        let Some(current) = &self.dataset.current else { return self.before(desk) };
        let retirement = Retirement { at: call.now, version: current.version, purpose: self.purpose.clone() };
        let event = LedgerEvent::Retired {
            job: self.dataset.job.clone(),
            dataset: self.dataset.dataset.clone(),
            version: current.version,
            objects: gone.objects.clone(),
            bytes: gone.bytes,
            reason: asked.reason.clone(),
            by: asked.by.clone(),
        };
        let run = format!("retire-{}-{}", self.dataset.job, call.now);
        desk.state.ledger().append(RunRef { run: &run, attempt: 1, since: call.now }, event, call.now)?;
        let done = self.note_done(desk, requests, call.now)?;
        let mut record = self.dataset.clone();
        record.retire(retirement);
        desk.state.save_dataset(&mut record)?;
        self.told(desk, &record, gone, done)
    }

    /// Everything that was found in the table is gone with it.
    fn note_done(&self, desk: &Desk, requests: &mut Requests, now: Instant) -> Result<u64> {
        let job = &self.dataset.job;
        let state = if self.unseen(desk) { Come::AwaitingLifecycle } else { Come::Removed };
        let open = requests.states().filter(|(_, of, standing)| {
            let open = matches!(standing.state, Come::Received | Come::Applied | Come::AwaitingLifecycle);
            of == job && open
        });
        let noted: Vec<(u32, EntryStatus)> = open.map(|(entry, ..)| (entry, EntryStatus::new(state, now))).collect();
        requests.note(desk.root(), job, &noted, None)?;
        Ok(noted.len() as u64)
    }
}
