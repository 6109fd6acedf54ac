//! R68: other persons that rows of a source may have, each with columns of their own.

use super::check_field::FieldTerms;
use super::check_source::Inventory;
use super::gather::Gather;
use super::plan::{Basis, Field, OtherPerson, Retention};
use super::source_spec::OtherSpec;
use super::spec::At;
use super::value;
use std::collections::BTreeSet;

const CODE: &str = "others";
/// Most of them that marks of identities can tell apart.
const MOST: usize = 16;

/// Checks what a source says of other persons.
pub(super) fn source(inventory: &Inventory) {
    let (page, mut names, mut taken) = (inventory.page, BTreeSet::new(), BTreeSet::new());
    let own: BTreeSet<usize> = inventory.carriers().collect();
    let all = inventory.spec.others.iter().flatten();
    for (number, other) in all.enumerate() {
        value::name(page, &other.name);
        let fault = |at: &At<String>, text: &str, help: &str| page.fault(at.span(), CODE, text, help);
        if !names.insert(other.name.as_str()) {
            page.fault(
                other.name.span(),
                "duplicate-name",
                "another person has this name",
                "give each a name of its own",
            );
        }
        if number >= MOST || inventory.nobody() {
            fault(
                &other.name,
                "the source cannot have this person",
                "at most 16, and none where no row is about a person",
            );
        }
        if other.by.is_empty() {
            page.fault(
                other.by.span(),
                CODE,
                "nothing names the person",
                "list at least one column with an identifier",
            );
        }
        for at in other.by.iter() {
            let Some(place) = inventory.find(page, at) else { continue };
            if inventory.columns[place].spec.identifier.is_none() {
                let help = "add identifier = \u{2026} to the column: requests name persons by it (R10)";
                page.fault(at.span(), "no-identifier", "the column has no identifier", help);
            }
        }
        for at in columns(other) {
            let Some(place) = inventory.find(page, at) else { continue };
            if own.contains(&place) {
                let help = "take it out of `key`, `strong` and `weak`, or out of here: a request for the other person \
                            would take the whole row";
                fault(at, "the column names the row's own person", help);
            }
            if !taken.insert((place, number)) {
                continue;
            }
            if taken.iter().any(|(other, of)| *other == place && *of != number) {
                fault(at, "the column is about two persons", "list it for one of them");
            }
        }
    }
}

/// All columns that are about another person.
fn columns(other: &OtherSpec) -> impl Iterator<Item = &At<String>> {
    other.by.iter().chain(other.columns.iter().flat_map(|list| list.iter()))
}

/// Indexes of the columns that name other persons of a source.
pub(super) fn naming<'a>(inventory: &'a Inventory<'a>) -> impl Iterator<Item = usize> + 'a {
    let by = inventory.spec.others.iter().flatten().flat_map(|other| other.by.iter());
    by.filter_map(|at| inventory.place(at))
}

/// Indexes of all columns of a source that are about other persons.
pub(super) fn about<'a>(inventory: &'a Inventory<'a>) -> impl Iterator<Item = usize> + 'a {
    inventory.spec.others.iter().flatten().flat_map(columns).filter_map(|at| inventory.place(at))
}

/// Returns the other persons that rows of a job may have. Of those of whom it publishes nothing, nothing is read.
pub(super) fn persons(inventory: &Inventory, fields: &[Field], gather: &mut Gather) -> Vec<OtherPerson> {
    let place = |at: &At<String>| inventory.place(at);
    let person = |(number, other): (usize, &OtherSpec)| {
        let published = fields.iter().any(|field| field.other == Some(number));
        let by: Vec<usize> = other.by.iter().filter(|_| published).filter_map(place).collect();
        OtherPerson { name: other.name.to_string(), by: gather.links(by.into_iter()) }
    };
    inventory.spec.others.iter().flatten().enumerate().map(person).collect()
}

/// Says of each field which other person it is about. Its values stay as long as the row, unless its own `keep` is shorter.
pub(super) fn fields(terms: &FieldTerms, fields: &mut [Field], retention: Option<&Retention>) {
    let (page, inventory) = (terms.page, terms.inventory);
    let on_consent = terms.purpose.is_some_and(|purpose| purpose.basis == Basis::Consent);
    for ((_, spec), field) in terms.spec.fields.iter().zip(fields) {
        let Some((from, place)) = spec.from.as_ref().and_then(|from| Some((from, inventory.place(from)?))) else {
            continue;
        };
        let mut all = inventory.spec.others.iter().flatten();
        field.other = all.position(|other| columns(other).any(|at| inventory.place(at) == Some(place)));
        if field.other.is_none() {
            continue;
        }
        field.keep = field.keep.or(retention.map(|retention| retention.keep));
        if on_consent {
            let help = "take the field out: the consent of the row's person is not that of another person";
            page.fault(from.span(), CODE, "the purpose rests on consent, and the column is about another person", help);
        }
    }
}
