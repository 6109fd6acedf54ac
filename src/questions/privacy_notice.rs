//! What people have to be told of all that jobs do with their data (Art. 13 and 14 GDPR, 11 CCR §7012): gathered from
//! the specs, so that text and practice do not drift apart.

use crate::clock::Instant;
use crate::error::Result;
use crate::policy::{self, Basis, ContactFacts, NoticeFacts, Plan, Project, Register};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A notice, as the specs of today say it.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct PrivacyNotice {
    /// Version of this schema.
    pub schema: &'static str,
    /// Name of the controller.
    pub controller: String,
    /// Whom people can write to.
    pub contact: ContactFacts,
    /// When this was made.
    pub at: Instant,
    /// BLAKE3 hex of all of it but `at`: what a later one is compared with.
    pub digest: String,
    /// One for each purpose that a job serves.
    pub purposes: Vec<NoticePurpose>,
    /// Whether data are sold to a recipient (Civ. Code §1798.120).
    pub sold: bool,
    /// What the law asks for and the specs do not say.
    pub missing: Vec<String>,
    /// What was told before.
    pub issued: Vec<NoticeFacts>,
}

/// What is done for one purpose.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct NoticePurpose {
    /// Name of the purpose.
    pub purpose: String,
    /// What it is.
    pub description: String,
    /// Lawful basis (Art. 6(1) GDPR).
    pub lawful_basis: Basis,
    /// Condition of Art. 9(2) GDPR, for special categories.
    pub condition: Option<String>,
    /// Where the assessment or the law is filed.
    pub reference: String,
    /// Per category how long data of it are kept at most, and whether they are sold.
    pub categories: Vec<NoticeCategory>,
    /// Who receives the data.
    pub recipients: Vec<NoticeRecipient>,
    /// Where the data come from.
    pub sources: Vec<String>,
}

/// A category of data that is processed for a purpose.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct NoticeCategory {
    /// Name of the category.
    pub category: String,
    /// Longest retention period, ISO 8601.
    pub keep: String,
    /// Whether data of it are sold.
    pub sold: bool,
}

/// Somebody who receives data for a purpose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
pub struct NoticeRecipient {
    /// Name of the recipient.
    pub recipient: String,
    /// What the recipient is to the controller.
    pub kind: String,
    /// ISO 3166 code of its country.
    pub country: Option<String>,
    /// What allows the transfer to that country (Chapter V GDPR).
    pub transfer: Option<String>,
}

/// Gathers what people have to be told.
///
/// # Errors
/// A policy error for the specs.
pub fn notice(dir: &Path, roots: &[(String, String)], now: Instant) -> Result<PrivacyNotice> {
    let (project, register) = policy::load_with_register(dir, roots)?;
    let served: BTreeSet<&str> = project.jobs.values().map(|plan| plan.purpose.name.as_str()).collect();
    let purposes: Vec<NoticePurpose> =
        served.into_iter().filter_map(|name| purpose(&project, &register, name)).collect();
    let sold = purposes.iter().flat_map(|purpose| &purpose.categories).any(|category| category.sold);
    let mut notice = PrivacyNotice {
        schema: "tamis-notice/1",
        controller: project.controller.clone(),
        contact: register.contact.clone(),
        at: now,
        digest: String::new(),
        purposes,
        sold,
        missing: missing(&register),
        issued: register.notices.clone(),
    };
    let text = serde_json::to_vec(&PrivacyNotice { at: Instant(0), ..notice.clone() }).unwrap_or_default();
    notice.digest = blake3::hash(&text).to_hex().to_string();
    Ok(notice)
}

fn purpose(project: &Project, register: &Register, name: &str) -> Option<NoticePurpose> {
    let (facts, jobs) =
        (register.purposes.get(name)?, || project.jobs.values().filter(|plan| plan.purpose.name == name));
    let mut categories: BTreeMap<&str, NoticeCategory> = BTreeMap::new();
    let (mut recipients, mut sources) = (BTreeSet::new(), BTreeSet::new());
    for plan in jobs() {
        for (category, keep) in published(plan, register) {
            let sold = plan.recipient.as_ref().is_some_and(|recipient| recipient.sale);
            let found = NoticeCategory { category: category.into(), keep: keep.to_string(), sold };
            let place = categories.entry(category).or_insert_with(|| found.clone());
            place.sold |= sold;
            if crate::clock::Period::parse(&place.keep).is_some_and(|known| known.within(&keep)) {
                place.keep = found.keep;
            }
        }
        recipients.extend(plan.recipient.as_ref().and_then(|recipient| recipient_of(register, &recipient.name)));
        let source = &plan.source.name;
        let said = register.sources.get(source).and_then(|facts| facts.description.clone());
        sources.insert(said.unwrap_or_else(|| source.clone()));
    }
    Some(NoticePurpose {
        purpose: name.into(),
        description: facts.description.clone(),
        lawful_basis: facts.basis,
        condition: facts.condition.clone(),
        reference: facts.reference.clone(),
        categories: categories.into_values().collect(),
        recipients: recipients.into_iter().collect(),
        sources: sources.into_iter().collect(),
    })
}

/// Categories of the fields of a job, each with how long it is kept at most.
fn published<'a>(
    plan: &'a Plan,
    register: &'a Register,
) -> impl Iterator<Item = (&'static str, crate::clock::Period)> + 'a {
    plan.fields.iter().filter_map(|field| {
        let column = &plan.columns[field.from?].name;
        let category = register.sources.get(&plan.source.name)?.columns.get(column)?.category;
        Some((category.name(), field.keep.unwrap_or(plan.retention.keep)))
    })
}

fn recipient_of(register: &Register, name: &str) -> Option<NoticeRecipient> {
    let facts = register.recipients.get(name)?;
    Some(NoticeRecipient {
        recipient: name.into(),
        kind: facts.kind.said().into(),
        country: facts.country.clone(),
        transfer: facts.transfer.clone(),
    })
}

/// What Art. 13 and 14 ask for that no spec says.
fn missing(register: &Register) -> Vec<String> {
    let contact = &register.contact;
    let named = [
        (contact.privacy.is_none(), "where people write to (Art. 13(1)(a)): [contact] privacy"),
        (contact.dpo.is_none(), "the data protection officer (Art. 13(1)(b)): [contact] dpo"),
        (contact.authority.is_none(), "the supervisory authority (Art. 13(2)(d)): [contact] authority"),
    ];
    let always = [
        "the legitimate interests, where a purpose rests on them (Art. 13(1)(d))",
        "whether somebody has to give the data, and what happens if not (Art. 13(2)(e))",
        "automated decisions and their logic (Art. 13(2)(f), 22)",
    ];
    let named = named.into_iter().filter(|(missing, _)| *missing).map(|(_, what)| what);
    named.chain(always).map(str::to_owned).collect()
}
