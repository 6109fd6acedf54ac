//! Which requests must be answered by a date, and by which.

use super::desk::due;
use super::prepare::Ready;
use crate::clock::Instant;
use crate::policy::Effect;
use crate::requests::{Entry, RequestStatus, Requests, Standing};

/// Whether a request must be answered by a date: a request that takes rows out must, as long as nothing has ended it.
pub(crate) fn has_deadline(entry: &Entry<'_>) -> bool {
    !entry.ended && !matches!(entry.effect, Effect::Lift | Effect::Consent | Effect::Hold)
}

/// Whether something is left to do here for a request: not for one whose last bytes only wait for the store.
/// A restriction that keeps bytes is done where it is applied (R69).
pub(crate) fn waits(entry: &Entry<'_>, standing: &Standing) -> bool {
    match standing.status() {
        RequestStatus::Applied => !entry.keeps_bytes(),
        status => matches!(status, RequestStatus::Received | RequestStatus::NeedsReview),
    }
}

/// The earliest deadline of a request that is not done in the job's dataset; none before anything is published.
pub(crate) fn next_deadline(ready: &Ready, requests: &Requests) -> Option<Instant> {
    ready.dataset.current.as_ref()?;
    let (job, purpose) = (&ready.call.job, &ready.plan().purpose.name);
    let all = (0..requests.len() as u32).map(|at| (at, requests.entry(at)));
    let open = all.filter(|(at, entry)| {
        has_deadline(entry) && entry.concerns(purpose) && waits(entry, &requests.standing(*at, job))
    });
    open.map(|(_, entry)| due(&ready.project, entry.list, entry.counts_from)).min()
}
