//! Every object below the table is a file of the version, one that waits for removal, one of an attempt that may be under
//! way, or the table's history. Which format keeps the history is not known here: it is in a folder whose name begins
//! with `_`, holds no rows, and the dataset's record has what is in it, but for what came just now and hints of numbers.

use crate::audit::check::{AuditSpot, Check, CheckFound, Look};
use crate::audit::data::column_names;
use crate::audit::finding::Severity;
use crate::audit::scene::AuditedTable;
use crate::error::{Kind, Result};
use crate::store::{Object, Root};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

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
/// Longer objects are no hints.
const HINT: u64 = 4 << 10;

fn look(table: &AuditedTable<'_>, found: &mut CheckFound<'_>) -> Result<()> {
    let Some(lake) = table.lake else {
        found.cannot("its root is not in the policy any more");
        return Ok(());
    };
    let mut objects = match lake.list(table.path) {
        Ok(objects) => objects,
        Err(error) if error.kind() == Kind::Evidence => {
            found.say(AuditSpot::default(), error.message());
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    // A listing does not show names such as `rows.csv#1`, under which the store stages its writes.
    objects.extend(lake.staging_leftovers(table.path)?.0);
    let replaced = table.dataset.replaced.iter().flat_map(|replaced| &replaced.files);
    let known: BTreeSet<&str> = table.current.files.iter().chain(replaced).map(|file| file.path.as_str()).collect();
    for object in objects.iter().filter(|object| !known.contains(object.path.as_str())) {
        let below = object.path.strip_prefix(table.path).unwrap_or(&object.path).trim_start_matches('/');
        let below = below.rsplit_once('#').map_or(below, |(becomes, _)| becomes);
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
    let is_staged = object.path.contains('#');
    if !is_recorded(table, object) && (is_staged || !is_hint(lake, object)?) {
        return Ok(Some("a file among the table's history that no run of this installation has met"));
    }
    if is_staged || !object.path.ends_with(".parquet") {
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

/// Whether the dataset's record has an object of the history, or may have it soon: history is numbered, and met by the next
/// run or sweep. Records of earlier builds have nothing of it; then only what is not numbered is told.
fn is_recorded(table: &AuditedTable<'_>, object: &Object) -> bool {
    let name = object.path.rsplit('/').next().unwrap_or_default();
    let name = name.rsplit_once('#').map_or(name, |(becomes, _)| becomes);
    let numbered = name.split_once('.').is_some_and(|(number, rest)| {
        let ends = rest.ends_with("json") || rest.ends_with("parquet");
        ends && number.len() == 20 && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    let late = object.modified.0.saturating_add(UNDER_WAY) <= table.scene.now.0;
    table.dataset.history.contains_key(&object.path) || numbered && (!late || table.dataset.history.is_empty())
}

/// Whether an object says a few numbers and nothing else: where to begin to read, for instance.
fn is_hint(lake: &Root, object: &Object) -> Result<bool> {
    if object.bytes > HINT {
        return Ok(false);
    }
    let Some(bytes) = lake.get(&object.path)? else { return Ok(true) };
    let said = serde_json::from_slice::<BTreeMap<String, Value>>(&bytes).unwrap_or_default();
    Ok(!said.is_empty() && said.values().all(|value| value.is_number() || value.is_boolean() || value.is_null()))
}

/// Run and attempt in the name of a data file, `part-RANGE-RUN-ATTEMPT.parquet`.
fn written_by(name: &str) -> Option<(&str, u32)> {
    let (range, rest) = name.strip_prefix("part-")?.strip_suffix(".parquet")?.split_once('-')?;
    let (run, attempt) = rest.rsplit_once('-')?;
    (!range.is_empty() && range.bytes().all(|byte| byte.is_ascii_digit())).then_some(())?;
    Some((run, attempt.parse().ok()?))
}
