//! What happens to each row, and whether the run may be published. One file per rule; pure.
//! Must not know I/O or raw values.

mod absent;
mod basis;
mod bond;
mod bucket;
mod carriers;
mod cleared;
mod consent;
mod exclude;
mod field_keep;
mod frame;
mod groups;
mod judged;
mod kept;
mod kept_by;
mod link_graph;
mod links;
mod lists;
mod newest;
mod others;
mod parts;
mod people;
mod reasons;
mod retention;
mod review;
mod row_effects;
mod rules;
mod scan;
mod shared;
mod spread;
mod trace;
mod verdict;
mod workers;

#[cfg(test)]
mod tests;

pub use crate::stage::{FieldKind, FieldLayout, Layout, NO_SINCE, NULL_QUASI, mark};
pub use absent::PreviousVersion;
pub use basis::binding;
pub use bond::{Belongs, Bond, Follows, Known, LinkLimits};
pub use carriers::{Carrier, Carriers};
pub use cleared::Cleared;
pub use groups::{Counter, GroupOutcome, combine};
pub use judged::{Judged, decide};
pub use kept::{Consent, KeptBucket};
pub use kept_by::KeptBy;
pub use links::{Doubt, Links, NewBond, Reached, follow};
pub use lists::{EffectSet, Entries, EntryTable, has_erased};
pub use reasons::Reason;
pub use retention::Until;
pub use review::{Fate, PublishedRows, Remaining, ReviewCounts, ReviewRules, ReviewedVersion, kept_by, review};
pub use rules::Rules;
pub use shared::SharedBy;
pub use trace::{SetAside, Traced};
pub use verdict::{NotBinding, QuasiHint, Verdict, VersionCounts};
