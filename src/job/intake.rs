//! Requests taken in: those that are stored, and what the lists of the policy have beside them; said in the ledger.

use super::prepare::Ready;
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::{RunRef, ledger, segments};
use crate::key::{Key, Keyring};
use crate::minimize::IdentityMaker;
use crate::monitor::{Event, Monitor};
use crate::policy::{Identifier, Project};
use crate::requests::{self, IntakeReport, LiftEnds, Requests};
use crate::state::State;
use crate::store::Root;
use std::collections::BTreeMap;

/// Lifts that end nothing and are told one by one.
const IDLE_LIFTS_TOLD: usize = 20;

/// The requests that are stored, as many as the ledger knows of.
///
/// # Errors
/// Evidence, when some are missing or damaged; storage.
pub fn stored(state: &State, identity: &Key) -> Result<Requests> {
    // Before they are read: another process may be storing some.
    let known = state.ledger().segment()?;
    as_known(Requests::open(state.root(), identity)?, known, state)
}

/// The requests that are stored, those that this process has read for another dataset not read again.
fn kept_or_stored(ready: &Ready) -> Result<Requests> {
    let (state, identity, caller) = (&ready.state, &ready.keys.identity, &ready.call.caller);
    let known = state.ledger().segment()?;
    match caller.kept.take(state.root(), identity, caller.clock.now())? {
        Some(requests) => as_known(requests, known, state),
        None => stored(state, identity),
    }
}

/// Keeps requests for the next dataset of this process, once everything of them is stored.
pub fn keep(ready: &Ready, requests: Requests) {
    let caller = &ready.call.caller;
    caller.kept.keep(ready.state.root(), &ready.keys.identity, requests, caller.clock.now());
}

/// The requests are as many as the ledger knew of before they were read.
fn as_known(mut requests: Requests, known: u64, state: &State) -> Result<Requests> {
    let last = requests.last_segment();
    if last < known {
        return Err(Error::new(
            Code::StatePartOlder,
            format!("stored requests end at segment {last}, and the ledger knows of {known}"),
        )
        .help("restore state:requests from a backup; a run without it would publish persons who asked for erasure"));
    }
    requests.saw(state.witness()?);
    Ok(requests)
}

/// The segments are the ones that the dataset's record names, as far as they have not been merged.
fn same_segments(ready: &Ready, requests: &Requests) -> Result<()> {
    let now = requests.stored(0);
    let other = |(file, digest): &(&String, &String)| now.get(*file).is_some_and(|found| found != *digest);
    let Some((file, _)) = ready.dataset.stored.iter().find(other) else { return Ok(()) };
    let place = ready.state.root().display(&format!("{}/{file}", segments::FOLDER));
    Err(Error::new(Code::StatePartChanged, format!("{place} is not the segment that the last run knew"))
        .help("bring the newest copy of state:requests back: this one may lack requests"))
}

/// Takes in the lists of the policy; what is readable is stored in any case.
///
/// # Errors
/// Storage, or a policy error of a list. What a list has wrong is in the report.
pub fn requests(ready: &Ready, save: bool, monitor: &dyn Monitor) -> Result<(Requests, IntakeReport)> {
    let known = kept_or_stored(ready)?;
    same_segments(ready, &known)?;
    Intake::of(ready).take_in_with(known, save, monitor)
}

/// Says which lifts end nothing: whoever wrote one meant somebody to be processed again (R30).
fn tell_idle_lifts(known: &Requests, monitor: &dyn Monitor) {
    let idle = known.idle_lifts();
    let said = |(lift, ends): &(u32, LiftEnds)| {
        let lift = known.entry(*lift);
        format!("list {}: lifts nothing: {}", lift.list, ends.why_nothing(lift.lifts.unwrap_or_default()))
    };
    for line in idle.iter().take(IDLE_LIFTS_TOLD).map(said) {
        monitor.event(Event::Warning(line));
    }
    if idle.len() > IDLE_LIFTS_TOLD {
        let more = idle.len() - IDLE_LIFTS_TOLD;
        monitor.event(Event::Warning(format!("{more} more lift nothing: `tamis status` names them")));
    }
}

/// Says in the ledger what was taken in, when there is something new.
///
/// # Errors
/// Storage errors.
pub fn note_intake(ready: &Ready, requests: &Requests, intake: &IntakeReport) -> Result<()> {
    Intake::of(ready).note(requests, intake)
}

/// What taking in requests needs, of a job or of none.
pub struct Intake<'a> {
    /// Where requests are stored.
    pub state: &'a State,
    /// Keys that identities are made with.
    pub keys: &'a Keyring,
    /// All roots by name, opened.
    pub roots: &'a BTreeMap<String, Root>,
    /// The specs, which have the lists.
    pub project: &'a Project,
    /// When requests are taken in.
    pub now: Instant,
}

impl<'a> Intake<'a> {
    fn of(ready: &'a Ready) -> Intake<'a> {
        let Ready { state, keys, roots, project, call, .. } = ready;
        Intake { state, keys, roots, project, now: call.now }
    }

    /// Takes in the lists of the policy.
    ///
    /// # Errors
    /// As [`requests()`].
    pub fn take_in(&self, save: bool, monitor: &dyn Monitor) -> Result<(Requests, IntakeReport)> {
        self.take_in_with(stored(self.state, &self.keys.identity)?, save, monitor)
    }

    fn take_in_with(&self, mut known: Requests, save: bool, monitor: &dyn Monitor) -> Result<(Requests, IntakeReport)> {
        let maker = |identifier: &Identifier| -> Result<requests::Maker> {
            let maker = IdentityMaker::new(self.keys, identifier);
            Ok(Box::new(move |values: &[&str]| maker.make(values, None)))
        };
        let state = save.then(|| self.state.root());
        let report = requests::take_in(&mut known, state, self.roots, self.project, &maker, self.now, monitor)?;
        if let Some(state) = state {
            known.compact(state)?;
        }
        tell_idle_lifts(&known, monitor);
        Ok((known, report))
    }

    /// Says in the ledger what was taken in.
    ///
    /// # Errors
    /// As [`note_intake`].
    pub fn note(&self, requests: &Requests, intake: &IntakeReport) -> Result<()> {
        let told = |list: &requests::ListIntake| {
            let intake = ledger::IntakeCounts {
                files: list.objects - list.unchanged,
                rows: list.records,
                stored: list.new,
                unreadable: list.unreadable,
                lifted: list.lifted,
                returned: list.returned,
                digests: list.digests.clone(),
            };
            (list.list.clone(), intake)
        };
        let lists: BTreeMap<_, _> =
            intake.lists.iter().filter(|l| l.new + l.unreadable + l.lifted + l.returned > 0).map(told).collect();
        if lists.is_empty() {
            return Ok(());
        }
        let of = RunRef { run: &format!("requests-{}", self.now), attempt: 1, since: self.now };
        let stored = requests.stored(self.state.ledger().segment()?);
        let event = ledger::LedgerEvent::Requests { lists, segment: requests.last_segment(), stored };
        self.state.ledger().append(of, event, self.now).map(|_| ())
    }
}
