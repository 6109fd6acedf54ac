//! How far corrections have come in each dataset (Art. 16 GDPR, R80): as the manifest of its version says it, and whether
//! earlier versions still have the wrong value. Must not know values.

use crate::clock::Instant;
use crate::error::{Kind, Result};
use crate::evidence::manifest::{CorrectionEvidence, CorrectionState};
use crate::evidence::{LedgerEntry, LedgerEvent, Manifest};
use crate::job::{Desk, PublishedDataset, due, published};
use crate::policy::Project;
use crate::requests::RequestStatus;
use crate::state::{Dataset, State};

/// A correction of a case in one dataset.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct CaseCorrection {
    /// The table, as `ROOT:path`.
    pub dataset: String,
    /// Purpose of the dataset.
    pub purpose: String,
    /// The list it is in.
    pub list: String,
    /// The column of the export.
    pub column: String,
    /// Why the value is wrong.
    pub reason: String,
    /// When the request was received.
    pub received: Instant,
    /// When it has to be done.
    pub due: Instant,
    /// How far it has come: `applied`, `removed` (no version that is left has the wrong value), `source-agrees`,
    /// `not-found`, `conflicts`, `contested`, `superseded` (a later correction of the cell counts), `no-column`, `not-used` or
    /// `refused`.
    pub state: String,
    /// The first version without the wrong value, as every later one is.
    pub version: Option<u64>,
    /// Why it is refused, when it is (Art. 12(4) GDPR).
    pub why: Option<String>,
    /// What somebody has to do.
    pub to_do: Option<String>,
    /// Whether its row is in no file any more: `state` is that of the last version that knew of it.
    pub row_gone: bool,
    #[serde(skip)]
    #[schemars(skip)]
    agreed: bool,
    #[serde(skip)]
    #[schemars(skip)]
    pub(super) id: String,
    #[serde(skip)]
    #[schemars(skip)]
    pub(super) status: RequestStatus,
}

/// What a person has to know of the corrections in one dataset.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct CorrectionStanding {
    /// The table, as `ROOT:path`.
    pub dataset: String,
    /// What came of them.
    pub state: CorrectionState,
    /// How many.
    pub corrections: u64,
    /// The first of their cases.
    pub case: String,
    /// What somebody has to do.
    pub to_do: Option<String>,
}

/// Returns what a person has to do about corrections in a state.
pub fn to_do(state: CorrectionState) -> Option<&'static str> {
    match state {
        CorrectionState::Conflicts => Some(
            "the export has a third value now, and none is published: decide which is right, and write the row anew",
        ),
        CorrectionState::Contested => {
            Some("nobody has decided, and no value is published (Art. 18(1)(a) GDPR): decide")
        }
        CorrectionState::NoColumn => {
            Some("neither the source nor the export has a column of this name: correct the name in the file")
        }
        CorrectionState::Superseded => Some(
            "a later correction says another value of the same cell, and that one counts: tell the person, and take this row out",
        ),
        CorrectionState::NotFound => Some("no record of the export has this id: look at the id and at the export"),
        CorrectionState::SourceAgrees => Some("the export is right by itself: the row can go from the file"),
        CorrectionState::Applied => Some("have the CRM corrected, too: the row stays until the export agrees"),
        CorrectionState::NotUsed | CorrectionState::Refused => None,
    }
}

/// Returns the corrections of a case in every dataset. Of one whose row is in no file any more the last version says it that
/// knew of it.
///
/// # Errors
/// Evidence and storage errors of the state.
pub(super) fn of_case(
    desk: &Desk,
    published: &[PublishedDataset<'_>],
    entries: &[LedgerEntry],
    is_called: &dyn Fn(&str) -> bool,
) -> Result<Vec<CaseCorrection>> {
    let mut found = Vec::new();
    for of in published {
        let own = |manifest: Manifest| manifest.corrections.into_iter().filter(|of| is_called(&of.case));
        let now: Vec<CorrectionEvidence> = manifest(&desk.state, &of.dataset)?.into_iter().flat_map(own).collect();
        if now.is_empty() && !desk.project.corrections.is_empty() {
            found.extend(ended(desk, of, entries, is_called)?);
        }
        found.extend(now.into_iter().map(|correction| told(desk, of, correction)));
    }
    Ok(found)
}

/// What the last version says that knew of the case: its rows have gone from the file since.
fn ended(
    desk: &Desk,
    of: &PublishedDataset<'_>,
    entries: &[LedgerEntry],
    is_called: &dyn Fn(&str) -> bool,
) -> Result<Vec<CaseCorrection>> {
    let mut since = None;
    for entry in entries.iter().rev() {
        let LedgerEvent::Published { job, version, manifest, .. } = &entry.event else { continue };
        if !of.names.contains(job) {
            continue;
        }
        let manifest = match desk.state.manifest(&entry.run, entry.attempt, manifest) {
            Ok(manifest) => manifest,
            Err(error) if error.kind() == Kind::Evidence => continue,
            Err(error) => return Err(error),
        };
        let known: Vec<CorrectionEvidence> =
            manifest.corrections.into_iter().filter(|of| is_called(&of.case)).collect();
        if !known.is_empty() {
            return Ok(known.into_iter().map(|correction| without_row(told(desk, of, correction), since)).collect());
        }
        since = Some(*version);
    }
    Ok(Vec::new())
}

/// Says of a correction that its row is gone: once the export agreed, nothing is left to do.
fn without_row(told: CaseCorrection, since: Option<u64>) -> CaseCorrection {
    let since = since.map_or(String::new(), |version| format!(" since version {version}"));
    let (status, to_do) = match told.agreed {
        true => (told.status, None),
        false => {
            let what = format!(
                "its row is in no file any more{since}: versions have what the export says, unless the person was erased"
            );
            (RequestStatus::Ended, Some(what))
        }
    };
    CaseCorrection { row_gone: true, status, to_do, ..told }
}

fn told(desk: &Desk, of: &PublishedDataset<'_>, correction: CorrectionEvidence) -> CaseCorrection {
    let removed = correction.since.is_some_and(|since| is_gone(&of.dataset, since));
    let (state, status) = match correction.state {
        CorrectionState::Applied | CorrectionState::SourceAgrees if removed => ("removed", RequestStatus::Removed),
        CorrectionState::Applied | CorrectionState::SourceAgrees => (correction.state.name(), RequestStatus::Applied),
        CorrectionState::Conflicts | CorrectionState::Contested => {
            (correction.state.name(), RequestStatus::NeedsReview)
        }
        CorrectionState::NotFound => (correction.state.name(), RequestStatus::Unmatched),
        CorrectionState::NoColumn | CorrectionState::Superseded => {
            (correction.state.name(), RequestStatus::NeedsReview)
        }
        CorrectionState::NotUsed => (correction.state.name(), RequestStatus::NotBinding),
        CorrectionState::Refused => (correction.state.name(), RequestStatus::Refused),
    };
    CaseCorrection {
        dataset: of.dataset.dataset.clone(),
        purpose: of.purpose.clone(),
        due: due(&desk.project, &correction.list, correction.received),
        list: correction.list,
        column: correction.column,
        reason: correction.reason,
        received: correction.received,
        state: state.into(),
        version: correction.since,
        why: correction.why,
        to_do: to_do(correction.state).map(str::to_owned),
        row_gone: false,
        agreed: correction.state == CorrectionState::SourceAgrees,
        id: correction.id,
        status,
    }
}

/// Whether no file is left of versions before one.
fn is_gone(dataset: &Dataset, since: u64) -> bool {
    dataset.replaced.iter().all(|replaced| replaced.version >= since)
}

/// The manifest of the current version; none where it is lost, which verifying tells.
fn manifest(state: &State, dataset: &Dataset) -> Result<Option<Manifest>> {
    let Some(current) = &dataset.current else { return Ok(None) };
    match state.manifest(&current.run, current.attempt, &current.manifest) {
        Ok(manifest) => Ok(Some(manifest)),
        Err(error) if error.kind() == Kind::Evidence => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns how the corrections of every dataset stand, those first that somebody has to look at.
///
/// # Errors
/// Storage errors of the state.
pub fn standings(state: &State, project: &Project) -> Result<Vec<CorrectionStanding>> {
    let mut standings: Vec<CorrectionStanding> = Vec::new();
    if project.corrections.is_empty() {
        return Ok(standings);
    }
    for of in published(state, project)? {
        for correction in manifest(state, &of.dataset)?.into_iter().flat_map(|manifest| manifest.corrections) {
            let same = |known: &&mut CorrectionStanding| {
                known.dataset == of.dataset.dataset && known.state == correction.state
            };
            match standings.iter_mut().find(same) {
                Some(known) => known.corrections += 1,
                None => standings.push(CorrectionStanding {
                    dataset: of.dataset.dataset.clone(),
                    state: correction.state,
                    corrections: 1,
                    case: correction.case,
                    to_do: to_do(correction.state).map(str::to_owned),
                }),
            }
        }
    }
    standings.sort_by(|a, b| (a.state, &a.dataset).cmp(&(b.state, &b.dataset)));
    Ok(standings)
}
