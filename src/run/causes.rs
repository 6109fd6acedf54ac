//! Where values and rows were lost, by column and cause, as counted while reading. Must not know values.

use crate::evidence::manifest::{Cause, CauseEffect, Identifiers};
use crate::minimize::{Position, Tally};
use crate::policy::Plan;
use crate::read::ReadReport;

/// Returns all causes: rejected rows, untreated values, values without a normal form.
pub fn of(plan: &Plan, tally: &Tally, main: &ReadReport, identifiers: &[Identifiers]) -> Vec<Cause> {
    let place = |at: Option<Position>| at.and_then(|at| main.place(at.input, at.record));
    let key = plan.controls.key.map(|key| plan.columns[key].name.clone()).unwrap_or_default();
    let rejected = |column: &str, why: &str, values: u64, first: Option<Position>| Cause {
        column: column.into(),
        effect: CauseEffect::Rejected,
        why: why.into(),
        values,
        first: place(first),
    };
    let mut causes = vec![rejected(&key, "no subject", tally.no_subject, tally.first_no_subject)];
    causes.extend(tally.clocks.iter().map(|clock| {
        rejected(&clock.column, "a clock value that its formats do not read", clock.unreadable, clock.first_unreadable)
    }));
    causes.extend(tally.excludes.iter().map(|exclude| {
        rejected(
            &exclude.column,
            "neither yes nor no, in the column of an exclude",
            exclude.unreadable,
            exclude.first_unreadable,
        )
    }));
    causes.extend(tally.versions.iter().map(|of| {
        rejected(
            &of.column,
            "it does not say which version it is, or whether it is the end",
            of.unreadable,
            of.first_unreadable,
        )
    }));
    for (field, counts) in plan.fields.iter().zip(&tally.fields) {
        let column = field.from.map(|from| plan.columns[from].name.as_str()).unwrap_or_default();
        causes.extend(counts.why.iter().map(|(why, (values, first))| Cause {
            column: column.into(),
            effect: CauseEffect::Untreated,
            why: format!("{}, in field {}", why.words(), field.name),
            values: *values,
            first: place(*first),
        }));
    }
    for of in identifiers {
        let column =
            if of.source == plan.source.name { of.column.clone() } else { format!("{}.{}", of.source, of.column) };
        causes.extend(of.why.iter().map(|raw| Cause {
            column: column.clone(),
            effect: CauseEffect::Raw,
            why: raw.cause.clone(),
            values: raw.values,
            first: of.first_raw.clone(),
        }));
    }
    causes.retain(|cause| cause.values > 0);
    causes
}
