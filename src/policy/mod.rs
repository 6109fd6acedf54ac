//! The three kinds of spec file, and what they resolve to.
//! `Spec` types are as written; `Plan` is valid. Must not know any stage.

mod across;
mod apart;
mod check_field;
mod check_gate;
mod check_job;
mod check_pattern;
mod check_policy;
mod check_retention;
mod check_source;
mod digest;
mod effect;
mod field_spec;
mod finding;
mod folder;
mod format;
mod forms;
mod gather;
mod job_spec;
mod name_pattern;
mod place;
mod plan;
mod policy_spec;
mod real_clocks;
mod register;
mod schedule;
mod schedule_spec;
mod schema;
mod shape;
mod share;
mod source_spec;
mod spec;
mod treatment_keys;
mod value;

pub use apart::apart;
pub use folder::{lint, load, load_with_register};
pub use job_spec::CatchUp;
pub use name_pattern::{ColumnCover, CoveredBy, NamePattern, PatternLine};
pub use place::{Rule, place};
pub use plan::*;
pub use policy_spec::RecipientKind;
pub use register::*;
pub use schedule::Schedule;
pub use schema::{SpecKind, schema};
pub use source_spec::ColumnOrigin;
pub use spec::Category;
