//! Who may be concerned by a breach and is not counted: people in exports, in the state and in files of requests. Must not
//! know tables.

use super::asked::BreachAsked;
use super::report::BreachedExport;
use crate::policy::{Location, Project};
use crate::state::State;

/// Returns of whom nobody knows how many they are, in words; empty when everybody is counted.
pub(super) fn uncounted(
    (project, state): (&Project, &State),
    asked: &BreachAsked,
    exports: &[BreachedExport],
) -> Vec<String> {
    let Some(root) = &asked.root else { return Vec::new() };
    let mut found: Vec<String> = exports
        .iter()
        .map(|of| format!("everybody in the exports of {}: {} records, which are not read", of.source, of.records))
        .collect();
    let meant = |input: &Location| input.root == *root && may_have(asked, &input.path);
    for plan in project.jobs.values() {
        if meant(&plan.input) {
            found.push(format!("everybody in exports of {} that no run has read", plan.source.name));
        }
        if plan.observe.iter().any(|observe| meant(&observe.input)) {
            found.push(format!("everybody in exports that job {} observes", plan.job));
        }
    }
    let lists = project.lists.values().map(|list| (&list.name, &list.input));
    let corrections = project.corrections.values().map(|list| (&list.name, &list.input));
    for (name, _) in lists.chain(corrections).filter(|(_, input)| meant(input)) {
        found.push(format!("everybody whom the files of list {name} name, with the values that they have"));
    }
    if root == "state" {
        found.push(
            "everybody in all tables (companions, as keyed hashes), and everybody who has asked for something \
             (stored requests, as keyed hashes)"
                .into(),
        );
    }
    let tables = state.tables().map(|tables| tables.into_keys().any(|of| of.starts_with(&format!("{root}:"))));
    if found.is_empty() && !tables.unwrap_or(true) {
        found.push("whoever is in what lies there: tamis knows nothing of this place, or it is mistyped".into());
    }
    found.sort();
    found.dedup();
    found
}

/// Whether objects of an input may be below the prefix: their paths begin alike, up to the first pattern.
fn may_have(asked: &BreachAsked, path: &str) -> bool {
    let fixed = path.split(['*', '?', '[', '{']).next().unwrap_or_default();
    asked.prefix.as_ref().is_none_or(|prefix| fixed.starts_with(prefix.as_str()) || prefix.starts_with(fixed))
}
