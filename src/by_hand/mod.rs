//! What a person orders by hand: a request typed in, a table taken back from another program, a table ended for good.

mod adopt;
mod answered;
mod ask;
mod retire;

pub use crate::requests::RequestTerms;
pub use adopt::{Adopted, Adopting, adopt};
pub use answered::{Answered, answered};
pub use ask::{Asked, Stored, ask};
pub use retire::{Retired, Retiring, retire};
