//! What is to say of the columns of an export: those that no source declares in one line, however many they are, and
//! what has changed since the run before.

use super::verdict::counted;
use crate::evidence::Manifest;
use crate::evidence::manifest::{Drift, Lost};
use crate::questions::DatasetStatus;

/// Names that one line tells.
const NAMED: usize = 3;

/// Returns how the columns of an export differ from those that the sources declare, and from those of the run before.
pub(super) fn said(m: &Manifest) -> Vec<String> {
    let lost = m.lost.iter().map(|lost| lost_one(m, lost));
    let renamed = m.renamed.iter().filter(|renamed| !m.lost.iter().any(|lost| lost.column == renamed.from));
    let renamed = renamed.map(|renamed| {
        format!("column {} is gone, and column {} holds what it held: was it renamed?", renamed.from, renamed.to)
    });
    let emptied = m
        .emptied
        .iter()
        .map(|name| format!("column {name} had values in the run before, and its first records have none now"));
    let new = m.covered.iter().filter(|covered| !covered.new.is_empty()).map(|covered| {
        let (columns, by) = (columns_of(&covered.new), &covered.by);
        let is = if covered.new.len() == 1 { "is" } else { "are" };
        format!("{columns} {is} new since the run before, and covered by {by} of the source")
    });
    undeclared(m).into_iter().chain(lost).chain(renamed).chain(emptied).chain(new).collect()
}

/// Columns that no source declares, in one line.
fn undeclared(m: &Manifest) -> Option<String> {
    if let [one] = &m.drift[..] {
        let (what, since) = (unlisted(one), one.first_seen);
        let new = if one.new { "; it is new since the run before" } else { "" };
        return Some(format!("{what} in the export but not declared in any source; left out since {since}{new}"));
    }
    let newest = m.drift.iter().map(|drift| drift.first_seen).max()?;
    let names = |of: &dyn Fn(&&Drift) -> bool| m.drift.iter().filter(of).map(|d| d.column.clone()).collect::<Vec<_>>();
    let (new, youngest) = (names(&|drift| drift.new), names(&|drift| drift.first_seen == newest));
    let which = match (new.is_empty(), youngest.len() == m.drift.len()) {
        (false, _) => format!("; new since the run before: {}", listed(&new)),
        (true, false) => format!("; the newest, since {newest}: {}", listed(&youngest)),
        (true, true) => format!(" since {newest}: {}", listed(&youngest)),
    };
    let columns: u64 = m.drift.iter().map(|drift| drift.columns.unwrap_or(1)).sum();
    Some(format!(
        "{columns} columns are in the export but not declared in any source; left out{which} (`--json` has all)"
    ))
}

/// The same of what is known of a published dataset.
pub(super) fn of_dataset(standing: &DatasetStatus) -> Option<String> {
    let days = |days: i64| counted(days.max(0) as u64, "day");
    match &standing.drift[..] {
        [] => None,
        [one] => {
            let name = column(&one.column);
            Some(format!("for {}, {name} is in the export but not declared in any source", days(one.days)))
        }
        [oldest, .., last] => {
            let newest = standing.drift.iter().filter(|drift| drift.first_seen == last.first_seen);
            let newest: Vec<String> = newest.map(|drift| drift.column.clone()).collect();
            let which = match newest.len() == standing.drift.len() {
                true => listed(&newest),
                false => format!("the newest, for {}: {}", days(last.days), listed(&newest)),
            };
            let (count, days) = (standing.drift.len(), days(oldest.days));
            Some(format!(
                "for {days}, {count} columns are in the export but not declared in any source: {which} \
                 (`--json` has all)"
            ))
        }
    }
}

fn lost_one(m: &Manifest, lost: &Lost) -> String {
    let column = column(&lost.column);
    let where_not = lost.files.map_or("not in the export".to_string(), |n| format!("not in {n} of its files"));
    let renamed = m.renamed.iter().find(|renamed| renamed.from == lost.column);
    let renamed = renamed.map_or(String::new(), |to| format!("; column {} holds what it held: was it renamed?", to.to));
    format!("{column} is declared, but {where_not}; missing since {}{renamed}", lost.first_seen)
}

fn columns_of(names: &[String]) -> String {
    match names {
        [one] => column(one),
        more => format!("{} columns ({})", more.len(), listed(more)),
    }
}

/// The first of some names, and how many more there are.
pub(super) fn listed(names: &[String]) -> String {
    let said = |name: &String| if name.is_empty() { "one without a name".to_owned() } else { name.clone() };
    let first: Vec<String> = names.iter().take(NAMED).map(said).collect();
    match names.len().saturating_sub(NAMED) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// A column by its name, when it has one.
pub(super) fn column(name: &str) -> String {
    if name.is_empty() { "a column without a name".into() } else { format!("column {name}") }
}

/// Columns that no source lists, with their verb.
fn unlisted(drift: &Drift) -> String {
    match (drift.columns, drift.column.is_empty()) {
        (None, _) => format!("{} is", column(&drift.column)),
        (Some(columns), true) => format!("{columns} columns without a name are"),
        (Some(columns), false) => format!("{columns} columns {} are", drift.column),
    }
}
