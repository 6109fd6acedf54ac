//! Opens what was named on the command line (files, folders, URLs, archives) and reads the beginning of each table in
//! it. Files with the same columns are parts of one export.

use super::column::{ColumnCells, PeekColumn};
use super::layout::{FileLayout, any_format, layouts};
use crate::cell::text::canonical;
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::read::{Container, Member, Records, in_order, members};
use crate::store::{Object, Root};
use std::collections::BTreeMap;
use tokio::runtime::Handle;

/// Batches of about a mebibyte that are read of each table.
const BATCHES: usize = 4;
/// Members of one archive that are looked at.
const MOST_MEMBERS: usize = 200;
/// Ends of names of files that hold records.
const ENDS: [&str; 15] = [
    ".csv", ".tsv", ".txt", ".json", ".ndjson", ".jsonl", ".xlsx", ".xlsm", ".parquet", ".gz", ".tgz", ".zst", ".bz2",
    ".zip", ".tar",
];
/// Ends of names of files that say something of those that hold records.
const BESIDE: [&str; 2] = ["model.json", ".cdm.json"];

/// A folder or bucket that tables lie in: a root of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// A URL, or a path on this machine.
    pub url: String,
}

/// One export with a header: a file, parts with the same columns, or members of archives.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Table {
    /// Name for its source, from that of the file.
    pub name: String,
    /// Which place it lies in.
    #[serde(skip)]
    pub place: usize,
    /// Path below the place; a glob where there are several.
    pub input: String,
    /// Which exports of the same kind lie beside it, and what says that one is whole.
    #[serde(skip)]
    pub set: Option<Set>,
    /// Member of the archive.
    pub member: Option<String>,
    /// What the object is.
    pub container: Container,
    /// Files it is in.
    pub files: u64,
    /// How its records lie in its files.
    #[serde(rename = "dialect")]
    pub layout: FileLayout,
    /// Records that were looked at.
    pub records: u64,
    /// The table has no more records than those.
    pub whole: bool,
    /// Records with more or fewer cells than the header has.
    pub ragged: u64,
    /// Those of them with which the table ends, as the footer of a report does.
    pub footer: u64,
    /// Why no later record can be read.
    pub broken: Option<String>,
    /// What the columns hold, in the order of the header.
    pub columns: Vec<PeekColumn>,
    /// Columns that cannot be listed: without a name, or with one that another has, apart from case.
    pub unlisted: u64,
    /// Columns without a single value in a cell: lists, maps, or of a type that is not read.
    pub structures: Vec<String>,
}

/// Exports by date, each in a folder of its own.
#[derive(Clone, Debug)]
pub struct Set {
    /// Name of an empty object that says an export is whole.
    pub marker: Option<String>,
}

/// All tables that were found.
pub struct Tables {
    /// Objects that were looked at, as root and path.
    pub places: Vec<Place>,
    /// Tables that were found in them.
    pub tables: Vec<Table>,
    /// What was left out, and why.
    pub left_out: Vec<String>,
    /// When they were looked at.
    pub now: Instant,
}

/// Looks at the beginning of everything that the targets name: paths, or URLs of objects and prefixes.
///
/// # Errors
/// Input errors for a target that holds no table; storage errors; a policy error for a URL that no store understands.
pub fn look(targets: &[String], now: Instant, runtime: &Handle) -> Result<Tables> {
    let mut all = Tables { places: Vec::new(), tables: Vec::new(), left_out: Vec::new(), now };
    for target in targets {
        let found = open(target, runtime)?;
        let place = all.places.iter().position(|place| place.url == found.url);
        let place = place.unwrap_or_else(|| {
            all.places.push(Place { url: found.url.clone() });
            all.places.len() - 1
        });
        let before = all.tables.len();
        let mut refused = None;
        for object in &found.objects {
            if let Err(error) = object_tables(&found, object, place, &mut all) {
                all.left_out.push(said(&error));
                refused = refused.or(Some(error));
            }
        }
        if all.tables.len() == before {
            let none = || {
                Error::new(Code::InputMissing, format!("{target} holds no export"))
                    .help("name a file (CSV, JSON, a workbook, Parquet), an archive, or a folder of them")
            };
            return Err(refused.unwrap_or_else(none));
        }
    }
    unique_names(&mut all.tables);
    Ok(all)
}

fn said(error: &Error) -> String {
    match error.help_text() {
        Some(help) => format!("{}: {help}", error.message()),
        None => error.message().to_owned(),
    }
}

/// What a target names.
pub(super) struct Opened {
    url: String,
    pub root: Root,
    objects: Vec<Object>,
    set: Option<Set>,
}

pub(super) fn open(target: &str, runtime: &Handle) -> Result<Opened> {
    let folder = !target.contains("://") && std::path::Path::new(target).is_dir();
    if !folder {
        let (parent, name) = parted(target)?;
        let root = Root::open("raw", &parent, runtime.clone())?;
        let found = root.look_at(&name)?;
        if let Some(unseen) = found.unseen.first() {
            return Err(Error::new(Code::InputNotReadable, unseen.to_string()));
        }
        if !found.objects.is_empty() {
            return Ok(Opened { url: parent, root, objects: found.objects, set: None });
        }
        if !target.contains("://") {
            return Err(
                Error::new(Code::InputMissing, format!("{target} is not there")).help("name a file, a folder or a URL")
            );
        }
    }
    let root = Root::open("raw", target, runtime.clone())?;
    let (objects, set) = newest(root.look("")?.objects);
    Ok(Opened { url: target.trim_end_matches('/').to_owned(), root, objects, set })
}

/// The one table of an object: of an archive the only member that is one.
///
/// # Errors
/// Input errors, also where there are several tables.
pub(super) fn table_of(opened: &Opened, member: Option<&str>) -> Result<(Member, FileLayout)> {
    let [object] = &opened.objects[..] else {
        return Err(
            Error::new(Code::ArgumentWrong, "this is a folder, and peek looks at one object").help("name a file in it")
        );
    };
    let found = members(&opened.root, object, &any_format())?;
    let archive = found.iter().any(|found| found.name().is_some());
    let named =
        |found: &&Member| !archive || member.is_none_or(|wanted| found.name().is_some_and(|name| name == wanted));
    let found: Vec<&Member> = found.iter().filter(named).collect();
    let wanted = member;
    let member = match (&found[..], member) {
        ([one], _) => *one,
        (_, Some(wanted)) => {
            return Err(Error::new(Code::ArchiveMembers, format!("{} has no member {wanted}", object.path)));
        }
        (all, None) => {
            let names: Vec<&str> = all.iter().filter_map(|member| member.name()).take(20).collect();
            return Err(Error::new(
                Code::ArchiveMembers,
                format!("{} is an archive of {} members", object.path, all.len()),
            )
            .help(format!("name one of them with --member: {}", names.join(", "))));
        }
    };
    let found = layouts(&opened.root, member, &object.path)?;
    one_sheet(found, wanted.filter(|_| !archive), member.place()).map(|layout| (member.clone(), layout))
}

/// The only table of a file, or the sheet of that name.
fn one_sheet(mut found: Vec<FileLayout>, wanted: Option<&str>, place: &str) -> Result<FileLayout> {
    let name = |layout: &FileLayout| match layout {
        FileLayout::Xlsx { sheet, .. } => Some(sheet.clone()),
        _ => None,
    };
    let named = |layout: &FileLayout| wanted.is_none_or(|wanted| name(layout).is_some_and(|name| name == wanted));
    let names: Vec<String> = found.iter().filter_map(name).collect();
    found.retain(|layout| named(layout));
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => Err(Error::new(Code::ArchiveMembers, format!("{place} has no member or sheet of that name"))
            .help(format!("it has {}", if names.is_empty() { "neither".into() } else { names.join(", ") }))),
        (Some(_), false) => Err(Error::new(Code::SheetUnclear, format!("{place} has {} sheets", names.len()))
            .help(format!("name one of them with --member: {}", names.join(", ")))),
    }
}

/// A path or URL as its folder and the name in it.
fn parted(target: &str) -> Result<(String, String)> {
    let bad =
        || Error::new(Code::ArgumentWrong, format!("{target} names no file")).help("name a file, a folder or a URL");
    match target.rsplit_once('/') {
        Some((parent, name)) if parent.is_empty() && !name.is_empty() => Ok(("/".into(), name.into())),
        Some((parent, name)) if !name.is_empty() && !parent.ends_with('/') => Ok((parent.into(), name.into())),
        None if !target.is_empty() => Ok((".".into(), target.into())),
        _ => Err(bad()),
    }
}

/// Where all objects lie in folders that are named like exports by date, those of the newest one; else all of them.
fn newest(objects: Vec<Object>) -> (Vec<Object>, Option<Set>) {
    let first = |object: &Object| object.path.split_once('/').map(|(set, _)| set.to_owned());
    let (empty, filled): (Vec<Object>, Vec<Object>) = objects.into_iter().partition(|object| object.bytes == 0);
    let ends = |path: &str, ends: &[&str]| ends.iter().any(|end| path.ends_with(end));
    let record = |object: &Object| {
        let path = object.path.to_ascii_lowercase();
        ends(&path, &ENDS) && !ends(&path, &BESIDE)
    };
    let filled: Vec<Object> = filled.into_iter().filter(record).collect();
    let Some(sets) = filled.iter().map(first).collect::<Option<Vec<String>>>().filter(|sets| !sets.is_empty()) else {
        return (filled, None);
    };
    let dated = sets.iter().all(|set| set.bytes().filter(u8::is_ascii_digit).count() >= 4);
    let order = in_order(sets.iter().map(String::as_str), None).ok().filter(|_| dated);
    let Some(newest) = order.and_then(|order| order.last().map(|set| (*set).to_owned())) else { return (filled, None) };
    let inside = |object: &Object| first(object).as_deref() == Some(&newest);
    let marker =
        empty.iter().filter(|object| inside(object)).find_map(|object| Some(object.path.split_once('/')?.1.to_owned()));
    (filled.into_iter().filter(inside).collect(), Some(Set { marker: marker.filter(|marker| !marker.contains('/')) }))
}

fn object_tables(opened: &Opened, object: &Object, place: usize, all: &mut Tables) -> Result<()> {
    let found = members(&opened.root, object, &any_format())?;
    let csv = |member: &Member| member.name().is_none_or(|name| name.to_ascii_lowercase().ends_with(".csv"));
    let named = found.iter().any(|member| member.name().is_some() && csv(member));
    let mut refused = None;
    for member in found.iter().filter(|member| !named || csv(member)).take(MOST_MEMBERS) {
        match table(opened, object, member, place, all) {
            Ok(()) => {}
            // A member that is no table does not hide those that are.
            Err(error) if member.name().is_some() => {
                all.left_out.push(said(&error));
                refused = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    match refused {
        Some(error) if found.len() == 1 => Err(error),
        _ => Ok(()),
    }
}

/// Takes in all tables of a file: of a workbook, each sheet is one.
fn table(opened: &Opened, object: &Object, member: &Member, place: usize, all: &mut Tables) -> Result<()> {
    for layout in layouts(&opened.root, member, &object.path)? {
        one_table(opened, (object, member, place), layout, all)?;
    }
    Ok(())
}

fn one_table(
    opened: &Opened,
    (object, member, place): (&Object, &Member, usize),
    layout: FileLayout,
    all: &mut Tables,
) -> Result<()> {
    let records = layout.open(&opened.root, member, BATCHES)?;
    let same = |table: &&mut Table| {
        table.place == place
            && std::mem::discriminant(&table.layout) == std::mem::discriminant(&layout)
            && same_columns(table, &records)
    };
    let alike = all.tables.iter_mut().find(same);
    let path =
        if opened.set.is_some() { object.path.split_once('/').map_or("", |(_, path)| path) } else { &object.path };
    if let Some(table) = alike {
        table.files += 1;
        let path = if member.name().is_some() { of_any_part(&literal(path)) } else { literal(path) };
        table.input = spanning(&table.input, &path);
        table.member = table.member.take().zip(member.name()).map(|(a, b)| spanning(&a, &literal(b)));
        return Ok(());
    }
    let stem = member.name().unwrap_or(&object.path);
    let name = match &layout {
        FileLayout::Headless { entity, .. } => entity,
        FileLayout::Xlsx { sheet, only: false, .. } => sheet,
        _ => stem.rsplit('/').next().unwrap_or(stem),
    };
    let mut table = Table {
        name: slug(name),
        place,
        input: if member.name().is_some() { of_any_part(&literal(path)) } else { literal(path) },
        set: opened.set.clone(),
        member: member.name().map(literal),
        container: member.container(),
        files: 1,
        layout,
        records: 0,
        whole: false,
        ragged: 0,
        footer: 0,
        broken: None,
        columns: Vec::new(),
        unlisted: 0,
        structures: Vec::new(),
    };
    fill(&mut table, records, all.now);
    all.tables.push(table);
    Ok(())
}

fn same_columns(table: &Table, records: &Records) -> bool {
    let names = records.names();
    let own = |at: &usize| !table.structures.contains(&names[*at]);
    let listed: Vec<usize> = listed(names).into_iter().filter(own).collect();
    table.columns.len() == listed.len() && table.columns.iter().zip(listed).all(|(column, at)| column.name == names[at])
}

/// Positions of the columns that a source can list: those with a name of their own.
fn listed(names: &[String]) -> Vec<usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(canonical(name).into_owned()).or_insert(0) += 1;
    }
    let own = |name: &String| !name.trim().is_empty() && counts.get(canonical(name).as_ref()) == Some(&1);
    names.iter().enumerate().filter(|(_, name)| own(name)).map(|(at, _)| at).collect()
}

/// Reads the sample's records into the columns of a table.
fn fill(table: &mut Table, mut records: Records, now: Instant) {
    let names: Vec<String> = records.names().to_vec();
    let (listed, unread): (Vec<usize>, Vec<usize>) =
        listed(&names).into_iter().partition(|at| records.unread(*at).is_none());
    table.unlisted = (names.len() - listed.len() - unread.len()) as u64;
    table.structures = unread.iter().map(|at| names[*at].clone()).collect();
    records.want(&listed);
    let mut columns: Vec<ColumnCells> = listed.iter().map(|_| ColumnCells::default()).collect();
    for _ in 0..BATCHES {
        match records.batch() {
            Ok(Some(batch)) => {
                for (at, cells) in columns.iter_mut().enumerate() {
                    let values = batch.values(at);
                    let rows = (0..batch.rows()).filter(|row| !batch.is_blank(*row));
                    rows.for_each(|row| cells.take(values.get(row).unwrap_or("")));
                }
                for (_, row) in batch.records() {
                    match row {
                        None => (table.ragged, table.footer) = (table.ragged + 1, table.footer + 1),
                        Some(row) if batch.is_blank(row) => {}
                        Some(_) => table.footer = 0,
                    }
                }
                table.records += batch.rows() as u64;
                records.recycle(batch);
            }
            Ok(None) => table.whole = true,
            Err(broken) => {
                let byte = broken.byte.map(|byte| format!(", byte {byte}")).unwrap_or_default();
                table.broken = Some(format!("record {}{byte}: {}", broken.record, said(&broken.error)));
            }
        }
        if table.whole || table.broken.is_some() {
            break;
        }
    }
    if !table.whole {
        table.footer = 0;
    }
    let json = matches!(table.layout, FileLayout::Json { .. } | FileLayout::Ndjson { .. });
    for (cells, name) in columns.into_iter().zip(listed.iter().map(|at| names[*at].as_str())) {
        match json && cells.hold_structures() {
            true => table.structures.push(name.to_owned()),
            false => table.columns.push(cells.facts(name, now)),
        }
    }
}

/// A path as a glob that matches it and hardly another: what a place may not hold stands for itself no more.
fn literal(path: &str) -> String {
    path.chars().map(|c| if c.is_control() || "*?[]{}\\%#".contains(c) { '?' } else { c }).collect()
}

/// The glob of an archive that is one of several: next time a member may be in another of them.
fn of_any_part(path: &str) -> String {
    let parts = path.rsplit_once('.').and_then(|(stem, end)| Some((stem.rsplit_once('_')?, end)));
    match parts {
        Some(((stem, number), end)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{stem}_*.{end}")
        }
        _ => path.to_owned(),
    }
}

/// A glob for both.
fn spanning(one: &str, other: &str) -> String {
    if one == other {
        return one.to_owned();
    }
    let head: String =
        one.chars().zip(other.chars()).take_while(|(a, b)| a == b && *a != '*').map(|(a, _)| a).collect();
    let rest = |text: &str| text.chars().skip(head.chars().count()).collect::<String>();
    let (one, other) = (rest(one), rest(other));
    let tail: String =
        one.chars().rev().zip(other.chars().rev()).take_while(|(a, b)| a == b && *a != '*').map(|(a, _)| a).collect();
    let tail: String = tail.chars().rev().collect();
    format!("{head}*{tail}")
}

/// A name of a spec from that of a file, without what changes from export to export.
fn slug(file: &str) -> String {
    let stem = file.split('.').next().unwrap_or(file);
    let plain: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let mut words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    while words.len() > 1 && words.last().is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit())) {
        words.pop();
    }
    if words.is_empty() { "export".into() } else { words.join("-").chars().take(60).collect() }
}

fn unique_names(tables: &mut [Table]) {
    for at in 1..tables.len() {
        let (before, own) = (tables[..at].iter().map(|table| table.name.clone()).collect::<Vec<_>>(), &tables[at].name);
        let free = (2..).map(|n| format!("{own}-{n}")).find(|name| !before.contains(name));
        if before.contains(own)
            && let Some(free) = free
        {
            tables[at].name = free;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_globs_are_made_of_paths() {
        assert_eq!(slug("Contact.csv"), "contact");
        assert_eq!(slug("hubspot-crm-exports-all-contacts-2026-11-21.csv"), "hubspot-crm-exports-all-contacts");
        assert_eq!(slug("2026.csv"), "2026");
        assert_eq!(slug("Übersicht.csv"), "bersicht");
        assert_eq!(literal("a [1] 50%.csv"), "a ?1? 50?.csv");
        assert_eq!(of_any_part("a/WE_00D_1.ZIP"), "a/WE_00D_*.ZIP");
        assert_eq!(of_any_part("contacts_new.zip"), "contacts_new.zip");
        assert_eq!(spanning("WE_00D_1.ZIP", "WE_00D_2.ZIP"), "WE_00D_*.ZIP");
        assert_eq!(spanning("WE_00D_*.ZIP", "WE_00D_3.ZIP"), "WE_00D_*.ZIP");
        assert_eq!(parted("a.csv").ok(), Some((".".into(), "a.csv".into())));
        assert_eq!(parted("/a.csv").ok(), Some(("/".into(), "a.csv".into())));
        assert_eq!(parted("s3://b/p/a.csv").ok(), Some(("s3://b/p".into(), "a.csv".into())));
        assert!(parted("s3://").is_err());
    }

    #[test]
    fn columns_without_a_name_of_their_own_are_not_listed() {
        let names = ["Id", "", "Name", "NAME", " "].map(String::from);
        assert_eq!(listed(&names), [0]);
    }
}
