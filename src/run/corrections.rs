//! Corrections in a run (R80 to R82): read before its rows are, told in its manifest, and passed on to the recipient. Must
//! not know how they are laid.

use crate::clock::Instant;
use crate::corrections::{CaseLaid, Correction, CorrectionDecision, CorrectionTally, Corrections, NotLaid};
use crate::decide::{Doubt, Links};
use crate::error::{Code, Error, Kind, Result};
use crate::evidence::manifest::{CorrectionEvidence, CorrectionState};
use crate::job::{Ready, corrections, due};
use crate::minimize::IdentityMaker;
use crate::policy::Plan;
use crate::requests::{EntryRef, Requests, StoredBond, half};
use crate::state::{Notice, NoticeItem, RECTIFY, in_hex};
use crate::treatments::{self, Typed};
use std::collections::{BTreeMap, BTreeSet};

/// Corrections of a run's source.
#[derive(Default)]
pub struct RunCorrections {
    /// What is laid over its records.
    pub laid: Corrections,
    /// Keyed digest of what the files say; empty without any.
    pub digest: String,
    /// What the version before says of them.
    before: Vec<CorrectionEvidence>,
}

impl RunCorrections {
    /// Reads all corrections of the job's source.
    ///
    /// # Errors
    /// An input error when a row or file cannot be read; storage errors.
    pub fn read(ready: &Ready) -> Result<RunCorrections> {
        let (plan, mut all, mut digests) = (ready.plan(), Vec::new(), Vec::new());
        for list in corrections::of_source(&ready.project, &plan.source.name) {
            let root = corrections::root_of(list, &ready.roots)?;
            for file in corrections::read(list, root, &ready.keys, ready.call.now)?.files {
                digests.push(file.digest);
                all.extend(file.rows.into_iter().flatten());
            }
        }
        check_types(&all, plan)?;
        let laid = Corrections::of(all, plan);
        let before = if laid.cases().is_empty() { Vec::new() } else { before(ready)? };
        Ok(RunCorrections { laid, digest: digests.join(","), before })
    }

    /// Returns what the manifest says of each correction; `version` is the one that is made, and `undeclared` says which columns
    /// the export has that its source does not name.
    pub fn evidence(
        &self,
        tallies: &[CorrectionTally],
        version: u64,
        undeclared: &dyn Fn(&str) -> bool,
    ) -> Vec<CorrectionEvidence> {
        evidence(&self.laid, (tallies, undeclared), (version, &self.before))
    }

    /// R82: requests that have learned a person by a value that was never theirs need a review.
    pub fn doubts(&self, ready: &Ready, requests: &Requests, links: &mut Links) {
        let plan = ready.plan();
        for case in self.laid.cases().iter().filter(|case| case.laid.is_ok()) {
            let correction = &case.correction;
            let name = plan.source.column_of(&correction.column);
            let column = plan.columns.iter().position(|column| column.name == name);
            let link = column.filter(|at| plan.controls.strong.contains(at) || plan.controls.weak.contains(at));
            let Some(column) = link.filter(|_| !correction.reason.was_theirs()) else { continue };
            let maker = IdentityMaker::new(&ready.keys, &plan.columns[column].identifier);
            let Some((_, was)) = maker.make(&[&correction.was], None) else { continue };
            let through: BTreeSet<u32> = requests.effects(half(&was)).iter().map(EntryRef::entry).collect();
            let person = requests.effects(half(&correction.record)).iter();
            let named: BTreeSet<u32> =
                person.clone().filter(|found| found.bond() == StoredBond::Named).map(EntryRef::entry).collect();
            for entry in person.map(EntryRef::entry).filter(|entry| through.contains(entry) && !named.contains(entry)) {
                links.doubt(entry, Doubt::BrokenLink);
            }
        }
    }
}

/// R80: what is right can be read as what the column is, or nothing is published: nobody would know that it is not used.
fn check_types(corrections: &[Correction], plan: &Plan) -> Result<()> {
    for correction in corrections.iter().filter(|of| of.decision == CorrectionDecision::Accepted) {
        let name = plan.source.column_of(&correction.column);
        let column = plan.read_columns().iter().find(|column| column.name == name);
        let Some(column) = column.filter(|_| !plan.source.is_null(&correction.value)) else { continue };
        let column =
            Typed { value: &column.value, sentinels: &column.sentinels, birth: column.birth, forms: &column.forms };
        if !treatments::is_readable(&column, &correction.value)? {
            let (list, case) = (&correction.list, &correction.case);
            let what =
                format!("list {list}: case {case}: the right value of {name:?} cannot be read as the column's type");
            return Err(Error::new(Code::CorrectionsUnreadable, what)
                .help("write it as the export writes its values: nothing is published until every correction can be read (R80)"));
        }
    }
    Ok(())
}

/// What the current version says of corrections. One whose manifest is lost says nothing: a run makes it whole again.
fn before(ready: &Ready) -> Result<Vec<CorrectionEvidence>> {
    let Some(current) = &ready.dataset.current else { return Ok(Vec::new()) };
    match ready.state.manifest(&current.run, current.attempt, &current.manifest) {
        Ok(manifest) => Ok(manifest.corrections),
        Err(error) if error.kind() == Kind::Evidence => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn evidence(
    corrections: &Corrections,
    (tallies, undeclared): (&[CorrectionTally], &dyn Fn(&str) -> bool),
    (version, before): (u64, &[CorrectionEvidence]),
) -> Vec<CorrectionEvidence> {
    let since: BTreeMap<&str, u64> =
        before.iter().filter_map(|before| Some((before.id.as_str(), before.since?))).collect();
    let told = |case: &CaseLaid| {
        let (state, why) = state(case, tallies, undeclared);
        let id = in_hex(&case.correction.id);
        let since = state.is_laid().then(|| since.get(id.as_str()).copied().unwrap_or(version));
        CorrectionEvidence {
            since,
            id,
            list: case.correction.list.clone(),
            case: case.correction.case.clone(),
            column: case.correction.column.clone(),
            reason: case.correction.reason.name().into(),
            received: case.correction.received,
            state,
            why,
            cells: case.laid.ok().and_then(|at| tallies.get(at)).map_or(0, CorrectionTally::cells),
        }
    };
    corrections.cases().iter().map(told).collect()
}

fn state(
    case: &CaseLaid,
    tallies: &[CorrectionTally],
    undeclared: &dyn Fn(&str) -> bool,
) -> (CorrectionState, Option<String>) {
    let tally = match case.laid {
        Err(NotLaid::NoColumn) if !undeclared(&case.correction.column) => return (CorrectionState::NoColumn, None),
        Err(NotLaid::NotUsed | NotLaid::NoColumn) => return (CorrectionState::NotUsed, None),
        Ok(_) if case.superseded => return (CorrectionState::Superseded, None),
        Err(why) => return (CorrectionState::Refused, Some(why.said().into())),
        Ok(at) => tallies.get(at).cloned().unwrap_or_default(),
    };
    let state = match tally {
        CorrectionTally { contested: 1.., .. } => CorrectionState::Contested,
        CorrectionTally { conflicts: 1.., .. } => CorrectionState::Conflicts,
        CorrectionTally { applied: 1.., .. } => CorrectionState::Applied,
        CorrectionTally { agrees: 1.., .. } => CorrectionState::SourceAgrees,
        _ => CorrectionState::NotFound,
    };
    (state, None)
}

/// Subject tokens of the rows of each correction that was laid, by its id.
pub type CorrectedTokens = BTreeMap<String, BTreeSet<[u8; 16]>>;

/// Returns whose rows corrections were laid over.
pub fn tokens(corrections: &Corrections, tallies: &[CorrectionTally]) -> CorrectedTokens {
    let tokens = |case: &CaseLaid| {
        let tally = tallies.get(case.laid.ok()?)?;
        Some((in_hex(&case.correction.id), tally.tokens.clone()))
    };
    corrections.cases().iter().filter_map(tokens).collect()
}

/// Writes down what the recipient has to be told: whose rows a version had with a wrong value, and which version to take
/// instead (Art. 19 GDPR). What was told before is not told again, and what a crash kept from being told is told now.
///
/// # Errors
/// Storage errors; those of notices.
pub fn tell(ready: &Ready, evidence: &[CorrectionEvidence], tokens: &CorrectedTokens) -> Result<()> {
    let recipient = ready.plan().recipient.as_ref().filter(|recipient| !recipient.internal);
    let Some(recipient) = recipient.filter(|_| !evidence.is_empty()) else { return Ok(()) };
    let (state, job) = (&ready.state, &ready.call.job);
    let ledger = state.ledger().entries()?;
    let notices = state.notices(&recipient.name, &ledger)?;
    let told: BTreeSet<(&str, &str)> = notices
        .iter()
        .filter(|notice| notice.job == *job)
        .flat_map(|notice| &notice.items)
        .map(|item| (item.entry.as_str(), item.token.as_str()))
        .collect();
    let known: BTreeSet<&str> = told.iter().map(|(entry, _)| *entry).collect();
    let (mut items, epoch) = (BTreeSet::new(), &ready.plan().epoch);
    for correction in evidence {
        let Some(last) = correction.since.and_then(|since| since.checked_sub(1)) else { continue };
        let entry = entry_of(correction);
        // Tokens of notices that were answered are forgotten.
        if known.contains(entry.as_str()) {
            continue;
        }
        let of = tokens.get(&correction.id).into_iter().flatten();
        items.extend(of.map(|token| item(ready, correction, &entry, (in_hex(token), epoch, last))));
    }
    if items.is_empty() {
        return Ok(());
    }
    let (at, dataset) = (ready.call.now, ready.dataset.dataset.clone());
    let notice = Notice { format: 0, number: 0, at, job: job.clone(), dataset, items: items.into_iter().collect() };
    state.add_notice(&recipient.name, notice, &ledger).map(|_| ())
}

/// What notices know a correction by: once it is decided it is told again.
fn entry_of(correction: &CorrectionEvidence) -> String {
    match correction.state {
        CorrectionState::Contested | CorrectionState::Conflicts => format!("{}-open", correction.id),
        _ => correction.id.clone(),
    }
}

fn item(
    ready: &Ready,
    correction: &CorrectionEvidence,
    entry: &str,
    (token, epoch, last_version): (String, &str, u64),
) -> NoticeItem {
    let received: Instant = correction.received;
    NoticeItem {
        token,
        person: String::new(),
        epoch: epoch.into(),
        effect: RECTIFY.into(),
        received,
        due: due(&ready.project, &correction.list, received),
        last_version,
        entry: entry.into(),
    }
}
