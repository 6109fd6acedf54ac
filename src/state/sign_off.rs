//! What was signed: `sign-offs/<job>/<digest>.json`, the risk profile of a job, create-only and named by its digest,
//! which the ledger has.

use super::State;
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::{LedgerEntry, LedgerEvent, RunRef, digest};
use std::collections::BTreeSet;

const FOLDER: &str = "sign-offs";

/// A signature or an advice, to be written down.
pub struct SignedRole<'a> {
    /// Name of the job.
    pub job: &'a str,
    /// The bytes of its profile.
    pub profile: &'a [u8],
    /// Whether it is advice, and no decision.
    pub advice: bool,
    /// The role of whoever signs or advises.
    pub by: &'a str,
    /// Why it may be done, or what the advice is.
    pub reason: &'a str,
}

impl State {
    /// Keeps what is signed, and writes its digest into the ledger.
    ///
    /// # Errors
    /// Storage errors.
    pub fn sign_off(&self, signed: &SignedRole<'_>, now: Instant) -> Result<String> {
        let profile = digest(signed.profile);
        self.root.create(&path(signed.job, &profile), signed.profile.to_vec())?;
        let event = LedgerEvent::SignedOff {
            job: signed.job.into(),
            profile: profile.clone(),
            advice: signed.advice,
            by: signed.by.into(),
            reason: signed.reason.into(),
        };
        let what = if signed.advice { "advice" } else { "sign-off" };
        let run = format!("{what}-{}-{}", signed.job, now.0);
        self.ledger.append(RunRef { run: &run, attempt: 1, since: now }, event, now)?;
        Ok(profile)
    }

    /// Reads the profile that was signed.
    ///
    /// # Errors
    /// An evidence error when it is missing or was changed; storage errors.
    pub fn signed_profile(&self, job: &str, profile: &str) -> Result<Vec<u8>> {
        let path = path(job, profile);
        let place = self.root.display(&path);
        let help = "restore it from a backup of state, or sign again: nobody knows any more what was signed";
        match self.root.get(&path)? {
            Some(bytes) if digest(&bytes) == profile => Ok(bytes.to_vec()),
            Some(_) => Err(Error::new(Code::StatePartChanged, format!("{place} is not what was signed")).help(help)),
            None => Err(Error::new(Code::StatePartMissing, format!("{place} is missing")).help(help)),
        }
    }

    /// Checks that everything that was signed is there, and returns how many profiles that are.
    ///
    /// # Errors
    /// Evidence, when one is missing or was changed; storage errors.
    pub fn check_sign_offs(&self) -> Result<u64> {
        let of = |entry: &LedgerEntry| match &entry.event {
            LedgerEvent::SignedOff { job, profile, .. } => Some((job.clone(), profile.clone())),
            _ => None,
        };
        let signed: BTreeSet<(String, String)> = self.ledger.entries()?.iter().filter_map(of).collect();
        signed.iter().try_for_each(|(job, profile)| self.signed_profile(job, profile).map(drop))?;
        Ok(signed.len() as u64)
    }
}

fn path(job: &str, profile: &str) -> String {
    format!("{FOLDER}/{job}/{profile}.json")
}
