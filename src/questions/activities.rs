//! The record of processing activities (Art. 30 GDPR), made of specs and evidence: what nobody has written is said to
//! be missing.

use super::access::AccessRecipient;
use crate::clock::Instant;
use crate::error::Result;
use crate::evidence::LedgerEntry;
use crate::evidence::manifest::FieldEvidence;
use crate::job::{PublishedDataset, all_names, output_of, published, served, signature};
use crate::policy::{ContactFacts, Plan, Project, Register};
use crate::state::State;
use std::collections::BTreeSet;

/// The record of processing activities.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct ProcessingRecord {
    /// Version of this schema.
    pub schema: &'static str,
    /// When it was made.
    pub at: Instant,
    /// Name of the controller; of the processor, where `on_behalf_of` names controllers.
    pub controller: String,
    /// How to reach the controller, its officer and its representative (Art. 30(1)(a)).
    pub contact: ContactFacts,
    /// Controllers for whom a processor does all of this (Art. 30(2)(a)).
    pub on_behalf_of: Vec<String>,
    /// Security measures in words (Art. 30(1)(g), (2)(d)).
    pub security: Vec<String>,
    /// What tamis does by itself for the security of each dataset.
    pub built_in: [&'static str; 4],
    /// The activities, by job.
    pub activities: Vec<ProcessingActivity>,
    /// Purposes of the policy for which nothing is published.
    pub unused_purposes: Vec<String>,
    /// What the law asks for and nobody has written, for all activities together.
    pub missing: Vec<String>,
}

/// One activity: a dataset for a purpose.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct ProcessingActivity {
    /// Name of the job.
    pub job: String,
    /// Whether specs still have the job; the activity goes on as long as the dataset is there.
    pub in_specs: bool,
    /// The table, as `ROOT:path`.
    pub dataset: String,
    /// The version that readers see; none before the first one.
    pub version: Option<u64>,
    /// Name of the purpose.
    pub purpose: String,
    /// The purpose in words (Art. 30(1)(b)).
    pub description: Option<String>,
    /// Lawful basis, as the policy spells it.
    pub lawful_basis: String,
    /// Where the assessment or the law behind the purpose is filed.
    pub reference: Option<String>,
    /// Condition of Art. 9(2) GDPR.
    pub condition: Option<String>,
    /// Who decides on the purpose together with the controller (Art. 30(1)(a)).
    pub joint_controllers: Vec<String>,
    /// Categories of data subjects (Art. 30(1)(c)).
    pub people: Vec<String>,
    /// Categories of personal data (Art. 30(1)(c)).
    pub categories: Vec<&'static str>,
    /// The published fields.
    pub fields: Vec<RecordedField>,
    /// Recipients, with the country and the safeguards of transfers (Art. 30(1)(d), (e)).
    pub recipients: Vec<AccessRecipient>,
    /// Names of the exports that it is made of.
    pub sources: Vec<String>,
    /// How long rows are kept, in ISO 8601 (Art. 30(1)(f)).
    pub keep: String,
    /// Age at which raw exports are removed, in ISO 8601; none = never.
    pub raw_keep: Option<String>,
    /// When the controller signed what the job does; none when nobody has.
    pub signed: Option<Instant>,
    /// What the law asks for and nobody has written.
    pub missing: Vec<String>,
}

/// A published field.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct RecordedField {
    /// Name of the field.
    pub name: String,
    /// The column of the export that it is made of.
    pub from: Option<String>,
    /// Category of that column.
    pub category: Option<&'static str>,
    /// What was done, with its settings.
    pub treatment: String,
    /// Its own retention period, in ISO 8601.
    pub keep: Option<String>,
    /// Why it is published; none when nobody has assessed it.
    pub why: Option<String>,
    /// Whether somebody has derived the column of the person, such as a score.
    pub derived: bool,
}

const BUILT_IN: [&str; 4] = [
    "identifiers are published as keyed tokens, and the keys are never written beside the data",
    "columns that no purpose lists are dropped, and undeclared ones reported",
    "rows and values are removed at the end of their term, and erased persons stay out of later exports",
    "each version has evidence that can be verified offline",
];

/// Makes the record of everything that specs and state know.
///
/// # Errors
/// Evidence and storage errors of the state.
pub fn record(project: &Project, register: &Register, state: &State, now: Instant) -> Result<ProcessingRecord> {
    let (mut activities, entries) = (Vec::new(), state.ledger().entries()?);
    for plan in project.jobs.values() {
        activities.push(activity(project, register, (state, &entries), plan)?);
    }
    for left in published(state, project)?.iter().filter(|of| of.plan.is_none()) {
        activities.extend(without_job(register, state, left)?);
    }
    let used: BTreeSet<&String> = activities.iter().map(|of| &of.purpose).collect();
    let unused = register.purposes.keys().filter(|name| !used.contains(name)).cloned().collect();
    let (contact, security) = (register.contact.clone(), register.security.clone());
    Ok(ProcessingRecord {
        schema: "tamis-register/1",
        at: now,
        controller: project.controller.clone(),
        missing: missing(register),
        contact,
        on_behalf_of: register.on_behalf_of.clone(),
        security,
        built_in: BUILT_IN,
        activities,
        unused_purposes: unused,
    })
}

fn missing(register: &Register) -> Vec<String> {
    let contact = &register.contact;
    let parts = [
        (contact.privacy.is_none(), "contact details of the controller: [contact] privacy (Art. 30(1)(a))"),
        (contact.dpo.is_none(), "the data protection officer, if there has to be one: [contact] dpo (Art. 30(1)(a))"),
        (register.security.is_empty(), "a description of security measures: security (Art. 30(1)(g))"),
    ];
    parts.into_iter().filter(|(lacks, _)| *lacks).map(|(_, what)| what.to_owned()).collect()
}

/// Tells the activity of a job; `entries` are those of the ledger.
///
/// # Errors
/// Evidence and storage errors of the state.
pub(super) fn activity(
    project: &Project,
    register: &Register,
    (state, entries): (&State, &[LedgerEntry]),
    plan: &Plan,
) -> Result<ProcessingActivity> {
    let fields: Vec<RecordedField> = plan.fields.iter().map(|field| recorded(register, plan, field)).collect();
    let signed = signature(state, entries, &all_names(state, project, plan)?)?;
    let recipients: Vec<String> = plan.recipient.iter().map(|of| of.name.clone()).collect();
    let observed = plan.observe.iter().map(|of| of.source.name.clone());
    let of = ProcessingActivity {
        job: plan.job.clone(),
        in_specs: true,
        dataset: output_of(plan),
        version: served(state, project, plan)?.and_then(|known| known.current).map(|current| current.version),
        sources: std::iter::once(plan.source.name.clone()).chain(observed).collect(),
        keep: plan.retention.keep.to_string(),
        raw_keep: project.removal.raw_keep.as_ref().map(ToString::to_string),
        signed: signed.map(|of| of.at),
        lawful_basis: plan.purpose.basis.name().into(),
        ..of_purpose(register, &plan.purpose.name, &recipients)
    };
    Ok(with_fields(of, fields))
}

/// A dataset whose job is gone from the specs: what its evidence says.
fn without_job(register: &Register, state: &State, of: &PublishedDataset<'_>) -> Result<Option<ProcessingActivity>> {
    let Some(current) = &of.dataset.current else { return Ok(None) };
    let manifest = state.manifest(&current.run, current.attempt, &current.manifest)?;
    let source = manifest.inputs.first().map(|input| input.source.as_str());
    let fields = manifest.fields.iter().map(|field| left_field(register, source, field)).collect();
    let sources: BTreeSet<String> = manifest.inputs.iter().map(|input| input.source.clone()).collect();
    let recipients: Vec<String> = manifest.recipient.iter().cloned().collect();
    let told = ProcessingActivity {
        job: of.job.clone(),
        dataset: of.dataset.dataset.clone(),
        version: Some(current.version),
        lawful_basis: manifest.lawful_basis.clone(),
        keep: manifest.keep.clone(),
        sources: sources.into_iter().collect(),
        ..of_purpose(register, &manifest.purpose, &recipients)
    };
    Ok(Some(with_fields(told, fields)))
}

/// What the policy says of a purpose; all else is empty.
fn of_purpose(register: &Register, name: &str, recipients: &[String]) -> ProcessingActivity {
    let facts = register.purposes.get(name);
    let recipients = recipients.iter().map(|of| AccessRecipient::of(of, register.recipients.get(of)));
    ProcessingActivity {
        job: String::new(),
        in_specs: false,
        dataset: String::new(),
        version: None,
        purpose: name.to_owned(),
        description: facts.map(|of| of.description.clone()),
        lawful_basis: String::new(),
        reference: facts.map(|of| of.reference.clone()),
        condition: facts.and_then(|of| of.condition.clone()),
        joint_controllers: facts.map(|of| of.joint_controllers.clone()).unwrap_or_default(),
        people: facts.map(|of| of.people.clone()).unwrap_or_default(),
        categories: Vec::new(),
        fields: Vec::new(),
        recipients: recipients.collect(),
        sources: Vec::new(),
        keep: String::new(),
        raw_keep: None,
        signed: None,
        missing: Vec::new(),
    }
}

fn with_fields(mut of: ProcessingActivity, fields: Vec<RecordedField>) -> ProcessingActivity {
    let categories: BTreeSet<&'static str> = fields.iter().filter_map(|field| field.category).collect();
    of.categories = categories.into_iter().collect();
    of.fields = fields;
    let parts = [
        (of.people.is_empty(), "categories of data subjects: people (Art. 30(1)(c))"),
        (of.recipients.is_empty(), "the recipient is not in the policy any more (Art. 30(1)(d))"),
        (of.raw_keep.is_none(), "a retention period for raw exports: [removal] raw_keep (Art. 30(1)(f))"),
        (!of.in_specs, "the job is gone from the specs: no request and no retention period is applied to its dataset"),
    ];
    of.missing = parts.into_iter().filter(|(lacks, _)| *lacks).map(|(_, what)| what.to_owned()).collect();
    of
}

fn recorded(register: &Register, plan: &Plan, field: &crate::policy::Field) -> RecordedField {
    let from = field.from.map(|at| plan.columns[at].name.clone());
    let source = register.sources.get(&plan.source.name);
    let column = from.as_ref().and_then(|name| source?.columns.get(name));
    RecordedField {
        name: field.name.clone(),
        category: column.map(|of| of.category.name()),
        derived: column.is_some_and(|of| of.origin == Some(crate::policy::ColumnOrigin::Derived)),
        treatment: field.treat.words(),
        keep: field.keep.as_ref().map(ToString::to_string),
        why: register.whys.get(&plan.job).and_then(|whys| whys.get(&field.name)).cloned(),
        from,
    }
}

fn left_field(register: &Register, source: Option<&str>, field: &FieldEvidence) -> RecordedField {
    let columns = source.and_then(|name| register.sources.get(name)).map(|source| &source.columns);
    let column = field.from.as_ref().and_then(|name| columns?.get(name));
    RecordedField {
        name: field.name.clone(),
        from: field.from.clone(),
        category: column.map(|of| of.category.name()),
        treatment: field.treatment.clone(),
        keep: field.keep.clone(),
        why: None,
        derived: false,
    }
}
