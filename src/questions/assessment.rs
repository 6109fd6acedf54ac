//! The assessment of a job (Art. 35 GDPR): what specs and evidence say, what people have written, what rules find, and
//! what has changed since the controller signed. What nobody has written is said to be not assessed.

use super::activities::{self, ProcessingActivity};
use super::case::band;
use super::figures::{FigureTerms, PublishedFigures, figures};
use super::request_status;
use super::residual::{ResidualRisk, ResidualScene};
use crate::clock::Instant;
use crate::error::{Kind, Result};
use crate::evidence::{LedgerEntry, LedgerEvent, digest, json};
use crate::job::{SubjectCall, advice, all_names, profile_now, served, signature};
use crate::policy::{
    ContactFacts, DpiaFacts, Plan, Project, Register, RiskChange, RiskDirection, RiskProfile, risk_changes,
    risks_raised,
};
use crate::state::State;
use std::collections::BTreeMap;

/// Signatures and advice that are told, the newest ones.
const TOLD: usize = 10;

/// The assessment of one job.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Assessment {
    /// Version of this schema.
    pub schema: &'static str,
    /// When it was made.
    pub at: Instant,
    /// Name of the controller.
    pub controller: String,
    /// How to reach the controller and its officer.
    pub contact: ContactFacts,
    /// The processing in a systematic description (Art. 35(7)(a)).
    pub activity: ProcessingActivity,
    /// What people have written: necessity, risks, measures, views (Art. 35(7)(b) to (d), (9)).
    pub written: DpiaFacts,
    /// Smallest group of persons; none without a gate.
    pub k: Option<u32>,
    /// How much sensitive fields have to differ; none without such a gate.
    pub l: Option<u32>,
    /// What the published version is like; none before the first one.
    pub figures: Option<PublishedFigures>,
    /// Requests by how far they have come, over all datasets, as counts that may be handed on.
    pub requests: BTreeMap<String, String>,
    /// Requests past their deadline, likewise; none when it is not known.
    pub overdue: Option<String>,
    /// Why requests were not looked at, when they were not.
    pub requests_stop: Option<String>,
    /// Residual risks that rules have found.
    pub residual: Vec<ResidualRisk>,
    /// Digest of what would be signed now.
    pub profile: String,
    /// The newest signature of the controller.
    pub signed: Option<SignedRoleTold>,
    /// The newest advice of the data protection officer (Art. 35(2)).
    pub advice: Option<SignedRoleTold>,
    /// Earlier signatures and advice, the newest last.
    pub history: Vec<SignedRoleTold>,
    /// What has changed since it was signed, by the table of risk.
    pub changes: Vec<RiskChange>,
    /// Whether the job waits for a signature before it publishes again (R76).
    pub waits: bool,
    /// What is not assessed, because nobody has written it.
    pub not_assessed: Vec<String>,
}

/// A signature or an advice.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct SignedRoleTold {
    /// When it was given.
    pub at: Instant,
    /// The role of whoever signed or advised.
    pub by: String,
    /// Whether it is advice, and no decision.
    pub advice: bool,
    /// Why, or what the advice is.
    pub reason: String,
    /// Digest of what it is about.
    pub profile: String,
}

/// What an assessment is made of.
pub struct AssessmentDesk<'a> {
    /// The specs.
    pub project: &'a Project,
    /// What only people read of the specs.
    pub register: &'a Register,
    /// The state of the installation.
    pub state: &'a State,
    /// For requests, which need the identity key.
    pub call: &'a SubjectCall,
}

/// Makes the assessment of a job.
///
/// # Errors
/// A policy error for a job that is not there; evidence and storage errors of the state.
pub fn assess(desk: &AssessmentDesk<'_>, job: &str) -> Result<Assessment> {
    let plan = desk.project.job(job)?;
    let (state, now, register) = (desk.state, desk.call.now, desk.register);
    let current = served(state, desk.project, plan)?.and_then(|known| known.current);
    let entries = state.ledger().entries()?;
    let activity = activities::activity(desk.project, register, (state, &entries), plan)?;
    let figures = current.as_ref().map(|current| figures(state.root(), current, &terms(plan, now))).transpose()?;
    let met = RequestsMetTold::of(desk.call)?;
    let scene =
        ResidualScene { plan, register, activity: &activity, figures: figures.as_ref(), overdue: met.overdue, now };
    let residual = scene.risks();
    let profile = profile_now(desk.project, plan, current.as_ref().map(|of| of.rows), &entries);
    let signing = Signing::of(desk, plan, &entries, &profile)?;
    let written = register.purposes.get(&plan.purpose.name).map(|of| of.dpia.clone()).unwrap_or_default();
    Ok(Assessment {
        schema: "tamis-dpia/1",
        at: now,
        controller: desk.project.controller.clone(),
        contact: register.contact.clone(),
        not_assessed: not_assessed(&written, &activity, &signing),
        k: plan.gate.as_ref().map(|gate| gate.k),
        l: plan.gate.as_ref().and_then(|gate| gate.diversity.as_ref()).map(|of| of.l),
        activity,
        written,
        figures,
        requests: met.counts,
        overdue: met.overdue.map(band),
        requests_stop: met.stop,
        residual,
        profile: digest(&json(&profile)?),
        waits: plan.purpose.signed && (signing.signed.is_none() || signing.raised),
        signed: signing.signed,
        advice: signing.advice,
        history: signing.history,
        changes: signing.changes,
    })
}

fn terms(plan: &Plan, now: Instant) -> FigureTerms {
    let keep = plan.retention.undated.is_none().then_some(plan.retention.keep);
    FigureTerms { keep, gate: plan.gate.as_ref().map(|gate| (gate.quasi_identifiers.len(), gate.k)), now }
}

/// Requests met and missed, as far as the identity key is there.
struct RequestsMetTold {
    counts: BTreeMap<String, String>,
    overdue: Option<u64>,
    stop: Option<String>,
}

impl RequestsMetTold {
    fn of(call: &SubjectCall) -> Result<RequestsMetTold> {
        match request_status::standings(call, 0) {
            Ok(of) => {
                let counts = of.counts.into_iter().map(|(state, count)| (state, band(count))).collect();
                Ok(RequestsMetTold { counts, overdue: Some(of.overdue), stop: None })
            }
            Err(error) if error.kind() == Kind::Storage => Err(error),
            Err(error) => {
                let stop = Some(error.message().to_owned());
                Ok(RequestsMetTold { counts: BTreeMap::new(), overdue: None, stop })
            }
        }
    }
}

/// Who has signed and advised, and what has changed since.
struct Signing {
    signed: Option<SignedRoleTold>,
    advice: Option<SignedRoleTold>,
    /// Whether the advice is about something less risky than what there is now.
    advice_old: bool,
    history: Vec<SignedRoleTold>,
    changes: Vec<RiskChange>,
    /// Whether one of the changes raises the risk.
    raised: bool,
}

impl Signing {
    fn of(desk: &AssessmentDesk<'_>, plan: &Plan, entries: &[LedgerEntry], profile: &RiskProfile) -> Result<Signing> {
        let names = all_names(desk.state, desk.project, plan)?;
        let before = signature(desk.state, entries, &names)?;
        let advised = advice(desk.state, entries, &names)?;
        let changes = before.as_ref().map(|of| risk_changes(&of.profile, profile)).unwrap_or_default();
        let mut history: Vec<SignedRoleTold> = entries.iter().filter_map(|entry| told(entry, &names)).collect();
        let newest = |advice: bool| history.iter().rev().find(|of| of.advice == advice).cloned();
        let (signed, advice) = (newest(false), newest(true));
        history.drain(..history.len().saturating_sub(TOLD));
        Ok(Signing {
            signed,
            advice,
            advice_old: advised.is_some_and(|of| risks_raised(&of.profile, profile).next().is_some()),
            history,
            raised: changes.iter().any(|change| change.direction == RiskDirection::Raises),
            changes,
        })
    }
}

/// Returns the signature or advice that an entry of the ledger is, under one of the job's names.
fn told(entry: &LedgerEntry, names: &[String]) -> Option<SignedRoleTold> {
    match &entry.event {
        LedgerEvent::SignedOff { job, profile, advice, by, reason } if names.contains(job) => Some(SignedRoleTold {
            at: entry.at,
            by: by.clone(),
            advice: *advice,
            reason: reason.clone(),
            profile: profile.clone(),
        }),
        _ => None,
    }
}

fn not_assessed(written: &DpiaFacts, activity: &ProcessingActivity, signing: &Signing) -> Vec<String> {
    let mut missing: Vec<String> = Vec::new();
    for field in activity.fields.iter().filter(|field| field.why.is_none()) {
        missing.push(format!("why field {} is published: `why` of the field (Art. 35(7)(b))", field.name));
    }
    let parts = [
        (written.necessity.is_none(), "necessity and proportionality: `necessity` (Art. 35(7)(b))"),
        (written.risks.is_none(), "risks to people, with likelihood and severity: `risks` (Art. 35(7)(c))"),
        (written.measures.is_none(), "measures beside those of tamis: `measures` (Art. 35(7)(d))"),
        (written.views.is_none(), "views of data subjects, or why nobody asked them: `views` (Art. 35(9))"),
        (
            written.prior_consultation.is_none(),
            "whether the authority has to be consulted, as where the risk stays high: `prior_consultation` (Art. 36)",
        ),
        (written.review_by.is_none(), "when it is looked at again: `review_by` (Art. 35(11))"),
        (signing.advice.is_none(), "advice of the data protection officer: `tamis sign-off --advice` (Art. 35(2))"),
        (signing.advice_old, "advice of the data protection officer on what has changed since (Art. 35(2))"),
        (signing.signed.is_none(), "the controller's decision: `tamis sign-off` (Art. 35(1))"),
    ];
    missing.extend(parts.into_iter().filter(|(lacks, _)| *lacks).map(|(_, what)| what.to_owned()));
    missing
}
