//! `tamis state …`: the state is made, or goes on without records that were lost. Must not know how.

use super::args::{RenewArgs, StateCommand};
use super::dataset::reason;
use super::lines::Lines;
use super::render;
use super::settings::Settings;
use crate::error::Result;
use crate::state::{Renewal, State};
use crate::{job, key, policy};
use serde_json::json;

/// Carries out the command.
///
/// # Errors
/// Policy errors for what was typed; those of the state.
pub(super) fn carry_out(settings: &Settings, command: &StateCommand, json: bool) -> Result<String> {
    match command {
        StateCommand::Create => created(settings),
        StateCommand::Renew(args) => renewed(settings, args, json),
    }
}

fn created(settings: &Settings) -> Result<String> {
    let project = policy::load(&settings.dir, &settings.roots)?;
    let roots = settings.open(&project)?;
    let keys = key::Keyring::load(&project.keys, &job::data_roots(&project))?;
    let root = &roots["state"];
    State::create(root, &keys.ids(), settings.now)?;
    Ok(format!("made the state in {} for identity key {}\n", root.display(""), keys.ids().identity.0))
}

fn renewed(settings: &Settings, args: &RenewArgs, json: bool) -> Result<String> {
    let project = policy::load(&settings.dir, &settings.roots)?;
    let state = settings.state(&project)?;
    state.check_clock(settings.now)?;
    let renewal = Renewal { job: args.job.clone(), reason: reason(&args.reason)?, by: args.by.clone() };
    let folders = state.renew(&renewal, settings.now)?;
    let head = state.ledger().head()?.to_string();
    if json {
        return render::json(&json!({
            "schema": "tamis-state-renew/1", "job": args.job, "renewed": folders, "ledger_head": head,
        }));
    }
    let mut out = String::new();
    for folder in &folders {
        out.line(format_args!("{}: renewed; {}", state.root().display(folder), goes_on(folder, &args.job)));
    }
    out.line(format_args!("ledger   {head}"));
    Ok(out)
}

/// Says what becomes of a job without the lost records of a folder.
fn goes_on(folder: &str, job: &str) -> String {
    match folder.split('/').next() {
        Some("accepts") => format!("every approval of {job} counts as used: accept again what is to be let through"),
        Some("schedules") => format!("if the last scheduled run of {job} was refused, it is tried once more"),
        Some("sweeps") => format!("the dataset of {job} is swept once more"),
        _ => format!("nobody is at work on {job}"),
    }
}
