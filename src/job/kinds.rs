//! Which kinds of identifiers the sources of an installation carry.

use crate::policy::{self, Identifier, Normal, PhoneRegion, Plan, Project};
use std::collections::BTreeMap;

/// Kinds of identifier that sources carry in key, strong and weak columns and in those of other persons, as they are written in specs.
pub(crate) fn kinds(project: &Project) -> BTreeMap<String, Identifier> {
    let of = |columns: &[policy::Column], controls: &policy::Controls| {
        let others = controls.others.iter().flat_map(|other| &other.by);
        let carried = controls.key.iter().chain(&controls.strong).chain(&controls.weak).chain(others);
        carried.map(|at| columns[*at].identifier.clone()).collect::<Vec<_>>()
    };
    let plan = |plan: &Plan| {
        let observed = plan.observe.iter().flat_map(|observe| of(&observe.columns, &observe.controls));
        of(&plan.columns, &plan.controls).into_iter().chain(observed).collect::<Vec<_>>()
    };
    let written = |mut identifier: Identifier| {
        if let Normal::Phone(_) = identifier.normal {
            identifier.normal = Normal::Phone(PhoneRegion::International);
        }
        (identifier.name().to_owned(), identifier)
    };
    project.jobs.values().flat_map(plan).map(written).collect()
}
