//! Which cells mean null (R5), whatever format they come in.

use crate::invisible;

/// Returns whether a cell is blank or one of the source's words for "no value"; without such words every cell has its text
/// as a value, as in lists, which say for themselves what a blank cell means.
pub(super) fn means_null(text: &str, null: Option<&[String]>) -> bool {
    let Some(null) = null else { return false };
    if invisible::is_blank(text) {
        return true;
    }
    let text = invisible::seen(text);
    null.iter().any(|word| word == text.trim())
}
