//! What a person let through after a gate or the brake stopped a run: `accepts/<job>/<plan digest>.json`.
//! Good for exactly that plan, once. Must not know raw values.

use super::{FORMAT, State, load};
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::{self, LedgerEvent, RunRef};
use crate::store::Created;
use serde::{Deserialize, Serialize};

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

#[derive(Serialize, Deserialize)]
struct Used {
    format: u32,
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
        let path = path(&accept.job, &accept.plan);
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
        let Some(accept) = load::<Accept>(&self.root, &path(job, plan))? else {
            return Err(Error::new(Code::PlanNotAccepted, format!("job {job}: nobody has accepted this plan"))
                .help("look at the plan, then `tamis accept` with the digest it shows"));
        };
        self.note_accept(&accept)?;
        let bytes = evidence::record(&Used { format: FORMAT, run: run.into() })?;
        match self.root.create(&used_path(job, plan), bytes)? {
            Created::New => Ok(()),
            Created::Exists => {
                Err(Error::new(Code::PlanNotAccepted, format!("job {job}: another run has used this acceptance"))
                    .help("look at the plan again, then `tamis accept` with the digest it shows now"))
            }
        }
    }
}

fn path(job: &str, plan: &str) -> String {
    format!("accepts/{job}/{plan}.json")
}

fn used_path(job: &str, plan: &str) -> String {
    format!("accepts/{job}/{plan}.used.json")
}
