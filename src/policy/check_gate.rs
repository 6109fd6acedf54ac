//! The gate over the groups of a job: R36, R41.

use super::check_field::{FieldTerms, is_subject};
use super::job_spec::{GateSpec, OnViolation, Treat};
use super::plan::{Diversity, DiversityTerms, GroupTerms};
use super::real_clocks::is_birth;
use super::spec::At;
use super::value;

/// R36. Outer `None` = a finding; no gate is fine only when the purpose asks for groups of one.
pub(super) fn gate(terms: &FieldTerms) -> Option<Option<GroupTerms>> {
    let (page, purpose) = (terms.page, terms.purpose?);
    let Some(spec) = &terms.spec.gate else {
        if purpose.min_k <= 1 {
            return Some(None);
        }
        let help = format!("add [gate] with quasi_identifiers; min_k of the purpose is {} (R36)", purpose.min_k);
        page.fault(terms.spec.purpose.span(), "gate-missing", "the purpose has min_k, and the job has no [gate]", help);
        return None;
    };
    quasi_names(terms, spec);
    let listed = unlisted_quasi(terms, spec);
    births(terms, spec);
    let min_k = i64::from(purpose.min_k);
    let k = value::number(page, spec.k.as_ref(), 1..1_000_000, min_k)?;
    if let Some(at) = spec.k.as_ref().filter(|_| k < min_k) {
        let help = format!("write {min_k} or more");
        page.fault(at.span(), "k-below-min", "k is below the purpose's min_k", help);
    }
    if listed && k > 1 && spec.quasi_identifiers.is_empty() {
        let text = format!("no field is grouped: the gate asks only for {k} persons in the whole table");
        let help = "list the fields that somebody may know of a person, such as an area, an age band or a month";
        page.hint(spec.quasi_identifiers.span(), "gate-empty", text, help);
    }
    let diversity = diversity(terms, spec);
    let max_suppressed = value::share_or(page, spec.max_suppressed.as_ref(), "2%")?;
    Some(Some(GroupTerms {
        quasi_identifiers: spec.quasi_identifiers.iter().map(|q| q.to_string()).collect(),
        k: u32::try_from(k).ok()?,
        suppress: spec.on_violation.as_ref().is_some_and(|v| **v == OnViolation::Suppress),
        max_suppressed,
        diversity: diversity?,
    }))
}

fn quasi_names(terms: &FieldTerms, gate: &GateSpec) {
    let page = terms.page;
    for (i, at) in gate.quasi_identifiers.iter().enumerate() {
        match terms.spec.fields.get(at) {
            None => page.fault(at.span(), "unknown-field", "no such published field", "name one of [fields]"),
            Some(field) if is_subject(field) => {
                let help = "leave it out: every subject has a token of its own, so every group would have one subject";
                page.fault(at.span(), "quasi-subject", "the subject token is no quasi-identifier", help);
            }
            Some(_) => {}
        }
        if gate.quasi_identifiers[..i].iter().any(|q| **q == **at) {
            page.fault(at.span(), "duplicate-name", "named twice", "keep one");
        }
    }
}

/// R41. Outer `None` = a finding.
fn diversity(terms: &FieldTerms, gate: &GateSpec) -> Option<Option<DiversityTerms>> {
    let Some(spec) = &gate.diversity else { return Some(None) };
    sensitive_names(terms, gate, &spec.sensitive);
    if *spec.l < 2 {
        let help = "write 2 or more: every group has at least one value";
        terms.page.fault(spec.l.span(), "l-below-two", "every group reaches an l below 2 (R41)", help);
        return None;
    }
    let l = value::number(terms.page, Some(&spec.l), 2..1_000_000, 2)?;
    Some(Some(DiversityTerms {
        sensitive: spec.sensitive.iter().map(|field| field.to_string()).collect(),
        l: u32::try_from(l).ok()?,
        measure: spec.kind.as_ref().map_or(Diversity::Distinct, |kind| **kind),
        suppress: spec.on_violation.as_ref().is_some_and(|v| **v == OnViolation::Suppress),
    }))
}

fn sensitive_names(terms: &FieldTerms, gate: &GateSpec, sensitive: &At<Vec<At<String>>>) {
    let page = terms.page;
    if sensitive.is_empty() {
        page.fault(sensitive.span(), "sensitive-none", "no field is named", "name one of [fields], or leave this out");
    }
    for (i, at) in sensitive.iter().enumerate() {
        match terms.spec.fields.get(at) {
            None => page.fault(at.span(), "unknown-field", "no such published field", "name one of [fields]"),
            Some(field) if is_subject(field) => {
                let help = "leave it out: every subject has a token of its own, so groups always differ in it";
                page.fault(at.span(), "sensitive-subject", "the subject token is no sensitive field", help);
            }
            Some(_) if gate.quasi_identifiers.iter().any(|q| **q == **at) => {
                let help =
                    "leave it out of one of the two; out of quasi_identifiers only if quasi = false is right for it";
                let text = "a quasi-identifier has one value in each group";
                page.fault(at.span(), "sensitive-quasi", text, help);
            }
            Some(_) => {}
        }
        if sensitive[..i].iter().any(|other| **other == **at) {
            page.fault(at.span(), "duplicate-name", "named twice", "keep one");
        }
    }
}

/// A published date of birth that passes the gate because of its category.
fn births(terms: &FieldTerms, gate: &GateSpec) {
    if terms.inventory.nobody() {
        return;
    }
    for (at, field) in terms.spec.fields.iter().filter(|(_, field)| *field.treat != Treat::Present) {
        let place = field.from.as_ref().and_then(|from| terms.inventory.place(from));
        let Some(entry) = place.map(|p| &terms.inventory.columns[p]) else { continue };
        let said = entry.spec.birth.as_ref().is_some_and(|birth| **birth);
        let grouped = gate.quasi_identifiers.iter().any(|q| **q == **at);
        if !(said || entry.timed() && is_birth(&entry.name))
            || is_subject(field)
            || grouped
            || entry.quasi()
            || entry.spec.quasi.is_some()
        {
            continue;
        }
        let text = format!("field {} is made from a date of birth and passes the gate", at.as_str());
        let help = format!(
            "list {} here, and give its column the category demographic; or write quasi = false there",
            at.as_str()
        );
        terms.page.hint(gate.quasi_identifiers.span(), "birth-ungrouped", text, help);
    }
}

/// Returns whether all quasi-identifiers are listed.
fn unlisted_quasi(terms: &FieldTerms, gate: &GateSpec) -> bool {
    let mut all = true;
    for (at, field) in terms.spec.fields.iter() {
        let place = field.from.as_ref().and_then(|from| terms.inventory.place(from));
        let Some(entry) = place.map(|p| &terms.inventory.columns[p]) else { continue };
        if is_subject(field) || !entry.quasi() || gate.quasi_identifiers.iter().any(|q| **q == **at) {
            continue;
        }
        let help = format!("add {} here, or have quasi = false written into the source's column (R36)", at.as_str());
        let text = format!("field {} is a quasi-identifier and not listed", at.as_str());
        terms.page.fault(gate.quasi_identifiers.span(), "quasi-missing", text, help);
        all = false;
    }
    all
}
