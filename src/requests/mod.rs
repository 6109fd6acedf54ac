//! Requests of data subjects: taken in from lists, stored once as identities, with what they have learned.
//! Must not know raw exports or datasets.

mod cells;
mod entry;
mod history;
mod list;
mod request;
mod segment;
mod text;

pub use entry::{Bond, Entry, EntryRef, Requests};
pub use history::Learned;
pub use list::{Fault, IntakeReport, ListIntake, take_in};
pub use request::Maker;
