//! Proposals for one table: key, links, clocks, and for each column its category, identifier, type and treatment, each
//! with the reason in words. A proposal allows nothing. Must not know how specs are written.

use super::category;
use super::column::{PeekColumn, Value};
use super::crm::{self, Crm, Gone};
use super::sample::Table;
use super::shape::Shape;
use crate::cell::text::canonical;
use crate::policy::{Category, name_words, plain};
use crate::read::Container;
use std::collections::BTreeSet;

/// Fields besides the subject that a job begins with. The others stand in it as comments.
const MOST_FIELDS: usize = 4;
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
    /// What a job cannot do without and the table does not have.
    pub lacks: Vec<&'static str>,
    /// What is proposed for each column, in the order of the header.
    pub columns: Vec<Proposed>,
}

impl Proposal {
    /// Returns whether a column is one of those.
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
        let whole = proposal.key.is_some() && !proposal.clocks.is_empty() && proposal.whose.is_none();
        // Beside a table of persons, one of accounts or products has no job.
        proposal.persons = whole && (*personal || !any);
    }
    // Where nothing is a table of persons, the first one is shown what it lacks.
    if !all.iter().any(|proposal| proposal.persons)
        && let Some(first) = all.first_mut()
    {
        first.persons = true;
    }
    for (table, proposal) in tables.iter().zip(&mut all).filter(|(_, proposal)| proposal.persons) {
        lacks(proposal);
        begin(table, proposal);
    }
    all
}

/// Whether the rows of a table are persons: they have addresses or names of their own.
fn is_personal(table: &Table, proposal: &Proposal) -> bool {
    let names = ["firstname", "lastname", "surname", "fullname", "vorname", "nachname"];
    let named = |column: &PeekColumn| names.iter().any(|name| plain(&column.name).contains(name)) && column.filled > 0;
    !proposal.weak.is_empty()
        || proposal
            .key
            .as_ref()
            .is_some_and(|key| column(table, key).is_some_and(|key| key.looks == Some(Shape::Email)))
        || table.columns.iter().any(named)
}

fn lacks(proposal: &mut Proposal) {
    if proposal.key.is_none() {
        proposal.lacks.push("a key: no column names a person in every record, once; have the export include its ids");
    }
    if proposal.clocks.is_empty() {
        proposal.lacks.push("a clock: no column says when a person was active or created; have the export include one");
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
            Region::Code(_) => true,
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
    proposal
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
    let called = table.columns.iter().map(|column| column.name.clone()).filter(|name| is_id(name));
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

fn weak(table: &Table, crm: Option<&Crm>) -> Vec<String> {
    let known = crm.map(|crm| named(table, crm.weak)).unwrap_or_default();
    let linking =
        |name: &String| column(table, name).is_some_and(|c| matches!(c.looks, Some(Shape::Email | Shape::Phone)));
    let known: Vec<String> = known.into_iter().filter(linking).collect();
    if !known.is_empty() {
        return known;
    }
    // Addresses of a company or of whoever owns the record are those of others.
    let others = ["assistant", "owner", "company", "account", "created", "modified", "fax"];
    let own = |column: &&PeekColumn| {
        let name = plain(&column.name);
        let personal =
            column.looks == Some(Shape::Email) || column.looks == Some(Shape::Phone) && name.contains("mobile");
        personal && !others.iter().any(|other| name.contains(other))
    };
    table.columns.iter().filter(own).take(2).map(|column| column.name.clone()).collect()
}

/// Proposes for one column; `table` are all columns of it and the records of the sample.
fn one(table: (&[PeekColumn], u64), column: &PeekColumn, crm: Option<&Crm>) -> Proposed {
    let (category, why) = category::of(column);
    let typed = typed(column, crm);
    let treat = treat(column, category, &typed);
    let region = (column.looks == Some(Shape::Phone)).then(|| region(table, column)).flatten();
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
        (Category::Demographic, GuessedType::Date { .. } | GuessedType::Timestamp { .. }) => Treat::Year,
        (_, GuessedType::Date { .. } | GuessedType::Timestamp { .. } | GuessedType::Epoch { .. }) => Treat::Month,
        (Category::Contact, _) if column.looks == Some(Shape::Email) => Treat::EmailDomain,
        (Category::Contact | Category::FreeText | Category::Special, _) => Treat::Present,
        (_, GuessedType::Boolean) => Treat::AsIs,
        (Category::Identity, _) if id => Treat::Pseudonymize,
        (Category::Identity, _) => return None,
        (Category::Location, GuessedType::Text) if !few && (name.contains("postal") || name.contains("zip")) => {
            Treat::Prefix
        }
        (_, GuessedType::Integer | GuessedType::Decimal { .. }) if !few => Treat::Round,
        _ if few => Treat::AsIs,
        _ => Treat::Present,
    })
}

fn region((columns, records): (&[PeekColumn], u64), phone: &PeekColumn) -> Option<Region> {
    if let Some(code) = phone.international {
        return Some(Region::Code(code.into()));
    }
    let country = |column: &&PeekColumn| {
        plain(&column.name).contains("country") && column.filled * 2 > records && column.looks.is_none()
    };
    columns.iter().find(country).map(|column| Region::From(column.name.clone()))
}

/// The kind of identifier that the form of a column's values says.
fn of_form(column: &PeekColumn, proposed: &Proposed) -> Option<&'static str> {
    match column.looks {
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

/// Clocks the CRM is known for; else columns whose names say that somebody did something or was created.
fn clocks(table: &Table, crm: Option<&Crm>, proposal: &Proposal) -> Vec<String> {
    let timed = |name: &String| {
        let at = table.columns.iter().position(|column| column.name == *name);
        at.is_some_and(|at| {
            table.columns[at].filled > 0
                && !matches!(
                    proposal.columns[at].typed,
                    GuessedType::Text | GuessedType::Integer | GuessedType::Decimal { .. } | GuessedType::Boolean
                )
        })
    };
    let known: Vec<String> =
        crm.map(|crm| named(table, crm.clocks)).unwrap_or_default().into_iter().filter(timed).collect();
    if !known.is_empty() {
        return known.into_iter().take(3).collect();
    }
    const SAID: [&str; 14] = [
        "lastactivity",
        "lastcontact",
        "lastseen",
        "lastlogin",
        "lastorder",
        "lastpurchase",
        "lastactive",
        "firstseen",
        "signup",
        "signedup",
        "registered",
        "created",
        "joined",
        "optin",
    ];
    let poor: BTreeSet<&String> = proposal.no_clocks.iter().map(|(name, _)| name).collect();
    let said = |word: &&str| {
        let hit = |column: &&PeekColumn| {
            plain(&column.name).contains(word) && !poor.contains(&column.name) && timed(&column.name)
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
    ranked.sort_by_key(|(rank, at)| (std::cmp::Reverse(*rank), *at));
    let (mut taken, mut kinds): (usize, BTreeSet<u32>) = (0, BTreeSet::new());
    for (rank, at) in ranked.into_iter().filter(|(rank, _)| *rank > 0) {
        // One of each kind says more than four of one; two of a quasi-identifier would make small groups.
        if taken < MOST_FIELDS && !proposal.is_key(&table.columns[at].name) && kinds.insert(rank) {
            proposal.columns[at].begins = true;
            taken += 1;
        }
    }
    for (column, proposed) in table.columns.iter().zip(&mut proposal.columns) {
        proposed.begins |= proposal.key.as_deref() == Some(&column.name);
    }
}
