//! Requests of data subjects: taken in from lists, stored once as identities, with what they have learned.
//! Must not know raw exports or datasets.

mod command;
mod date;
mod entry;
mod history;
mod list;
mod part;
mod request;
mod segment;
mod states;

pub use command::{COMMAND, Command};
pub use entry::{Bond, Entry, EntryRef, LiftEnds, Requests, Usable, half};
pub use history::{Learned, Told};
pub use list::{Fault, IntakeReport, ListIntake, files, take_in};
pub use request::Maker;
pub use states::{RequestStatus, Review, Standing, State};
