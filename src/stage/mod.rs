//! Rows go to buckets by the first bits of the subject token, in memory and, beyond a budget, sealed on disk.
//! All rows of a person are in one bucket. Must not know the policy nor the keys of tokens.

mod bucket;
mod record;
mod spill_store;
#[expect(clippy::module_inception, reason = "the noun of the module is also its main type's")]
mod stage;

pub use bucket::{BucketField, Control, RowBucket};
pub use spill_store::{Slot, SpillStore};
pub use stage::{Stage, Staged, Writer};

pub use crate::minimize::{FieldKind, FieldLayout, Layout, NO_CLOCK, NO_SINCE, NULL_QUASI, RowVersion, flag, mark};
