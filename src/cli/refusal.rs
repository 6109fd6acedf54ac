//! Refused requests in words (Art. 12(4) GDPR), and the command that notes one.

use super::lines::Lines;
use super::page::{self, escaped};
use super::render;
use super::settings::{self, Settings};
use super::subject_args::{RightRefused, SubjectArgs};
use crate::by_hand::{self, RefusalTyped, RefusedRight};
use crate::clock::{Clock, Instant, System};
use crate::error::{Code, Error, Result};
use crate::job::{CaseRefusal, UntoldRefusal};
use crate::policy::Effect;

/// Notes a refusal.
///
/// # Errors
/// Policy errors for what was typed; evidence and storage errors of the state.
pub(super) fn refuse(settings: &Settings, args: &SubjectArgs, json: bool) -> Result<String> {
    let missing = || {
        Error::new(Code::RequestWrong, "a refusal says what is refused, and why")
            .help("give --of RIGHT and --reason REASON; `tamis subject --help` lists them")
    };
    let (right, reason) = args.of.zip(args.reason).ok_or_else(missing)?;
    let typed = RefusalTyped {
        request: args.request_id()?,
        right: right_of(right),
        reason,
        received: args.received.as_deref().map(settings::time).transpose()?,
        informed: settings::day(args.informed.as_deref())?,
    };
    let mut call = settings.subject_call();
    call.now = System.now();
    let noted = by_hand::refuse(&call, &typed)?;
    if json {
        return render::json(&noted);
    }
    let mut out = String::new();
    out.line(format_args!("refused: request {} ({}): {}", noted.request, noted.refusal.right, noted.refusal.why));
    out.line(format_args!("{}", to_tell(&noted.refusal, noted.authority.as_deref())));
    Ok(out)
}

fn right_of(right: RightRefused) -> RefusedRight {
    match right {
        RightRefused::Access => RefusedRight::Access,
        RightRefused::Rectify => RefusedRight::Rectify,
        RightRefused::Portability => RefusedRight::Portability,
        RightRefused::Erase => RefusedRight::Asked(Effect::Erase),
        RightRefused::Restrict => RefusedRight::Asked(Effect::Restrict),
        RightRefused::Object => RefusedRight::Asked(Effect::Object),
        RightRefused::OptOut => RefusedRight::Asked(Effect::OptOut),
    }
}

/// Returns what the person has to be told, or when that was done.
fn to_tell(refusal: &CaseRefusal, authority: Option<&str>) -> String {
    match refusal.informed {
        Some(informed) => format!("the person was told on {}", informed.to_seconds()),
        None => format!(
            "tell the person why, and that they can complain to {} and go to court (Art. 12(4) GDPR); then note it with --informed",
            authority.unwrap_or("the supervisory authority")
        ),
    }
}

/// Returns what there is to say of a refusal of a case, in order.
fn facts(refusal: &CaseRefusal, authority: Option<&str>) -> Vec<(&'static str, String)> {
    let seconds = |at: Instant| at.to_seconds().to_string();
    vec![
        ("state", format!("refused {}", seconds(refusal.refused))),
        ("reason", refusal.why.clone()),
        ("received", seconds(refusal.received)),
        ("told", to_tell(refusal, authority)),
    ]
}

/// Adds the refusals of a case to its report.
pub(super) fn of_case(out: &mut String, refusals: &[CaseRefusal], authority: Option<&str>) {
    for refusal in refusals {
        out.push('\n');
        out.line(format_args!("{} (command): refused", refusal.right));
        facts(refusal, authority).into_iter().for_each(|(name, said)| out.line(format_args!("  {name:<14} {said}")));
    }
}

/// Returns the refusals of a case as a part of its page.
pub(super) fn page(refusals: &[CaseRefusal], authority: Option<&str>) -> String {
    let mut out = String::new();
    for refusal in refusals {
        out.line(format_args!("<h2>{} <small>(refused; Art. 12(4) GDPR)</small></h2>", escaped(&refusal.right)));
        out.push_str(&page::facts(&facts(refusal, authority)));
    }
    out
}

/// Returns what is left to do about a refusal of which nobody has told the person.
pub(super) fn untold(refusal: &UntoldRefusal) -> String {
    let late = if refusal.overdue { "OVERDUE: " } else { "" };
    let (request, right, due) = (&refusal.request, &refusal.right, refusal.due.to_seconds());
    format!(
        "{request} ({right}) was refused: {late}tell the person why by {due}, then `tamis subject refuse … --informed`"
    )
}
