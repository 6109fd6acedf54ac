//! Hints about columns by which a person could be found and is not: addresses and numbers that are no link.

use super::check_source::{ColumnEntry, Inventory};
use super::column_names::says_email;
use super::source_spec::TypeName;
use super::spec::Category;
use std::collections::BTreeSet;

const CODE: &str = "link-missing";

/// Says which columns of a source that jobs publish from no request looks at.
pub(super) fn missing(inventory: &Inventory) {
    if inventory.nobody() {
        return;
    }
    let others = inventory.spec.others.iter().flatten();
    let others = others.flat_map(|other| other.by.iter().chain(other.columns.iter().flat_map(|list| list.iter())));
    let linked: BTreeSet<usize> = inventory.carriers().chain(others.filter_map(|at| inventory.place(at))).collect();
    let parts: BTreeSet<usize> = inventory.columns.iter().flat_map(|column| column.parts.iter().copied()).collect();
    let columns = inventory.columns.iter().enumerate();
    for (_, column) in columns.filter(|(place, _)| !linked.contains(place) && !parts.contains(place)) {
        column_of_nobody(inventory, column);
    }
}

fn column_of_nobody(inventory: &Inventory, column: &ColumnEntry) {
    let (page, spec) = (inventory.page, column.spec);
    let kind = spec.identifier.as_ref().map(|kind| (kind, kind.split('/').next().unwrap_or_default()));
    match kind {
        Some((at, kind @ ("email" | "phone"))) => {
            let text = format!("no request finds a person by this {kind}: the column is no link");
            let help = "name it in `weak` of [subject], or in [[others]] if it is another person's";
            page.hint(at.span(), CODE, text, help);
        }
        None if called_email(column) => {
            let text = format!("{} is called an e-mail address, and no request finds a person by it", column.name);
            let help = "add identifier = \"email\", and name the column in `weak` of [subject], or in [[others]] if the \
                        address is another person's";
            page.hint(spec.category.span(), CODE, text, help);
        }
        _ => {}
    }
}

fn called_email(column: &ColumnEntry) -> bool {
    let guarded = matches!(*column.spec.category, Category::Contact | Category::Identity);
    let text = column.spec.kind() == TypeName::Text;
    column.pattern.is_none() && guarded && text && says_email(&column.name)
}
