//! `tamis report case ID`: text for a terminal, JSON for programs, one HTML page to hand on. No script is in the page,
//! and its policy lets none in.

use super::args::{ReportArgs, ReportFormat};
use super::corrections;
use super::lines::Lines;
use super::page::{escaped, filled, item};
use super::refusal;
use super::render;
use super::settings::Settings;
use crate::clock::{self, Instant};
use crate::error::Result;
use crate::questions::{CaseDataset, CasePart, CaseRecipient, CaseReport, case};

const PAGE: &str = concat!(include_str!("../../templates/head.html"), include_str!("../../templates/case.html"));
const WIDTH: i64 = 480;

/// Makes the report.
///
/// # Errors
/// A policy error when no request has the id; those of specs, keys and state.
pub(super) fn report(settings: &Settings, args: &ReportArgs, json: bool) -> Result<String> {
    let report = case::report(&settings.subject_call(), &args.id)?;
    Ok(match (json, args.format) {
        (true, _) | (_, ReportFormat::Json) => render::json(&report)?,
        (_, ReportFormat::Text) => text(&report),
        (_, ReportFormat::Html) => html(&report),
    })
}

fn text(report: &CaseReport) -> String {
    let mut out = String::new();
    let at = report.at.to_seconds();
    out.line(format_args!("case {}  {}  ({}, {})", report.request, report.state, report.controller, at));
    for part in &report.parts {
        out.push('\n');
        out.line(format_args!("{} ({}): {}", part.effect, part.list, state(part)));
        let [received, taken, due] = [part.received, part.taken, part.due].map(|at| clock::local(at, &part.zone));
        out.line(format_args!("  received {received}, taken in {taken}, due {due}"));
        part.values.iter().for_each(|said| out.line(format_args!("  {said}")));
        for dataset in &part.datasets {
            out.line(format_args!("  {}  for {}", dataset.dataset, dataset.purpose));
            for (name, said) in facts(dataset) {
                out.line(format_args!("    {name:<14} {said}"));
            }
        }
    }
    refusal::of_case(&mut out, &report.refusals, report.authority.as_deref());
    corrections::of_case(&mut out, &report.corrections);
    report.recipients.iter().for_each(|of| out.line(format_args!("recipient {}: {}", of.recipient, told(of))));
    out.push('\n');
    out.line(format_args!("still there: raw exports: {}; request files: {}", report.raw_exports, report.request_files));
    report.not_said.iter().for_each(|line| {
        out.line(format_args!("not said: {line}"));
    });
    out
}

/// When a recipient was told, in words.
fn told(of: &CaseRecipient) -> String {
    let at = |at: Instant| at.to_seconds();
    let told = of.told.map_or("not told yet".to_string(), |told| format!("told {}", at(told)));
    let answer = match (&of.answered, &of.impossible) {
        (Some(when), Some(why)) => format!(", cannot be told ({}): {why}", at(*when)),
        (Some(when), None) => format!(", acknowledged {}", at(*when)),
        (None, _) => ", not acknowledged".into(),
    };
    format!("{}, notice {} of {}, {told}{answer}", of.dataset, of.notice, at(of.noticed))
}

/// How far a part has come; of what is over, why.
fn state(part: &CasePart) -> String {
    match &part.note {
        Some(note) if part.ended => note.clone(),
        Some(note) => format!("{}, {note}", part.state),
        None => part.state.to_string(),
    }
}

/// What there is to say of a dataset, in order.
fn facts(dataset: &CaseDataset) -> Vec<(&'static str, String)> {
    let mut facts =
        vec![("state", format!("{} since {}, day {}", dataset.state, dataset.since.to_seconds(), dataset.after_days))];
    facts.extend(
        dataset
            .version
            .map(|version| ("version", format!("{version} does not contain the person, and no later version does"))),
    );
    facts.extend(
        dataset
            .rows
            .as_ref()
            .map(|rows| ("rows", format!("{rows} dropped in that version, for all requests together"))),
    );
    facts.extend(dataset.not_binding.as_ref().map(|why| ("not binding", why.clone())));
    facts.extend(dataset.review.as_ref().map(|why| ("to look at", why.clone())));
    facts.extend(dataset.waits.iter().map(|what| ("waits for", what.clone())));
    facts
}

fn html(report: &CaseReport) -> String {
    let parts: String = report.parts.iter().map(part).collect();
    let refused = refusal::page(&report.refusals, report.authority.as_deref());
    let line = |of: &CaseRecipient| format!("<dt>{}</dt><dd>{}</dd>\n", escaped(&of.recipient), escaped(&told(of)));
    let recipients: String = report.recipients.iter().map(line).collect();
    let recipients = match recipients.is_empty() {
        true => String::new(),
        false => format!("<h2>Recipients <small>(Art. 19 GDPR)</small></h2>\n<dl>\n{recipients}</dl>\n"),
    };
    let not_said: String = report.not_said.iter().map(|line| item(line)).collect();
    let places = [
        ("request", escaped(&report.request)),
        ("controller", escaped(&report.controller)),
        ("state", escaped(report.state.word())),
        ("at", escaped(&report.at.to_seconds().to_string())),
        ("raw_exports", escaped(&report.raw_exports)),
        ("request_files", escaped(&report.request_files)),
        ("not_said", not_said),
        ("parts", parts + &refused + &corrections::page(&report.corrections) + &recipients),
    ];
    filled(PAGE, &places)
}

fn part(part: &CasePart) -> String {
    let mut out = String::new();
    out.line(format_args!("<h2>{} <small>({})</small></h2>", escaped(&part.effect), escaped(&part.list)));
    out.push_str("<dl>\n");
    for (name, said) in [
        ("State", state(part)),
        ("Received", clock::local(part.received, &part.zone)),
        ("Taken in", clock::local(part.taken, &part.zone)),
        ("Due", clock::local(part.due, &part.zone)),
    ] {
        out.line(format_args!("<dt>{name}</dt><dd>{}</dd>", escaped(&said)));
    }
    part.values.iter().for_each(|said| {
        out.line(format_args!("<dt>Values</dt><dd>{}</dd>", escaped(said)));
    });
    out.push_str("</dl>\n");
    for dataset in &part.datasets {
        out.line(format_args!(
            "<h3>{} <small>for {}</small></h3>",
            escaped(&dataset.dataset),
            escaped(&dataset.purpose)
        ));
        out.push_str(&bar(dataset.after_days, part.days, dataset.state.word()));
        out.push_str("<dl>\n");
        for (name, said) in facts(dataset) {
            out.line(format_args!("<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(&said)));
        }
        out.push_str("</dl>\n");
    }
    out
}

/// Days used of the days allowed, as a bar with words for those who do not see it.
fn bar(used: i64, allowed: i64, state: &str) -> String {
    let (used, allowed) = (used.max(0), allowed.max(1));
    let most = used.max(allowed);
    let (reached, deadline) = (WIDTH * used / most, WIDTH * allowed / most);
    let color = if used <= allowed { "#2f6f4f" } else { "#a33" };
    let label = escaped(&format!("{state} on day {used} of {allowed}"));
    format!(
        "<svg width=\"{WIDTH}\" height=\"18\" role=\"img\" aria-label=\"{label}\">\
         <rect width=\"{WIDTH}\" height=\"12\" y=\"3\" fill=\"#e6e6e6\"/>\
         <rect width=\"{reached}\" height=\"12\" y=\"3\" fill=\"{color}\"/>\
         <rect x=\"{}\" width=\"2\" height=\"18\" fill=\"#1b1b1b\"/></svg>\n\
         <p>day {used} of {allowed} allowed; the mark is the last of these</p>\n",
        (deadline - 2).max(0)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_script_is_in_the_page_nor_may_be() {
        assert!(PAGE.contains("default-src 'none'") && !PAGE.contains("<script"));
    }

    #[test]
    fn a_bar_is_as_long_as_the_days() {
        assert!(bar(15, 30, "applied").contains("width=\"240\""));
        assert!(bar(15, 30, "applied").contains("#2f6f4f") && bar(31, 30, "applied").contains("#a33"));
        assert!(bar(-3, 0, "received").contains("day 0 of 1"));
    }
}
