//! Every object below the table is a file of the version, one that waits for removal, one of an attempt that may be under
//! way, or the table's history. Which format keeps the history is not known here: it is in a folder whose name begins
//! with `_`, and holds no rows.

use crate::audit::check::{AuditSpot, Check, CheckFound, Look};
use crate::audit::data::column_names;
use crate::audit::finding::Severity;
use crate::audit::scene::AuditedTable;
use crate::error::{Kind, Result};
use crate::store::{Object, Root};
use std::collections::BTreeSet;

pub(in crate::audit) const CHECK: Check = Check {
    rule: "unknown-files",
    article: "Art. 5(1)(f), 32 GDPR",
    severity: Severity::Error,
    holds: "Every file in a table's folder is one that a version names, or that a run or sweep may be writing.",
    fix: "find out who put it there; no request reaches rows of persons in such a file: delete it",
    look: Look::Table(look),
};

/// What an attempt may write for so long, with the next sweep to remove it.
const UNDER_WAY: i64 = 3 * 86_400_000_000;
/// Longer objects of the history are not opened.
const OPENED: u64 = 256 << 20;

fn look(table: &AuditedTable<'_>, found: &mut CheckFound<'_>) -> Result<()> {
    let Some(lake) = table.lake else {
        found.cannot("its root is not in the policy any more");
        return Ok(());
    };
    let objects = match lake.list(table.path) {
        Ok(objects) => objects,
        Err(error) if error.kind() == Kind::Evidence => {
            found.say(AuditSpot::default(), error.message());
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let replaced = table.dataset.replaced.iter().flat_map(|replaced| &replaced.files);
    let known: BTreeSet<&str> = table.current.files.iter().chain(replaced).map(|file| file.path.as_str()).collect();
    for object in objects.iter().filter(|object| !known.contains(object.path.as_str())) {
        let below = object.path.strip_prefix(table.path).unwrap_or(&object.path).trim_start_matches('/');
        if let Some(what) = stray(table, lake, object, below, found)? {
            let place = lake.display(&object.path);
            found.say(AuditSpot { file: Some(&place), since: Some(object.modified), ..AuditSpot::default() }, what);
        }
    }
    Ok(())
}

/// What is wrong with an object that no version names.
fn stray(
    table: &AuditedTable<'_>,
    lake: &Root,
    object: &Object,
    below: &str,
    found: &mut CheckFound<'_>,
) -> Result<Option<&'static str>> {
    if below.starts_with('_') && below.contains('/') {
        return history(table, lake, object, found);
    }
    if let Some((run, attempt)) = written_by(below)
        && let Some(origin) = table.scene.state.origin(run, attempt)?
    {
        let began = origin.at.max(object.modified);
        let left = began.0.saturating_add(UNDER_WAY) <= table.scene.now.0;
        return Ok(left.then_some("left by an attempt that came to nothing, and no sweep has removed it"));
    }
    Ok(Some("a file that no version names and no run of this installation has written"))
}

/// Rows in what should be history.
fn history(
    table: &AuditedTable<'_>,
    lake: &Root,
    object: &Object,
    found: &mut CheckFound<'_>,
) -> Result<Option<&'static str>> {
    if [".csv", ".tsv", ".txt", ".avro", ".orc", ".arrow", ".feather"].iter().any(|end| object.path.ends_with(end)) {
        return Ok(Some("a file among the table's history that may hold rows"));
    }
    if !object.path.ends_with(".parquet") {
        return Ok(None);
    }
    if object.bytes > OPENED {
        found.cannot(format!("{} is too long to be opened", lake.display(&object.path)));
        return Ok(None);
    }
    let Some(bytes) = lake.get(&object.path)? else { return Ok(None) };
    let columns = column_names(bytes).unwrap_or_default();
    let rows = columns.iter().any(|column| table.manifest.fields.iter().any(|field| field.name == *column));
    Ok(rows.then_some("a file among the table's history that has columns of the dataset"))
}

/// Run and attempt in the name of a data file, `part-RANGE-RUN-ATTEMPT.parquet`.
fn written_by(name: &str) -> Option<(&str, u32)> {
    let (range, rest) = name.strip_prefix("part-")?.strip_suffix(".parquet")?.split_once('-')?;
    let (run, attempt) = rest.rsplit_once('-')?;
    (!range.is_empty() && range.bytes().all(|byte| byte.is_ascii_digit())).then_some(())?;
    Some((run, attempt.parse().ok()?))
}
