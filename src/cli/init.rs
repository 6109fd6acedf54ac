//! `tamis init EXPORT…`: what exports are like, and specs for them in which nothing is allowed yet.

use super::args::InitArgs;
use super::lines::Lines;
use super::settings::Settings;
use super::spec_files::{refuse_to_overwrite, write, write_schemas};
use super::{answer, example, render};
use crate::error::{Code, Error, Result};
use crate::init::{
    self, Dialect, Edit, FileLayout, LineEnds, MadeFile, PeekColumn, Proposal, Proposed, Roots, Table, Tables, Value,
};
use crate::store::{local_folder, settle};
use std::path::{Path, PathBuf};

/// Widest name of a column in the table.
const WIDEST: usize = 40;

/// Looks at exports and writes specs for them, or writes the example.
///
/// # Errors
/// Policy errors when there is nothing to look at, or specs are there already; input errors for what cannot be read.
pub fn init(settings: &Settings, args: &InitArgs, json: bool) -> Result<String> {
    if args.example {
        return example::example(&settings.dir);
    }
    if args.exports.is_empty() {
        return Err(Error::new(Code::ArgumentWrong, "init needs something to look at").help(
            "`tamis init EXPORT…` looks at your exports (files, folders, archives, URLs) and writes specs for them\n\
             `tamis init --example` writes an example with an export of its own, which runs as it is",
        ));
    }
    if !args.dry_run {
        refuse_to_overwrite(&settings.dir)?;
    }
    let found = init::look(&args.exports, settings.now, settings.runtime.handle())?;
    let proposals = init::propose(&found.tables);
    let roots = match roots(settings, &found) {
        Ok(roots) => roots,
        // What was found is worth knowing although nothing can be written.
        Err(error) => return answer::with_outcome(told(&found, &proposals), Err(error)),
    };
    let (files, mut edits) = init::write(&found.tables, &proposals, &roots);
    edits.iter_mut().for_each(|edit| edit.file = settings.dir.join(&edit.file).display().to_string());
    if !args.dry_run {
        for MadeFile { path, text } in &files {
            write(&settings.dir.join(path), text.as_bytes())?;
        }
        write_schemas(&settings.dir)?;
    }
    if json {
        return as_json(&found, &proposals, &files, &edits);
    }
    let mut out = told(&found, &proposals);
    next(&mut out, settings, args, &found, &proposals, &edits);
    Ok(out)
}

/// Where things will lie: exports where they are, the rest in a folder `tamis` beside that of the specs.
fn roots(settings: &Settings, found: &Tables) -> Result<Roots> {
    let dir = &settings.dir;
    let unusable = || Error::new(Code::PlaceUnusable, format!("{} is no usable path", dir.display()));
    let specs = settle(dir).ok_or_else(unusable)?;
    let beside = specs.parent().ok_or_else(unusable)?.join("tamis");
    let mut raw = Vec::new();
    for place in &found.places {
        let Some(folder) = local_folder(&place.url) else {
            raw.push(place.url.clone());
            continue;
        };
        if beside.starts_with(&folder) {
            return Err(Error::new(Code::PlaceOverlaps, format!("the exports and {} lie in one folder, {}", dir.display(), folder.display()))
                .help("move the exports into a folder of their own, such as exports/, or name a folder elsewhere with --dir: keys, state and lake must lie apart from what is read"));
        }
        raw.push(relative(&specs, &folder));
    }
    let epoch = settings.now.to_string().chars().take(4).collect::<String>() + "a";
    let below = |name: &str| format!("../tamis/{name}");
    Ok(Roots { raw, lake: below("lake"), state: below("state"), keys: below("keys"), epoch })
}

/// The way from one folder to another, where they have more than the root in common; else the other as it is.
fn relative(from: &Path, to: &Path) -> String {
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    if common < 2 {
        return to.display().to_string();
    }
    let up = std::iter::repeat_n("..", from.components().count() - common).map(PathBuf::from);
    let down = to.components().skip(common).map(|part| PathBuf::from(part.as_os_str()));
    up.chain(down).collect::<PathBuf>().display().to_string()
}

fn as_json(found: &Tables, proposals: &[Proposal], files: &[MadeFile], edits: &[Edit]) -> Result<String> {
    let tables: Vec<_> = found
        .tables
        .iter()
        .zip(proposals)
        .map(|(table, proposal)| serde_json::json!({ "found": table, "proposed": proposal }))
        .collect();
    let files: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    render::json(&serde_json::json!({
        "schema": "tamis-init/1", "tables": tables, "left_out": found.left_out, "files": files, "edits": edits,
    }))
}

/// What was found, table by table.
fn told(found: &Tables, proposals: &[Proposal]) -> String {
    let mut out = String::new();
    for (table, proposal) in found.tables.iter().zip(proposals) {
        head(&mut out, table, proposal);
        if let Some((column, of)) = &proposal.whose {
            let of = found.tables.get(*of).map_or("", |table| &table.name);
            out.line(format_args!("  its rows belong to the persons of {of}, by {column}"));
            if proposal.clocks.is_empty() && !proposal.dates.is_empty() {
                out.line(format_args!(
                    "  ! none of its dates is known as activity: see the commented [[observe]] in {of}.toml"
                ));
            }
        }
        columns(&mut out, table, proposal);
        out.push('\n');
    }
    for left in &found.left_out {
        out.line(format_args!("! left out: {left}"));
    }
    out
}

fn head(out: &mut String, table: &Table, proposal: &Proposal) {
    let member = table.member.as_ref().map(|member| format!(", member {member}")).unwrap_or_default();
    let parts = if table.files > 1 { format!(", {} files", table.files) } else { String::new() };
    out.line(format_args!("{}  {}{member}{parts}", table.name, table.input));
    out.line(format_args!("  {}", proposal.crm.unwrap_or("not a kind of export that tamis knows")));
    out.line(format_args!(
        "  {}; {} {} columns",
        laid_out(&table.layout),
        if table.whole {
            format!("{} records,", table.records)
        } else {
            format!("the first {} records looked at,", table.records)
        },
        table.columns.len()
    ));
    let doubts = table.layout.doubts().iter().cloned();
    let footer = (table.footer > 0).then(|| {
        format!(
            "the last {} records have other cells than the header, as the footer of a report: cut them off, or export the \
             details only; a run refuses them (limits.on_bad_record)",
            table.footer
        )
    });
    let ragged = (table.ragged > table.footer).then(|| {
        format!(
            "{} records have more or fewer cells than the header: a run refuses them (limits.on_bad_record)",
            table.ragged - table.footer
        )
    });
    let unlisted = (table.unlisted > 0).then(|| {
        format!("{} columns have no name of their own: they cannot be listed and are left out", table.unlisted)
    });
    let structures = (!table.structures.is_empty()).then(|| {
        format!(
            "{} columns hold lists, maps or what is not read, and are left out: {}",
            table.structures.len(),
            table.structures.join(", ")
        )
    });
    let broken = table.broken.as_ref().map(|broken| format!("{broken}; a run refuses the file"));
    let lacks = proposal.lacks.iter().filter(|_| proposal.persons).map(|lack| (*lack).to_owned());
    for doubt in doubts.chain(footer).chain(ragged).chain(unlisted).chain(structures).chain(broken).chain(lacks) {
        out.line(format_args!("  ! {doubt}"));
    }
}

/// How records lie in a file, in words.
fn laid_out(layout: &FileLayout) -> String {
    match layout {
        FileLayout::Csv(dialect) => text(dialect, &format!("header in line {}", dialect.header)),
        FileLayout::Headless { dialect, model, entity } => {
            text(dialect, &format!("no header: names of columns are those of entity {entity} in {model}"))
        }
        FileLayout::Xlsx { sheet, header, .. } => format!("workbook, sheet {sheet}, header in row {header}"),
        FileLayout::Json { records, .. } if records.is_empty() => "JSON, an array of records".into(),
        FileLayout::Json { records, .. } => format!("JSON, pages with their records under {records}"),
        FileLayout::Ndjson { .. } => "JSON, a record in each line".into(),
        FileLayout::Parquet => "Parquet".into(),
    }
}

fn text(dialect: &Dialect, header: &str) -> String {
    let ends = match dialect.line_ends {
        LineEnds::Lf => "LF",
        LineEnds::CrLf => "CRLF",
        LineEnds::Mixed => "LF and CRLF",
    };
    let quote = dialect.quote.map_or("no quotes".to_owned(), |quote| format!("quote {quote}"));
    let bom = if dialect.bom { " with a byte order mark" } else { "" };
    format!("{}{bom}, delimiter {:?}, {quote}, {header}, {ends}", dialect.encoding, dialect.delimiter)
}

/// The table of columns: never a value.
fn columns(out: &mut String, table: &Table, proposal: &Proposal) {
    let shown = |column: &PeekColumn| crate::plain::shown(&column.name).chars().take(WIDEST).collect::<String>();
    let width = table.columns.iter().map(|column| shown(column).chars().count()).max().unwrap_or(0).max(6);
    out.line(format_args!("  {:width$}  filled  {:34}  {:20}  proposed", "column", "type", "looks like"));
    for (column, proposed) in table.columns.iter().zip(&proposal.columns) {
        let share = (column.filled * 100).checked_div(table.records).map_or("-".into(), |share| format!("{share} %"));
        let looks = column.looks.map_or("", |shape| shape.name());
        out.line(format_args!(
            "  {:width$}  {share:>6}  {:34}  {looks:20}  {}",
            shown(column),
            kind(column),
            proposed_as(column, proposed, proposal)
        ));
    }
}

/// The type of a column in words.
fn kind(column: &PeekColumn) -> String {
    let zone = |dates: &init::Dates| match () {
        () if dates.offset || dates.utc || !dates.timed => "",
        () => ", no zone",
    };
    let said = match &column.value {
        Value::Empty => "empty".into(),
        Value::Text if column.constant => "text, always the same".into(),
        Value::Text => "text".into(),
        Value::Integer => "integer".into(),
        Value::Decimal { scale } => format!("decimal, {scale} digits"),
        Value::OddNumber { how } => format!("numbers {how}"),
        Value::Boolean => "boolean".into(),
        Value::Epoch { millis } => format!("{} since 1970", if *millis { "milliseconds" } else { "seconds" }),
        Value::ShortYears => "dates with short years".into(),
        Value::Dates(dates) if !dates.either.is_empty() => {
            format!("{} or {}", dates.formats.join(", "), dates.either.join(", "))
        }
        Value::Dates(dates) => format!("{}{}", dates.formats.join(", "), zone(dates)),
    };
    let unique = if column.unique && column.filled > 1 { ", unique" } else { "" };
    said + unique
}

fn proposed_as(column: &PeekColumn, proposed: &Proposed, proposal: &Proposal) -> String {
    let name = &column.name;
    let role = match () {
        () if proposal.key.as_ref() == Some(name) => ", key",
        () if proposal.strong.contains(name) => ", strong link",
        () if proposal.weak.contains(name) => ", weak link",
        () if proposal.clocks.contains(name) => ", clock",
        () if proposal.no_clocks.iter().any(|(other, _)| other == name) => ", no clock",
        () => "",
    };
    let treat = proposed.treat.map_or(String::new(), |treat| format!(", {}", treat.name()));
    let nulls = if column.null_cells > 0 { format!(", {} cells say null", column.null_cells) } else { String::new() };
    let also: String =
        column.also.iter().map(|(shape, count)| format!(", {count} cells look like {}", shape.name())).collect();
    format!("{}{role}{treat}{nulls}{also}", proposed.category.name())
}

/// What to do next: the lines to edit, in order, then the commands.
fn next(
    out: &mut String,
    settings: &Settings,
    args: &InitArgs,
    found: &Tables,
    proposals: &[Proposal],
    edits: &[Edit],
) {
    let dir = settings.dir.display();
    let specs = if args.dry_run { "would be written to" } else { "are in" };
    out.line(format_args!("specs {specs} {dir}; nothing is allowed yet. Edit these lines, in this order:"));
    for edit in edits {
        out.line(format_args!("  {:>2}  {}:{}  {}", edit.number, edit.file, edit.line, edit.what));
    }
    let option = if settings.dir == Path::new("jobs") { String::new() } else { format!("--dir {dir} ") };
    out.line(format_args!("then:"));
    out.line(format_args!("  tamis {option}check"));
    for (table, _) in found.tables.iter().zip(proposals).filter(|(_, proposal)| proposal.persons) {
        out.line(format_args!("  tamis {option}run {} --demo", table.name));
        out.line(format_args!("  tamis {option}plan {}", table.name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_between_folders_are_relative_where_they_share_one() {
        let way = |from, to| relative(Path::new(from), Path::new(to));
        assert_eq!(way("/srv/crm/jobs", "/srv/crm/exports"), "../exports");
        assert_eq!(way("/srv/crm/jobs", "/srv/other/a/b"), "../../other/a/b");
        assert_eq!(way("/srv/crm/jobs", "/data"), "/data");
    }
}
