//! What a person let through after a gate or the brake stopped a run: `accepts/<job>/<plan digest>.json`.
//! Good for exactly that plan, once. Must not know raw values.

use super::{FORMAT, State, load};
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::{self, LedgerEvent, RunRef, accept_path, used_path};
use crate::store::Created;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A person's approval of one refused run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accept {
    /// The job whose next run it is for.
    pub job: String,
    /// The digest that the stopped run printed.
    pub plan: String,
    /// Instant of that run: the next `run JOB` uses it (R28).
    pub as_of: Instant,
    /// Why, in the operator's words.
    pub reason: String,
    /// Who, when the operator wants it said.
    pub by: Option<String>,
    /// When the person approved it.
    pub at: Instant,
}

/// Who has used what was accepted, when that was lost: no run is called so.
const RENEWED: &str = "state renew";

#[derive(Serialize, Deserialize)]
struct Used {
    format: u32,
    /// Which acceptance it is of; an earlier tamis did not say.
    #[serde(default)]
    job: Option<String>,
    #[serde(default)]
    plan: Option<String>,
    run: String,
}

impl State {
    /// `tamis accept`: stores the acceptance and its entry in the ledger. The same digest twice is one acceptance, the
    /// first.
    ///
    /// # Errors
    /// A policy error for something that is no digest, an empty reason, or a digest that a run has used up.
    pub fn accept(&self, accept: &Accept) -> Result<()> {
        let digest = accept.plan.len() >= 8 && accept.plan.bytes().all(|b| b.is_ascii_hexdigit());
        if !digest {
            return Err(Error::new(Code::ArgumentWrong, "this is not the digest of a plan")
                .help("give it as the stopped run printed it"));
        }
        if accept.reason.trim().is_empty() {
            return Err(Error::new(Code::ArgumentWrong, "an acceptance needs a reason")
                .help("--reason \"…\"; it goes into the ledger"));
        }
        if self.root.get(&used_path(&accept.job, &accept.plan))?.is_some() {
            return Err(Error::new(Code::AcceptanceUnfit, "a run has used this acceptance already")
                .help("an acceptance is good for one run; the next one that is stopped prints its own digest"));
        }
        let path = accept_path(&accept.job, &accept.plan);
        let first = match self.root.create(&path, evidence::record(accept)?)? {
            Created::New => accept.clone(),
            Created::Exists => load(&self.root, &path)?.unwrap_or_else(|| accept.clone()),
        };
        self.note_accept(&first)
    }

    fn note_accept(&self, accept: &Accept) -> Result<()> {
        let run = format!("accept-{}-{}", accept.job, accept.plan);
        let event = LedgerEvent::Accepted {
            job: accept.job.clone(),
            as_of: accept.as_of,
            plan: accept.plan.clone(),
            reason: accept.reason.clone(),
            by: accept.by.clone(),
        };
        self.ledger.append(RunRef { run: &run, attempt: 1, since: accept.at }, event, accept.at).map(|_| ())
    }

    /// Acceptances of a job that no run has used, the newest last.
    ///
    /// # Errors
    /// An evidence error when one cannot be read.
    pub fn accepts(&self, job: &str) -> Result<Vec<Accept>> {
        let objects = self.root.list(&format!("accepts/{job}"))?;
        let used = |path: &str| {
            objects
                .iter()
                .any(|other| path.strip_suffix(".json").is_some_and(|p| other.path == format!("{p}.used.json")))
        };
        let mut open = Vec::new();
        for object in objects.iter().filter(|o| !o.path.ends_with(".used.json") && !used(&o.path)) {
            open.extend(load::<Accept>(&self.root, &object.path)?);
        }
        open.sort_by_key(|accept| accept.at);
        Ok(open)
    }

    /// Uses an acceptance up for a run; the same run may do so again. Its entry in the ledger is made up for when a
    /// crash lost it.
    ///
    /// # Errors
    /// A gate error when there is none, or another run has used it.
    pub fn use_accept(&self, job: &str, plan: &str, run: &str) -> Result<()> {
        let Some(accept) = load::<Accept>(&self.root, &accept_path(job, plan))? else {
            return Err(Error::new(Code::PlanNotAccepted, format!("job {job}: nobody has accepted this plan"))
                .help("look at the plan, then `tamis accept` with the digest it shows"));
        };
        self.note_accept(&accept)?;
        match self.note_used(job, plan, run)? {
            Created::New => Ok(()),
            // An earlier tamis wrote the same in other words; after a renewal a version may be there that nobody noted yet.
            Created::Exists if self.used_by(job, plan)?.is_some_and(|by| by == run || by == RENEWED) => Ok(()),
            Created::Exists => {
                Err(Error::new(Code::PlanNotAccepted, format!("job {job}: another run has used this acceptance"))
                    .help("look at the plan again, then `tamis accept` with the digest it shows now"))
            }
        }
    }

    fn note_used(&self, job: &str, plan: &str, run: &str) -> Result<Created> {
        let (of, plan_of) = (Some(job.to_owned()), Some(plan.to_owned()));
        let bytes = evidence::record(&Used { format: FORMAT, job: of, plan: plan_of, run: run.into() })?;
        self.root.create(&used_path(job, plan), bytes)
    }

    fn used_by(&self, job: &str, plan: &str) -> Result<Option<String>> {
        Ok(load::<Used>(&self.root, &used_path(job, plan))?.map(|used| used.run))
    }

    /// Makes up for a lost file of acceptances of a job, `name` without its end: what the ledger has is written again, and
    /// all of it counts as used.
    pub(super) fn use_up_accepts(&self, job: &str, name: &str, now: Instant) -> Result<()> {
        let plan = name.strip_suffix(".used").unwrap_or(name).to_owned();
        let mut accepts: BTreeMap<String, Accept> =
            self.accepted()?.into_values().filter(|accept| accept.job == job).map(|a| (a.plan.clone(), a)).collect();
        // A crash may have kept it out of the ledger: then nobody knows what it said.
        let unknown =
            Accept { job: job.into(), plan: plan.clone(), as_of: now, reason: RENEWED.into(), by: None, at: now };
        accepts.entry(plan).or_insert(unknown);
        for accept in accepts.values() {
            self.note_used(job, &accept.plan, RENEWED)?;
            self.root.create(&accept_path(job, &accept.plan), evidence::record(accept)?)?;
        }
        Ok(())
    }

    /// What the ledger says was accepted, by job and plan; of one that was accepted again, the first.
    fn accepted(&self) -> Result<BTreeMap<(String, String), Accept>> {
        let mut accepted = BTreeMap::new();
        for entry in self.ledger.entries()? {
            if let LedgerEvent::Accepted { job, as_of, plan, reason, by } = entry.event {
                let accept = Accept { job: job.clone(), plan: plan.clone(), as_of, reason, by, at: entry.at };
                accepted.entry((job, plan)).or_insert(accept);
            }
        }
        Ok(accepted)
    }
}
