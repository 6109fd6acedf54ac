//! What only people read of the specs: who answers for the data, what purposes are for, who receives datasets, what
//! columns hold, why fields are published. Nothing of it decides what is published.

use super::check_others;
use super::check_source::Inventory;
use super::job_spec::JobSpec;
use super::plan::Basis;
use super::policy_spec::{DpiaSpec, PolicySpec, PurposeSpec, RecipientKind, RecipientSpec, TransferSpec};
use super::source_spec::{ColumnOrigin, ColumnSpec};
use super::spec::{At, Category};
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};

/// The record of processing, as far as specs say it (Art. 30 GDPR).
pub struct Register {
    /// Whom people can write to.
    pub contact: ContactFacts,
    /// Security measures in words.
    pub security: Vec<String>,
    /// Controllers for whom a processor does all of this.
    pub on_behalf_of: Vec<String>,
    /// Facts of each purpose, by its name.
    pub purposes: BTreeMap<String, PurposeFacts>,
    /// Facts of each recipient, by its name.
    pub recipients: BTreeMap<String, RecipientFacts>,
    /// Facts of each source, by its name.
    pub sources: BTreeMap<String, SourceFacts>,
    /// What people were told, in the order in which it was written.
    pub notices: Vec<NoticeFacts>,
    /// Why fields are published: by job, then by field; a field is not there when nobody has written it.
    pub whys: BTreeMap<String, BTreeMap<String, String>>,
}

/// What people were told, and since when.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct NoticeFacts {
    /// Name of the notice.
    pub name: String,
    /// The day from whose first moment it was given.
    pub valid_from: String,
    /// Zone of that day.
    pub zone: String,
    /// The law it was written for.
    pub regime: Option<String>,
    /// Where it was given.
    pub channel: Option<String>,
    /// The language that the notice is written in.
    pub language: Option<String>,
    /// Digest of its text.
    pub text: Option<String>,
}

/// `[contact]`; what is not there is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct ContactFacts {
    /// Where people write to about their data.
    pub privacy: Option<String>,
    /// The data protection officer (Art. 37 GDPR).
    pub dpo: Option<String>,
    /// Where a complaint can be lodged (Art. 77 GDPR).
    pub authority: Option<String>,
    /// The representative in the Union (Art. 27 GDPR).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub representative: Option<String>,
}

/// What a purpose is.
#[derive(Clone, Debug)]
pub struct PurposeFacts {
    /// What the purpose is, in words.
    pub description: String,
    /// The lawful basis that the policy names for it.
    pub basis: Basis,
    /// Where the assessment or the law behind it is filed.
    pub reference: String,
    /// Condition of Art. 9(2) GDPR.
    pub condition: Option<String>,
    /// Categories that may serve it.
    pub categories: Vec<Category>,
    /// Who may receive datasets of it.
    pub recipients: Vec<String>,
    /// Whose data they are, in words.
    pub people: Vec<String>,
    /// Who decides on it together with the controller.
    pub joint_controllers: Vec<String>,
    /// What people have written for its assessment.
    pub dpia: DpiaFacts,
}

/// What people have written for an assessment; what is not there was not assessed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct DpiaFacts {
    /// Whether jobs of the purpose wait for a signature (R76).
    pub required: bool,
    /// Why the processing is necessary and proportionate (Art. 35(7)(b) GDPR).
    pub necessity: Option<String>,
    /// What may happen to people, how likely and how bad it is (Art. 35(7)(c) GDPR).
    pub risks: Option<String>,
    /// What is done about it beside what tamis does (Art. 35(7)(d) GDPR).
    pub measures: Option<String>,
    /// What data subjects say, or why nobody asked them (Art. 35(9) GDPR).
    pub views: Option<String>,
    /// Whether the authority was consulted, or why it need not be (Art. 36 GDPR).
    pub prior_consultation: Option<String>,
    /// Date of the next review (Art. 35(11) GDPR).
    pub review_by: Option<String>,
}

/// Facts of somebody who receives datasets.
#[derive(Clone, Debug)]
pub struct RecipientFacts {
    /// Within the controller, a processor or a third party.
    pub kind: RecipientKind,
    /// Whether data are sold to them.
    pub sale: bool,
    /// Where the contract with the recipient can be found.
    pub contract: Option<String>,
    /// Country of the recipient, by its ISO 3166 code.
    pub country: Option<String>,
    /// What allows the transfer to that country, in words with its reference.
    pub transfer: Option<String>,
    /// By when it is to be looked at again.
    pub review_by: Option<Date>,
}

/// What a source is.
#[derive(Clone, Debug)]
pub struct SourceFacts {
    /// What the export is, in words, when the source says it.
    pub description: Option<String>,
    /// Columns by name, trimmed and NFC.
    pub columns: BTreeMap<String, ColumnFacts>,
    /// Columns that tell whom a row is about: key, strong and weak links.
    pub links: BTreeSet<String>,
    /// Columns that are about another person of the row (R68).
    pub others: BTreeSet<String>,
}

impl SourceFacts {
    /// Says whether values of a column may identify somebody else than the person whose row it is: it is an identifier, no
    /// link, and nobody has said that the person gave it or that it was made of them. A column without identifier that
    /// nobody has described may, too.
    pub fn may_name_others(&self, column: &str) -> bool {
        let described = self.columns.get(column);
        let other = self.others.contains(column);
        other
            || !self.links.contains(column) && described.is_none_or(|facts| facts.identifies && facts.origin.is_none())
    }
}

/// What a column holds.
#[derive(Clone, Debug)]
pub struct ColumnFacts {
    /// Category that the source gives the column.
    pub category: Category,
    /// Where its values come from, when that is said.
    pub origin: Option<ColumnOrigin>,
    /// Purposes it may serve.
    pub purposes: Vec<String>,
    /// Whether values identify somebody.
    pub identifies: bool,
    /// Whether somebody has written why values may be published as they are.
    pub raw_allowed: bool,
}

/// Gathers them from specs that have been checked.
pub(super) fn register<'a>(
    policy: &PolicySpec,
    sources: &[Inventory],
    jobs: impl Iterator<Item = &'a JobSpec>,
) -> Register {
    Register {
        contact: contact(policy),
        security: texts(policy.security.as_ref()),
        on_behalf_of: texts(policy.on_behalf_of.as_ref()),
        whys: jobs.map(|job| (job.name.to_string(), whys(job))).collect(),
        purposes: policy.purposes.iter().map(|(name, spec)| (name.to_string(), purpose(spec))).collect(),
        recipients: policy.recipients.iter().map(|(name, spec)| (name.to_string(), recipient(spec))).collect(),
        sources: sources.iter().map(|inventory| (inventory.spec.name.to_string(), source(inventory))).collect(),
        notices: notices(policy),
    }
}

fn text(at: Option<&At<String>>) -> Option<String> {
    at.map(|at| at.to_string())
}

fn notices(policy: &PolicySpec) -> Vec<NoticeFacts> {
    let named = policy.notices.iter().flat_map(|notices| notices.iter());
    let facts = named.map(|(name, spec)| NoticeFacts {
        name: name.to_string(),
        valid_from: spec.valid_from.to_string(),
        zone: spec.zone.as_ref().map_or("UTC".into(), |zone| zone.to_string()),
        regime: text(spec.regime.as_ref()),
        channel: text(spec.channel.as_ref()),
        language: text(spec.language.as_ref()),
        text: text(spec.text.as_ref()),
    });
    facts.collect()
}

fn texts(at: Option<&At<Vec<At<String>>>>) -> Vec<String> {
    at.into_iter().flat_map(|list| list.iter()).map(|at| at.to_string()).collect()
}

fn whys(job: &JobSpec) -> BTreeMap<String, String> {
    let said = |(name, field): (&At<String>, &super::field_spec::FieldSpec)| {
        Some((name.to_string(), field.why.as_ref()?.to_string()))
    };
    job.fields.iter().filter_map(said).collect()
}

fn dpia(spec: &DpiaSpec) -> DpiaFacts {
    DpiaFacts {
        required: spec.required.as_ref().is_some_and(|at| **at),
        necessity: text(spec.necessity.as_ref()),
        risks: text(spec.risks.as_ref()),
        measures: text(spec.measures.as_ref()),
        views: text(spec.views.as_ref()),
        prior_consultation: text(spec.prior_consultation.as_ref()),
        review_by: text(spec.review_by.as_ref()),
    }
}

fn contact(policy: &PolicySpec) -> ContactFacts {
    let Some(contact) = &policy.contact else { return ContactFacts::default() };
    ContactFacts {
        privacy: text(contact.privacy.as_ref()),
        dpo: text(contact.dpo.as_ref()),
        authority: text(contact.authority.as_ref()),
        representative: text(contact.representative.as_ref()),
    }
}

fn purpose(spec: &PurposeSpec) -> PurposeFacts {
    PurposeFacts {
        description: spec.description.to_string(),
        basis: *spec.lawful_basis,
        reference: spec.reference.to_string(),
        condition: text(spec.condition.as_ref()),
        categories: spec.categories.iter().map(|category| **category).collect(),
        recipients: spec.recipients.iter().map(|name| name.to_string()).collect(),
        people: texts(spec.people.as_ref()),
        joint_controllers: texts(spec.joint_controllers.as_ref()),
        dpia: spec.dpia.as_ref().map(dpia).unwrap_or_default(),
    }
}

fn recipient(spec: &RecipientSpec) -> RecipientFacts {
    RecipientFacts {
        kind: *spec.kind,
        sale: spec.sale.as_ref().is_some_and(|sale| **sale),
        contract: text(spec.contract.as_ref()),
        country: text(spec.country.as_ref()),
        transfer: spec.transfer.as_ref().map(transfer),
        review_by: spec.review_by.as_ref().and_then(|at| at.parse().ok()),
    }
}

fn transfer(spec: &At<TransferSpec>) -> String {
    let (reference, assessed) = (spec.reference.as_str(), spec.assessed.as_str());
    format!("{}; {reference}; assessed {assessed}", spec.mechanism.said())
}

fn source(inventory: &Inventory) -> SourceFacts {
    let name = |place: usize| inventory.columns[place].name.clone();
    let with_parts = |place: usize| std::iter::once(place).chain(inventory.columns[place].parts.iter().copied());
    SourceFacts {
        description: text(inventory.spec.description.as_ref()),
        columns: inventory.columns.iter().map(|entry| (entry.name.clone(), column(entry.spec))).collect(),
        links: inventory.carriers().flat_map(with_parts).map(name).collect(),
        others: check_others::about(inventory).flat_map(with_parts).map(name).collect(),
    }
}

fn column(spec: &ColumnSpec) -> ColumnFacts {
    ColumnFacts {
        category: *spec.category,
        origin: spec.origin.as_ref().map(|origin| **origin),
        purposes: spec.purposes.iter().flat_map(|at| at.iter()).map(|name| name.to_string()).collect(),
        identifies: spec.identifier.is_some(),
        raw_allowed: spec.allow_raw.is_some(),
    }
}
