//! `tamis audit`: what an audit found, in text; for programs as JSON, JUnit XML or SARIF. Must not know how anything is checked.

use super::answer;
use super::args::{AuditArgs, AuditFormat};
use super::audit_junit::junit;
use super::audit_place::place;
use super::audit_sarif::sarif;
use super::lines::Lines;
use super::render;
use super::settings::Settings;
use super::verdict::{self, TerminalVerdict, counted};
use crate::audit::{AuditCall, AuditFinding, AuditReport, CheckOutcome, audit};
use crate::error::Result;

/// Audits what is published, and says what does not hold.
///
/// # Errors
/// Those of [`audit`], and the outcome of its report.
pub(super) fn carry_out(settings: &Settings, args: &AuditArgs, json: bool) -> Result<String> {
    let call = AuditCall {
        dir: settings.dir.clone(),
        roots: settings.roots.clone(),
        now: settings.now,
        runtime: settings.runtime.handle().clone(),
        dataset: args.dataset.clone(),
    };
    let report = audit(&call, settings.monitor(json || args.format != AuditFormat::Text).as_ref())?;
    let text = match args.format {
        AuditFormat::Text if !json => said(&report),
        AuditFormat::Text | AuditFormat::Json => render::json(&report)?,
        AuditFormat::Junit => junit(&report),
        AuditFormat::Sarif => render::json(&sarif(&report))?,
    };
    answer::with_outcome(text, report.outcome())
}

fn said(report: &AuditReport) -> String {
    let coloured = verdict::coloured(&std::io::stdout());
    let of = |outcome| report.checks.iter().filter(|check| check.outcome == outcome).count() as u64;
    let stands = match report.outcome() {
        Ok(()) => TerminalVerdict::attention(!report.findings.is_empty()),
        Err(_) => TerminalVerdict::Fault,
    };
    let mut text = stands.line(
        &format!(
            "{} in {}: {} hold, {} found something, {} not checked",
            counted(report.checks.len() as u64, "check"),
            counted(report.datasets.len() as u64, "dataset"),
            of(CheckOutcome::Holds),
            of(CheckOutcome::Found),
            of(CheckOutcome::NotChecked)
        ),
        coloured,
    );
    for dataset in &report.datasets {
        text.line(format_args!(
            "{} version {}: {} in {} read",
            dataset.dataset,
            dataset.version,
            counted(dataset.rows, "row"),
            counted(dataset.files, "file")
        ));
    }
    report.findings.iter().for_each(|finding| told(finding, &mut text));
    for not in &report.not_checked {
        let of = not.dataset.as_ref().map_or(String::new(), |dataset| format!("{dataset}: "));
        text.line(format_args!("not checked: {} ({of}{})", not.rule, not.why));
    }
    text.push_str("an audit does not look at:\n");
    for never in report.never_checked {
        text.line(format_args!("  {never}"));
    }
    text
}

fn told(finding: &AuditFinding, text: &mut String) {
    text.line(format_args!("{} {} ({}): {}", finding.severity.word(), finding.rule, finding.article, finding.what));
    let place = place(finding);
    if !place.is_empty() {
        text.line(format_args!("  {place}"));
    }
    if let Some(since) = finding.first_seen {
        text.line(format_args!("  since {since}"));
    }
    text.line(format_args!("  {}", finding.fix));
}
