//! Columns that say what a person wants: that they refuse something, or that they consented.

use super::column::{PeekColumn, Value};
use super::page::list;
use crate::policy::plain;

/// What a column says of the will of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// They want no more mail, calls or sales.
    Refusal,
    /// They said yes.
    Consent,
}

/// Parts of names of columns that say who refuses something, as `plain` leaves them.
const REFUSALS: [&str; 14] = [
    "optout",
    "optedout",
    "unsubscri",
    "donotcall",
    "donotcontact",
    "donotemail",
    "donotbulk",
    "donotphone",
    "donotmail",
    "donotsell",
    "marketingstatus",
    "emailstatus",
    "widerspruch",
    "d\u{e9}sinscri",
];

/// Parts of names of columns that say who consented.
const CONSENTS: [&str; 8] =
    ["consent", "legalbasis", "einwilligung", "consentement", "gdpr", "dsgvo", "optedin", "optin"];

/// Returns what a column says of the will of a person, by its name; none where it is a date or has no values.
pub(super) fn of(column: &PeekColumn) -> Option<Wish> {
    if !matches!(column.value, Value::Boolean | Value::Text | Value::Integer | Value::Empty) {
        return None;
    }
    let name = plain(&column.name);
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    let about = has(&["date", "reason", "time", "bounce"]);
    match () {
        () if about => None,
        () if has(&REFUSALS) => Some(Wish::Refusal),
        () if has(&CONSENTS) => Some(Wish::Consent),
        () => None,
    }
}

/// Returns the values that say it, as a spec lists them: those of a boolean, else none, because nobody but the owner of the
/// export knows its words.
pub(super) fn said(column: &PeekColumn) -> String {
    match column.value {
        Value::Boolean | Value::Integer | Value::Empty => list(["true", "1"]),
        _ => list::<&str>([]),
    }
}
