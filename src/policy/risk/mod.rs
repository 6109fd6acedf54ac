//! What makes a job riskier for people, as a table: which changes need a new signature of the controller and which do
//! not (R76).

mod coarser;
mod make;
mod profile;
mod rules;

pub(super) use make::profiles;
pub use profile::{RiskField, RiskProfile};
pub use rules::{RISKS, RiskChange, RiskDirection, RiskRule, risk_changes, risks_raised};
