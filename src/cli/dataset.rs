//! `tamis dataset …`: a table ends, or is taken back from another program. Must not know how.

use super::args::{AdoptArgs, DatasetCommand, RetireArgs};
use super::lines::Lines;
use super::render;
use super::settings::Settings;
use super::verdict::counted;
use crate::by_hand::{self, Adopted, Adopting, Retired, Retiring};
use crate::error::{Code, Error, Result};

/// Carries out the command.
///
/// # Errors
/// Policy errors for what was typed; those of the table.
pub(super) fn carry_out(settings: &Settings, command: &DatasetCommand, json: bool) -> Result<String> {
    match command {
        DatasetCommand::Retire(args) => ended(settings, args, json),
        DatasetCommand::Adopt(args) => adopted(settings, args, json),
    }
}

/// Reads a reason as typed.
///
/// # Errors
/// A policy error when it is empty.
pub(super) fn reason(text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::new(Code::ArgumentWrong, "the reason is empty").help("say why: it goes to the ledger"));
    }
    Ok(text.to_owned())
}

fn ended(settings: &Settings, args: &RetireArgs, json: bool) -> Result<String> {
    let asked =
        Retiring { of: args.of.clone(), reason: reason(&args.reason)?, by: args.by.clone(), remove: args.remove };
    let retired =
        by_hand::retire(&settings.subject_call(), &settings.caller()?, &asked, settings.monitor(json).as_ref())?;
    if json { render::json(&retired) } else { Ok(told(&retired)) }
}

fn told(retired: &Retired) -> String {
    let mut out = String::new();
    if !retired.new {
        out.line(format_args!("{} was retired before: nothing is left of it", retired.dataset));
        return out;
    }
    out.line(format_args!("{} ({}) is retired: nothing is left of it", retired.dataset, retired.job));
    let objects: Vec<String> = retired.objects.iter().map(|(what, count)| format!("{count} {what}")).collect();
    if !objects.is_empty() {
        out.line(format_args!("  removed  {}, {}", objects.join(", "), indicatif::BinaryBytes(retired.bytes)));
    }
    out.line(format_args!("  requests {} removed in it by that", retired.requests));
    if retired.unseen {
        out.push_str("  the store may keep deleted bytes for a while, and tamis cannot look\n");
    }
    out.line(format_args!("ledger   {}", retired.ledger_head));
    out
}

fn adopted(settings: &Settings, args: &AdoptArgs, json: bool) -> Result<String> {
    let asked = Adopting { reason: reason(&args.reason)?, by: args.by.clone() };
    let call = settings.call(&args.job, None, &args.work)?;
    let adopted = by_hand::adopt(&call, &asked, settings.monitor(json).as_ref())?;
    if json { render::json(&adopted) } else { Ok(taken_back(&adopted)) }
}

fn taken_back(adopted: &Adopted) -> String {
    let mut out = String::new();
    let Adopted { dataset, before, version, rows, foreign, files, .. } = adopted;
    out.line(format_args!("{dataset} is taken back: version {version}, {}", counted(*rows, "row")));
    let what = if adopted.back { "its files are back as they were" } else { "empty until the next run publishes anew" };
    let commits = counted(*foreign, "commit");
    out.line(format_args!("  {commits} of another program after version {before}; {what}"));
    if *files > 0 {
        out.line(format_args!("  {} of the other program: removed for good after `grace`", counted(*files, "file")));
    }
    for said in &adopted.not_vouched {
        out.line(format_args!("  not vouched for: {said}"));
    }
    out.line(format_args!("ledger   {}", adopted.ledger_head));
    out
}
