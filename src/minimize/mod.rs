//! `RawBatch` in, `Rows` out, row by row: treatments, identities, tokens, controls. Raw values end here.
//! Pure functions over batches. Must not know I/O, the wall clock or async.

mod controls;
mod guid;
mod identified;
mod identity;
mod minimizer;
mod minors;
mod normal;
mod noticed;
mod phone;
mod quasi_identifier;
mod refused;
mod region;
mod row_mark;
mod rows;
mod salesforce_id;
mod simd;
mod sketch;
mod tally;
#[cfg(test)]
mod tests;
mod untreated;
mod versions;
mod why_untreated;

pub use crate::cell::why::WhyRaw;
pub use controls::RowClock;
pub use identity::IdentityMaker;
pub use minimizer::{Minimizer, Stream, Worker};
pub use normal::formed;
pub use rows::*;
pub use sketch::{Sketch, Sketcher, alike};
pub use tally::{ClockTally, FieldTally, IdentifierTally, MAX_DISTINCT, Position, Renewed, Tally, UnreadableTally};
pub use why_untreated::WhyUntreated;
