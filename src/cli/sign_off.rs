//! `tamis sign-off JOB`: a signature of the controller, or an advice of the data protection officer.

use super::args::SignOffArgs;
use super::render;
use super::settings::Settings;
use crate::by_hand::{self, SignOffOrder};
use crate::error::Result;
use crate::policy;

/// Carries out the command.
///
/// # Errors
/// Policy errors for what was typed; evidence and storage errors of the state.
pub(super) fn carry_out(settings: &Settings, args: &SignOffArgs, json: bool) -> Result<String> {
    let (project, register) = policy::load_with_register(&settings.dir, &settings.roots)?;
    let state = settings.state(&project)?;
    state.agree()?;
    let order =
        SignOffOrder { job: args.job.clone(), by: args.by.clone(), reason: args.reason.clone(), advice: args.advice };
    let signed = by_hand::sign_off(&project, &register, &state, order, settings.now)?;
    if json {
        return render::json(&signed);
    }
    let (job, profile) = (&signed.job, &signed.profile);
    let next = match (signed.advice, signed.required) {
        (true, _) => format!("the controller decides: tamis sign-off {job} --by ROLE --reason …"),
        (false, true) => "the job publishes until something raises its risk".to_owned(),
        (false, false) => "nothing waits for it: the purpose has no [dpia] required = true".to_owned(),
    };
    let what = if signed.advice { "advice noted" } else { "signed" };
    Ok(format!("{what}: {job}, by {}, profile {profile}\n{next}\n", signed.by))
}
