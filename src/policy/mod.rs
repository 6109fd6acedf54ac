//! The three kinds of spec file, and what they resolve to.
//! `Spec` types are as written; `Plan` is valid. Must not know any stage.

mod plan;

pub use plan::*;
