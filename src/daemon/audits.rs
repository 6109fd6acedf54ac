//! The audit by schedule: whether it is due, one turn of it, and what it came to.

use super::attempt::{Came, DueAttempt, Host, Work, refused};
use crate::audit::{AuditCall, AuditReport, Severity, audit};
use crate::clock::Instant;
use crate::error::Result;
use crate::monitor::Monitor;
use crate::policy::Project;
use crate::state::{AuditRecord, State};
use crate::threads::guarded;

/// What stands for a job in turns of an audit; no job has such a name.
pub const AUDIT: &str = "[audit]";
/// An audit that is so late is overdue.
const LATE_MICROS: i64 = 6 * 3_600_000_000;

/// How audits by schedule stand.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct AuditStatus {
    /// The scheduled time that is due now.
    pub due: Option<Instant>,
    /// Whether that is hours ago.
    pub overdue: bool,
    /// When everything was audited last.
    pub last: Option<Instant>,
    /// What did not hold then.
    pub errors: u64,
    /// What somebody should look at.
    pub warnings: u64,
    /// Checks that could not be made.
    pub not_checked: u64,
    /// Names of the checks that found something.
    pub found: Vec<String>,
}

impl AuditStatus {
    /// Returns whether somebody has to look at it.
    pub fn wants_attention(&self) -> bool {
        self.overdue || self.errors > 0 || self.not_checked > 0
    }
}

/// Returns how audits stand; none without a schedule.
///
/// # Errors
/// Storage and evidence errors of the state.
pub fn audits(project: &Project, state: &State, now: Instant) -> Result<Option<AuditStatus>> {
    let Some(schedule) = &project.audit else { return Ok(None) };
    let last = state.last_audit()?;
    let settled = last.as_ref().map_or(state.created(), |last| last.due);
    let due = schedule.latest(now).filter(|latest| *latest > settled);
    let count = |count: fn(&AuditRecord) -> u64| last.as_ref().map_or(0, count);
    Ok(Some(AuditStatus {
        due,
        overdue: due.is_some_and(|due| now.0.saturating_sub(due.0) > LATE_MICROS),
        errors: count(|of| of.errors),
        warnings: count(|of| of.warnings),
        not_checked: count(|of| of.not_checked),
        found: last.iter().flat_map(|of| of.found.keys().cloned()).collect(),
        last: last.map(|of| of.at),
    }))
}

/// Audits everything that is published, if that is due, and writes down what it came to.
pub fn audited(host: &Host, project: &Project, monitor: &dyn Monitor) -> DueAttempt {
    let turn = |instant, came| DueAttempt { job: AUDIT.into(), work: Work::Audit, instant, came, aside: Vec::new() };
    match tried(host, project, monitor) {
        Ok(None) => turn(None, Came::NotDue(None)),
        Ok(Some((due, report))) => match report.outcome() {
            Ok(()) => turn(Some(due), Came::Audited { warnings: report.findings.len() as u64 }),
            Err(error) => turn(Some(due), refused(&error)),
        },
        Err(error) => turn(None, refused(&error)),
    }
}

fn tried(host: &Host, project: &Project, monitor: &dyn Monitor) -> Result<Option<(Instant, AuditReport)>> {
    let (_, state) = host.open(project)?;
    let now = host.clock.now();
    let Some(due) = audits(project, &state, now)?.and_then(|standing| standing.due) else { return Ok(None) };
    let (dir, roots, runtime) = (host.call.dir.clone(), host.call.roots.clone(), host.call.runtime.clone());
    let call = AuditCall { dir, roots, now, runtime, dataset: None };
    let report = guarded("an audit", || audit(&call, monitor))?;
    let mut record = AuditRecord::new(due, now);
    for finding in &report.findings {
        *record.found.entry(finding.rule.into()).or_default() += 1;
        match finding.severity {
            Severity::Error => record.errors += 1,
            Severity::Warning => record.warnings += 1,
        }
    }
    record.not_checked = report.not_checked.len() as u64;
    state.audited(&record)?;
    Ok(Some((due, report)))
}
