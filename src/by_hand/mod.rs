//! What a person orders by hand: a request typed in or refused, a table taken back from another program, a table ended for good.

mod adopt;
mod answered;
mod ask;
mod refuse;
mod retire;

pub use crate::requests::RequestTerms;
pub use adopt::{Adopted, Adopting, adopt};
pub use answered::{Answered, answered};
pub use ask::{Asked, Stored, ask};
pub use refuse::{RefusalNoted, RefusalTyped, RefusedRight, refuse};
pub use retire::{Retired, Retiring, retire};
