//! `tamis recipient …`: writes what a recipient has to be told into a file that only the caller can read, and notes
//! what it answers.

use super::access::check_apart;
use super::args::{AcknowledgeArgs, NoticesArgs, RecipientCommand};
use super::render;
use super::settings::Settings;
use super::verdict::counted;
use crate::by_hand::{self, Answered};
use crate::error::{Code, Error, Result};
use crate::policy;
use crate::questions::notices;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Carries out the command.
///
/// # Errors
/// Policy errors for what was typed; evidence and storage errors of the state.
pub(super) fn carry_out(settings: &Settings, command: &RecipientCommand, json: bool) -> Result<String> {
    match command {
        RecipientCommand::Notices(args) => write(settings, args, json),
        RecipientCommand::Acknowledge(args) => acknowledge(settings, args, json),
    }
}

fn write(settings: &Settings, args: &NoticesArgs, json: bool) -> Result<String> {
    let project = policy::load(&settings.dir, &settings.roots)?;
    check_apart(&project, &args.out)?;
    let call = settings.subject_call();
    let told = notices::unanswered(&call, &args.recipient)?;
    let (name, tokens) = (&told.recipient, told.tokens.len() as u64);
    if tokens == 0 {
        let said =
            serde_json::json!({ "schema": "tamis-recipient/1", "recipient": name, "up_to": told.up_to, "tokens": 0 });
        return if json { render::json(&said) } else { Ok(format!("nothing to tell {name}: no file was written\n")) };
    }
    put(&args.out, &render::json(&told)?)?;
    notices::written(&call, &told)?;
    if json {
        return render::json(&serde_json::json!({
            "schema": "tamis-recipient/1", "recipient": name, "up_to": told.up_to, "tokens": tokens, "file": args.out,
        }));
    }
    let file = args.out.display();
    let next = format!("tamis recipient acknowledge {name} --up-to {}", told.up_to);
    Ok(format!(
        "{file}: {} for {name}, up to notice {}\nsend it, then note the answer: {next}\n",
        counted(tokens, "token"),
        told.up_to
    ))
}

fn put(out: &Path, text: &str) -> Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out);
    made.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|_| {
        Error::new(Code::ArgumentWrong, "the file cannot be written, or is there already")
            .help("name a file that does not exist yet, in a folder where you may write")
    })
}

fn acknowledge(settings: &Settings, args: &AcknowledgeArgs, json: bool) -> Result<String> {
    let AcknowledgeArgs { recipient, up_to, impossible, by } = args;
    let answer =
        Answered { recipient: recipient.clone(), up_to: *up_to, impossible: impossible.clone(), by: by.clone() };
    by_hand::answered(&settings.subject_call(), answer)?;
    if json {
        let said = serde_json::json!({ "schema": "tamis-recipient/1", "recipient": recipient, "up_to": up_to });
        return render::json(&said);
    }
    Ok(format!("noted: {recipient} up to notice {up_to}\n"))
}
