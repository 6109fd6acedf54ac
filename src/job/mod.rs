//! What every command begins with: an installation opened, a job of it made ready and held by one process at a time, its
//! tables by name, the requests that are in force for it. Must not know what is done with it.

pub mod aside;
mod awake;
mod caller;
mod companions;
pub(crate) mod corrections;
mod deadline;
mod desk;
mod held;
pub(crate) mod intake;
mod kept_requests;
mod kinds;
pub(crate) mod matching;
mod names;
mod prepare;
pub(crate) mod recover;
pub mod refusals;
mod roots;
mod scheduled;
mod signed;
mod stop;

pub use aside::LeftAside;
pub use awake::Awake;
pub(crate) use caller::{ATTEMPT, LEASE_MICROS};
pub use caller::{Caller, Hold};
pub use companions::CompanionFiles;
pub(crate) use deadline::{has_deadline, next_deadline, waits};
pub use desk::SubjectCall;
pub(crate) use desk::{Desk, due, identities, identities_asked, note};
pub(crate) use held::alone;
pub use held::{Alone, held};
pub(crate) use held::{Seat, Seeker};
pub use kept_requests::KeptRequests;
pub(crate) use kinds::kinds;
pub(crate) use names::{PublishedDataset, published};
pub use names::{
    all_names, companions_of, complaint, dataset_of, names_of, output_of, scheduled_of, served, sweeps_of, without_job,
};
pub use prepare::{Call, Ready, as_of_given};
pub use refusals::{CaseRefusal, UntoldRefusal};
pub use roots::{Wrap, data_roots, open_roots, root_of};
pub(crate) use scheduled::earlier;
pub use scheduled::scheduled_id;
pub use signed::{Signature, advice, breaches, profile_now, signature};
pub use stop::{Stop, Watched};
