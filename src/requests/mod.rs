//! Requests of data subjects: taken in from lists, stored once as identities, with what they have learned.
//! Must not know raw exports or datasets.

mod command;
mod date;
mod entry;
mod history;
mod list;
mod notes;
mod part;
mod request;
mod segment;
mod states;
mod status;

pub use command::{COMMAND, Command};
pub use entry::{Bond, Entry, EntryRef, LiftEnds, Requests, Usable, half};
pub use history::{Learned, Told};
pub use list::{Fault, IntakeReport, ListIntake, files, take_in};
pub use request::Maker;
pub use status::{RequestStatus, Review, Standing, State};
