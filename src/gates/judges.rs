//! What a gate is: what it observes, its verdict, its words.

use super::observed::{GroupCount, Observed};
use super::veto::Veto;
use crate::policy::GroupTerms;

/// What each file of this folder has: a type with the counts that the gate observes, as the manifest keeps them.
pub(super) trait Judges: Sized {
    /// The rule it keeps.
    const RULE: &'static str;
    /// Whether its counts are of the rows read and nothing else, so that an acceptance can name them.
    const OF_ROWS_READ: bool = true;

    /// Of a gate over groups: returns it before any group is seen; none when the job does not ask for it.
    fn over_groups(_terms: &GroupTerms) -> Option<Self> {
        None
    }

    /// Of any other gate: takes its counts from those of the run; none when the job does not ask for it.
    fn observe(_run: &Observed<'_>) -> Option<Self> {
        None
    }

    /// Counts a group and returns whether it falls below what the gate asks for.
    fn see(&mut self, _group: &GroupCount) -> bool {
        false
    }

    /// Returns whether rows of a group that falls below are suppressed; they refuse the run otherwise.
    fn suppresses(&self) -> bool {
        false
    }

    /// Notes a group that falls below and that nothing suppresses.
    fn leave(&mut self, _group: &GroupCount) {}

    /// Of a gate over groups: returns it as a sweep applies it, with its terms and without counts; a sweep suppresses.
    fn again(&self) -> Option<Self> {
        None
    }

    /// Of a gate over groups: returns it with its counts and nothing suppressed.
    fn adopted(&self) -> Option<Self> {
        None
    }

    /// Fields that make groups.
    fn quasi_identifiers(&self) -> &[String] {
        &[]
    }

    /// Fields whose values have to differ within groups.
    fn sensitive(&self) -> &[String] {
        &[]
    }

    /// Returns what stands against publishing; none when the gate passes.
    fn veto(&self) -> Option<Veto>;

    /// Returns what it has found, in one line.
    fn words(&self) -> String;
}
