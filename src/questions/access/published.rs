//! The person's rows in published datasets, read back from the files.

use super::past::{PublishedPast, TablePast};
use super::person::{Asker, Certainty};
use super::report::{
    AccessDataset, AccessField, AccessRecipient, AccessRow, DoubtfulRow, ShownValues, Withheld, Withholding,
    take_hidden,
};
use crate::clock::Instant;
use crate::decide::Carrier;
use crate::error::{Code, Error, Result};
use crate::evidence::manifest::{FieldEvidence, File};
use crate::evidence::{Manifest, check_same};
use crate::job::{Desk, PublishedDataset};
use crate::policy::{Category, ColumnFacts, ColumnOrigin, Register, SourceFacts};
use crate::publish::{Companions, Target, show_rows};
use crate::state::{Current, PublishedFile};
use crate::store::Root;
use crate::treatments::Treat;
use std::collections::{BTreeMap, BTreeSet};

/// A dataset, and what its evidence says of its current version.
pub(super) struct Searched<'a> {
    of: &'a PublishedDataset<'a>,
    current: &'a Current,
    manifest: Manifest,
    past: Option<&'a TablePast>,
    /// Where the table is.
    root: String,
    path: String,
}

/// What a dataset has of the person.
pub(super) struct InTable {
    /// None when no row is surely theirs.
    pub dataset: Option<AccessDataset>,
    pub withheld: Vec<Withheld>,
    /// For the officer: rows that may be another person's, and withheld values.
    pub doubtful: Vec<DoubtfulRow>,
    pub hidden: Vec<DoubtfulRow>,
}

/// A row found in the companions of a file.
struct Found {
    row: u64,
    certainty: Certainty,
    keep_until: Instant,
    /// Of each field that has one, in the order of the manifest.
    untils: Vec<Instant>,
}

impl<'a> Searched<'a> {
    /// Compares a dataset's companions with its manifest: those of another version would show other people's rows.
    ///
    /// # Errors
    /// Evidence errors for what is not what the manifest names; storage errors.
    pub fn open(desk: &Desk, of: &'a PublishedDataset<'a>, past: &'a PublishedPast) -> Result<Option<Searched<'a>>> {
        let Some(current) = &of.dataset.current else { return Ok(None) };
        let manifest = desk.state.manifest(&current.run, current.attempt, &current.manifest)?;
        check_same(desk.root(), &manifest.output.companions.iter().collect::<Vec<_>>())?;
        let (root, path) = of.dataset.dataset.split_once(':').ok_or_else(|| unknown_root(&of.dataset.dataset))?;
        let past = past.table(&of.dataset.dataset);
        Ok(Some(Searched { current, manifest, past, root: root.into(), path: path.into(), of }))
    }

    /// Goes over all rows once and lets the person learn from those that are surely theirs.
    ///
    /// # Errors
    /// Evidence and storage errors of companions.
    pub fn teach(&self, state: &Root, asker: &mut Asker) -> Result<()> {
        for file in &self.current.files {
            let mut companions = Companions::open_identities(state, &file.companion)?;
            while let Some(group) = companions.next_group()? {
                for row in 0..group.rows() {
                    if asker.whose(Carrier::identities(&group, row)) == Some(Certainty::Sure) {
                        asker.learn(Carrier::identities(&group, row));
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads the person's rows back. With `all`, doubtful rows are shown as theirs.
    ///
    /// # Errors
    /// Evidence errors when a file is not what the manifest names; storage errors.
    pub fn show(&self, desk: &Desk, asker: &Asker, all: bool) -> Result<InTable> {
        let register = &desk.register;
        let lake = desk.roots.get(&self.root).ok_or_else(|| unknown_root(&self.of.dataset.dataset))?;
        let target = Target { lake, path: &self.path, state: desk.root(), companions: "" };
        let hidden = self.hidden_fields(register);
        let untils: Vec<&str> = until_fields(&self.manifest).map(|field| field.name.as_str()).collect();
        let (rows, doubtful, withheld) = (Vec::new(), Vec::new(), Vec::new());
        let mut shown = Shown { hidden: &hidden, untils: &untils, rows, doubtful, withheld };
        for file in &self.current.files {
            let found = found(desk.root(), file, asker)?;
            if !found.is_empty() {
                self.read(&target, file, &found, all, &mut shown)?;
            }
        }
        Ok(self.told(register, shown))
    }

    fn read(
        &self,
        target: &Target<'_>,
        file: &PublishedFile,
        found: &[Found],
        all: bool,
        shown: &mut Shown<'_>,
    ) -> Result<()> {
        let named: Vec<&File> = self.manifest.output.files.iter().filter(|named| named.path == file.path).collect();
        check_same(target.lake, &named)?;
        let name = file.path.strip_prefix(&format!("{}/", self.path)).unwrap_or(&file.path);
        let places: Vec<u64> = found.iter().map(|found| found.row).collect();
        let read = show_rows(target, name, &places)?;
        if named.is_empty() || read.of != file.rows {
            return Err(Error::new(
                Code::TableApart,
                format!("{} and its companion do not fit together", target.lake.display(&file.path)),
            )
            .help("compare their hashes with the manifest: `tamis verify`"));
        }
        for (found, values) in found.iter().zip(read.rows) {
            let values: ShownValues = read.columns.iter().cloned().zip(values).collect();
            let place = format!("{}, row {}", target.lake.display(&file.path), found.row + 1);
            shown.take(&self.of.dataset.dataset, place, found, values, all);
        }
        Ok(())
    }

    /// Fields that are not shown to the person, with the reason.
    fn hidden_fields(&self, register: &Register) -> BTreeMap<String, Withholding> {
        let source = self.source(register);
        let why = |field: &FieldEvidence| {
            match (self.column(register, field), &field.from) {
                (Some(column), _) if column.category == Category::FreeText => return Some(Withholding::FreeText),
                (None, Some(_)) if !field.subject => return Some(Withholding::Undescribed),
                _ => {}
            }
            let others = source.zip(field.from.as_ref()).is_none_or(|(source, column)| source.may_name_others(column));
            let token = field.treat() == Some(Treat::Pseudonymize) && !field.subject;
            (token && others).then_some(Withholding::OtherPersonsId)
        };
        self.manifest.fields.iter().filter_map(|field| Some((field.name.clone(), why(field)?))).collect()
    }

    /// What the specs say of the table's export: also where its job left them.
    fn source<'r>(&self, register: &'r Register) -> Option<&'r SourceFacts> {
        let read = self.past.and_then(|past| register.sources.get(past.source.as_ref()?));
        read.or_else(|| register.sources.get(&self.of.plan?.source.name))
    }

    /// What the specs say of a field's column.
    fn column<'r>(&self, register: &'r Register, field: &FieldEvidence) -> Option<&'r ColumnFacts> {
        self.source(register)?.columns.get(field.from.as_ref()?)
    }

    /// Who receives the table, and who has received earlier versions of it (C-154/21).
    fn recipients(&self, register: &Register) -> Vec<AccessRecipient> {
        let purpose = register.purposes.get(&self.manifest.purpose);
        let named = match &self.manifest.recipient {
            Some(recipient) => std::slice::from_ref(recipient),
            None => purpose.map_or(&[][..], |purpose| &purpose.recipients),
        };
        let now = named.iter().map(|name| AccessRecipient::of(name, register.recipients.get(name)));
        let earlier = self.past.into_iter().flat_map(|past| &past.recipients).filter(|(name, _)| !named.contains(name));
        let earlier = earlier.map(|(name, version)| AccessRecipient {
            last_version: Some(*version),
            ..AccessRecipient::of(name, register.recipients.get(name))
        });
        now.chain(earlier).collect()
    }

    fn told(&self, register: &Register, shown: Shown<'_>) -> InTable {
        let purpose = register.purposes.get(&self.manifest.purpose);
        let fields: Vec<AccessField> = self.manifest.fields.iter().map(|field| self.field(register, field)).collect();
        let categories: BTreeSet<&'static str> = fields.iter().filter_map(|field| field.category).collect();
        let sources = self.past.map(|past| past.sources.clone()).unwrap_or_default();
        let dataset = AccessDataset {
            dataset: self.of.dataset.dataset.clone(),
            version: self.current.version,
            purpose: self.manifest.purpose.clone(),
            description: purpose.map(|purpose| purpose.description.clone()),
            lawful_basis: self.manifest.lawful_basis.clone(),
            reference: purpose.map(|purpose| purpose.reference.clone()),
            categories: categories.into_iter().collect(),
            recipients: self.recipients(register),
            sources: sources.into_iter().collect(),
            keep: self.manifest.keep.clone(),
            fields,
            rows: shown.rows,
        };
        let of = &self.of.dataset.dataset;
        let mut withheld = Vec::new();
        if !shown.doubtful.is_empty() {
            let rows = shown.doubtful.len() as u64;
            withheld.push(Withheld { of: of.clone(), column: None, why: Withholding::PerhapsAnotherPerson, rows });
        }
        let columns = shown.hidden.iter().map(|(column, why)| {
            let rows = shown.withheld.iter().filter(|row| row.values.contains_key(column)).count() as u64;
            Withheld { of: of.clone(), column: Some(column.clone()), why: *why, rows }
        });
        withheld.extend(columns.filter(|withheld| withheld.rows > 0));
        let dataset = (!dataset.rows.is_empty()).then_some(dataset);
        InTable { dataset, withheld, doubtful: shown.doubtful, hidden: shown.withheld }
    }

    fn field(&self, register: &Register, field: &FieldEvidence) -> AccessField {
        let column = self.column(register, field);
        AccessField {
            name: field.name.clone(),
            from: field.from.clone(),
            category: column.map(|column| column.category.name()),
            treatment: field.treatment.clone(),
            means: field.treat().map_or("", |treat| treat.about().does),
            derived: column.is_some_and(|column| column.origin == Some(ColumnOrigin::Derived)),
            keep: field.keep.clone(),
        }
    }
}

/// Rows of one dataset as they are read.
struct Shown<'a> {
    hidden: &'a BTreeMap<String, Withholding>,
    /// Fields whose values have an end of their own, in the order of companions.
    untils: &'a [&'a str],
    rows: Vec<AccessRow>,
    doubtful: Vec<DoubtfulRow>,
    withheld: Vec<DoubtfulRow>,
}

impl Shown<'_> {
    fn take(&mut self, of: &str, place: String, found: &Found, mut values: ShownValues, all: bool) {
        if found.certainty == Certainty::Doubtful && !all {
            self.doubtful.push(DoubtfulRow { of: of.into(), place, values });
            return;
        }
        let hidden = take_hidden(&mut values, |column| self.hidden.contains_key(column));
        if !hidden.is_empty() {
            self.withheld.push(DoubtfulRow { of: of.into(), place, values: hidden });
        }
        let ends = self.untils.iter().zip(&found.untils).filter(|(_, until)| **until < found.keep_until);
        let shown = ends.filter(|(field, _)| values.get(**field).is_some_and(Option::is_some));
        let until = shown.map(|(field, until)| ((*field).to_owned(), *until)).collect();
        self.rows.push(AccessRow { keep_until: found.keep_until, until, values });
    }
}

/// Fields whose values have an end of their own: companions have their dates in this order.
fn until_fields(manifest: &Manifest) -> impl Iterator<Item = &FieldEvidence> {
    manifest.fields.iter().filter(|field| field.keep.is_some())
}

fn found(state: &Root, file: &PublishedFile, asker: &Asker) -> Result<Vec<Found>> {
    let (mut found, mut first) = (Vec::new(), 0);
    let mut companions = Companions::open(state, &file.companion)?;
    while let Some(group) = companions.next_group()? {
        for row in 0..group.rows() {
            if let Some(certainty) = asker.whose(Carrier::identities(&group, row)) {
                let keep_until = Instant(group.keep_until(row));
                let untils = (0..group.field_untils()).map(|k| Instant(group.field_until(row, k))).collect();
                found.push(Found { row: first + row as u64, certainty, keep_until, untils });
            }
        }
        first += group.rows() as u64;
    }
    Ok(found)
}

fn unknown_root(dataset: &str) -> Error {
    Error::new(Code::NameUnknown, format!("{dataset} lies in a root that the policy no longer has"))
        .help("put the root back into the policy, or end the table: `tamis dataset retire`")
}
