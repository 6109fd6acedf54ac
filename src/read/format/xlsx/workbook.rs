//! What a workbook says of itself: its sheets, from which day it counts, and where its parts are.

use super::number::DaySystem;
use super::part::{BookParts, damaged, unreadable};
use super::styles::Styles;
use super::xml::{BadXml, attribute, prefixed, says_yes, walk};
use crate::error::{Code, Error, Result};
use std::collections::BTreeMap;

/// A workbook, and the sheet of it that is read.
pub(super) struct Workbook {
    /// Name of the sheet.
    pub sheet: String,
    /// Name of the part that has its rows.
    pub rows: String,
    /// The part with the shared strings.
    pub strings: Option<String>,
    pub styles: Styles,
    pub system: DaySystem,
    /// Formulas are worked out again when it is opened: the values that they had are not believed.
    pub stale: bool,
}

/// One sheet as the workbook lists it.
struct ListedSheet {
    name: String,
    hidden: bool,
    relation: String,
}

/// Where a relation leads.
struct Relation {
    /// Last word of its type, such as `worksheet`.
    kind: String,
    part: String,
}

const RELATIONS: &str = "_rels/.rels";

/// What the main part of a workbook says.
struct MainPart {
    sheets: Vec<ListedSheet>,
    related: BTreeMap<String, Relation>,
    system: DaySystem,
    stale: bool,
}

/// Returns the names of the sheets of a workbook that are not hidden.
///
/// # Errors
/// Input errors for a package that is no workbook, is a binary one or is damaged.
pub(super) fn seen_sheets(parts: &mut BookParts, place: &str) -> Result<Vec<String>> {
    let sheets = main_part(parts, place)?.sheets.into_iter().filter(|sheet| !sheet.hidden);
    Ok(sheets.map(|sheet| sheet.name).collect())
}

/// Opens a workbook and chooses a sheet.
///
/// # Errors
/// As those of [`seen_sheets`], and for a sheet that is not there or could be another.
pub(super) fn open(parts: &mut BookParts, wanted: Option<&str>, place: &str) -> Result<Workbook> {
    let MainPart { sheets, related, system, stale } = main_part(parts, place)?;
    let sheet = chosen(sheets, wanted, place)?;
    let rows = related.get(&sheet.relation).ok_or_else(|| damaged(place, "a sheet of it is not there"))?;
    let part_of = |kind: &str| related.values().find(|relation| relation.kind == kind).map(|found| found.part.clone());
    let styles = match part_of("styles") {
        Some(name) => Styles::read(&parts.whole(&name, place)?).map_err(|BadXml| unreadable(place, &name))?,
        None => Styles::default(),
    };
    let (rows, strings) = (rows.part.clone(), part_of("sharedStrings"));
    Ok(Workbook { sheet: sheet.name, rows, strings, styles, system, stale })
}

fn main_part(parts: &mut BookParts, place: &str) -> Result<MainPart> {
    let root = relations(parts, "", place)?;
    let main = root.into_values().find(|relation| relation.kind == "officeDocument");
    let main = main.ok_or_else(|| damaged(place, "it does not say where its workbook is"))?.part;
    if main.to_ascii_lowercase().ends_with(".bin") {
        return Err(Error::new(
            Code::FormatNotRead,
            format!("{place} is a binary workbook (.xlsb), which is not read"),
        )
        .help("save it as .xlsx"));
    }
    let xml = parts.whole(&main, place)?;
    let (mut sheets, mut system, mut stale) = (Vec::new(), DaySystem::From1900, false);
    let mut foreign = true;
    let walked = walk(&xml, |around, start| {
        match (around, start.local_name().as_ref()) {
            ([], name) => foreign = name != b"workbook",
            ([_], b"workbookPr") if says_yes(start, "date1904")? => system = DaySystem::From1904,
            ([_], b"calcPr") => stale = says_yes(start, "fullCalcOnLoad")?,
            ([_, of], b"sheet") if of == b"sheets" => sheets.push(ListedSheet {
                name: attribute(start, "name")?.ok_or(BadXml)?.into_owned(),
                hidden: attribute(start, "state")?.is_some_and(|state| state != "visible"),
                relation: prefixed(start, "id")?.ok_or(BadXml)?.into_owned(),
            }),
            _ => {}
        }
        Ok::<(), BadXml>(())
    });
    walked.map_err(|BadXml| unreadable(place, &main))?;
    if foreign {
        return Err(Error::new(Code::FormatNotRead, format!("{place} is an Office document and no workbook")));
    }
    let related = relations(parts, &main, place)?;
    sheets.retain(|sheet| related.get(&sheet.relation).is_none_or(|relation| relation.kind == "worksheet"));
    Ok(MainPart { sheets, related, system, stale })
}

/// The sheet that is meant: the one of that name, or the only one that is not hidden.
fn chosen(sheets: Vec<ListedSheet>, wanted: Option<&str>, place: &str) -> Result<ListedSheet> {
    let names = |hidden: bool| {
        let names: Vec<&str> =
            sheets.iter().filter(|sheet| sheet.hidden == hidden).map(|sheet| sheet.name.as_str()).collect();
        names.join(", ")
    };
    let open: Vec<usize> = (0..sheets.len()).filter(|at| !sheets[*at].hidden).collect();
    let help = "set read.sheet in the source to the name of the sheet with the records";
    let refused = |what: String| Error::new(Code::SheetUnclear, format!("{place} {what}")).help(help);
    let at = match (wanted, &open[..]) {
        (Some(wanted), _) => {
            let same = |sheet: &ListedSheet| sheet.name == wanted;
            sheets.iter().position(same).ok_or_else(|| match (names(false), names(true)) {
                (seen, hidden) if hidden.is_empty() => refused(format!("has no sheet {wanted}; it has {seen}")),
                (seen, hidden) => refused(format!("has no sheet {wanted}; it has {seen}, and hidden: {hidden}")),
            })?
        }
        (None, [only]) => *only,
        (None, []) => return Err(refused(format!("has no sheet that is not hidden; hidden: {}", names(true)))),
        (None, several) => return Err(refused(format!("has {} sheets: {}", several.len(), names(false)))),
    };
    sheets.into_iter().nth(at).ok_or_else(|| damaged(place, "it has no sheet"))
}

/// The relations of a part, by id; of the whole package for no part.
fn relations(parts: &mut BookParts, of: &str, place: &str) -> Result<BTreeMap<String, Relation>> {
    let (folder, name) = of.rsplit_once('/').unwrap_or(("", of));
    let file = match of {
        "" => RELATIONS.to_owned(),
        _ if folder.is_empty() => format!("_rels/{name}.rels"),
        _ => format!("{folder}/_rels/{name}.rels"),
    };
    if of.is_empty() && !parts.has(&file) {
        return Err(damaged(place, "it does not say where its parts are"));
    }
    let mut found = BTreeMap::new();
    let walked = walk(&parts.whole(&file, place)?, |around, start| {
        if around.len() == 1 && start.local_name().as_ref() == b"Relationship" {
            let of = |name: &str| attribute(start, name)?.ok_or(BadXml);
            if attribute(start, "TargetMode")?.is_none_or(|mode| mode != "External") {
                let kind = of("Type")?.rsplit('/').next().unwrap_or_default().to_owned();
                found.insert(of("Id")?.into_owned(), Relation { kind, part: target(folder, &of("Target")?) });
            }
        }
        Ok::<(), BadXml>(())
    });
    walked.map_err(|BadXml| unreadable(place, &file))?;
    Ok(found)
}

/// Where a target is, as seen from a folder of the package.
fn target(folder: &str, target: &str) -> String {
    let whole = match target.strip_prefix('/') {
        Some(from_root) => from_root.to_owned(),
        None => format!("{folder}/{target}"),
    };
    let mut path: Vec<&str> = Vec::new();
    for step in whole.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                path.pop();
            }
            step => path.push(step),
        }
    }
    path.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_paths_in_the_package() {
        for (folder, written, path) in [
            ("xl", "worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
            ("xl", "/xl/worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
            ("xl/worksheets", "../../docs/./a.xml", "docs/a.xml"),
            ("", "xl/workbook.xml", "xl/workbook.xml"),
            ("", "../../a.xml", "a.xml"),
        ] {
            assert_eq!(target(folder, written), path);
        }
    }
}
