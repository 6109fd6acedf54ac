//! Requests of data subjects: taken in from lists, stored once as identities, with what they have learned.
//! Must not know raw exports or datasets.

mod command;
mod date;
mod elsewhere;
mod entry;
mod history;
mod id;
mod keepers;
mod lift;
mod list;
mod notes;
mod part;
mod persons;
mod request;
mod said;
mod segment;
mod states;
mod status;

pub use command::{COMMAND, RequestCommand, RequestTerms};
pub use date::ListDates;
pub use elsewhere::Elsewhere;
pub use entry::{Entry, EntryRef, Requests, StoredBond, Usable, half};
pub use history::{Learned, ToldRequest};
pub use id::RequestIds;
pub use lift::LiftEnds;
pub use list::{IntakeReport, ListFault, ListIntake, files, take_in};
pub use request::Maker;
pub use status::{RequestState, RequestStatus, Review, Standing};
