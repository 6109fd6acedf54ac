//! `tamis explain`: why somebody is not in a dataset. Values come from standard input and are not shown again.
//! Must not know any stage.

use super::args::ExplainArgs;
use super::lines::Lines;
use super::settings::Settings;
use super::verdict::counted;
use super::{render, who};
use crate::clock;
use crate::error::Result;
use crate::questions::{ExplainedDataset, Explanation, Reaching, explain};

/// Explains.
///
/// # Errors
/// Policy errors for what was typed; those of specs, keys and state.
pub(super) fn explain(settings: &Settings, args: &ExplainArgs, json: bool) -> Result<String> {
    let mut person = settings.subject_call();
    person.values = who::values()?;
    let call = settings.call(args.job.as_deref().unwrap_or(""), None, &args.work)?;
    let explanation = explain::explain(&person, &call, settings.monitor(json).as_ref())?;
    if json { render::json(&explanation) } else { Ok(text(&explanation)) }
}

fn text(explanation: &Explanation) -> String {
    let mut out = String::new();
    let values = counted(explanation.identities as u64, "value");
    out.line(format_args!("asked for {values}, {} without a normal form", explanation.raw));
    explanation.datasets.iter().for_each(|explained| dataset(&mut out, explained));
    out
}

fn dataset(out: &mut String, explained: &ExplainedDataset) {
    let version = explained.version.map_or("no version".to_string(), |version| format!("version {version}"));
    out.push('\n');
    out.line(format_args!("{}  {version}", explained.dataset));
    match (explained.rows, explained.keep_until) {
        (0, _) => out.push_str("  not in it\n"),
        (rows, Some(until)) => {
            out.line(format_args!("  {} in it, the last one stays until {}", counted(rows, "row"), until.to_seconds()));
        }
        (rows, None) => {
            out.line(format_args!("  {} in it", counted(rows, "row")));
        }
    }
    if explained.rows_as_other > 0 {
        out.line(format_args!("  another person of {} in it", counted(explained.rows_as_other, "row")));
    }
    explained.requests.iter().for_each(|request| reaching(out, request));
    if let Some(export) = &explained.export {
        let set = export.set.as_deref().map_or(String::new(), |set| format!(" {set}"));
        if let Some(stop) = &export.stop {
            out.line(format_args!("  the newest export could not be looked at: {stop}"));
        } else if export.rows.is_empty() {
            out.line(format_args!("  the newest export{set} has no such row"));
        }
        for rows in &export.rows {
            let clock = rows.clock.map_or(String::new(), |clock| format!(", clock {}", clock.to_seconds()));
            let until = rows.keep_until.map_or(String::new(), |until| format!(", kept until {}", until.to_seconds()));
            out.line(format_args!(
                "  export{set}: {} {}{clock}{until}{}",
                counted(rows.rows, "row"),
                rows.other.as_ref().map_or(rows.reason.clone(), |other| format!("{} (as {other})", rows.reason)),
                at(&rows.rule)
            ));
        }
    }
    if let Some(vanished) = &explained.vanished {
        out.line(format_args!(
            "  gone since version {} of {} (run {}, {})",
            vanished.version,
            vanished.at.to_seconds(),
            vanished.run,
            vanished.how
        ));
    }
}

fn reaching(out: &mut String, r: &Reaching) {
    let ended = if r.ended { ", ended by a lift" } else { "" };
    let binds = r.not_binding.as_ref().map_or(String::new(), |why| format!(", does not bind: {why}"));
    out.line(format_args!(
        "  request {} ({}, {}) reaches them ({}): received {}, {}{ended}{binds}{}",
        r.request,
        r.effect,
        r.list,
        r.by,
        clock::local(r.received, &r.zone),
        r.state,
        at(&r.rule)
    ));
}

fn at(rule: &Option<String>) -> String {
    rule.as_ref().map_or(String::new(), |rule| format!("  [{rule}]"))
}
