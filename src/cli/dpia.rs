//! `tamis report dpia JOB`: the assessment of a job as text, JSON or one HTML page.

use super::args::{DpiaArgs, ReportFormat};
use super::dpia_page::{self, standing, told};
use super::lines::Lines;
use super::register::parts;
use super::render;
use super::settings::Settings;
use crate::error::Result;
use crate::policy;
use crate::questions::{Assessment, AssessmentDesk, assessment};

/// Makes the report.
///
/// # Errors
/// A policy error for a job that is not there; those of specs and state.
pub(super) fn report(settings: &Settings, args: &DpiaArgs, json: bool) -> Result<String> {
    let (project, register) = policy::load_with_register(&settings.dir, &settings.roots)?;
    let state = settings.state(&project)?;
    let call = settings.subject_call();
    let desk = AssessmentDesk { project: &project, register: &register, state: &state, call: &call };
    let found = assessment::assess(&desk, &args.job)?;
    Ok(match (json, args.format) {
        (true, _) | (_, ReportFormat::Json) => render::json(&found)?,
        (_, ReportFormat::Text) => text(&found),
        (_, ReportFormat::Html) => dpia_page::html(&found),
    })
}

fn text(of: &Assessment) -> String {
    let mut out = String::new();
    out.line(format_args!("assessment of {} (Art. 35 GDPR), {}", of.activity.job, of.at.to_seconds()));
    out.line(format_args!("{}", standing(of)));
    out.push('\n');
    parts(&of.activity).iter().for_each(|(name, said)| out.line(format_args!("  {name:<26} {said}")));
    if let Some(figures) = &of.figures {
        out.push('\n');
        out.line(format_args!("version {}", figures.version));
        out.line(format_args!("  rows {}, people {}", figures.rows.said(), figures.people.said()));
        for (title, bands) in [("age of the last activity", &figures.ages), ("people per group", &figures.groups)] {
            let filled: Vec<_> = bands.iter().filter(|band| !band.count.is_none()).collect();
            if !filled.is_empty() {
                out.line(format_args!("  {title}"));
            }
            filled.iter().for_each(|band| out.line(format_args!("    {:<20} {}", band.name, band.count.said())));
        }
    }
    section(&mut out, "residual risks", of.residual.iter().map(|risk| format!("{} ({})", risk.what, risk.article)));
    let change = |change: &crate::policy::RiskChange| format!("{}: {}", change.direction.word(), change.what);
    section(&mut out, "changed since it was signed", of.changes.iter().map(change));
    section(&mut out, "not assessed", of.not_assessed.iter().cloned());
    section(&mut out, "signatures and advice", of.history.iter().map(told));
    out.push('\n');
    out.line(format_args!("profile {}", of.profile));
    out
}

fn section(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        return;
    }
    out.push('\n');
    out.line(format_args!("{title}"));
    lines.iter().for_each(|line| out.line(format_args!("  {line}")));
}
