//! What a person orders by hand: a request typed in or refused, a table taken back from another program, a table ended for good.

mod adopt;
mod answered;
mod ask;
mod breach;
mod refuse;
mod retire;
mod sign_off;

pub use crate::policy::RefusedRight;
pub use crate::requests::RequestTerms;
pub use adopt::{Adopted, Adopting, adopt};
pub use answered::{Answered, answered};
pub use ask::{Asked, Stored, ask};
pub use breach::{BreachDecision, decide_breach};
pub use refuse::{RefusalNoted, RefusalTyped, refuse};
pub use retire::{Retired, Retiring, retire};
pub use sign_off::{SignOffOrder, SignedOffJob, sign_off};
