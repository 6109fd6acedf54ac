//! Gates: what may refuse a whole run, or suppress rows of it. A gate is one file, with what it observes, its verdict and
//! its words for people; the table below names it once, and `decide`, evidence and what people read take it from there.
//! Reading and deciding only count. Nothing is published before every gate has passed over the whole run.
//! Must not know rows, values, or where counts come from.

mod balance;
mod few_values;
mod first_seen;
mod judges;
mod k;
mod known_set;
mod l_diversity;
mod max_emptied;
mod max_raw;
mod max_rejected;
mod max_removed;
mod max_suppressed;
mod max_unnoticed;
mod max_untreated;
mod min_records;
mod not_empty;
mod observed;
mod review;
mod sender_count;
mod share_told;
mod sign_off;
mod table;
mod veto;

use judges::Judges;
pub use observed::{
    ColumnRead, FieldRead, FirstSeenRead, GroupCount, NoticesRead, Observed, Reading, ReviewRead, SetDoubt,
    SignOffRead, Spread,
};
pub use veto::{Veto, refusal};

// Gates over groups come first: the others count what these suppress. Refusals are told in this order.
table::gates! {
    "k" => k::KAnonymity,
    "l-diversity" => l_diversity::LDiversity,
    "balance" => balance::Balance,
    "sender-count" => sender_count::SenderCount,
    "min-records" => min_records::MinRecords,
    "max-untreated" => max_untreated::MaxUntreatedValues,
    "max-unnoticed" => max_unnoticed::MaxUnnoticed,
    "max-emptied" => max_emptied::MaxEmptied,
    "few-values" => few_values::FewValues,
    "max-raw" => max_raw::MaxRawForms,
    "max-suppressed" => max_suppressed::MaxSuppressed,
    "max-removed" => max_removed::MaxRemoved,
    "not-empty" => not_empty::NotEmpty,
    "max-rejected" => max_rejected::MaxRejected,
    "known-set" => known_set::KnownSet,
    "first-seen" => first_seen::FirstSeenKept,
    "review" => review::RecipientReview,
    "sign-off" => sign_off::SignOff,
}

impl Gate {
    /// Returns the gates of a job after all groups and all counts; what stands against publishing is in their vetoes.
    pub fn all(groups: Vec<Gate>, run: &Observed<'_>) -> Vec<Gate> {
        let mut gates = groups;
        gates.extend(Gate::observed(run));
        gates
    }

    /// Shows a group to gates over groups, of which there are few, and returns what becomes of its rows.
    pub fn judge(gates: &mut [Gate], group: &GroupCount) -> GroupFate {
        let mut below = 0u64;
        for (place, gate) in gates.iter_mut().enumerate() {
            below |= u64::from(gate.see(group)) << place;
        }
        if below == 0 {
            return GroupFate::Stays;
        }
        let is_below = |place: usize| below & (1 << place) != 0;
        if gates.iter().enumerate().any(|(place, gate)| is_below(place) && gate.suppresses()) {
            return GroupFate::Suppressed;
        }
        gates.iter_mut().enumerate().filter(|(place, _)| is_below(*place)).for_each(|(_, gate)| gate.leave(group));
        GroupFate::Refused
    }
}

/// What becomes of the rows of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupFate {
    /// The gate stands whatever is accepted.
    Stays,
    /// A gate suppresses them. Other groups stay as they are, so that one pass over all groups is enough.
    Suppressed,
    /// A gate refuses the run because of them.
    Refused,
}

#[cfg(test)]
mod tests;
