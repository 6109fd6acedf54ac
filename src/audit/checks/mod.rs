//! One file per check; the table in [`CHECKS`] names each once, and reports and docs read it there. Must not know how an
//! audit goes over files.

mod columns_allowed;
mod consent_in_time;
mod files_as_published;
mod group_k;
mod raw_keep;
mod requests_applied;
mod rows_in_time;
mod served;
mod text_patterns;
mod token_form;
mod token_of_key;
mod unknown_files;
mod values_in_time;

use super::check::Check;

/// Every check, in the order in which they are told.
pub const CHECKS: &[&Check] = &[
    &served::CHECK,
    &files_as_published::CHECK,
    &columns_allowed::CHECK,
    &token_form::CHECK,
    &token_of_key::CHECK,
    &text_patterns::CHECK,
    &rows_in_time::CHECK,
    &values_in_time::CHECK,
    &consent_in_time::CHECK,
    &requests_applied::CHECK,
    &group_k::CHECK,
    &unknown_files::CHECK,
    &raw_keep::CHECK,
];
