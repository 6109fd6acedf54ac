//! Breaches: `breaches/<number>.json`, what was said of each, create-only and named by its number; the ledger has the
//! digest.

use super::State;
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::{LedgerEntry, LedgerEvent, RunRef, digest};
use crate::store::Created;

const FOLDER: &str = "breaches";
const ATTEMPTS: usize = 20;

/// What the ledger says of a breach, apart from its number and digest.
pub struct NotedBreach {
    /// The earlier report that it goes on from.
    pub updates: Option<u64>,
    /// When the controller was aware of it.
    pub aware: Instant,
    /// Tables that are concerned.
    pub datasets: Vec<String>,
    /// Different people that were counted.
    pub people: u64,
    /// Rows of files that are gone.
    pub rows_only: u64,
}

impl State {
    /// Keeps what is said of a breach under the next number, and writes it into the ledger.
    ///
    /// # Errors
    /// Storage errors, those of `report`.
    pub fn note_breach(
        &self,
        noted: &NotedBreach,
        report: impl Fn(u64) -> Result<Vec<u8>>,
        now: Instant,
    ) -> Result<u64> {
        let next = last_breach(&self.ledger.entries()?) + 1;
        for number in (next..).take(ATTEMPTS) {
            let bytes = report(number)?;
            let event = LedgerEvent::BreachNoted {
                number,
                updates: noted.updates,
                aware: noted.aware,
                datasets: noted.datasets.clone(),
                people: noted.people,
                rows_only: noted.rows_only,
                report: digest(&bytes),
            };
            if self.root.create(&path(number), bytes)? == Created::New {
                let run = format!("breach-{number}");
                self.ledger.append(RunRef { run: &run, attempt: 1, since: now }, event, now)?;
                return Ok(number);
            }
        }
        Err(Error::new(Code::Overtaken, "other processes note breaches all the time").help("try again"))
    }

    /// Reads what was said of a breach.
    ///
    /// # Errors
    /// A policy error when there is no such breach; an evidence error when it is missing or was changed; storage errors.
    pub fn breach(&self, number: u64) -> Result<Vec<u8>> {
        let entries = self.ledger.entries()?;
        let known = entries.iter().find_map(|entry| match &entry.event {
            LedgerEvent::BreachNoted { number: of, report, .. } if *of == number => Some(report),
            _ => None,
        });
        let Some(known) = known else {
            return Err(Error::new(Code::NameUnknown, format!("the ledger knows no breach {number}"))
                .help("`tamis breach scope` notes one, and says its number"));
        };
        let place = self.root.display(&path(number));
        let help = "restore it from a backup of state: nobody knows any more what was said of the breach";
        match self.root.get(&path(number))? {
            Some(bytes) if digest(&bytes) == *known => Ok(bytes.to_vec()),
            Some(_) => Err(Error::new(Code::StatePartChanged, format!("{place} was changed")).help(help)),
            None => Err(Error::new(Code::StatePartMissing, format!("{place} is missing")).help(help)),
        }
    }

    /// Checks that what was said of every breach is there, and returns how many there are.
    ///
    /// # Errors
    /// Evidence, when one is missing or was changed; storage errors.
    pub fn check_breaches(&self) -> Result<u64> {
        let entries = self.ledger.entries()?;
        let last = last_breach(&entries);
        (1..=last).filter(|number| is_noted(&entries, *number)).try_for_each(|number| self.breach(number).map(drop))?;
        Ok(last)
    }
}

fn is_noted(entries: &[LedgerEntry], wanted: u64) -> bool {
    entries.iter().any(|entry| matches!(&entry.event, LedgerEvent::BreachNoted { number, .. } if *number == wanted))
}

/// Returns the greatest number of a breach; 0 when there is none.
pub fn last_breach(entries: &[LedgerEntry]) -> u64 {
    let of = |entry: &LedgerEntry| match &entry.event {
        LedgerEvent::BreachNoted { number, .. } => Some(*number),
        _ => None,
    };
    entries.iter().filter_map(of).max().unwrap_or(0)
}

fn path(number: u64) -> String {
    format!("{FOLDER}/{number:06}.json")
}
