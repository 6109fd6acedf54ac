//! Makes the profiles of jobs from specs that have been checked. Must not know which change raises a risk.

use super::profile::{RiskField, RiskProfile};
use crate::policy::plan::{ConsentColumn, Exclude, Field, NewestRules, Plan, RemovalRules};
use crate::policy::register::{ColumnFacts, RecipientFacts, Register};
use crate::treatments::Treatment;
use std::collections::{BTreeMap, BTreeSet};

/// Makes the profiles of all jobs. Rows and breaches are not known to specs.
pub(in crate::policy) fn profiles(
    plans: &BTreeMap<String, Plan>,
    register: &Register,
    removal: &RemovalRules,
) -> BTreeMap<String, RiskProfile> {
    let of = |plan: &Plan| {
        let joins = |other: &&Plan| other.domain == plan.domain && other.job != plan.job;
        let mut profile = profile(plan, register);
        profile.same_tokens = plans.values().filter(joins).map(|other| other.job.clone()).collect();
        profile.raw_keep = removal.raw_keep.as_ref().map(ToString::to_string);
        (plan.job.clone(), profile)
    };
    plans.values().map(of).collect()
}

fn profile(plan: &Plan, register: &Register) -> RiskProfile {
    let purpose = register.purposes.get(&plan.purpose.name);
    let name = plan.recipient.as_ref().map(|of| of.name.clone());
    let recipient: Option<&RecipientFacts> = name.as_ref().and_then(|name| register.recipients.get(name));
    let columns = register.sources.get(&plan.source.name).map(|source| &source.columns);
    let facts = |name: &str| columns.and_then(|columns| columns.get(name));
    let diversity = plan.gate.as_ref().and_then(|gate| gate.diversity.as_ref());
    RiskProfile {
        job: plan.job.clone(),
        purpose: plan.purpose.name.clone(),
        basis: plan.purpose.basis.name().into(),
        direct_marketing: plan.purpose.direct_marketing,
        joint_controllers: purpose.map(|of| of.joint_controllers.iter().cloned().collect()).unwrap_or_default(),
        people: purpose.map(|of| of.people.iter().cloned().collect()).unwrap_or_default(),
        source: plan.source.name.clone(),
        observed: plan.observe.iter().map(|of| of.source.name.clone()).collect(),
        fields: plan.fields.iter().map(|of| (of.name.clone(), field(plan, of, &facts))).collect(),
        keep: plan.retention.keep.to_string(),
        scope: if plan.retention.person { "person" } else { "row" }.into(),
        undated: plan.retention.undated.map(|undated| undated.name().into()),
        excludes: plan.controls.excludes.iter().map(|of| exclude(plan, of)).chain(newest(plan)).collect(),
        consent: plan.controls.consent.as_ref().map(|of| consent(plan, of)),
        k: plan.gate.as_ref().map(|gate| gate.k),
        quasi_identifiers: plan.gate.iter().flat_map(|gate| gate.quasi_identifiers.iter().cloned()).collect(),
        l: diversity.map(|of| (of.l, format!("{:?}", of.measure).to_lowercase())),
        sensitive: diversity.iter().flat_map(|of| of.sensitive.iter().cloned()).collect(),
        recipient_kind: recipient.map(|of| of.kind.said().into()),
        sale: recipient.is_some_and(|of| of.sale),
        country: recipient.and_then(|of| of.country.clone()),
        transfer: recipient.and_then(|of| of.transfer.clone()),
        recipient: name,
        raw_keep: None,
        domain: plan.domain.clone(),
        same_tokens: BTreeSet::new(),
        rows: None,
        breaches: 0,
    }
}

fn field<'a>(plan: &Plan, field: &Field, facts: &impl Fn(&str) -> Option<&'a ColumnFacts>) -> RiskField {
    let column = field.from.map(|at| plan.columns[at].name.clone());
    RiskField {
        category: column.as_deref().and_then(facts).map(|of| of.category),
        treatment: field.treat.words(),
        settings: settings(plan, &field.treat),
        keep: field.keep.as_ref().map(ToString::to_string),
        column,
    }
}

/// Settings that the words of a treatment only count; long tables as a digest of the spec's own words.
fn settings(plan: &Plan, treatment: &Treatment) -> Option<String> {
    match treatment {
        Treatment::Map(_) | Treatment::Pick(_) => {
            Some(blake3::hash(format!("{treatment:?}").as_bytes()).to_hex()[..16].to_owned())
        }
        Treatment::Redact(redact) => {
            let names: Vec<&str> = redact.names.iter().map(|at| plan.columns[*at].name.as_str()).collect();
            Some(names.join(", "))
        }
        _ => None,
    }
}

fn exclude(plan: &Plan, of: &Exclude) -> String {
    let scope = if of.person { ", the whole person" } else { "" };
    format!("{} = {}{scope}", plan.columns[of.column].name, of.equals.join(" or "))
}

/// What an export that keeps earlier versions of records leaves out, as one more exclude (R75).
fn newest(plan: &Plan) -> Option<String> {
    let NewestRules { version, deleted } = plan.controls.newest?;
    let ended = deleted.map(|at| format!(", and records that {} ends", plan.columns[at].name));
    Some(format!("earlier versions by {}{}", plan.columns[version].name, ended.unwrap_or_default()))
}

fn consent(plan: &Plan, of: &ConsentColumn) -> String {
    format!("{} = {}", plan.columns[of.column].name, of.equals.join(" or "))
}
