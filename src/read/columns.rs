//! The columns of one file: which column of the source is in which cell. They are found by name, never by position,
//! whatever format they come in.

use super::batch::ColumnMap;
use super::found::FoundNames;
use super::wanted::{ReadRequest, identified};
use crate::error::{Code, Error, Result};
use crate::near_miss;
use crate::policy::{Column, RecordFormat};
use crate::same_name::{folded, visible};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What to do about an identifier that is none.
pub(super) const AS_TEXT: &str = "have it written as text or as a whole number";

/// What the names of a file say.
pub(super) struct Headed {
    pub map: ColumnMap,
    /// Names that the source says nothing of, each with how many columns have it.
    pub unlisted: BTreeMap<String, u64>,
    /// Names that the source covers without listing them, likewise.
    pub covered: BTreeMap<String, u64>,
    /// Names that the source lists and the header has not.
    pub lost: Vec<String>,
}

/// Finds the needed columns; also gives the names that the source does not list, which may be blank or twice there, those
/// that something else in it covers apart, and those that only the source has.
///
/// # Errors
/// An input error for a missing `required` column, for a listed name that is there twice after case folding, and for
/// unlisted ones where drift is refused. Names of the file are only said once all required columns are there: before that
/// they may be data.
pub(super) fn columns(names: &[String], request: &ReadRequest<'_>, place: &str) -> Result<Headed> {
    let written = names;
    let names: &[String] =
        &names.iter().map(|name| request.source.also.get(name).unwrap_or(name).clone()).collect::<Vec<_>>();
    let positions: HashMap<&str, usize> =
        names.iter().enumerate().rev().map(|(at, name)| (name.as_str(), at)).collect();
    let of_file = |column: &&Column| column.parts.is_empty();
    let find = |column: &Column| of_file(&column).then(|| positions.get(column.name.as_str()).copied()).flatten();
    let mut required = request.required.iter().filter_map(|index| request.columns.get(*index)).filter(of_file);
    if let Some(column) = required.find(|column| find(column).is_none()) {
        return Err(missing(&column.name, names, (request, place)));
    }
    let listed = &request.source.listed;
    let known: HashSet<String> = listed
        .iter()
        .chain(request.columns.iter().filter(of_file).map(|column| &column.name))
        .map(|name| folded(name))
        .collect();
    let mut seen = BTreeMap::new();
    for (at, name) in names.iter().enumerate() {
        let name = folded(name);
        if let Some(first) = seen.insert(name.clone(), at).filter(|_| known.contains(&name)) {
            return Err(twice((written, names), (first, at), (request, place)));
        }
    }
    let (mut unlisted, mut covered) = (BTreeMap::new(), BTreeMap::new());
    let by_name: HashSet<&String> = listed.iter().collect();
    for name in names.iter().filter(|name| !by_name.contains(name)) {
        let of = if request.source.cover.of(name).is_some() { &mut covered } else { &mut unlisted };
        *of.entry(name.clone()).or_insert(0) += 1;
    }
    if request.source.read.refuse_drift && !unlisted.is_empty() {
        return Err(drifted(names, &unlisted, place));
    }
    let lost = listed.iter().filter(|name| !positions.contains_key(name.as_str())).cloned().collect();
    let (positions, identified) = (request.columns.iter().map(find).collect(), identified(request.columns));
    let map = ColumnMap { positions, identified, width: names.len() };
    Ok(Headed { map, unlisted, covered, lost })
}

/// Returns where cells are whose names are found in records: each wanted column has its place in a row.
pub(super) fn as_wanted(columns: &[Column]) -> ColumnMap {
    let place = |(at, column): (usize, &Column)| column.parts.is_empty().then_some(at);
    let positions = columns.iter().enumerate().map(place).collect();
    ColumnMap { positions, identified: identified(columns), width: columns.len() }
}

/// Judges the names that were found in the records of one file, as [`columns`] does those of a header; also gives all of
/// them.
///
/// # Errors
/// As those of [`columns`]; an input error for more names than there may be.
pub(super) fn found(found: &FoundNames, request: &ReadRequest<'_>, place: &str) -> Result<(Vec<String>, Headed)> {
    let most = request.source.read.max_columns;
    if found.too_many {
        let said = format!("{place}: its records have more than {most} columns, limits.max_columns");
        return Err(Error::new(Code::InputTooLarge, said)
            .help("look for an object whose keys are values, or raise limits.max_columns in the source"));
    }
    let wanted = request.columns.iter().filter(|column| column.parts.is_empty()).map(|column| &column.name);
    let known: Vec<&String> = request.source.listed.iter().chain(wanted).collect();
    let names = found.columns(&known, &request.source.also);
    let headed = columns(&names, request, place)?;
    Ok((names, headed))
}

fn drifted(names: &[String], of: &BTreeMap<String, u64>, place: &str) -> Error {
    let said = |(at, name): (usize, &String)| match name.is_empty() {
        true => format!("one without a name (column {})", at + 1),
        false => name.clone(),
    };
    let unlisted = names.iter().enumerate().filter(|(_, name)| of.contains_key(*name));
    let unlisted: Vec<String> = unlisted.map(said).collect();
    Error::new(
        Code::ColumnUnlisted,
        format!("{place} has columns that the source does not list: {}", unlisted.join(", ")),
    )
    .help("add them to the source's [columns], or set read.on_drift = \"drop\"")
}

/// Says that two columns are one, by their places: what they are called may be data.
fn twice(
    (written, names): (&[String], &[String]),
    (first, second): (usize, usize),
    (request, place): (&ReadRequest<'_>, &str),
) -> Error {
    let of = request.source.read.records.has_names_in();
    let [one, other] = [first, second].map(|at| written[at].as_str());
    let plain = |name: &str| visible(name) == name;
    let columns = format!("{place}: columns {} and {} of the {of}", first + 1, second + 1);
    let (what, help) = match () {
        () if folded(one) != folded(other) => (
            format!("{columns} are both column {}, by its other names", names[second]),
            "leave one of them out of the export, or take it out of the column's `names`",
        ),
        () if !plain(one) || !plain(other) => (
            format!("{columns} have the same name, apart from characters that nobody sees"),
            "have the names exported without invisible characters; two columns of one name may be two values of a person",
        ),
        () => (
            format!("{columns} have the same name, apart from case"),
            "have it exported with one name per column; other names of a column in `names` count as its own",
        ),
    };
    Error::new(Code::ColumnTwice, what).help(help)
}

fn missing(wanted: &str, names: &[String], (request, place): (&ReadRequest<'_>, &str)) -> Error {
    let error = Error::new(Code::ColumnMissing, format!("{place} has no column {wanted}, which this job needs"));
    let within = |name: &&String| name.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'));
    if let (Some(inner), RecordFormat::Parquet) = (names.iter().find(within), &request.source.read.records) {
        let said = "it is there, and is no single value: a list, a map or a group of columns";
        return error.help(format!("{said}; what is in it has names such as {inner}"));
    }
    match near_miss::in_header(wanted, names.iter().map(String::as_str)) {
        Some(said) => error.help(said),
        None => error.help(request.source.read.records.help_with_missing()),
    }
}

/// Returns the names that one column alone has, apart from case.
pub fn single_names(names: &[String]) -> impl Iterator<Item = &String> {
    let mut counts: HashMap<String, u32> = HashMap::new();
    names.iter().for_each(|name| *counts.entry(folded(name)).or_default() += 1);
    names.iter().filter(move |name| !name.is_empty() && counts.get(&folded(name)) == Some(&1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::tests::{request, source, wanted};
    use crate::same_name::normal;

    fn found(names: &[&str], needed: &[&str]) -> Result<(Vec<Option<usize>>, Vec<String>), String> {
        let names: Vec<String> = names.iter().map(|n| normal(n)).collect();
        let mut source = source();
        source.listed = vec!["Id".into(), "Ort".into(), "Straße".into()];
        let columns = wanted(needed);
        let request = request(&source, &columns, &[0]);
        match super::columns(&names, &request, "raw:x.csv") {
            Ok(found) => Ok((found.map.positions, found.unlisted.into_keys().collect())),
            Err(e) => Err(e.message().into()),
        }
    }

    #[test]
    fn columns_are_found_by_name_after_trim_and_nfc() {
        let (positions, drift) = found(&["Neu", " Ort\u{a0}", "Id"], &["Id", "Ort", "Straße"]).unwrap();
        assert_eq!((positions, drift), (vec![Some(2), Some(1), None], vec!["Neu".to_string()]));
        let (positions, _) = found(&["Id", "Cafe\u{301}"], &["Id", "Café"]).unwrap();
        assert_eq!(positions, [Some(0), Some(1)]);
    }

    #[test]
    fn missing_and_colliding_names_are_refused_without_saying_the_files_names() {
        assert_eq!(
            found(&["id", "anna@example.org"], &["Id"]).unwrap_err(),
            "raw:x.csv has no column Id, which this job needs"
        );
        for twice in [["Id", "Ort", "ORT"], ["Id", "STRASSE", "straße"], ["Id", "Ort", " Ort "]] {
            let error = found(&twice, &["Id"]).unwrap_err();
            assert_eq!(error, "raw:x.csv: columns 2 and 3 of the header have the same name, apart from case");
        }
        for twice in [["Id", "Ort", "Or\u{200b}t"], ["Id", "ort\u{2060}", "Ort"], ["Ort", "Id", "I\u{ad}d"]] {
            let error = found(&twice, &["Id"]).unwrap_err();
            let said = "columns 2 and 3 of the header have the same name, apart from characters that nobody sees";
            assert_eq!(error, format!("raw:x.csv: {said}"));
        }
    }

    #[test]
    fn a_near_miss_of_a_missing_column_is_named() {
        let names = ["Nr", "Or t", "I_d"].map(String::from);
        let (source, columns) = (source(), wanted(&["Id"]));
        let request = request(&source, &columns, &[0]);
        let Err(error) = super::columns(&names, &request, "raw:x.csv") else { panic!("Id is missing") };
        assert_eq!(error.help_text(), Some("column 3 has nearly that name, I_d: was it renamed?"));
    }

    #[test]
    fn unlisted_columns_may_have_no_name_or_the_same_one() {
        let (positions, drift) = found(&["Id", "anna", "ANNA", "", " ", "anna"], &["Id"]).unwrap();
        assert_eq!((positions, drift), (vec![Some(0)], ["", "ANNA", "anna"].map(String::from).to_vec()));
    }
}
