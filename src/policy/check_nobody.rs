//! R61: sources of which no row is about a person, and jobs over them: whatever only a person has is refused there, and
//! so is every column that sounds like one.

use super::check_field::{FieldTerms, is_subject};
use super::check_source::{ColumnEntry, Inventory};
use super::column_names::sounds_personal;
use super::finding::Page;
use super::job_spec::{ClockSpec, ObserveSpec, Scope, Treat};
use super::plan::{Basis, Undated};
use super::spec::{At, Category};
use super::value;
use std::ops::Range;

const CODE: &str = "subject-none";

/// Checks that a source says whom its rows are about, or that they are about nobody, and then has nothing of persons.
pub(super) fn source(inventory: &Inventory) {
    let (page, subject) = (inventory.page, &inventory.spec.subject);
    let Some(none) = &subject.none else {
        if subject.key.is_none() {
            let help =
                "add `key`, the column that tells persons apart, or none = \"why no row is about a person\" (R61)";
            page.fault(subject.span(), "missing-key", "`key` is required here", help);
        }
        let unused = inventory.spec.columns.iter().filter_map(|(_, column)| column.not_personal.as_ref());
        for at in unused {
            let help = "leave it out; `category` says what the column holds";
            page.fault(at.span(), "unused-key", "`not_personal` is for sources without persons", help);
        }
        return;
    };
    value::said(page, none);
    let links = [subject.strong.as_ref().map(At::span), subject.weak.as_ref().map(At::span)];
    let of_persons = [
        ("key", subject.key.as_ref().map(At::span)),
        ("key_links", subject.key_links.as_ref().map(At::span)),
        ("consent", inventory.spec.consent.as_ref().map(At::span)),
    ];
    let of_links = links.into_iter().map(|at| ("a link", at));
    for (what, at) in of_persons.into_iter().chain(of_links).filter_map(|(what, at)| Some((what, at?))) {
        let help = "leave it out, or leave `none` out: a row that is linked to persons is about them";
        page.fault(at, CODE, format!("{what} is about persons, and `none` says that there are none"), help);
    }
    inventory.columns.iter().for_each(|column| of_person(inventory, column));
    let help = "no request reaches a row of it: look at some records yourself before you rely on this (R61)";
    page.hint(none.span(), "about-nobody", "the source says that none of its rows is about a person", help);
}

/// Refuses a column that is of persons by its category, its keys or its name.
fn of_person(inventory: &Inventory, column: &ColumnEntry) {
    let (page, spec) = (inventory.page, column.spec);
    let place = spec.category.span();
    if spec.category.personal() {
        let text = format!("category {} is about persons, and the source says that it has none", spec.category.name());
        let help = "leave the column out, or say with `key` of [subject] whom rows are about";
        page.fault(place.clone(), CODE, text, help);
    }
    let identifier = spec.identifier.as_ref().map(At::span).or_else(|| spec.parts.as_ref().map(At::span));
    let birth = spec.birth.as_ref().filter(|birth| ***birth).map(At::span);
    for at in [identifier, birth].into_iter().flatten() {
        let help = "leave it out: ids of things are published as text, without a token";
        page.fault(at, CODE, "only persons have identities, and the source says that it has none", help);
    }
    let secret = *spec.category == Category::Secret;
    let names = spec.names.iter().flat_map(|names| names.iter()).map(|name| name.as_str());
    let sounds = std::iter::once(column.name.as_str()).chain(names).find_map(sounds_personal);
    match (&spec.not_personal, sounds) {
        (Some(at), _) if value::said(page, at).is_none() => {}
        (None, Some(part)) if !secret => {
            let text = format!("the name of the column {} sounds like a person ({part})", column.name);
            let help = "leave it out of [columns] (name it in read.ignore); or write not_personal = \"why it is about \
                 nobody\"";
            page.fault(place, CODE, text, help);
        }
        _ => {}
    }
}

/// Checks that a job over such a source asks for nothing that only persons have.
pub(super) fn job(terms: &FieldTerms) {
    if !terms.inventory.nobody() {
        return;
    }
    fields(terms);
    let (page, spec) = (terms.page, terms.spec);
    let refuse = |at: Range<usize>, text: &str, help: &str| page.fault(at, CODE, text.to_owned(), help);
    if let Some(at) = spec.retention.scope.as_ref().filter(|scope| ***scope == Scope::Person) {
        refuse(at.span(), "no row is about a person, so no person has a clock", "leave it out: each row has its own");
    }
    let scopes = spec.exclude.iter().flatten().filter_map(|exclude| exclude.scope.as_ref());
    for at in scopes.filter(|scope| ***scope == Scope::Person) {
        refuse(
            at.span(),
            "no row is about a person, so no two rows are about the same person",
            "leave `scope` out of the exclude",
        );
    }
    if let Some(at) = &spec.gate {
        refuse(at.span(), "gates count persons, and the source says that it has none", "leave [gate] out");
    }
    if let Some(at) = spec.observe.iter().flatten().next() {
        refuse(
            at.source.span(),
            "activity is about persons, and the source says that it has none",
            "leave [[observe]] out",
        );
    }
    let Some(purpose) = terms.purpose else { return };
    if purpose.min_k > 1 {
        let help = "use a purpose with min_k = 1: no gate can count persons here";
        refuse(spec.purpose.span(), "the purpose has min_k, and the source says that it has no persons", help);
    }
    if purpose.basis == Basis::Consent {
        let help = "use a purpose on another basis: nobody is there to consent";
        refuse(spec.purpose.span(), "the purpose rests on consent, and the source says that it has no persons", help);
    }
    let first_seen = |clock: &&At<ClockSpec>| matches!(***clock, ClockSpec::Undated(Undated::FirstSeen));
    let first_seen = spec.retention.clock.as_ref().filter(first_seen);
    if let Some(at) = first_seen {
        let help = "name a clock of the rows, or keep them by the date of the export";
        refuse(at.span(), "first-seen is about persons, and the source says that it has none", help);
    }
}

/// Checks that no field has a token: nothing of such a source may name a person, whatever its id is of.
fn fields(terms: &FieldTerms) {
    for (at, spec) in terms.spec.fields.iter() {
        if is_subject(spec) || matches!(*spec.treat, Treat::Pseudonymize | Treat::DateShift | Treat::AgeBand) {
            let help = "choose another treatment, or say with `key` of [subject] in the source whom rows are about";
            terms.page.fault(at.span(), CODE, "this is made for persons, and the source says that it has none", help);
        }
    }
}

/// Refuses activity of nobody.
pub(super) fn observed(page: Page, at: &At<ObserveSpec>, inventory: &Inventory) {
    if inventory.nobody() {
        let help = "observe a source whose [subject] has a key";
        page.fault(at.source.span(), CODE, "the observed source says that it has no persons", help);
    }
}
