//! The spine: rows are read, then requests are followed over them, then they are decided, in this order and no other. Each
//! step takes what only the step before makes. A run, a plan and an explanation differ in what they do with what comes out.

use super::attest::ManifestFacts;
use super::columns::{self, ColumnChanges, SeenColumns};
use super::corrections::{self, CorrectedTokens, RunCorrections};
use super::input;
use super::pinned::{Pinned, Read};
use super::previous::Before;
use super::stand_in::{SeenAfter, StandIn};
use crate::clock::Instant;
use crate::decide::{self, Judged, Links, PreviousVersion, Verdict};
use crate::error::Result;
use crate::evidence::manifest::ListApplied;
use crate::job::{LeftAside, Ready, matching};
use crate::minimize::Tally;
use crate::monitor::Monitor;
use crate::policy::Plan;
use crate::read::ReadReport;
use crate::requests::Requests;

/// What a run is judged for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// It is to be published: what requests learn is stored before anything can refuse the run (R18), and a limit on what
    /// was read ends it.
    Publish,
    /// It is only told: nothing is written, and what stands against publishing is told as well.
    Tell,
    /// As `Tell`, of single persons: nobody looks at what leaving out a quasi-identifier would save.
    Explain,
}

/// Rows that were read, and the requests that reach them.
struct MatchedRows {
    read: Read,
    corrections: RunCorrections,
    links: Links,
    lists: Vec<ListApplied>,
}

/// A run that is judged, of which nothing is published yet.
pub struct JudgedRun {
    /// Its rows, each with its verdict.
    pub judged: Judged,
    /// All else that is known of it.
    pub findings: RunFindings,
}

/// What a run has found, apart from its rows.
pub struct RunFindings {
    /// Requests that rows read are reached by.
    pub links: Links,
    /// Counts of rows, by reason and by gate.
    pub verdict: Verdict,
    /// Persons that the next run has to know, where retention counts from when they were first seen.
    pub seen: Option<SeenAfter>,
    export_date: Option<Instant>,
    lists: Vec<ListApplied>,
    main: ReadReport,
    observed: Vec<ReadReport>,
    tally: Tally,
    observed_tallies: Vec<Tally>,
    corrections: RunCorrections,
    comparable: bool,
    /// The columns of the export, for the record.
    pub columns: SeenColumns,
    changes: ColumnChanges,
}

/// Reads what was pinned and judges all of it; nothing is published.
///
/// # Errors
/// Input errors of any file; evidence and storage errors; those of limits on what was read, when the run is to be
/// published.
pub fn judge(
    ready: &Ready,
    pinned: &Pinned,
    requests: &mut Requests,
    aim: Aim,
    monitor: &dyn Monitor,
) -> Result<JudgedRun> {
    let stand_in = StandIn::find(ready, pinned)?;
    let corrections = RunCorrections::read(ready)?;
    let known = |identity: &[u8; 32]| requests.names(identity);
    let read = stand_in.clock(ready.as_of, |row_clock| {
        let with = input::ReadWith { known: &known, row_clock, corrections: &corrections.laid };
        input::read(ready, pinned, with, monitor)
    });
    let read = read.map_err(|error| columns::explained(ready, pinned, error))?;
    let matched = MatchedRows::over((read, corrections), ready, requests, aim, monitor)?;
    matched.decided(ready, pinned, (aim, &stand_in), monitor)
}

impl MatchedRows {
    /// Follows requests over rows that were read.
    fn over(
        (read, corrections): (Read, RunCorrections),
        ready: &Ready,
        requests: &mut Requests,
        aim: Aim,
        monitor: &dyn Monitor,
    ) -> Result<MatchedRows> {
        input::renew((aim == Aim::Publish).then(|| ready.state.root()), requests, &read)?;
        let doubts = |requests: &Requests, links: &mut Links| corrections.doubts(ready, requests, links);
        let (links, lists) = match aim {
            Aim::Publish => matching::learn(ready, requests, &read.staged, doubts, monitor)?,
            Aim::Tell | Aim::Explain => {
                let mut links = matching::follow(ready, requests, &read.staged, monitor)?;
                doubts(requests, &mut links);
                let lists = matching::lists(&ready.project, ready.plan(), requests, &links);
                (links, lists)
            }
        };
        Ok(MatchedRows { read, corrections, links, lists })
    }

    /// Decides about the rows, which only now are known to be looked through for everybody who asked.
    fn decided(
        self,
        ready: &Ready,
        pinned: &Pinned,
        (aim, stand_in): (Aim, &StandIn),
        monitor: &dyn Monitor,
    ) -> Result<JudgedRun> {
        let MatchedRows { read, corrections, links, lists } = self;
        let reading = input::observed(ready, pinned, &read, stand_in)?;
        let Read { staged, main, observed, tally, observed_tallies } = read;
        let columns = match aim {
            Aim::Explain => SeenColumns::new(),
            Aim::Publish | Aim::Tell => columns::look(ready, pinned, &ready.plan().source, &main.names)?,
        };
        let told = |name: &str| columns::declared_only(ready.plan(), name);
        let changes = columns::changes(&ready.dataset.columns, &columns, told);
        let before = Before::find(ready, monitor)?;
        let previous = before.as_ref().map(|before| before as &dyn PreviousVersion);
        let rules = if aim == Aim::Tell { ready.rules().with_hints() } else { ready.rules() };
        let threads = ready.call.threads;
        let mut judged = decide::decide(rules, staged, links.entries(), previous, &reading, threads, monitor)?;
        let (export_date, seen) = (stand_in.export, stand_in.next(ready, judged.take_seen(), links.entries()));
        let (verdict, comparable) = (judged.verdict().clone(), before.as_ref().is_some_and(Before::comparable));
        let findings = RunFindings {
            links,
            verdict,
            seen,
            export_date,
            lists,
            main,
            observed,
            tally,
            observed_tallies,
            corrections,
            comparable,
            columns,
            changes,
        };
        Ok(JudgedRun { judged, findings })
    }
}

impl RunFindings {
    /// Returns one digest over all that was read: objects as pinned, the resolved specs, and corrections.
    pub fn inputs(&self, pinned: &Pinned, plan: &Plan) -> String {
        match self.corrections.digest.as_str() {
            "" => pinned.digest(plan),
            corrections => format!("{}:{corrections}", pinned.digest(plan)),
        }
    }

    /// Returns whose rows corrections were laid over.
    pub fn corrected(&self) -> CorrectedTokens {
        corrections::tokens(&self.corrections.laid, &self.tally.corrections)
    }

    /// Returns what a manifest is made of; `run` is empty for a plan, `accepted` the digest that a person has let through.
    pub fn facts<'a>(
        &'a self,
        run: &'a str,
        pinned: &'a Pinned,
        aside: &'a [LeftAside],
        accepted: Option<String>,
    ) -> ManifestFacts<'a> {
        ManifestFacts {
            run,
            pinned,
            main: &self.main,
            observed: &self.observed,
            tally: &self.tally,
            observed_tallies: &self.observed_tallies,
            corrections: &self.corrections,
            verdict: &self.verdict,
            seen: self.seen.as_ref(),
            export_date: self.export_date,
            comparable: self.comparable,
            accepted,
            lists: self.lists.clone(),
            aside,
            changes: &self.changes,
        }
    }
}
