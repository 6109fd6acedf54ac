//! When something should have gone from a version.

use super::scene::AuditedTable;

/// How long something may wait for the next sweep before that is a fault.
const WAIT: i64 = 2 * 86_400_000_000;

/// Returns whether what ends at `until`, in microseconds, should not be in the version: it had ended when the version
/// was judged, or no sweep has come for two days.
pub(super) fn is_late(table: &AuditedTable<'_>, until: i64) -> bool {
    until <= table.current.as_of.0 || until.saturating_add(WAIT) <= table.scene.now.0
}
