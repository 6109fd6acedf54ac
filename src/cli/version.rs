//! `tamis report job`: a published version as text with bars, as JSON, or as one HTML page. Must not know where the
//! evidence lies.

use super::args::{JobReportArgs, ReportFormat};
use super::columns;
use super::lines::Lines;
use super::page::{bar, escaped, filled, row};
use super::render;
use super::settings::Settings;
use super::verdict::counted;
use crate::error::Result;
use crate::evidence::Manifest;
use crate::evidence::manifest::AsideCount;
use crate::policy;
use crate::questions::{JobReport, VersionRows, versions};

const PAGE: &str = include_str!("../../templates/version.html");
const KEPT: &str = "#2f6f4f";
const GONE: &str = "#b07d2b";

/// Makes the report.
///
/// # Errors
/// A policy error when nothing was published; those of specs and state.
pub(super) fn report(settings: &Settings, args: &JobReportArgs, json: bool) -> Result<String> {
    let project = policy::load(&settings.dir, &settings.roots)?;
    let report = versions::of_job(&project, &settings.state(&project)?, &args.job, args.run.as_deref())?;
    Ok(match (json, args.format) {
        (true, _) | (_, ReportFormat::Json) => render::json(&report)?,
        (_, ReportFormat::Text) => text(&report),
        (_, ReportFormat::Html) => html(&report, &project.controller),
    })
}

fn text(report: &JobReport) -> String {
    let m = &report.manifest;
    let mut out = String::new();
    let (dataset, version) = (&m.output.dataset, m.output.version);
    out.line(format_args!("{dataset}  version {version}  as of {}  run {}", m.as_of, m.run));
    out.push('\n');
    render::evidence(&mut out, m);
    for AsideCount { of, files } in &m.aside {
        out.line(format_args!("left aside by {of}: {files} file(s) that look as if they were meant"));
    }
    out.push_str("\nrows of the last versions\n");
    let most = report.versions.iter().map(|version| version.rows_out).max().unwrap_or(0);
    for version in &report.versions {
        render::bar_line(&mut out, 9, &format!("{}{}", version.version, mark(version)), version.rows_out, most);
    }
    out.line(format_args!("ledger head {}", report.ledger_head));
    out
}

fn mark(version: &VersionRows) -> &'static str {
    if version.swept { " (sweep)" } else { "" }
}

fn html(report: &JobReport, controller: &str) -> String {
    let m = &report.manifest;
    let files: u64 = m.output.files.iter().map(|file| file.bytes).sum();
    let size =
        format!("{} in {}, {files} bytes", counted(m.rows_out, "row"), counted(m.output.files.len() as u64, "file"));
    let places = [
        ("dataset", m.output.dataset.clone()),
        ("version", m.output.version.to_string()),
        ("controller", controller.to_owned()),
        ("purpose", format!("{} ({})", m.purpose, m.lawful_basis)),
        ("recipient", m.recipient.clone().unwrap_or_else(|| "none".into())),
        ("retention", format!("{} after the latest activity, by {}", m.keep, m.scope)),
        ("as_of", m.as_of.to_string()),
        ("run", m.run.clone()),
        ("size", size),
        ("plan", m.plan.clone()),
        ("keys", format!("identity {}, token {} (epoch {})", m.keys.identity, m.keys.token, m.keys.epoch)),
        ("head", report.ledger_head.clone()),
        ("record_versions", render::said_of_versions(m).unwrap_or_default()),
        ("shared", shared(m)),
        ("not_published", or_none(&render::not_published(m).into_iter().map(String::from).collect::<Vec<_>>())),
        ("drift", or_none(&columns::said(m))),
    ];
    let mut places = places.map(|(name, text)| (name, escaped(&text))).to_vec();
    places.extend([
        ("balance", balance(m)),
        ("versions", last_versions(&report.versions)),
        ("fields", fields(m)),
        ("gates", gates(m)),
        ("identifiers", identifiers(m)),
        ("lists", lists(m)),
        ("inputs", inputs(m)),
    ]);
    filled(PAGE, &places)
}

/// Values of links that many persons share, and rows that one person has many of.
fn shared(m: &Manifest) -> String {
    let said: Vec<String> =
        m.identifiers.iter().filter_map(render::said_of_shared).chain(render::said_of_largest(m)).collect();
    said.join("; ")
}

fn or_none(names: &[String]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// One line with a bar.
fn line(name: &str, rows: u64, of: u64, color: &str) -> String {
    let share = if of == 0 { 0.0 } else { rows as f64 / of as f64 * 100.0 };
    let bar = bar(rows, of, color, &format!("{rows} of {of}"));
    format!(
        "<tr><td>{}</td><td class=\"n\">{rows}</td><td>{bar}</td><td class=\"n\">{share:.1} %</td></tr>\n",
        escaped(name)
    )
}

fn balance(m: &Manifest) -> String {
    let removed = m.removed.iter().filter(|removed| removed.rows > 0);
    let removed = removed.map(|removed| line(&removed.reason, removed.rows, m.rows_in, GONE));
    line("published", m.rows_out, m.rows_in, KEPT) + &removed.collect::<String>()
}

fn last_versions(versions: &[VersionRows]) -> String {
    let most = versions.iter().map(|version| version.rows_out).max().unwrap_or(0);
    let name = |version: &VersionRows| format!("{}{}, as of {}", version.version, mark(version), version.as_of);
    versions.iter().rev().map(|version| line(&name(version), version.rows_out, most, KEPT)).collect()
}

fn fields(m: &Manifest) -> String {
    let field = |field: &crate::evidence::manifest::FieldEvidence| {
        let from = field.from.as_deref().unwrap_or("");
        let counts = [field.values, field.untreated, field.raw_forms].map(|count| count.to_string());
        row(&[&field.name, from, &field.treatment, &field.data_type, &counts[0], &counts[1], &counts[2]])
    };
    m.fields.iter().map(field).collect()
}

fn gates(m: &Manifest) -> String {
    render::said_of_gates(m).iter().map(|said| format!("<p>{}</p>\n", escaped(said))).collect()
}

fn identifiers(m: &Manifest) -> String {
    let column = |column: &crate::evidence::manifest::Identifiers| {
        let name = format!("{}.{}", column.source, column.column);
        let mut why: Vec<String> = column.why.iter().map(|why| format!("{} {}", why.cause, why.values)).collect();
        why.extend((column.partial > 0).then(|| format!("without a part {}", column.partial)));
        let counts = [column.values, column.normal, column.raw, column.unseen].map(|count| count.to_string());
        let first = column.first_raw.as_deref().unwrap_or("");
        let uses = column.uses.join(", ");
        row(&[&name, &uses, &counts[0], &counts[1], &counts[2], &why.join(", "), first, &counts[3]])
    };
    m.identifiers.iter().map(column).collect()
}

fn lists(m: &Manifest) -> String {
    let list = |list: &crate::evidence::manifest::ListApplied| {
        let counts = [list.entries, list.reached, list.learned, list.needs_review, list.unusable];
        let counts = counts.map(|count| count.to_string());
        let binds = list.not_binding.as_deref().unwrap_or("yes");
        row(&[&list.name, &list.effect, &counts[0], &counts[1], &counts[2], &counts[3], &counts[4], binds])
    };
    m.lists.iter().map(list).collect()
}

fn inputs(m: &Manifest) -> String {
    let mut out = String::new();
    for input in &m.inputs {
        for member in &input.members {
            let name = member.name.as_deref().unwrap_or("");
            let counts = [member.records, member.dropped].map(|count| count.to_string());
            out += &row(&[&input.object, name, &input.source, &counts[0], &counts[1], &member.encoding]);
        }
    }
    out
}
