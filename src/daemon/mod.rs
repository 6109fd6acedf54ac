//! Jobs by schedule and sweeps: which is due, one attempt at it, and the loop that does so day and night.
//! Says when; `run` says what. Must not know batches nor keys.

mod attempt;
mod due;
mod health;
mod line;
mod service;
mod specs;
mod status;
mod sweeps;

pub use attempt::{Came, DueAttempt, Host, Work, run_due, take, worst};
pub use due::{Due, JobKnown, Missed, due, overdue};
pub use health::{Health, JobHealth};
pub use service::{Daemon, DaemonControl, Service};
pub use status::{JobStatus, NoJob, Refused, Sweeps, Version, status, without_job};
pub use sweeps::{DatasetKnown, SweepReason, sweep_as_of};

#[cfg(test)]
mod tests;
