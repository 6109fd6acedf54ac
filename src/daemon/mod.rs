//! Jobs by schedule and sweeps: which is due, one attempt at it, and the loop that does so day and night.
//! Says when; `run` says what. Must not know batches nor keys.

mod all_due;
mod attempt;
mod audits;
mod due;
mod health;
mod line;
mod service;
mod specs;
mod status;
mod sweeps;

pub use all_due::run_due;
pub use attempt::{Came, DueAttempt, Host, Work, take, worst};
pub use audits::{AUDIT, AuditStatus, audits};
pub use due::{Due, JobKnown, Missed, due, overdue};
pub use health::{Health, JobHealth};
pub use service::{Daemon, DaemonControl, Service};
pub use status::{JobStatus, NoJob, Refused, Sweeps, Version, status, without_job};
pub use sweeps::{DatasetKnown, SweepReason, sweep_as_of};

#[cfg(test)]
mod tests;
