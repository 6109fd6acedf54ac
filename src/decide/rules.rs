//! The part of a plan that decides about rows, with nothing left to interpret. Must not know rows.

use super::bond::LinkLimits;
use super::exclude;
use super::field_keep::FieldKeeps;
use super::others::OtherFields;
use super::shared::Shares;
use crate::clock::{Instant, Period};
use crate::policy::{Basis, Grounds, GroupTerms, Limits, Plan, Undated};
use jiff::tz::TimeZone;

/// Why rows are left out that no notice covers.
const UNNOTICED: &str = "unnoticed";

/// What `decide` goes by.
#[derive(Clone)]
pub struct Rules {
    pub(super) as_of: Instant,
    pub(super) zone: TimeZone,
    pub(super) keep: Period,
    pub(super) person: bool,
    /// Whether rows are about persons (R61).
    pub(super) subjects: bool,
    /// Whether retention counts from when persons were first seen, so that the next run has to know them.
    pub(super) first_seen: bool,
    /// Published fields with a keep of their own: index of the field, and the keep.
    pub(super) field_keeps: Vec<(usize, Period)>,
    /// Per field that the gate hashes, quasi-identifiers first, its place in `field_keeps`.
    pub(super) quasi_keeps: Vec<Option<usize>>,
    /// Which of the fields in `field_keeps` are about other persons (R68).
    pub(super) others: OtherFields,
    /// How many other persons a row may have.
    pub(super) other_persons: usize,
    pub(super) exclude_labels: Vec<String>,
    /// Label of each exclude.
    pub(super) excludes: Vec<usize>,
    /// Whether any exclude leaves out all rows of a person (R62).
    pub(super) excludes_persons: bool,
    pub(super) grounds: Grounds,
    pub(super) consent_column: bool,
    /// Whether the export has several versions of a record (R75).
    pub(super) newest: bool,
    pub(super) gate: Option<GroupTerms>,
    pub(super) limits: Limits,
    pub(super) hints: bool,
    /// Which shared values of links are counted; none for a judgement that tells nobody.
    pub(super) shares: Option<Shares>,
}

impl Rules {
    /// The rules of a plan at an instant.
    pub fn from(plan: &Plan, as_of: Instant) -> Rules {
        let field_keeps: Vec<(usize, Period)> =
            plan.fields.iter().enumerate().filter_map(|(f, field)| Some((f, field.keep?))).collect();
        let names = plan.gate.iter().flat_map(|gate| 0..gate.hashed().count());
        let keep_of = |q| field_keeps.iter().position(|(f, _)| plan.fields[*f].quasi == Some(q));
        // R85: as an exclude after all of the job's own.
        let unnoticed = plan.controls.notice.as_ref().map(|_| UNNOTICED);
        let (exclude_labels, excludes) =
            exclude::labels(plan.controls.excludes.iter().map(|e| e.reason.as_str()).chain(unnoticed));
        Rules {
            as_of,
            zone: plan.zone.clone(),
            keep: plan.retention.keep,
            person: plan.retention.person,
            subjects: plan.controls.key.is_some(),
            first_seen: plan.retention.undated == Some(Undated::FirstSeen),
            quasi_keeps: names.map(keep_of).collect(),
            others: OtherFields::new(field_keeps.iter().map(|(f, _)| plan.fields[*f].other).collect()),
            other_persons: plan.controls.others.len(),
            field_keeps,
            exclude_labels,
            excludes,
            excludes_persons: plan.controls.excludes.iter().any(|exclude| exclude.person),
            grounds: plan.grounds(),
            consent_column: plan.controls.consent.is_some(),
            newest: plan.controls.newest.is_some(),
            gate: plan.gate.clone(),
            limits: plan.limits.clone(),
            hints: false,
            shares: None,
        }
    }

    /// Also works out what leaving out each quasi-identifier would save; `plan` shows it, runs need not pay for it.
    pub fn with_hints(self) -> Rules {
        Rules { hints: true, ..self }
    }

    /// Also counts values of links that more subjects share than `limits` lets lead on.
    pub fn with_shared(self, plan: &Plan, limits: LinkLimits) -> Rules {
        Rules { shares: Some(Shares::of(&plan.controls, limits)), ..self }
    }

    /// Fields with a `keep` of their own, at the instant of the rules.
    pub(super) fn keeps(&self) -> FieldKeeps {
        let fields = self.field_keeps.iter().map(|(field, _)| *field).collect();
        FieldKeeps::new(self.as_of, fields, self.quasi_keeps.clone())
    }

    /// Number of quasi-identifiers, and of the sensitive fields after them.
    pub(super) fn hashed(&self) -> (usize, usize) {
        let quasi = self.gate.as_ref().map_or(0, |gate| gate.quasi_identifiers.len());
        (quasi, self.quasi_keeps.len() - quasi)
    }

    /// Whether persons need consent.
    pub(super) fn on_consent(&self) -> bool {
        self.grounds.basis == Basis::Consent
    }
}
