//! Cleared rows become Parquet files, companions and one commit to a table, in the format of `format/`.
//! Must not know policy, keys or lists.

mod cleared;
mod column;
mod companion;
mod companion_group;
mod data;
mod encode;
mod file;
mod format;
mod groups;
mod memory;
mod removal;
mod rewrite;
mod schema;
mod seen_persons;
mod shown;
mod stretch;
mod table;
#[cfg(test)]
mod tests;
mod writer;

pub use column::{ColumnType, TableColumn};
pub use companion::{CompanionPart, Companions};
pub use companion_group::CompanionGroup;
pub use file::written_by;
pub use format::{
    Commit, Seen, adopt, commit, current, history, history_entry, is_current, is_history, is_known_history,
    may_hold_rows, replace, sample_command, seen, trim,
};
pub(crate) use memory::MemoryColumns;
pub use removal::{Orphans, is_staged, orphans};
pub use rewrite::{Rewriting, rewrite};
pub use seen_persons::{SeenPerson, SeenPersons, SeenWritten, seen_by};
pub use shown::{ShownRows, show_column, show_rows};
pub(crate) use stretch::FieldValues;
pub use table::{CurrentFile, CurrentTable, FileWritten, Passed, Receipt, Rewritten, Target, Writing, Written};

use crate::decide::Cleared;
use crate::error::Result;
use crate::monitor::{Event, Monitor};
use file::Publishable;

/// Writes the files and companions of one attempt. Nothing refers to them before `commit`.
///
/// # Errors
/// Policy errors when the columns do not fit the table, storage errors, and those of reading the rows. Files already
/// written stay behind as [`orphans`].
pub fn write(cleared: &Cleared, target: &Target<'_>, writing: &Writing<'_>, monitor: &dyn Monitor) -> Result<Written> {
    write_rows(cleared, target, writing, monitor)
}

/// As [`write()`], for whatever may be published.
pub(crate) fn write_rows(
    rows: &dyn Publishable,
    target: &Target<'_>,
    writing: &Writing<'_>,
    monitor: &dyn Monitor,
) -> Result<Written> {
    monitor.event(Event::Stage { name: "publish", total_bytes: None });
    let table = writing.current.map_or(&[][..], |current| &current.columns);
    let planned = schema::plan(rows.layout(), writing.binary_tokens, table)?;
    let columns = planned.iter().map(|p| p.column.clone()).collect();
    let shape = encode::FileShape::new(planned, writing.subject_field)?;
    let files = file::write_files(rows, target, writing, shape, monitor)?;
    Ok(Written {
        run: writing.run.to_owned(),
        attempt: writing.attempt,
        as_of: rows.as_of(),
        columns,
        rows: files.iter().map(|f| f.rows).sum(),
        files,
    })
}
