//! One `sources/*.toml`: what its columns are, how it is read, when it is whole; with the policy, whether the purposes
//! it lists allow what it says. Must not know jobs.

use super::check_format;
use super::check_json;
use super::check_match;
use super::check_names;
use super::check_pattern;
use super::check_policy::Policy;
use super::finding::Page;
use super::format::{self, Dated};
use super::forms;
use super::name_pattern::{ColumnCover, CoveredBy, NamePattern};
use super::plan::{
    Bom, CellForms, Complete, CompleteWhen, CsvFormat, DateRule, Formulas, Identifier, NamesFrom, Normal, PhoneRegion,
    ReadFormat, RecordFormat, SaidCount, Several, Share, Source, ValueType, XlsxFormat,
};
use super::source_spec::{
    ColumnSpec, CompleteSpec, CountSpec, Format, HeaderSpec, MemberIn, OnDrift, ReadSpec, SourceSpec, StrayQuotes,
    SubjectSpec, TypeName,
};
use super::spec::{At, Category};
use super::value;
use crate::clock::Period;
use crate::near_miss;
use crate::same_name::folded;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// A source whose spec has been checked, with its columns in order.
pub(super) struct Inventory<'a> {
    pub page: Page<'a>,
    pub spec: &'a SourceSpec,
    /// Columns that a line names, then those that a job uses and only a pattern declares.
    pub columns: Vec<ColumnEntry<'a>>,
    pub source: Option<Source>,
    places: BTreeMap<String, usize>,
    cover: ColumnCover,
}

/// One column of a source. What could not be read is `None` and has a finding.
#[derive(Clone)]
pub(super) struct ColumnEntry<'a> {
    pub name: String,
    /// The pattern that declares it, where no line names it.
    pub pattern: Option<String>,
    pub spec: &'a ColumnSpec,
    pub value: Option<ValueType>,
    pub sentinels: Option<Vec<Date>>,
    pub identifier: Option<Identifier>,
    /// Index in the inventory of the column with regions.
    pub region_from: Option<usize>,
    /// Indexes in the inventory of the columns that make up its values; none = it is a column of the file.
    pub parts: Vec<usize>,
    pub keep: Option<Period>,
    pub several: Option<Several>,
    pub max_raw: Option<Share>,
    pub forms: CellForms,
}

impl ColumnEntry<'_> {
    /// R36: whether published fields of it are quasi-identifiers.
    pub fn quasi(&self) -> bool {
        self.spec.quasi.as_ref().map_or_else(|| self.spec.category.quasi(), |q| **q)
    }
    /// What a value after case folding means on a boolean column: by the column's own words or the usual ones.
    pub fn boolean(&self, folded: &str) -> Option<&'static str> {
        let own = self.forms.words.as_ref().and_then(|words| words.read(folded));
        own.map_or_else(|| value::boolean(folded), |yes| Some(if yes { "true" } else { "false" }))
    }

    /// Whether cells are dates or times, so that it can be a clock.
    pub fn timed(&self) -> bool {
        matches!(self.spec.kind(), TypeName::Date | TypeName::Timestamp)
    }
}

impl ColumnSpec {
    /// The type, text when none is written.
    pub fn kind(&self) -> TypeName {
        self.r#type.as_ref().map_or(TypeName::Text, |t| **t)
    }
}

impl Inventory<'_> {
    /// Index of a column by name after trim and NFC.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.places.get(&value::trimmed(name)).copied()
    }

    /// Index of a column that a spec names, or a finding there.
    pub fn find(&self, page: Page, at: &At<String>) -> Option<usize> {
        let place = self.place(at);
        if place.is_none() {
            page.fault(at.span(), "unknown-column", "the source lists no such column", self.instead(at));
        }
        place
    }

    /// What to do about a column that is not declared.
    fn instead(&self, at: &str) -> String {
        let source = self.spec.name.as_str();
        let names = || self.columns.iter().map(|column| column.name.as_str());
        match (self.cover.of(&value::trimmed(at)), near_miss::nearest(at, names())) {
            (Some(CoveredBy::Deny), _) => format!("read.deny of source {source} forbids the column"),
            (Some(CoveredBy::Ignore), _) => {
                format!("take it out of read.ignore of source {source} and declare it there")
            }
            (_, Some(near)) => format!("did you mean {}?", names().nth(near).unwrap_or_default()),
            _ => format!("add it to [columns] of source {source}, or name a column of the source"),
        }
    }

    /// As `find`, for what reads cells: a column put together of others has none (R51).
    pub fn find_cells(&self, page: Page, at: &At<String>) -> Option<usize> {
        let place = self.find(page, at)?;
        if self.columns[place].spec.parts.is_none() {
            return Some(place);
        }
        let help = "name one of its parts";
        page.fault(at.span(), "parts", "the column is put together of others and has no cells of its own", help);
        None
    }

    /// Indexes of the columns that carry identities: key, strong, weak.
    pub fn carriers(&self) -> impl Iterator<Item = usize> {
        let subject = &self.spec.subject;
        let lists = [&subject.strong, &subject.weak].into_iter().flatten().flat_map(|l| l.iter());
        subject.key.iter().chain(lists).filter_map(|at| self.place(at))
    }

    /// Index of the subject's key; none where no row is about a person, or the key is unknown.
    pub fn key(&self) -> Option<usize> {
        self.place(self.spec.subject.key.as_ref()?)
    }

    /// R61: whether the source says that no row is about a person.
    pub fn nobody(&self) -> bool {
        self.spec.subject.none.is_some()
    }
}

/// Checks a source; the policy when that could be read. `used` are the names of columns that jobs take from it.
pub(super) fn check<'a>(
    page: Page<'a>,
    spec: &'a SourceSpec,
    policy: Option<&Policy>,
    used: &BTreeSet<String>,
) -> Inventory<'a> {
    value::version(page, &spec.spec);
    value::name(page, &spec.name);
    let (by_name, by_pattern): (Vec<_>, Vec<_>) =
        spec.columns.iter().partition(|(at, _)| NamePattern::read(at).exact().is_some());
    let places = places(page, &by_name, &by_pattern);
    let columns = by_name.iter().map(|(at, column)| entry(page, &spec.name, at, column, &places)).collect();
    let lines: Vec<_> =
        by_pattern.iter().map(|(at, column)| (*at, entry(page, &spec.name, at, column, &places))).collect();
    lines.iter().for_each(|(at, line)| check_pattern::line(page, at, line.spec));
    let cover = check_pattern::cover(page, spec, &lines.iter().map(|(at, line)| (*at, line.spec)).collect::<Vec<_>>());
    let mut inventory = Inventory { page, spec, columns, source: None, places, cover };
    by_patterns(&mut inventory, &lines, used);
    inventory.columns.iter().filter(|column| column.pattern.is_none()).for_each(|column| composed(&inventory, column));
    if matches!(*spec.read.format, Format::Json | Format::Ndjson) {
        let own = by_name.iter().zip(&inventory.columns).filter(|((_, column), _)| column.parts.is_none());
        let own = own.map(|((at, _), column)| (column.name.as_str(), at.span()));
        let others = by_name.iter().flat_map(|(_, column)| column.names.iter().flat_map(|names| names.iter()));
        check_json::names(page, own.chain(others.map(|at| (at.as_str(), at.span()))));
    }
    subject(&inventory, &spec.subject);
    consent(&inventory);
    if let Some(policy) = policy {
        let lines = lines.iter().map(|(_, line)| line);
        let named = inventory.columns.iter().filter(|column| column.pattern.is_none());
        named.chain(lines).for_each(|c| purposes(page, c, policy));
    }
    inventory.source = source(&inventory);
    inventory
}

/// Adds the columns that are used and that only a pattern declares.
fn by_patterns<'a>(inventory: &mut Inventory<'a>, lines: &[(&At<String>, ColumnEntry<'a>)], used: &BTreeSet<String>) {
    let spec = inventory.spec;
    let clocks = spec.subject.clock.iter().flat_map(|list| list.iter());
    let consent = spec.consent.iter().flat_map(|consent| std::iter::once(&consent.column).chain(&consent.since));
    let newest = spec.newest.iter().flat_map(|newest| std::iter::once(&newest.version).chain(&newest.deleted));
    let own: BTreeSet<String> = clocks.chain(consent).chain(newest).map(|at| value::trimmed(at)).collect();
    for name in used.union(&own) {
        let Some(CoveredBy::Line(covering)) = inventory.cover.of(name).filter(|_| inventory.place(name).is_none())
        else {
            continue;
        };
        let Some((at, line)) = lines.iter().find(|(at, _)| value::trimmed(at) == covering.pattern.as_str()) else {
            continue;
        };
        if let Some((_, other)) = inventory.cover.rival(name) {
            let text = format!(
                "the pattern {} says as much of the name of column {name}, which is used",
                other.pattern.as_str()
            );
            inventory.page.fault(at.span(), "pattern-ambiguous", text, "give the column a line of its own");
        }
        let kind = format!("{}.{name}/1", spec.name.as_str());
        inventory.places.insert(name.clone(), inventory.columns.len());
        inventory.columns.push(ColumnEntry {
            name: name.clone(),
            pattern: Some(covering.pattern.as_str().to_owned()),
            identifier: Some(Identifier::new(kind, Normal::Text)),
            ..line.clone()
        });
    }
}

/// A column or pattern as `[columns]` names it.
type Line<'a> = (&'a At<String>, &'a ColumnSpec);

/// Names after trim and NFC; those that are one (R67) are refused, patterns likewise.
fn places(page: Page, by_name: &[Line<'_>], by_pattern: &[Line<'_>]) -> BTreeMap<String, usize> {
    let mut known: BTreeMap<(bool, String), &At<String>> = BTreeMap::new();
    let mut places = BTreeMap::new();
    let lines = by_name.iter().enumerate().map(|(index, (at, _))| (Some(index), *at));
    for (index, at) in lines.chain(by_pattern.iter().map(|(at, _)| (None, *at))) {
        value::said(page, at);
        if known.insert((index.is_some(), folded(at)), at).is_some() {
            let help = "names are one whatever their case and what nobody sees; rename or drop one";
            page.fault(at.span(), "duplicate-column", "another column has the same name", help);
        }
        if let Some(index) = index {
            places.entry(name_of(at)).or_insert(index);
        }
    }
    for at in by_name.iter().flat_map(|(_, column)| column.names.iter().flat_map(|names| names.iter())) {
        value::said(page, at);
        if known.insert((true, folded(at)), at).is_some() {
            let help = "every name belongs to one column, once, whatever its case";
            page.fault(at.span(), "duplicate-column", "another column has this name", help);
        }
    }
    places
}

/// Other names of columns in files, each with the column's own.
fn also(spec: &SourceSpec) -> BTreeMap<String, String> {
    let names = |(at, column): (&At<String>, &ColumnSpec)| {
        let own = name_of(at);
        let names = column.names.iter().flat_map(|names| names.iter());
        names.map(|name| (value::trimmed(name), own.clone())).collect::<Vec<_>>()
    };
    spec.columns.iter().flat_map(names).collect()
}

/// The name of a column that a line names.
fn name_of(at: &str) -> String {
    let pattern = NamePattern::read(at);
    pattern.exact().unwrap_or(pattern.as_str()).to_owned()
}

fn entry<'a>(
    page: Page,
    source: &str,
    at: &At<String>,
    spec: &'a ColumnSpec,
    places: &BTreeMap<String, usize>,
) -> ColumnEntry<'a> {
    let region_from = spec.region_from.as_ref().and_then(|from| {
        let place = places.get(&value::trimmed(from)).copied();
        if place.is_none() || value::trimmed(from) == value::trimmed(at) {
            page.fault(from.span(), "unknown-column", "no such other column here", "name a column with country codes");
        }
        place
    });
    spec.allow_raw.as_ref().map(|at| value::said(page, at));
    let keep = spec.keep.as_ref().and_then(|at| value::keep(page, at));
    let name = name_of(at);
    ColumnEntry {
        pattern: None,
        value: value_type(page, at, spec),
        sentinels: sentinels(page, spec),
        identifier: identifier(page, source, &name, spec),
        parts: parts(page, spec, places),
        spec,
        region_from,
        keep,
        several: several(page, spec),
        max_raw: max_raw(page, spec),
        forms: forms::of_column(page, spec),
        name,
    }
}

fn value_type(page: Page, name: &At<String>, spec: &ColumnSpec) -> Option<ValueType> {
    unused_keys(page, spec);
    match spec.kind() {
        TypeName::Text => Some(ValueType::Text),
        TypeName::Integer => Some(ValueType::Integer),
        TypeName::Boolean => Some(ValueType::Boolean),
        TypeName::Decimal => {
            let scale = value::number(page, spec.scale.as_ref(), 0..38, 0)?;
            let scale = spec.scale.as_ref().and(u8::try_from(scale).ok());
            Some(ValueType::Decimal { scale })
        }
        TypeName::Date => date_rule(page, name, spec, false).map(ValueType::Date),
        TypeName::Timestamp => date_rule(page, name, spec, true).map(ValueType::Timestamp),
    }
}

/// Keys that say something of other types only.
fn unused_keys(page: Page, spec: &ColumnSpec) {
    let kind = spec.kind();
    let timed = matches!(kind, TypeName::Date | TypeName::Timestamp);
    let unused = |at: std::ops::Range<usize>, key: &str, of: &str| {
        page.fault(at, "unused-key", format!("`{key}` is for {of}"), "leave it out, or change the column's type");
    };
    if let Some(at) = spec.scale.as_ref().filter(|_| kind != TypeName::Decimal) {
        unused(at.span(), "scale", "decimals");
    }
    if let Some(at) = spec.formats.as_ref().filter(|_| !timed) {
        unused(at.span(), "formats", "dates and timestamps");
    }
    if let Some(at) = spec.sentinels.as_ref().filter(|_| !timed) {
        unused(at.span(), "sentinels", "dates and timestamps");
    }
    if let Some(at) = spec.zone.as_ref().filter(|_| kind != TypeName::Timestamp) {
        unused(at.span(), "zone", "timestamps; a date is a day of the job's zone (R23)");
    }
    if let Some(at) = spec.epoch.as_ref().filter(|_| kind != TypeName::Timestamp) {
        unused(at.span(), "epoch", "timestamps");
    }
    if let Some(at) = spec.birth.as_ref().filter(|_| !timed) {
        unused(at.span(), "birth", "dates and timestamps");
    }
}

fn date_rule(page: Page, name: &At<String>, spec: &ColumnSpec, timestamp: bool) -> Option<DateRule> {
    let zone = match spec.zone.as_ref().filter(|_| timestamp) {
        Some(at) => Some(value::zone(page, at)?),
        None => None,
    };
    let epoch = spec.epoch.as_ref().filter(|_| timestamp);
    let Some(list) = &spec.formats else {
        if let Some(epoch) = epoch {
            return Some(DateRule { formats: Vec::new(), zone, epoch: Some(**epoch) });
        }
        let help = "add formats = [\"%Y-%m-%d\"], as the export writes them; nothing is guessed";
        page.fault(name.span(), "formats-missing", "nothing says how dates are written", help);
        return None;
    };
    if let Some(epoch) = epoch {
        page.fault(epoch.span(), "unused-key", "`epoch` stands in place of `formats`", "keep one of the two");
    }
    let dated = if timestamp { Dated::Timestamp } else { Dated::Date };
    let (formats, zoned) = format::formats(page, list, dated, zone.as_ref().unwrap_or(&TimeZone::UTC))?;
    if timestamp && !zoned && zone.is_none() && spec.zone.is_none() {
        let help = "add zone = \"UTC\" or the zone the export is written in (R23)";
        page.fault(list.span(), "zone-missing", "a format here carries no offset, and no zone is given", help);
        return None;
    }
    Some(DateRule { formats, zone, epoch: None })
}

/// R24: the five that always count, and the column's own.
fn sentinels(page: Page, spec: &ColumnSpec) -> Option<Vec<Date>> {
    let mut all = vec![date(1, 1, 1), date(1, 1, 3), date(1900, 1, 1), date(2154, 12, 31), date(9999, 12, 31)];
    let own = spec.sentinels.iter().flat_map(|l| l.iter());
    let own: Vec<_> = own.map(|at| value::date(page, at)).collect();
    for date in own {
        let date = date?;
        if !all.contains(&date) {
            all.push(date);
        }
    }
    Some(all)
}

fn identifier(page: Page, source: &str, name: &str, spec: &ColumnSpec) -> Option<Identifier> {
    let phone = spec.identifier.as_ref().is_some_and(|i| i.as_str() == "phone");
    let unused = [&spec.region, &spec.region_from].into_iter().flatten().filter(|_| !phone);
    unused.for_each(|at| page.fault(at.span(), "unused-key", "a region is for phones", "leave it out"));
    let Some(at) = &spec.identifier else {
        return Some(Identifier::new(format!("{source}.{name}/1"), Normal::Text));
    };
    if spec.kind() != TypeName::Text {
        let help = "leave `type` out: identities are made from text, numbers included";
        page.fault(at.span(), "identifier-type", "an identifier must be text", help);
    }
    let region = match (&spec.region, &spec.region_from) {
        (Some(at), None) if phone => PhoneRegion::Fixed(value::region(page, at)?),
        // The index is set when a job has gathered its columns.
        (None, Some(_)) if phone => PhoneRegion::Column(0),
        _ if phone => {
            let help = "add region = \"DE\" for the whole column, or region_from = the column with the country";
            page.fault(at.span(), "phone-region", "a phone column needs one of `region` and `region_from`", help);
            return None;
        }
        _ => PhoneRegion::International,
    };
    let found = check_match::identifier(page, at, region)?;
    check_match::of_parts(page, at, found, spec.parts.as_ref().map_or(1, |parts| parts.len()))
}

/// R51: the columns that make up a column's values.
fn parts(page: Page, spec: &ColumnSpec, places: &BTreeMap<String, usize>) -> Vec<usize> {
    let Some(list) = &spec.parts else { return Vec::new() };
    check_match::part_names(page, list);
    let place = |at: &At<String>| {
        let place = places.get(&value::trimmed(at)).copied();
        if place.is_none() {
            page.fault(at.span(), "unknown-column", "the source lists no such column", "add it to [columns]");
        }
        place
    };
    list.iter().filter_map(place).collect()
}

/// R51: a column put together of others has an identity and nothing else; what it is made of are plain columns.
fn composed(inventory: &Inventory, column: &ColumnEntry) {
    let (page, spec) = (inventory.page, column.spec);
    let Some(list) = &spec.parts else { return };
    if spec.identifier.is_none() {
        let help = "add identifier = \"name@scope\", the numbering that the parts make up";
        page.fault(list.span(), "parts", "a value put together of parts is an identifier", help);
    }
    let plain = [
        ("several", spec.several.as_ref().map(At::span)),
        ("names", spec.names.as_ref().map(At::span)),
        ("type", spec.r#type.as_ref().map(At::span)),
        ("quasi", spec.quasi.as_ref().map(At::span)),
        ("allow_raw", spec.allow_raw.as_ref().map(At::span)),
    ];
    for (key, at) in plain.into_iter().filter_map(|(key, at)| Some((key, at?))) {
        let help = "leave it out: the column is not in the file, and only its tokens are published";
        page.fault(at, "unused-key", format!("`{key}` is for columns of the file"), help);
    }
    for (at, place) in list.iter().filter_map(|at| Some((at, inventory.place(at)?))) {
        let part = &inventory.columns[place];
        if part.spec.parts.is_some() || part.spec.several.is_some() || part.spec.kind() != TypeName::Text {
            let help = "name columns of the file of type text, with one value in a cell";
            page.fault(at.span(), "parts", "a part is not plain text", help);
        }
        if *part.spec.category == Category::Secret && *spec.category != Category::Secret {
            let help = "give the column the category secret too: what is made of a secret is one (R19)";
            page.fault(at.span(), "secret", "a part is secret, and the whole is not", help);
        }
    }
}

fn max_raw(page: Page, spec: &ColumnSpec) -> Option<Share> {
    let at = spec.max_raw.as_ref()?;
    if spec.identifier.is_none() {
        let help = "leave it out, or say with `identifier` what the column holds";
        page.fault(at.span(), "unused-key", "`max_raw` is for identifiers: other text has a normal form", help);
    }
    value::share(page, at)
}

fn several(page: Page, spec: &ColumnSpec) -> Option<Several> {
    let at = spec.several.as_ref()?;
    if spec.purposes.as_ref().is_some_and(|purposes| !purposes.is_empty()) {
        let help = "leave `purposes` out: such a column links persons and is not published";
        page.fault(at.span(), "several", "a column with `several` can serve no purpose", help);
    }
    let separator = value::ascii(page, &at.separator).map(char::from);
    let until = at.until.as_ref().map(|until| value::ascii(page, until).map(char::from));
    let most = value::number(page, at.most.as_ref(), 2..101, 10).and_then(|most| usize::try_from(most).ok());
    let inside = at.inside.as_ref().map_or(Some(None), |at| inside(page, at).map(Some));
    let until = until.map_or(Some(None), |until| until.map(Some));
    Some(Several { separator: separator?, until: until?, inside: inside?, most: most? })
}

/// Two characters, one before a value and one after it.
fn inside(page: Page, at: &At<String>) -> Option<(char, char)> {
    let marks: Vec<char> = at.chars().collect();
    match marks[..] {
        [open, close] if open.is_ascii_punctuation() && close.is_ascii_punctuation() => Some((open, close)),
        _ => {
            let help = "write the two marks that stand around a value, such as \"<>\"";
            page.fault(at.span(), "delimiter", "not two marks", help);
            None
        }
    }
}

fn subject(inventory: &Inventory, spec: &SubjectSpec) {
    let page = inventory.page;
    let mut seen = Vec::new();
    let lists = [&spec.strong, &spec.weak].into_iter().flatten().flat_map(|l| l.iter());
    for at in spec.key.iter().chain(lists) {
        let Some(place) = inventory.find(page, at) else { continue };
        if seen.contains(&place) {
            let help = "a column is either the key, a strong link or a weak link, and only once";
            page.fault(at.span(), "duplicate-link", "the column is named twice in [subject]", help);
        }
        seen.push(place);
        if inventory.columns[place].spec.identifier.is_none() {
            let help = "add identifier = … to the column, so that requests can name it (R10)";
            page.fault(at.span(), "no-identifier", "a key or link without identifier", help);
        }
    }
    for at in spec.clock.iter().flat_map(|l| l.iter()) {
        clock(inventory, page, at);
    }
    let key = inventory.key();
    for (place, entry) in inventory.columns.iter().enumerate() {
        let Some(at) = entry.spec.several.as_ref().filter(|_| !seen.contains(&place) || key == Some(place)) else {
            continue;
        };
        let help = "name the column in strong or weak of [subject], or leave `several` out";
        page.fault(at.span(), "several", "only a strong or weak link has cells of several values", help);
    }
}

/// A column that is to be a clock: there, and a date or timestamp.
pub(super) fn clock(inventory: &Inventory, page: Page, at: &At<String>) -> Option<usize> {
    let place = inventory.find(page, at)?;
    if inventory.columns[place].timed() {
        return Some(place);
    }
    let help = "give the column type = \"date\" or \"timestamp\" in its source, with formats";
    page.fault(at.span(), "clock-type", "a clock must be a date or a timestamp", help);
    None
}

fn consent(inventory: &Inventory) {
    let Some(spec) = &inventory.spec.consent else { return };
    let page = inventory.page;
    let place = inventory.find_cells(page, &spec.column);
    let column = place.map(|place| &inventory.columns[place]).filter(|column| column.spec.kind() == TypeName::Boolean);
    if let Some(column) = column {
        for at in spec.equals.iter().filter(|at| column.boolean(&value::folded(at)).is_none() && !at.trim().is_empty())
        {
            let help = "write true, false, 1, 0, yes or no, or one of the column's own words";
            page.fault(at.span(), "consent-value", "the column is boolean and this is no boolean (R32)", help);
        }
    }
    if spec.equals.is_empty() || spec.equals.iter().any(|at| at.trim().is_empty()) {
        page.fault(
            spec.equals.span(),
            "empty-text",
            "a blank value never means yes (R32)",
            "list the values that mean yes",
        );
    }
    if let Some(at) = &spec.since {
        clock(inventory, page, at);
    }
}

/// R19 and R27 as far as source and policy decide them.
fn purposes(page: Page, entry: &ColumnEntry, policy: &Policy) {
    let Some(listed) = &entry.spec.purposes else { return };
    let category = *entry.spec.category;
    if category == Category::Secret && !listed.is_empty() {
        let help = "leave `purposes` out: a secret column is never published, under any treatment (R19)";
        return page.fault(listed.span(), "secret", "a secret column serves no purpose", help);
    }
    for at in listed.iter() {
        let Some(purpose) = policy.spec.purposes.get(at) else {
            page.fault(at.span(), "unknown-purpose", "no such purpose in policy.toml", "name one of [purposes]");
            continue;
        };
        if !purpose.categories.iter().any(|c| **c == category) {
            let text = format!("purpose {} does not allow category {}", at.as_str(), category.name());
            page.fault(
                at.span(),
                "category-not-allowed",
                text,
                "leave the purpose out here, or allow the category there",
            );
        }
        let max = policy.purposes.get(at.as_str()).and_then(Option::as_ref).map(|p| p.max_keep);
        if let (Some(keep), Some(max), Some(keep_at)) = (entry.keep, max, &entry.spec.keep)
            && !keep.within(&max)
        {
            let text = format!("longer than max_keep of purpose {}", at.as_str());
            page.fault(keep_at.span(), "keep-too-long", text, format!("at most {} (R27)", purpose.max_keep.as_str()));
        }
    }
}

fn source(inventory: &Inventory) -> Option<Source> {
    let (page, spec) = (inventory.page, inventory.spec);
    let read = read(page, spec);
    let complete = match &spec.complete {
        Some(at) => complete(page, at).map(Some),
        None => Some(None),
    };
    let of_file = |column: &&ColumnEntry| column.spec.parts.is_none() && column.pattern.is_none();
    let listed = inventory.columns.iter().filter(of_file).map(|c| c.name.clone()).collect();
    let cover = inventory.cover.clone();
    let (name, nobody) = (spec.name.to_string(), spec.subject.none.as_ref().map(|none| none.to_string()));
    Some(Source { name, read: read?, complete: complete?, listed, also: also(spec), cover, nobody })
}

fn complete(page: Page, spec: &At<CompleteSpec>) -> Option<Complete> {
    let when = match (&spec.marker, &spec.settle) {
        (Some(at), None) => marker(page, at).map(CompleteWhen::Marker),
        (None, Some(at)) => settle(page, at).map(CompleteWhen::Settle),
        _ => {
            let help = "keep one of the two: marker (an object that says so) or settle (how long nothing has changed)";
            page.fault(spec.span(), "complete-how", "[complete] takes exactly one of `marker` and `settle`", help);
            None
        }
    };
    let min_records = value::share_or(page, spec.min_records.as_ref(), "90%");
    let set_format = spec.set_format.as_ref().map(|at| format::set(page, at));
    let set_format = set_format.map_or(Some(None), |format| format.map(Some));
    let max_ahead = spec.max_ahead.as_ref().map(|at| value::keep(page, at));
    let max_ahead = max_ahead.map_or(Some(None), |period| period.map(Some));
    let count = spec.count.as_ref().map_or(Some(None), |count| said_count(page, count).map(Some));
    let (min_records, set_format) = (min_records?, set_format?);
    Some(Complete { when: when?, min_records, count: count?, set_format, max_ahead: max_ahead? })
}

/// R64: where the sender says how many records there are.
fn said_count(page: Page, spec: &CountSpec) -> Option<SaidCount> {
    let file = marker(page, &spec.file);
    let keys = |at: &At<String>| at.split('.').map(str::to_owned).collect::<Vec<_>>();
    let at = spec.at.as_ref().map(keys).unwrap_or_default();
    if let Some(place) = spec.at.as_ref().filter(|_| at.iter().any(String::is_empty)) {
        let help = "write keys with dots between, such as numberRecordsProcessed or entries.*.meta.record_count";
        page.fault(place.span(), "empty-text", "a key has no name", help);
        return None;
    }
    Some(SaidCount { file: file?, at })
}

fn marker(page: Page, at: &At<String>) -> Option<String> {
    let plain = !at.trim().is_empty() && !at.contains(['/', '\\', '*', '?', '[', '{', '%', '#']);
    if plain && !at.chars().any(char::is_control) && !matches!(at.as_str(), "." | "..") {
        return Some(at.to_string());
    }
    page.fault(at.span(), "location", "not the name of one object", "write a plain name such as _DONE");
    None
}

fn settle(page: Page, at: &At<String>) -> Option<Period> {
    let period = value::keep(page, at)?;
    if period.months == 0 {
        return Some(period);
    }
    page.fault(at.span(), "duration", "months have no fixed length", "write days, hours or minutes");
    None
}

fn read(page: Page, spec: &SourceSpec) -> Option<ReadFormat> {
    let read: &ReadSpec = &spec.read;
    let encoding = value::encoding(page, read.encoding.as_ref());
    let names = check_names::names(page, read);
    let header = names.as_ref().map_or(CsvFormat::UNSET.header, |(line, _)| *line);
    if let Some((_, NamesFrom::Given(given))) = &names {
        check_names::columns(page, spec, given);
    }
    let records = match *read.format {
        Format::Csv => csv(page, spec, header).map(RecordFormat::Csv),
        Format::Xlsx => xlsx(page, read, header).map(RecordFormat::Xlsx),
        Format::Parquet => Some(RecordFormat::Parquet),
        Format::Json | Format::Ndjson => check_json::rules(page, spec, encoding.as_deref()).map(RecordFormat::Json),
    };
    let member = match &read.member {
        Some(at) => value::glob(page, at).map(Some),
        None => Some(None),
    };
    check_format::idle_keys(page, read);
    let (limits, unset) = (spec.limits.as_ref(), ReadFormat::csv());
    let number = |at: Option<&At<i64>>, within, unset: u64| value::number(page, at, within, unset as i64);
    let most = unset.max_record_bytes as u64;
    let bytes = number(limits.and_then(|l| l.max_record_bytes.as_ref()), 1..1 << 30, most);
    let columns = number(limits.and_then(|l| l.max_columns.as_ref()), 1..100_001, unset.max_columns as u64);
    let members = number(limits.and_then(|l| l.max_members.as_ref()), 1..10_000_001, unset.max_members as u64);
    let ratio = number(limits.and_then(|l| l.max_ratio.as_ref()), 1..i64::MAX, unset.max_ratio);
    let decompressed = number(limits.and_then(|l| l.max_decompressed.as_ref()), 1..i64::MAX, unset.max_decompressed);
    let shared = number(limits.and_then(|l| l.max_shared_text.as_ref()), 1..i64::MAX, unset.max_shared_text);
    let member_in = spec.complete.as_ref().and_then(|c| c.member_in.as_ref());
    Some(ReadFormat {
        records: records?,
        encoding: encoding?,
        bom: read.bom.as_ref().map_or(Bom::Allow, |b| **b),
        names: names?.1,
        null: read.null.as_ref().map(|l| (**l).clone()).unwrap_or_default(),
        member: member?,
        member_text: read.member.as_ref().map(|m| m.to_string()),
        member_in_exactly_one: member_in.is_some_and(|m| **m == MemberIn::ExactlyOne),
        refuse_drift: read.on_drift.as_ref().is_some_and(|d| **d == OnDrift::Refuse),
        max_record_bytes: usize::try_from(bytes?).ok()?,
        max_columns: usize::try_from(columns?).ok()?,
        max_members: usize::try_from(members?).ok()?,
        max_ratio: u64::try_from(ratio?).ok()?,
        max_decompressed: u64::try_from(decompressed?).ok()?,
        max_shared_text: u64::try_from(shared?).ok()?,
    })
}

/// The keys that only workbooks have.
fn xlsx(page: Page, read: &ReadSpec, header: u64) -> Option<XlsxFormat> {
    if let Some(at) = read.header.as_ref().filter(|at| matches!(***at, HeaderSpec::Whether(_))) {
        page.fault(at.span(), "number", "a sheet has a header, in a row by its number", "write the number of its row");
        return None;
    }
    let sheet = read.sheet.as_ref().map(|at| {
        if at.trim().is_empty() {
            page.fault(at.span(), "empty-text", "a sheet has a name", "write the name that its tab shows");
            return None;
        }
        Some(at.to_string())
    });
    Some(XlsxFormat {
        sheet: sheet.map_or(Some(None), |name| name.map(Some))?,
        header,
        formulas: read.formulas.as_ref().map_or(Formulas::Cached, |at| **at),
    })
}

/// The keys that only CSV has.
fn csv(page: Page, spec: &SourceSpec, header: u64) -> Option<CsvFormat> {
    let (read, unset): (&ReadSpec, _) = (&spec.read, CsvFormat::UNSET);
    let delimiter = read.delimiter.as_ref().map_or(Some(unset.delimiter), |at| value::ascii(page, at));
    let quote = match &read.quote {
        None => Some(unset.quote),
        Some(at) if at.as_str() == "none" => Some(None),
        Some(at) => value::ascii(page, at).map(Some),
    };
    if let (Some(delimiter), Some(Some(quote))) = (delimiter, quote)
        && delimiter == quote
    {
        let at = read.quote.as_ref().or(read.delimiter.as_ref()).map_or(spec.read.span(), At::span);
        page.fault(at, "delimiter", "delimiter and quote are the same", "change one of the two");
    }
    Some(CsvFormat {
        delimiter: delimiter?,
        quote: quote?,
        header,
        stray_quotes_literal: read.stray_quotes.as_ref().is_some_and(|s| **s == StrayQuotes::Literal),
    })
}
