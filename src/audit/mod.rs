//! `tamis audit`: reads what is published anew and checks it against the policy of today. Its code shares nothing with
//! what decides and publishes but specs, state and stored requests: a fault there is not found by itself. It writes
//! nothing. A check is one file in `checks/`. Must not know how a report is shown.

mod check;
mod checks;
mod data;
mod finding;
mod groups;
mod late;
mod patterns;
mod scene;
mod tokens;

pub use check::Check;
pub use checks::CHECKS;
pub use finding::*;
pub use scene::AuditCall;

use crate::error::{Code, Error, Kind, Result};
use crate::monitor::{Event, Monitor};
use crate::state::Dataset;
use check::{CheckBegun, CheckFound, FileLook, Look};
use data::AuditedFile;
use scene::{AuditScene, AuditedTable};

/// What no audit looks at.
const NEVER: &[&str] = &[
    "whether values are those of the export: `tamis plan` and `tamis run` read exports, an audit reads only what was \
     published",
    "whether tokens in fields other than the subject's were made with our key, except for persons whom a stored \
     request names: tamis keeps no whole identity of others",
    "the ledger, and whether the table's history names these files and no others: `tamis verify` does",
    "backups, replicas and copies that readers or recipients made",
    "whether people were told of what is published before it was collected, and whether minors agreed to a sale: a run \
     nulls and drops by the columns that say so, and these columns are not in the dataset",
    "whether contracts and safeguards of a transfer hold what they promise: only the day of their review is looked at",
    "whether the bytes of restricted and held persons are still there: `tamis report case ID` tells what keeps them",
    "whether recipients have answered what they were told: `tamis status` names what is unanswered",
];

/// Looks at all that is published, or at one dataset of it.
///
/// # Errors
/// Policy errors of specs and state, and for a dataset that is not there; storage errors. What does not hold is in the
/// report: ask its [`AuditReport::outcome`].
pub fn audit(call: &AuditCall, monitor: &dyn Monitor) -> Result<AuditReport> {
    let scene = AuditScene::open(call)?;
    let mut report = AuditReport {
        schema: "tamis-audit/1",
        at: call.now,
        datasets: Vec::new(),
        checks: Vec::new(),
        findings: Vec::new(),
        not_checked: Vec::new(),
        never_checked: NEVER,
    };
    for dataset in chosen(&scene, call.dataset.as_deref())? {
        monitor.event(Event::Note(format!("audit {}", dataset.dataset)));
        monitor.proceed()?;
        table(&scene, &dataset, &mut report, monitor)?;
    }
    if call.dataset.is_none() {
        for check in CHECKS {
            let Look::Whole(look) = &check.look else { continue };
            let mut found = CheckFound::new(check, None);
            look(&scene, &mut found)?;
            close(found, check, None, &mut report);
        }
    }
    report.findings.sort_by_key(|finding| finding.severity);
    Ok(report)
}

/// Tables of which something is published.
fn chosen(scene: &AuditScene, wanted: Option<&str>) -> Result<Vec<Dataset>> {
    let tables = scene.state.tables()?.into_values().filter(|dataset| dataset.current.is_some());
    let Some(wanted) = wanted else { return Ok(tables.collect()) };
    let output = scene.project.jobs.get(wanted).map(|plan| format!("{}:{}", plan.output.root, plan.output.path));
    let meant = |dataset: &Dataset| {
        dataset.dataset == wanted || dataset.job == wanted || Some(&dataset.dataset) == output.as_ref()
    };
    let found: Vec<Dataset> = tables.filter(meant).collect();
    if found.is_empty() {
        return Err(Error::new(Code::NameUnknown, format!("there is no published table of {wanted}"))
            .help("name a job, or a table as ROOT:path; `tamis status` has the datasets"));
    }
    Ok(found)
}

/// Makes all checks of one table, in one pass over its files.
fn table(scene: &AuditScene, dataset: &Dataset, report: &mut AuditReport, monitor: &dyn Monitor) -> Result<()> {
    let version = dataset.current.as_ref().map_or(0, |current| current.version);
    let of = Some((dataset.dataset.as_str(), version));
    let table = match AuditedTable::open(scene, dataset) {
        Ok(Some(table)) => table,
        Ok(None) => return Ok(()),
        Err(error) if error.kind() == Kind::Storage => return Err(error),
        Err(error) => {
            for check in CHECKS.iter().filter(|check| !matches!(check.look, Look::Whole(_))) {
                let mut found = CheckFound::new(check, of);
                found.cannot(error.message());
                close(found, check, of, report);
            }
            return Ok(());
        }
    };
    let mut looks = begun(&table, of)?;
    let audited = files(&table, &mut looks, monitor)?;
    report.datasets.push(audited);
    for (check, mut found, look) in looks {
        if let Some(mut look) = look {
            look.end(&mut found)?;
        }
        close(found, check, of, report);
    }
    Ok(())
}

/// A check that looks at a table, what it has found, and how it goes on with files.
type Started<'a> = (&'static Check, CheckFound<'a>, Option<Box<dyn FileLook + 'a>>);

fn begun<'a>(table: &'a AuditedTable<'a>, of: Option<(&'a str, u64)>) -> Result<Vec<Started<'a>>> {
    let mut looks = Vec::new();
    for check in CHECKS {
        let mut found = CheckFound::new(check, of);
        let look = match &check.look {
            Look::Whole(_) => continue,
            Look::Table(look) => {
                look(table, &mut found)?;
                None
            }
            Look::Files(begin) => match begin(table) {
                CheckBegun::Looks(look) => Some(look),
                CheckBegun::Nothing => None,
                CheckBegun::Cannot(why) => {
                    found.cannot(why);
                    None
                }
            },
        };
        looks.push((*check, found, look));
    }
    Ok(looks)
}

fn files(table: &AuditedTable<'_>, looks: &mut [Started<'_>], monitor: &dyn Monitor) -> Result<AuditedDataset> {
    let mut audited = AuditedDataset {
        dataset: table.dataset.dataset.clone(),
        job: table.dataset.job.clone(),
        version: table.current.version,
        files: 0,
        rows: 0,
    };
    for file in &table.current.files {
        monitor.proceed()?;
        let read = match table.lake {
            Some(lake) => AuditedFile::read(lake, &file.path, table.scene.state.root(), &file.companion)?,
            None => Err("its root is not in the policy any more".into()),
        };
        let each = looks.iter_mut().filter_map(|(_, found, look)| Some((found, look.as_mut()?)));
        match &read {
            Ok(read) => {
                (audited.files, audited.rows) = (audited.files + 1, audited.rows + read.batch.num_rows() as u64);
                each.for_each(|(found, look)| look.file(read, found));
            }
            Err(why) => each.for_each(|(found, look)| look.unread(why, found)),
        }
    }
    Ok(audited)
}

/// Writes down what a check came to.
fn close(found: CheckFound<'_>, check: &Check, of: Option<(&str, u64)>, report: &mut AuditReport) {
    let outcome = match (found.findings.is_empty(), found.not_checked.is_empty()) {
        (false, _) => CheckOutcome::Found,
        (true, false) => CheckOutcome::NotChecked,
        (true, true) => CheckOutcome::Holds,
    };
    let dataset = of.map(|(dataset, _)| dataset.to_owned());
    report.checks.push(CheckDone { rule: check.rule, dataset, outcome });
    report.findings.extend(found.findings);
    report.not_checked.extend(found.not_checked);
}
