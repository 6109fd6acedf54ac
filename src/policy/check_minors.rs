//! `[minors]` of the policy: whose data are sold only after an opt-in (R84).

use super::finding::Page;
use super::policy_spec::{MinorsSpec, UnknownAge};
use super::spec::At;
use super::value;
use std::collections::BTreeMap;

/// The oldest age that a law could mean.
const OLDEST: i64 = 25;

/// `[minors]`, checked on its own.
pub(super) struct MinorTerms {
    /// Age from which no opt-in is needed.
    pub under: i32,
    /// Age from which it is the person's own.
    pub guardian_under: i32,
    /// Whether rows of unknown age are sold.
    pub unknown_sold: bool,
    /// Name of a source -> its column with the date or the year of birth.
    pub birth: BTreeMap<String, At<String>>,
}

/// Checks the table.
pub(super) fn minors(page: Page, spec: &MinorsSpec) -> Option<MinorTerms> {
    let age = |at: &Option<At<i64>>, default: i32| match at {
        None => Some(default),
        Some(at) => {
            let age = i32::try_from(**at).ok().filter(|_| (1..=OLDEST).contains(&**at));
            if age.is_none() {
                page.fault(at.span(), "minors", "not an age", format!("write a number of years from 1 to {OLDEST}"));
            }
            age
        }
    };
    let (under, guardian_under) = (age(&spec.under, 16), age(&spec.guardian_under, 13));
    if let (Some(under), Some(guardian), Some(at)) = (under, guardian_under, &spec.guardian_under)
        && guardian > under
    {
        page.fault(at.span(), "minors", "a guardian is asked for persons who need no opt-in", "write it below `under`");
    }
    for (_, column) in spec.birth.iter() {
        value::said(page, column);
    }
    Some(MinorTerms {
        under: under?,
        guardian_under: guardian_under?,
        unknown_sold: spec.unknown.as_ref().is_some_and(|at| **at == UnknownAge::Sold),
        birth: spec.birth.iter().map(|(source, column)| (source.to_string(), column.clone())).collect(),
    })
}
