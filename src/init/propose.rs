//! Proposals for one table: key, links, clocks, and for each column its category, identifier, type and treatment, each
//! with the reason in words. A proposal allows nothing.

use super::category;
use super::column::{PeekColumn, Value};
use super::crm::{self, Crm, Gone};
use super::sample::Table;
use super::shape::Shape;
use crate::cell::text::canonical;
use crate::policy::{Category, is_birth, moves_by_itself, name_says, name_words, plain, says_email};
use crate::read::Container;
use std::collections::BTreeSet;

/// Fields besides the subject that a job begins with. The others stand in it as comments.
const MOST_FIELDS: usize = 4;
/// Lines that somebody has to edit for one table: what policy and retention ask, and the column of the key, are six.
const MOST_LINES: usize = 12;
const LINES_OF_ALL: usize = 6;
/// The smallest group that a gate allows unless somebody decides otherwise.
pub(super) const MIN_K: u64 = 5;

/// How a column is read.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case", tag = "type")]
pub enum GuessedType {
    /// Text as it is written.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A number with a fraction.
    Decimal {
        /// Digits after the point.
        scale: u8,
    },
    /// A yes or a no.
    Boolean,
    /// A day without a time.
    Date {
        /// Formats in which the days are written.
        formats: Vec<String>,
    },
    /// A point in time.
    Timestamp {
        /// Formats in which the times are written.
        formats: Vec<String>,
        /// Zone of times without one; none where each has an offset, or somebody has to say it.
        zone: Option<String>,
        /// Nobody says which zone the times are of.
        zone_unknown: bool,
    },
    /// A number that counts from the beginning of 1970.
    Epoch {
        /// It counts milliseconds, else seconds.
        millis: bool,
    },
    /// Dates in which days and months cannot be told apart.
    Undecided {
        /// They have a time of day.
        timed: bool,
        /// Formats that fit all values when the day is written first.
        days_first: Vec<String>,
        /// Formats that fit all values when the month is written first.
        months_first: Vec<String>,
    },
}

/// Where the region of phone numbers comes from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Region {
    /// All are of one country, or carry their own.
    Code(String),
    /// A column says it.
    From(String),
    /// Nothing says it: somebody has to.
    Unknown,
}

/// The treatment that a field would begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Treat {
    /// Of the key and of ids.
    Pseudonymize,
    /// Proposed for columns of few values.
    AsIs,
    /// Of dates of birth.
    Year,
    /// Proposed for dates that are no birthday.
    Month,
    /// Proposed for e-mail addresses.
    EmailDomain,
    /// Of what must not be seen.
    Present,
    /// Proposed for numbers.
    Round,
    /// Proposed for post codes.
    Prefix,
}

impl Treat {
    /// Returns it as a job writes it.
    pub fn written(self) -> &'static str {
        match self {
            Treat::Pseudonymize => "treat = \"pseudonymize\"",
            Treat::AsIs => "treat = \"as-is\"",
            Treat::Year => "treat = \"year\"",
            Treat::Month => "treat = \"month\"",
            Treat::EmailDomain => "treat = \"email-domain\"",
            Treat::Present => "treat = \"present\"",
            Treat::Round => "treat = \"round\", to = 100",
            Treat::Prefix => "treat = \"prefix\", length = 2",
        }
    }

    /// Returns what a field of it says of the column, in words.
    pub fn said(self) -> &'static str {
        match self {
            Treat::Pseudonymize => "a token of it",
            Treat::AsIs => "it as it is",
            Treat::Year => "its year",
            Treat::Month => "its month",
            Treat::EmailDomain => "its mail domain",
            Treat::Present => "whether there is one",
            Treat::Round => "it rounded to hundreds",
            Treat::Prefix => "its first two characters",
        }
    }

    /// Returns the name by which specs call the treatment.
    pub fn name(self) -> &'static str {
        self.written().split('"').nth(1).unwrap_or_default()
    }
}

/// What is proposed for a column.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Proposed {
    /// Category that the column seems to be of.
    pub category: Category,
    /// What makes it look so.
    pub why: String,
    /// Kind of identifier that the values seem to be, if any.
    pub identifier: Option<String>,
    /// Region that the phone numbers seem to be written for, if any.
    pub region: Option<Region>,
    /// A cell holds several ids, with the time of a merge after each.
    pub several: bool,
    /// How it is read.
    pub typed: GuessedType,
    /// The treatment a field would have; none where no field is proposed.
    pub treat: Option<Treat>,
    /// The job begins with a field of it.
    pub begins: bool,
}

/// By which columns the newest of several versions of a record is told (R75).
#[derive(Clone, Debug, serde::Serialize)]
pub struct ProposedNewest {
    /// The column that orders versions.
    pub version: String,
    /// The column that says that a record has ended.
    pub deleted: Option<String>,
}

/// What is proposed for a table.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Proposal {
    /// What the export is, when it was recognised.
    pub crm: Option<&'static str>,
    /// Column of the subject key.
    pub key: Option<String>,
    /// Columns that link strongly.
    pub strong: Vec<String>,
    /// Columns that link weakly.
    pub weak: Vec<String>,
    /// Columns that retention may go by.
    pub clocks: Vec<String>,
    /// Other columns with dates, of which somebody may choose where no clock is known by its name.
    pub dates: Vec<String>,
    /// Columns that look like clocks, and why they are none.
    pub no_clocks: Vec<(String, &'static str)>,
    /// Rows that are no persons any more.
    #[serde(skip)]
    pub(super) gone: Vec<(String, Gone)>,
    /// Which of several versions of a record counts, where the export keeps earlier ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<ProposedNewest>,
    /// Column that holds the key of another table, and the number of that table.
    pub whose: Option<(String, usize)>,
    /// It has one row for each person, and a job of its own.
    pub persons: bool,
    /// What a job cannot do without and the table does not have, and what to do about it.
    pub lacks: Vec<&'static str>,
    /// What is proposed for each column, in the order of the header.
    pub columns: Vec<Proposed>,
}

impl Proposal {
    /// Returns whether nothing in it says when anything was.
    pub(super) fn undated(&self) -> bool {
        self.clocks.is_empty() && self.dates.is_empty()
    }

    /// Returns whether a column is the key.
    pub(super) fn is_key(&self, column: &str) -> bool {
        self.key.as_deref() == Some(column)
    }
}

/// Proposes for all tables: each by itself, then what they say of each other.
pub fn propose(tables: &[Table]) -> Vec<Proposal> {
    let mut all: Vec<Proposal> = tables.iter().map(alone).collect();
    let personal: Vec<bool> = tables.iter().zip(&all).map(|(table, proposal)| is_personal(table, proposal)).collect();
    for at in 0..tables.len() {
        link(at, tables, &mut all, &personal);
    }
    // Activity is observed, and observed rows have no versions.
    all.iter_mut().filter(|proposal| proposal.whose.is_some()).for_each(|proposal| proposal.newest = None);
    let any = personal.contains(&true);
    for (proposal, personal) in all.iter_mut().zip(&personal) {
        let dated = !proposal.clocks.is_empty() || *personal;
        let whole = proposal.key.is_some() && dated && proposal.whose.is_none();
        // Beside a table of persons, one of accounts or products has no job.
        proposal.persons = whole && (*personal || !any);
    }
    // Where nothing is a table of persons, the first one is shown what it lacks.
    if !all.iter().any(|proposal| proposal.persons)
        && let Some(first) = all.first_mut()
    {
        first.persons = true;
    }
    for (table, proposal) in tables.iter().zip(&mut all).filter(|(_, proposal)| !proposal.persons) {
        ask_no_region(table, proposal);
    }
    for (table, proposal) in tables.iter().zip(&mut all).filter(|(_, proposal)| proposal.persons) {
        lacks(proposal);
        begin(table, proposal);
    }
    all
}

/// Whether the rows of a table are persons: they have addresses or names of their own. A phone may be that of a company.
fn is_personal(table: &Table, proposal: &Proposal) -> bool {
    let names = ["firstname", "lastname", "surname", "fullname", "vorname", "nachname"];
    let crm = crm::recognised(&table.columns, table.container);
    let known = crm.map(|crm| named(table, crm.weak)).unwrap_or_default();
    table.columns.iter().filter(|column| column.filled > 0).any(|column| {
        let name = plain(&column.name);
        let linked = proposal.weak.contains(&column.name) || proposal.is_key(&column.name);
        let reaches = column.looks == Some(Shape::Email) || name.contains("mobile") || known.contains(&column.name);
        linked && reaches || names.iter().any(|part| name.contains(part))
    })
}

/// Of a table without a job, nobody has to say where its phones are.
fn ask_no_region(table: &Table, proposal: &mut Proposal) {
    for (column, proposed) in table.columns.iter().zip(&mut proposal.columns) {
        if proposed.region == Some(Region::Unknown) {
            (proposed.region, proposed.identifier) = (None, None);
            proposal.weak.retain(|name| *name != column.name);
        }
    }
}

fn lacks(proposal: &mut Proposal) {
    if proposal.key.is_none() {
        proposal.lacks.push(
            "no job can run without a key: no column names a person in every record, once; have the export include its \
             ids, or say that its rows are about nobody (products, prices): none = \"the reason\" in [subject]",
        );
    }
    if proposal.undated() {
        proposal.lacks.push(
            "no column has a date to count retention from: rows can be kept by first-seen, export-date or until-absent",
        );
    } else if proposal.clocks.is_empty() {
        proposal.lacks.push("no date is known as a clock by its name: choose among those that were found");
    }
}

/// Proposes for columns of a table that somebody else describes: `columns` are all of it, of a sample of so many records.
/// `usable` says of a name whether another column may refer to it.
pub(super) fn propose_columns(columns: &[PeekColumn], records: u64, usable: impl Fn(&str) -> bool) -> Vec<Proposed> {
    let crm = crm::recognised(columns, Container::Plain);
    let proposed = columns.iter().map(|column| {
        let mut proposed = one((columns, records), column, crm);
        proposed.region = proposed.region.filter(|region| match region {
            Region::From(name) => usable(name),
            Region::Code(_) | Region::Unknown => true,
        });
        let kind = of_form(column, &proposed);
        let typed = if kind.is_some() { GuessedType::Text } else { proposed.typed.clone() };
        Proposed { identifier: kind.map(str::to_owned), typed, ..proposed }
    });
    proposed.collect()
}

fn alone(table: &Table) -> Proposal {
    let crm = crm::recognised(&table.columns, table.container);
    let mut proposal = Proposal { crm: crm.map(|crm| crm.title), ..Proposal::default() };
    let listed = |names: &[&'static str]| named(table, names);
    proposal.key = key(table, crm);
    let is_key = |name: &String| proposal.key.as_ref() == Some(name);
    if let Some(crm) = crm {
        proposal.strong = listed(crm.strong).into_iter().filter(|name| !is_key(name)).collect();
        proposal.gone = crm.gone.iter().filter_map(|gone| Some((listed(&[gone.0]).pop()?, *gone))).collect();
        let no_clock = |(name, why): &(&'static str, &'static str)| Some((listed(&[name]).pop()?, *why));
        proposal.no_clocks = crm.no_clocks.iter().filter_map(no_clock).collect();
    }
    proposal.weak = weak(table, crm).into_iter().filter(|name| !is_key(name)).collect();
    proposal.columns = table.columns.iter().map(|column| one((&table.columns, table.records), column, crm)).collect();
    identifiers(table, &mut proposal);
    proposal.clocks = clocks(table, crm, &proposal);
    if let Some(crm) = crm {
        newest(table, crm, &mut proposal);
    }
    let dated = dated(table, &proposal);
    let of_loaders =
        |name: &&String| moves_by_itself(name) && !proposal.no_clocks.iter().any(|(other, _)| other == *name);
    let moved: Vec<_> = dated.iter().filter(of_loaders).map(|name| (name.clone(), MOVED)).collect();
    proposal.no_clocks.extend(moved);
    let poor = |name: &String| proposal.no_clocks.iter().any(|(other, _)| other == name);
    proposal.dates = dated.iter().filter(|name| !poor(name) && !proposal.clocks.contains(name)).cloned().collect();
    proposal
}

/// Why a date is no clock that batch jobs move.
const MOVED: &str = "a date on which the row was changed, viewed or loaded";

/// Columns with dates, those of birth left out, and those that the CRM is known for as clocks.
fn dated(table: &Table, proposal: &Proposal) -> Vec<String> {
    let all = table.columns.iter().map(|column| &column.name);
    all.filter(|name| is_timed(table, proposal, name) && !is_birth(name) && !proposal.clocks.contains(name))
        .cloned()
        .collect()
}

/// Whether a column has values, and all are dates or times.
fn is_timed(table: &Table, proposal: &Proposal, name: &str) -> bool {
    let at = table.columns.iter().position(|column| column.name == name);
    at.is_some_and(|at| {
        table.columns[at].filled > 0
            && !matches!(
                proposal.columns[at].typed,
                GuessedType::Text | GuessedType::Integer | GuessedType::Decimal { .. } | GuessedType::Boolean
            )
    })
}

/// R75: an export of a kind that keeps earlier versions of records, and has some in the sample or is said to have them.
fn newest(table: &Table, crm: &Crm, proposal: &mut Proposal) {
    // A key of another table repeats because its persons have several records.
    let own = named(table, &crm.keys[..crm.keys.len().min(1)]).pop().filter(|own| proposal.is_key(own));
    let repeats = own.and_then(|own| column(table, &own)).is_some_and(|key| !key.unique);
    let place = |name: &'static str| {
        let name = named(table, &[name]).pop()?;
        table.columns.iter().position(|column| column.name == name)
    };
    for kept in crm.versions.iter().filter(|kept| kept.always || repeats) {
        let Some(version) = place(kept.version) else { continue };
        if !matches!(proposal.columns[version].typed, GuessedType::Integer)
            && !is_time(&proposal.columns[version].typed)
        {
            continue;
        }
        let (name, timed) = kept.deleted;
        let deleted = place(name);
        // Where the sample has no deletion, its cells say nothing of the type; one that is wrong rejects records.
        if let Some(at) = deleted {
            let marks = &mut proposal.columns[at];
            if !is_time(&marks.typed) && marks.typed != GuessedType::Boolean {
                marks.typed = if timed { iso_time() } else { GuessedType::Boolean };
            }
            marks.treat = None;
        }
        let name_at = |at: usize| table.columns[at].name.clone();
        proposal.columns[version].treat = None;
        proposal.newest = Some(ProposedNewest { version: name_at(version), deleted: deleted.map(name_at) });
        proposal.gone.retain(|(column, _)| deleted.is_none_or(|at| table.columns[at].name != *column));
        return;
    }
}

/// Whether values are points in time that can be put in order.
fn is_time(typed: &GuessedType) -> bool {
    match typed {
        GuessedType::Date { .. } | GuessedType::Epoch { .. } => true,
        GuessedType::Timestamp { zone_unknown, .. } => !zone_unknown,
        _ => false,
    }
}

fn iso_time() -> GuessedType {
    let formats = vec!["%Y-%m-%dT%H:%M:%S%.f%:z".to_owned(), "%Y-%m-%dT%H:%M:%S%.fZ".to_owned()];
    GuessedType::Timestamp { formats, zone: Some("UTC".into()), zone_unknown: false }
}

/// Columns of the table by their names, whatever their case, in the order of the names.
fn named(table: &Table, names: &[&str]) -> Vec<String> {
    let find = |name: &&str| {
        let wanted = canonical(name);
        table.columns.iter().find(|column| canonical(&column.name) == wanted).map(|column| column.name.clone())
    };
    names.iter().filter_map(find).collect()
}

fn column<'t>(table: &'t Table, name: &str) -> Option<&'t PeekColumn> {
    table.columns.iter().find(|column| column.name == name)
}

/// The key: a column that the CRM is known for, else the first that is called an id, else an e-mail address; each only
/// where it names every record once.
fn key(table: &Table, crm: Option<&Crm>) -> Option<String> {
    let whole =
        |name: &String| column(table, name).is_some_and(|c| c.filled > 0 && c.blank + c.null_cells == 0 && c.unique);
    let filled = |name: &String| column(table, name).is_some_and(|c| c.filled > 0);
    let known = crm.map(|crm| named(table, crm.keys)).unwrap_or_default();
    let called = table.columns.iter().map(|column| column.name.clone()).filter(|name| is_id(name) && !is_secret(name));
    let mails = table.columns.iter().filter(|c| c.looks == Some(Shape::Email)).map(|c| c.name.clone());
    known
        .iter()
        .find(|name| whole(name))
        .cloned()
        .or_else(|| known.into_iter().find(|name| filled(name)))
        .or_else(|| called.chain(mails).find(whole))
}

/// Whether a column is called an id: its last word says so.
fn is_id(name: &str) -> bool {
    let words = name_words(name);
    words.last().is_some_and(|word| ["id", "uuid", "guid"].contains(&word.as_str()))
}

/// Whether a column is called a secret, such as a number of the state: it names nobody to a request.
fn is_secret(name: &str) -> bool {
    name_says(name).is_some_and(|(category, _)| category == Category::Secret)
}

/// All columns by which requests may find a person without an id: addresses and numbers by their form, and what is called
/// an e-mail address though the sample has none. Those that the CRM is known for come first.
fn weak(table: &Table, crm: Option<&Crm>) -> Vec<String> {
    let known = crm.map(|crm| named(table, crm.weak)).unwrap_or_default();
    let linking = |column: &&PeekColumn| links_by_form(column) || called_email(column);
    let linking: Vec<&PeekColumn> = table.columns.iter().filter(linking).collect();
    let mut found: Vec<String> =
        known.into_iter().filter(|name| linking.iter().any(|column| column.name == *name)).collect();
    for column in linking {
        if !of_others(&column.name) && !found.contains(&column.name) {
            found.push(column.name.clone());
        }
    }
    found
}

fn links_by_form(column: &PeekColumn) -> bool {
    matches!(column.looks, Some(Shape::Email | Shape::Phone)) && !is_secret(&column.name)
}

/// Whether a column without a form is called an e-mail address.
fn called_email(column: &PeekColumn) -> bool {
    column.filled == 0 && says_email(&column.name) && !is_secret(&column.name)
}

/// Words for a company, for whoever owns or made the record, and for people beside its person. A fax finds nobody.
const OTHERS: [&str; 15] = [
    "assistant",
    "owner",
    "company",
    "account",
    "organi",
    "created",
    "modified",
    "manager",
    "fax",
    "spouse",
    "partner",
    "emergency",
    "parent",
    "guardian",
    "referr",
];

/// Whether a column is called the address of somebody else than its person.
fn of_others(name: &str) -> bool {
    let name = plain(name);
    OTHERS.iter().any(|other| name.contains(other))
}

/// Proposes for one column; `table` are all columns of it and the records of the sample.
fn one(table: (&[PeekColumn], u64), column: &PeekColumn, crm: Option<&Crm>) -> Proposed {
    let (category, why) = category::of(column);
    let typed = typed(column, crm);
    let secret = category == Category::Secret;
    // Post codes lose their zeros as numbers.
    let number = matches!(typed, GuessedType::Integer | GuessedType::Epoch { .. });
    let post_code = category == Category::Location && number && is_post_code(&plain(&column.name));
    let typed = if secret || post_code { GuessedType::Text } else { typed };
    let treat = treat(column, category, &typed);
    let region = (column.looks == Some(Shape::Phone) && !secret).then(|| region(table, column)).flatten();
    Proposed {
        category,
        why,
        identifier: None,
        region,
        several: column.looks == Some(Shape::MergedIds),
        typed,
        treat,
        begins: false,
    }
}

fn typed(column: &PeekColumn, crm: Option<&Crm>) -> GuessedType {
    match &column.value {
        Value::Integer => GuessedType::Integer,
        Value::Decimal { scale } => GuessedType::Decimal { scale: *scale },
        Value::Boolean => GuessedType::Boolean,
        Value::Epoch { millis } => GuessedType::Epoch { millis: *millis },
        Value::Dates(dates) if !dates.either.is_empty() => GuessedType::Undecided {
            timed: dates.timed,
            days_first: dates.formats.clone(),
            months_first: dates.either.clone(),
        },
        Value::Dates(dates) if dates.timed => {
            let known = if dates.utc { Some("UTC") } else { crm.and_then(|crm| crm.zone) };
            let zone = known.filter(|_| !dates.offset).map(str::to_owned);
            GuessedType::Timestamp {
                formats: dates.formats.clone(),
                zone_unknown: !dates.offset && zone.is_none(),
                zone,
            }
        }
        Value::Dates(dates) if dates.formats.iter().all(|format| !format.contains("%M")) => {
            GuessedType::Date { formats: dates.formats.clone() }
        }
        _ => GuessedType::Text,
    }
}

/// The treatment that a field of the column would begin with.
fn treat(column: &PeekColumn, category: Category, typed: &GuessedType) -> Option<Treat> {
    if column.filled == 0 || column.constant || category == Category::Secret {
        return None;
    }
    let few = column.distinct <= 40 && column.distinct * 2 <= column.filled;
    let name = plain(&column.name);
    let id = matches!(column.looks, Some(Shape::SalesforceId | Shape::Guid));
    Some(match (category, typed) {
        (_, GuessedType::Undecided { .. }) => return None,
        (
            Category::Demographic,
            GuessedType::Date { .. } | GuessedType::Timestamp { .. } | GuessedType::Epoch { .. },
        ) => Treat::Year,
        (_, GuessedType::Date { .. } | GuessedType::Timestamp { .. } | GuessedType::Epoch { .. }) => Treat::Month,
        (Category::Contact, _) if column.looks == Some(Shape::Email) => Treat::EmailDomain,
        (Category::Contact | Category::FreeText | Category::Special, _) => Treat::Present,
        (_, GuessedType::Boolean) => Treat::AsIs,
        (Category::Identity, _) if id => Treat::Pseudonymize,
        (Category::Identity, _) => return None,
        (Category::Location, GuessedType::Text) if !few && is_post_code(&name) => Treat::Prefix,
        (_, GuessedType::Integer | GuessedType::Decimal { .. }) if !few => Treat::Round,
        _ if few => Treat::AsIs,
        _ => Treat::Present,
    })
}

/// Whether a name is that of a post code, as `plain` leaves it.
fn is_post_code(name: &str) -> bool {
    ["postal", "postcode", "postleitzahl", "zip", "plz"].iter().any(|part| name.contains(part))
}

fn region((columns, records): (&[PeekColumn], u64), phone: &PeekColumn) -> Option<Region> {
    if let Some(code) = phone.international {
        return Some(Region::Code(code.into()));
    }
    let country = |(_, column): &(usize, &PeekColumn)| {
        plain(&column.name).contains("country") && column.filled * 2 > records && column.looks.is_none()
    };
    // The one that says it most often; the first of those.
    let most = |(at, column): &(usize, &PeekColumn)| (column.filled, std::cmp::Reverse(*at));
    let country = columns.iter().enumerate().filter(country).max_by_key(most);
    country.map(|(_, column)| Region::From(column.name.clone()))
}

/// The kind of identifier that the form of a column's values says.
fn of_form(column: &PeekColumn, proposed: &Proposed) -> Option<&'static str> {
    match column.looks {
        _ if proposed.category == Category::Secret => None,
        None if called_email(column) => Some("email"),
        Some(Shape::Email) => Some("email"),
        Some(Shape::Phone) if proposed.region.is_some() => Some("phone"),
        Some(Shape::SalesforceId) => Some("salesforce-id"),
        _ => None,
    }
}

/// Says what key and links are numbers of.
fn identifiers(table: &Table, proposal: &mut Proposal) {
    let links: Vec<String> = proposal.key.iter().chain(&proposal.strong).cloned().collect();
    let own = proposal.key.as_ref().map(|key| numbering(key, &table.name));
    for (column, proposed) in table.columns.iter().zip(&mut proposal.columns) {
        let weak = proposal.weak.contains(&column.name);
        if weak && column.looks == Some(Shape::Phone) {
            proposed.region = proposed.region.take().or(Some(Region::Unknown));
        }
        if !weak && column.looks == Some(Shape::Phone) && proposal.key.as_ref() != Some(&column.name) {
            // A number of others is not one by which a request finds the person.
            proposed.region = None;
        }
        // Ids of merged records are numbers of the key, and so is a link that the sample has no value of.
        let numbered = || own.clone().filter(|_| links.contains(&column.name));
        let kind = of_form(column, proposed).map(str::to_owned).or_else(numbered);
        if kind.is_some() {
            (proposed.identifier, proposed.typed) = (kind, GuessedType::Text);
        }
    }
    let key = proposal.key.clone();
    let salesforce = proposal.crm.is_some_and(|title| title.contains("Salesforce"));
    let identified = |name: &String, columns: &[Proposed]| {
        let at = table.columns.iter().position(|column| column.name == *name);
        at.is_some_and(|at| columns[at].identifier.is_some())
    };
    for (column, proposed) in table.columns.iter().zip(&mut proposal.columns) {
        if salesforce && proposal.strong.contains(&column.name) && column.filled == 0 {
            proposed.identifier = Some("salesforce-id".into());
        }
        if key.as_ref() == Some(&column.name) {
            (proposed.category, proposed.why) = (Category::Identity, "the key of the person".into());
            proposed.treat = Some(Treat::Pseudonymize);
        }
    }
    let columns = std::mem::take(&mut proposal.columns);
    proposal.weak.retain(|name| identified(name, &columns));
    proposal.strong.retain(|name| identified(name, &columns));
    proposal.columns = columns;
}

/// A numbering of its own, as `identifier` writes it.
fn numbering(key: &str, table: &str) -> String {
    let letters: String =
        key.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let words: Vec<&str> = letters.split('-').filter(|word| !word.is_empty()).collect();
    let name = if words.is_empty() { "id".into() } else { words.join("-") };
    format!("{name}@{table}")
}

/// Parts of names of columns that say when a person did something, then when they came, as `plain` leaves them.
const SAID: [&str; 37] = [
    "lastactivity",
    "lastcontact",
    "lastseen",
    "lastlogin",
    "lastorder",
    "lastpurchase",
    "lastactive",
    "letzteaktivit",
    "letzterkontakt",
    "letzterlogin",
    "letzteanmeldung",
    "letztebestellung",
    "letzterkauf",
    "derni\u{e8}reactivit",
    "derniereactivit",
    "derniercontact",
    "derni\u{e8}reconnexion",
    "derniereconnexion",
    "derni\u{e8}recommande",
    "dernierecommande",
    "firstseen",
    "signup",
    "signedup",
    "registered",
    "registriert",
    "created",
    "joined",
    "optin",
    "erstell",
    "angelegt",
    "anlagedatum",
    "erfasst",
    "cr\u{e9}\u{e9}",
    "creele",
    "cr\u{e9}ation",
    "creation",
    "inscri",
];

/// Clocks the CRM is known for; else columns whose names say that somebody did something or was created.
fn clocks(table: &Table, crm: Option<&Crm>, proposal: &Proposal) -> Vec<String> {
    let timed = |name: &String| is_timed(table, proposal, name);
    let known: Vec<String> =
        crm.map(|crm| named(table, crm.clocks)).unwrap_or_default().into_iter().filter(timed).collect();
    if !known.is_empty() {
        return known.into_iter().take(3).collect();
    }
    let poor: BTreeSet<&String> = proposal.no_clocks.iter().map(|(name, _)| name).collect();
    let said = |word: &&str| {
        let hit = |column: &&PeekColumn| {
            plain(&column.name).contains(word)
                && !poor.contains(&column.name)
                && !moves_by_itself(&column.name)
                && timed(&column.name)
        };
        table.columns.iter().find(hit).map(|column| column.name.clone())
    };
    let mut found: Vec<String> = Vec::new();
    for name in SAID.iter().filter_map(said) {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found.truncate(2);
    found
}

/// Whether a table's rows belong to the persons of another: by a column known for it, or, where they are no persons
/// themselves, by one whose values are keys of the other.
fn link(at: usize, tables: &[Table], all: &mut [Proposal], personal: &[bool]) {
    for other in (0..tables.len()).filter(|other| *other != at && personal[*other]) {
        let Some(key) = all[other].key.clone() else { continue };
        let Some(keys) = column(&tables[other], &key) else { continue };
        let whose = crm::recognised(&tables[at].columns, tables[at].container)
            .map(|crm| named(&tables[at], crm.whose))
            .unwrap_or_default();
        let found = tables[at].columns.iter().find(|column| {
            let shared = column.values.intersection(&keys.values).count() as u64;
            let named = whose.contains(&column.name);
            let own = all[at].is_key(&column.name) || column.looks == Some(Shape::Email);
            !own && column.filled > 0
                && (!personal[at] && shared * 2 >= column.distinct && shared >= 3 || named && shared >= 1)
        });
        let Some(found) = found else { continue };
        let kind = tables[other]
            .columns
            .iter()
            .position(|column| column.name == key)
            .and_then(|key| all[other].columns[key].identifier.clone());
        let place = tables[at].columns.iter().position(|column| column.name == found.name);
        if let Some(place) = place {
            let proposed = &mut all[at].columns[place];
            (proposed.identifier, proposed.typed, proposed.category) = (kind, GuessedType::Text, Category::Identity);
            proposed.why = format!("holds {key} of {}", tables[other].name);
            proposed.treat = None;
        }
        all[at].whose = Some((found.name.clone(), other));
        return;
    }
}

/// Whether the line of a column has to be edited although it is no field yet.
fn asks(column: &PeekColumn, proposed: &Proposed, clocks: &[String]) -> bool {
    let undecided =
        matches!(proposed.typed, GuessedType::Undecided { .. } | GuessedType::Timestamp { zone_unknown: true, .. });
    proposed.region == Some(Region::Unknown) || undecided && clocks.contains(&column.name)
}

/// Chooses the fields that the job begins with: those that say most and are harmless in small groups.
fn begin(table: &Table, proposal: &mut Proposal) {
    let clocks = proposal.clocks.clone();
    let gone: Vec<String> = proposal.gone.iter().map(|(column, _)| column.clone()).collect();
    let rank = |column: &PeekColumn, proposed: &Proposed| -> u32 {
        let safe = column.rarest >= MIN_K
            && (column.blank + column.null_cells == 0 || column.blank + column.null_cells >= MIN_K);
        let unsure = matches!(proposed.typed, GuessedType::Timestamp { zone_unknown: true, .. })
            && !clocks.contains(&column.name);
        match proposed.treat {
            None => 0,
            _ if unsure || proposed.several || gone.contains(&column.name) => 0,
            _ if proposed.category.quasi() && !(safe && proposed.treat == Some(Treat::AsIs)) => 0,
            Some(Treat::Month) if clocks.contains(&column.name) => 9,
            Some(Treat::AsIs) if proposed.category.quasi() => 8,
            Some(Treat::AsIs) if proposed.category == Category::Business && column.value != Value::Boolean => 7,
            Some(Treat::EmailDomain) => 6,
            Some(Treat::AsIs) if column.value == Value::Boolean => 5,
            Some(Treat::Round) => 4,
            Some(Treat::Present) => 1,
            _ => 0,
        }
    };
    let mut ranked: Vec<(u32, usize)> =
        table.columns.iter().zip(&proposal.columns).enumerate().map(|(at, (c, p))| (rank(c, p), at)).collect();
    // A field that hardly anybody has a value of says little.
    ranked.retain(|(rank, at)| *rank > 0 && table.columns[*at].filled * 5 >= table.records);
    ranked.sort_by_key(|(rank, at)| (std::cmp::Reverse(*rank), *at));
    let asked =
        table.columns.iter().zip(&proposal.columns).filter(|(column, proposed)| asks(column, proposed, &clocks));
    let most = MOST_LINES.saturating_sub(LINES_OF_ALL + asked.count()).clamp(1, MOST_FIELDS);
    let (mut taken, mut kinds): (usize, BTreeSet<u32>) = (0, BTreeSet::new());
    for (rank, at) in ranked {
        // One of each kind says more than four of one; two of a quasi-identifier would make small groups.
        if taken < most && !proposal.is_key(&table.columns[at].name) && kinds.insert(rank) {
            proposal.columns[at].begins = true;
            taken += 1;
        }
    }
    for (column, proposed) in table.columns.iter().zip(&mut proposal.columns) {
        proposed.begins |= proposal.key.as_deref() == Some(&column.name);
    }
}
