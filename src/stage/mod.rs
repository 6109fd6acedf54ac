//! Rows go to buckets by the first bits of the subject token, in memory and, beyond a budget, sealed on disk.
//! All rows of a person are in one bucket. Must not know the policy nor the keys of tokens.

mod bucket;
mod record;
#[expect(clippy::module_inception, reason = "the noun of the module is also its main type's")]
mod stage;
mod vault;

pub use bucket::{BucketField, Control, RowBucket};
pub use stage::{Stage, Staged, Writer};
pub use vault::{Slot, Vault};

pub use crate::minimize::{FieldKind, FieldLayout, Layout, NO_CLOCK, NO_SINCE, NULL_QUASI, flag, mark};
