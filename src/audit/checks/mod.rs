//! One file per check; the table in [`CHECKS`] names each once, and reports and docs read it there.

mod columns_allowed;
mod consent_in_time;
mod entries_kept;
mod files_as_published;
mod group_k;
mod group_l;
mod holds_reviewed;
mod keep_of_today;
mod old_versions;
mod one_persons_domain;
mod purpose_of_today;
mod raw_in_time;
mod raw_keep;
mod recipient_review;
mod request_files;
mod requests_applied;
mod requests_in_time;
mod rows_in_time;
mod served;
mod signed_off;
mod text_patterns;
mod token_form;
mod token_of_key;
mod treated_values;
mod unknown_files;
mod unknown_in_state;
mod values_in_time;

use super::check::Check;

/// Every check, in the order in which they are told.
pub const CHECKS: &[&Check] = &[
    &served::CHECK,
    &purpose_of_today::CHECK,
    &recipient_review::CHECK,
    &signed_off::CHECK,
    &files_as_published::CHECK,
    &columns_allowed::CHECK,
    &treated_values::CHECK,
    &token_form::CHECK,
    &token_of_key::CHECK,
    &text_patterns::CHECK,
    &one_persons_domain::CHECK,
    &rows_in_time::CHECK,
    &values_in_time::CHECK,
    &consent_in_time::CHECK,
    &keep_of_today::CHECK,
    &requests_applied::CHECK,
    &requests_in_time::CHECK,
    &group_k::CHECK,
    &group_l::CHECK,
    &unknown_files::CHECK,
    &unknown_in_state::CHECK,
    &old_versions::CHECK,
    &raw_keep::CHECK,
    &raw_in_time::CHECK,
    &request_files::CHECK,
    &entries_kept::CHECK,
    &holds_reviewed::CHECK,
];
