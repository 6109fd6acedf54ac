//! R42: what stands in for a clock where rows have no date: the date of the export, or when a run first read a row of
//! the person, which is kept beside the companions.

use super::pinned::Pinned;
use crate::clock::{self, Instant};
use crate::decide::{Entries, has_erased};
use crate::error::{Code, Error, Result};
use crate::gates::FirstSeenRead;
use crate::job::Ready;
use crate::minimize::RowClock;
use crate::policy::Undated;
use crate::publish::{SeenPerson, SeenPersons};
use crate::read;
use jiff::tz::TimeZone;
use std::iter::Peekable;

/// What a run knows of it before it reads.
pub struct StandIn {
    /// The date of the export, where rows count from that.
    pub export: Option<Instant>,
    /// Persons read before, where rows count from that.
    seen: Option<SeenBefore>,
}

/// Persons that earlier runs have read.
struct SeenBefore {
    persons: Option<SeenPersons>,
    lost: Option<String>,
}

impl StandIn {
    /// Finds the date of the export that was pinned, or the persons read before.
    ///
    /// # Errors
    /// An input error when the name of the set says no date; storage errors.
    pub fn find(ready: &Ready, pinned: &Pinned) -> Result<StandIn> {
        let undated = ready.plan().retention.undated;
        let export = match undated.is_some_and(Undated::never_runs_out) {
            true => Some(export_date(ready, pinned)?),
            false => None,
        };
        let seen = match undated {
            Some(Undated::FirstSeen) => Some(SeenBefore::find(ready)?),
            _ => None,
        };
        Ok(StandIn { export, seen })
    }

    /// Calls `with` with the clock of rows that are read at `as_of`.
    pub fn clock<T>(&self, as_of: Instant, with: impl FnOnce(RowClock<'_>) -> T) -> T {
        match (&self.seen, self.export) {
            (Some(seen), _) => {
                with(RowClock::OfPerson(&|identity| seen.first(identity).map_or(as_of, |first| first.min(as_of)).0))
            }
            (None, Some(date)) => with(RowClock::At(date.0)),
            (None, None) => with(RowClock::OfColumns),
        }
    }

    /// Returns what the gate is shown.
    pub fn told(&self) -> Option<FirstSeenRead> {
        let seen = self.seen.as_ref()?;
        let known = seen.persons.as_ref().map_or(0, SeenPersons::len);
        Some(FirstSeenRead { known, lost: seen.lost.clone() })
    }

    /// Returns the persons that the next run has to know: those read now, and of the others those that were read until
    /// lately, so that an export without them does not let them begin anew. Whoever is erased is left out.
    pub fn next(&self, ready: &Ready, read: Vec<([u8; 16], i64)>, entries: &dyn Entries) -> Option<SeenAfter> {
        let seen = self.seen.as_ref()?;
        let (keep, zone) = (&ready.plan().retention.keep, &ready.plan().zone);
        let lately = |person: &SeenPerson| clock::add(person.last, keep, zone) > ready.as_of;
        let stays =
            |person: &SeenPerson| lately(person) && !has_erased(&person.identity, entries, ready.plan().grounds());
        let before = seen.persons.iter().flat_map(SeenPersons::iter).filter(stays);
        let read = each_once(read, ready.as_of);
        let (count, new) =
            (read.len() as u64, read.iter().filter(|person| seen.first(&person.identity).is_none()).count());
        let all = Merged { before: before.peekable(), read: read.into_iter().peekable() };
        let persons = SeenPersons::of(kind(ready), all);
        Some(SeenAfter { persons, read: count, new: new as u64 })
    }
}

/// Persons that the next run has to know.
pub struct SeenAfter {
    /// Every person that is known, with the time of first sight.
    pub persons: SeenPersons,
    /// Of these, persons read now.
    pub read: u64,
    /// Of these, persons that no run had read before.
    pub new: u64,
}

impl SeenBefore {
    fn find(ready: &Ready) -> Result<SeenBefore> {
        let Some(current) = &ready.dataset.current else { return Ok(SeenBefore { persons: None, lost: None }) };
        let lost = |what: String| Ok(SeenBefore { persons: None, lost: Some(what) });
        let Some(file) = &current.first_seen else {
            return lost(format!("version {} does not say when persons were first seen", current.version));
        };
        let root = ready.state.root();
        match SeenPersons::open(root, &file.path, &file.blake3)? {
            None => lost(format!("{} is gone, or is not the file that the manifest names", root.display(&file.path))),
            Some(persons) if persons.kind() != kind(ready) => {
                lost(format!("the key was of kind {} and is of kind {} now", persons.kind(), kind(ready)))
            }
            Some(persons) => Ok(SeenBefore { persons: Some(persons), lost: None }),
        }
    }

    fn first(&self, identity: &[u8; 16]) -> Option<Instant> {
        self.persons.as_ref()?.first(identity)
    }
}

fn kind(ready: &Ready) -> &str {
    let plan = ready.plan();
    plan.controls.key.map_or("", |key| &plan.columns[key].identifier.kind)
}

/// Persons of the rows read, by identity.
fn each_once(mut read: Vec<([u8; 16], i64)>, last: Instant) -> Vec<SeenPerson> {
    read.sort_unstable();
    read.dedup_by_key(|(identity, _)| *identity);
    read.into_iter().map(|(identity, first)| SeenPerson { identity, first: Instant(first), last }).collect()
}

/// Two lists by identity as one; what was read now counts.
struct Merged<A: Iterator<Item = SeenPerson>, B: Iterator<Item = SeenPerson>> {
    before: Peekable<A>,
    read: Peekable<B>,
}

impl<A: Iterator<Item = SeenPerson>, B: Iterator<Item = SeenPerson>> Iterator for Merged<A, B> {
    type Item = SeenPerson;

    fn next(&mut self) -> Option<SeenPerson> {
        match (self.before.peek(), self.read.peek()) {
            (Some(before), Some(read)) if before.identity < read.identity => self.before.next(),
            (Some(before), Some(read)) if before.identity == read.identity => {
                self.before.next();
                self.read.next()
            }
            (Some(_), None) => self.before.next(),
            _ => self.read.next(),
        }
    }
}

/// The date that the name of the set says, or when the newest object of an input without sets was written; never later than
/// `as_of`.
fn export_date(ready: &Ready, pinned: &Pinned) -> Result<Instant> {
    let plan = ready.plan();
    let written = match &pinned.main.set {
        None => pinned.main.objects.iter().map(|object| object.modified).max().unwrap_or(ready.as_of),
        Some(set) => {
            let format = plan.source.complete.as_ref().and_then(|complete| complete.set_format.as_ref());
            let date = read::date_in(set, format).ok_or_else(|| no_date(set))?;
            begin_of(date, &plan.zone).ok_or_else(|| no_date(set))?
        }
    };
    Ok(written.min(ready.as_of))
}

fn begin_of(date: jiff::civil::Date, zone: &TimeZone) -> Option<Instant> {
    let begin = zone.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
    Some(Instant(begin.as_microsecond()))
}

fn no_date(set: &str) -> Error {
    Error::new(Code::ExportDateUnknown, format!("the name of set {set} does not say one date, and rows are kept by it"))
        .help("say in the source how sets are named: [complete] set_format, such as \"%Y-%m-%d\"; or keep rows by another clock")
}
