//! `tamis practice FOLDER`: writes a practice, and scores what was mended in one.

use super::args::{PracticeArgs, PracticeCommand};
use super::lines::Lines;
use super::render;
use super::settings::Settings;
use super::spec_files::{write, write_schemas};
use crate::error::{Code, Error, Result};
use crate::policy;
use crate::practice::{self, PracticeScore, TrapTold};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::path::Path;

/// Carries out the command.
///
/// # Errors
/// Policy errors for a folder that is not empty or cannot be written, and for specs that do not load.
pub(super) fn carry_out(settings: &Settings, args: &PracticeArgs, json: bool) -> Result<String> {
    match (&args.command, &args.folder) {
        (Some(PracticeCommand::Check { folder }), _) => check(settings, folder, json),
        (None, Some(folder)) => new(folder, args.seed, settings.now.day(&TimeZone::UTC)),
        (None, None) => Err(Error::new(Code::ArgumentWrong, "nothing says where the practice is written")
            .help("name a new folder: tamis practice FOLDER")),
    }
}

fn new(folder: &Path, seed: u64, today: Date) -> Result<String> {
    if folder.exists() {
        return Err(Error::new(Code::AlreadyThere, format!("{} is there already", folder.display()))
            .help("name a folder that does not exist yet; nothing is ever overwritten"));
    }
    let specs = folder.join("jobs");
    for (name, text) in practice::SPECS {
        write(&specs.join(name), text.as_bytes())?;
    }
    for (name, text) in practice::requests(today) {
        write(&folder.join(name), text.as_bytes())?;
    }
    let set = folder.join(format!("exports/{today}"));
    write(&set.join("contact.csv"), practice::export(seed, today).as_bytes())?;
    write(&set.join("_DONE"), b"")?;
    write_schemas(&specs)?;
    let (place, traps) = (folder.display(), practice::TRAPS.len());
    Ok(format!(
        "a practice is in {place}: made-up people, and specs with {traps} mistakes in {}\n\
         mend them, look with `tamis check --dir {}`, then: tamis practice check {place}\n",
        specs.display(),
        specs.display()
    ))
}

fn check(settings: &Settings, folder: &Path, json: bool) -> Result<String> {
    let (project, register) = policy::load_with_register(&folder.join("jobs"), &[])?;
    let score = practice::score(&project, &register, settings.now);
    if json { render::json(&score) } else { Ok(text(&score)) }
}

fn text(score: &PracticeScore) -> String {
    let mut out = String::new();
    let PracticeScore { mended, traps, too_much, points, .. } = score;
    out.line(format_args!("{mended} of {traps} traps are mended, {too_much} taken away too much: {points} points"));
    for TrapTold { trap, mended } in &score.told {
        let mark = if *mended { "mended" } else { "open  " };
        out.line(format_args!(
            "{mark}  {}  ({} {}, since {})",
            trap.name,
            trap.regime.name(),
            trap.article,
            trap.since
        ));
        if !mended {
            out.line(format_args!("        {}", trap.place));
        }
        out.line(format_args!("        {}", trap.why));
    }
    score.missing.iter().for_each(|what| out.line(format_args!("too much  {what}")));
    out.push_str("This is a practice and no legal advice.\n");
    out
}
