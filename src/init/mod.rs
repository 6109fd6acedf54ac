//! A first look at exports that nobody has described yet: what their files are like, what their columns hold, and the
//! specs that could be written for them, in which nothing is allowed. Raw values live as long as the sample; nothing that
//! is handed on holds one. Must not know jobs, runs or state.

mod category;
mod column;
mod crm;
mod dates;
mod dialect;
mod encoding;
mod guess;
mod layout;
mod lines;
mod page;
mod peek;
mod propose;
mod records_at;
mod sample;
mod shape;
mod wish;
mod write;

pub use column::{PeekColumn, Value};
pub use dates::Dates;
pub use dialect::{Dialect, LineEnds};
pub use guess::{ColumnGuess, Guesser};
pub use layout::FileLayout;
pub use page::{Edit, MadeFile, open_edits};
pub use peek::{Classes, PeekAsked, Peeked, PeekedCell, PeekedColumn, peek};
pub use propose::{GuessedType, Proposal, Proposed, Region, Treat, propose};
pub use sample::{Place, Table, Tables, look};
pub use shape::Shape;
pub use write::{Roots, write};
