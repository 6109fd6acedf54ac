//! Specs from proposals: policy, sources and jobs as text, in which nothing is allowed. Every column is named once, with
//! the reason for its category beside it. Must not know files and folders.

use super::column::{PeekColumn, Value};
use super::dialect::Dialect;
use super::layout::FileLayout;
use super::page::{Edit, MadeFile, SpecPage, key, list, quoted};
use super::propose::{GuessedType, MIN_K, Proposal, Proposed, Region, Treat};
use super::sample::Table;
use std::collections::BTreeSet;

/// The purpose and the recipient that the specs begin with.
const PURPOSE: &str = "analytics";
const RECIPIENT: &str = "analysts";

/// Where things will lie, as the policy writes it.
pub struct Roots {
    /// Of exports, one for each place.
    pub raw: Vec<String>,
    /// Address of the root that datasets are written to.
    pub lake: String,
    /// Address of the root that holds the state.
    pub state: String,
    /// Folder of the keys.
    pub keys: String,
    /// Name of the token key, such as a year.
    pub epoch: String,
}

/// Writes the specs of some tables.
pub fn write(tables: &[Table], proposals: &[Proposal], roots: &Roots) -> (Vec<MadeFile>, Vec<Edit>) {
    let mut edits = Vec::new();
    let mut files = vec![policy(proposals, roots, &mut edits)];
    for (table, proposal) in tables.iter().zip(proposals) {
        files.push(source(table, proposal, &mut edits));
    }
    for at in (0..tables.len()).filter(|at| proposals[*at].persons) {
        files.push(job(at, tables, proposals, &mut edits));
    }
    (files, edits)
}

fn policy(proposals: &[Proposal], roots: &Roots, edits: &mut Vec<Edit>) -> MadeFile {
    let mut page = SpecPage::new("policy.toml", edits);
    page.line("#:schema ./schema/policy.json");
    page.line("# Written by `tamis init`. Nothing is allowed yet: edit the lines marked EDIT, in their order.");
    page.line("spec = 1");
    page.edit("controller = \"\"", "the name of the controller, as in its privacy notice");
    page.line("");
    page.noted("[roots]", "all other places are written ROOT:path; --root NAME=URL replaces a root for one call");
    for (at, raw) in roots.raw.iter().enumerate() {
        page.line(format!("{} = {}", raw_root(at), quoted(raw)));
    }
    page.line(format!("lake = {}", quoted(&roots.lake)));
    page.noted(
        &format!("state = {}", quoted(&roots.state)),
        "made once by `tamis state create`, or by `tamis run --demo`",
    );
    page.line("");
    page.line("[keys]");
    page.noted(
        &format!("dir = {}", quoted(&roots.keys)),
        "made by `tamis key new`; in production: outside of every data root",
    );
    page.line(format!("epoch = {}", quoted(&roots.epoch)));
    page.line("");
    page.line(format!("[purposes.{PURPOSE}]"));
    page.line("description = \"Reporting and analytics\"");
    page.edit(
        "lawful_basis = \"\"",
        "one of consent, contract, legal-obligation, vital-interests, public-task, legitimate-interests",
    );
    page.edit("reference = \"\"", "where the assessment or law behind it is filed");
    page.edit("max_keep = \"\"", "no row serves the purpose longer than this, such as P3Y");
    page.noted(&format!("min_k = {MIN_K}"), "no group of fewer persons is published");
    let begun = proposals.iter().filter(|p| p.persons).flat_map(|p| p.columns.iter().filter(|column| column.begins));
    let categories: BTreeSet<_> = begun.map(|column| column.category).collect();
    page.noted(
        &format!("categories = {}", list(categories.iter().map(|c| c.name()))),
        "those of the fields that the jobs begin with; columns of other categories never serve this purpose",
    );
    page.line(format!("recipients = [{}]", quoted(RECIPIENT)));
    page.line("");
    page.line(format!("[recipients.{RECIPIENT}]"));
    page.line("kind = \"internal\"");
    page.done()
}

fn raw_root(place: usize) -> String {
    if place == 0 { "raw".into() } else { format!("raw-{}", place + 1) }
}

fn source(table: &Table, proposal: &Proposal, edits: &mut Vec<Edit>) -> MadeFile {
    let mut page = SpecPage::new(format!("sources/{}.toml", table.name), edits);
    page.line("#:schema ../schema/source.json");
    page.line("spec = 1");
    page.line(format!("name = {}", quoted(&table.name)));
    page.line(format!("description = {}", quoted(proposal.crm.unwrap_or("an export that was not recognised"))));
    page.line("");
    read(&mut page, table);
    if let Some(set) = &table.set {
        page.line("");
        page.line("[complete]");
        match &set.marker {
            Some(marker) => page.noted(&format!("marker = {}", quoted(marker)), "written when an export is whole"),
            None => page.noted("settle = \"PT1H\"", "an export is whole when all its files are at least this old"),
        }
    }
    page.line("");
    subject(&mut page, proposal);
    newest(&mut page, proposal);
    page.line("");
    page.line("[columns]");
    for (column, proposed) in table.columns.iter().zip(&proposal.columns) {
        one(&mut page, column, proposed, proposal);
    }
    page.done()
}

fn read(page: &mut SpecPage, table: &Table) {
    page.line("[read]");
    match &table.layout {
        FileLayout::Csv(dialect) => {
            csv(page, dialect);
            if dialect.header != 1 {
                page.line(format!("header = {}", dialect.header));
            }
        }
        FileLayout::Headless { dialect, model, entity } => {
            csv(page, dialect);
            page.noted("header = false", "the names of the columns are in a file beside or above the export");
            page.line(format!("model = {}", quoted(model)));
            page.line(format!("entity = {}", quoted(entity)));
        }
        FileLayout::Xlsx { sheet, only, header } => {
            page.line("format = \"xlsx\"");
            match only {
                true => page.line(format!("# sheet = {}  # the only one that is not hidden", quoted(sheet))),
                false => page.line(format!("sheet = {}", quoted(sheet))),
            }
            if *header != 1 {
                page.line(format!("header = {header}"));
            }
        }
        FileLayout::Json { records, .. } => {
            page.line("format = \"json\"");
            if !records.is_empty() {
                page.noted(&format!("records = {}", quoted(records)), "keys that lead to the array of records");
            }
        }
        FileLayout::Ndjson { .. } => page.line("format = \"ndjson\""),
        FileLayout::Parquet => page.line("format = \"parquet\""),
    }
    let nulls: BTreeSet<&str> = table.columns.iter().flat_map(|column| column.null_words.iter().copied()).collect();
    if !nulls.is_empty() {
        page.noted(&format!("null = {}", list(nulls)), "words in cells that mean \"no value\"");
    }
    if let Some(member) = &table.member {
        page.line(format!("member = {}", quoted(member)));
    }
    if !table.structures.is_empty() {
        let note = "lists, maps and what is not read: of a list in JSON, one value has a name such as emails[0].value";
        page.noted(&format!("ignore = {}", list(&table.structures)), note);
    }
}

fn csv(page: &mut SpecPage, dialect: &Dialect) {
    page.line("format = \"csv\"");
    if dialect.encoding != "utf-8" {
        page.line(format!("encoding = {}", quoted(&dialect.encoding)));
    }
    if dialect.delimiter != ',' {
        page.line(format!("delimiter = {}", quoted(&dialect.delimiter.to_string()).replace("\\U00000009", "\\t")));
    }
    match dialect.quote {
        None => page.line("quote = \"none\""),
        Some('"') => {}
        Some(quote) => page.line(format!("quote = {}", quoted(&quote.to_string()))),
    }
    if dialect.stray_quotes {
        page.noted("stray_quotes = \"literal\"", "some cells without quotes around them have quotes inside");
    }
}

fn subject(page: &mut SpecPage, proposal: &Proposal) {
    page.line("[subject]");
    match &proposal.key {
        Some(name) => page.line(format!("key = {}", quoted(name))),
        None => page.edit(
            "key = \"\"",
            "the column that says which person a record is about; none was found that does so once in every record",
        ),
    }
    if !proposal.strong.is_empty() {
        page.noted(
            &format!("strong = {}", list(&proposal.strong)),
            "further ids: requests follow them as far as they lead",
        );
    }
    if !proposal.weak.is_empty() {
        page.noted(
            &format!("weak = {}", list(&proposal.weak)),
            "addresses and numbers: requests follow them one step, and not where many share a value",
        );
    }
    match proposal.clocks.is_empty() {
        true if proposal.persons => {
            page.edit("clock = []", "the date columns that retention counts from; none was found")
        }
        true => {}
        false => page.line(format!("clock = {}", list(&proposal.clocks))),
    }
    for (name, why) in &proposal.no_clocks {
        page.line(format!("# {}: no clock, {why}", key(name)));
    }
}

/// R75: the export keeps earlier versions of records.
fn newest(page: &mut SpecPage, proposal: &Proposal) {
    let Some(newest) = &proposal.newest else { return };
    page.line("");
    page.noted(
        "[newest]",
        "of several rows with one key only the newest counts; leave it out if each record is there once",
    );
    page.line(format!("version = {}", quoted(&newest.version)));
    if let Some(deleted) = &newest.deleted {
        page.noted(&format!("deleted = {}", quoted(deleted)), "the record has ended where its newest row says so");
    }
}

/// The line of one column.
fn one(page: &mut SpecPage, column: &PeekColumn, proposed: &Proposed, proposal: &Proposal) {
    let clock = proposal.clocks.contains(&column.name);
    let (text, mut open, notes) = described(column, proposed, clock);
    if proposed.begins && proposal.persons {
        let said = proposed.treat.map_or("it", Treat::said);
        open.push(format!(
            "purposes = [{}] lets the job publish {said}, or take the field out of the job",
            quoted(PURPOSE)
        ));
    }
    match open.is_empty() {
        true => page.noted(&text, &notes.join("; ")),
        false => page.edit(&text, &format!("{}: {} ({})", column.name, open.join("; and "), notes.join("; "))),
    }
}

/// The line of a column that is added to a source somebody has written: nothing is asked, and the comment says which
/// treatment a field would begin with.
pub(super) fn added(column: &PeekColumn, proposed: &Proposed) -> String {
    let (text, _, mut notes) = described(column, proposed, false);
    notes.extend(proposed.treat.map(|treat| format!("a field of it would have {}", treat.written())));
    format!("{text}  # {}", crate::plain::shown(&notes.join("; ")))
}

/// A column as a source has it, what is asked about it, and what is worth knowing of it.
fn described(column: &PeekColumn, proposed: &Proposed, clock: bool) -> (String, Vec<String>, Vec<String>) {
    let mut parts = vec![format!("category = {}", quoted(proposed.category.name()))];
    let (mut open, mut notes) = (Vec::new(), vec![proposed.why.clone()]);
    if let Some(identifier) = &proposed.identifier {
        parts.push(format!("identifier = {}", quoted(identifier)));
        match &proposed.region {
            Some(Region::Code(code)) if identifier == "phone" => parts.push(format!("region = {}", quoted(code))),
            Some(Region::From(name)) if identifier == "phone" => parts.push(format!("region_from = {}", quoted(name))),
            _ => {}
        }
    }
    if proposed.several && proposed.identifier.is_some() {
        parts.push("several = { separator = \";\", until = \":\" }".into());
    }
    typed(proposed, clock, &mut parts, &mut open, &mut notes);
    noted(column, proposed, &mut notes);
    parts.push("purposes = []".into());
    // A star of a name would be one of a pattern.
    let name = key(&column.name.replace('*', "\\*"));
    (format!("{name} = {{ {} }}", parts.join(", ")), open, notes)
}

fn typed(proposed: &Proposed, clock: bool, parts: &mut Vec<String>, open: &mut Vec<String>, notes: &mut Vec<String>) {
    let kind = |timed: bool| format!("type = \"{}\"", if timed { "timestamp" } else { "date" });
    match &proposed.typed {
        GuessedType::Text => {}
        GuessedType::Integer => parts.push("type = \"integer\"".into()),
        GuessedType::Decimal { scale } => parts.push(format!("type = \"decimal\", scale = {scale}")),
        GuessedType::Boolean => parts.push("type = \"boolean\"".into()),
        GuessedType::Date { formats } => parts.push(format!("{}, formats = {}", kind(false), list(formats))),
        GuessedType::Timestamp { formats, zone: Some(zone), .. } => {
            parts.push(format!("{}, formats = {}, zone = {}", kind(true), list(formats), quoted(zone)));
        }
        GuessedType::Timestamp { formats, zone_unknown: true, .. } if clock => {
            parts.push(format!("{}, formats = {}, zone = \"\"", kind(true), list(formats)));
            open.push("the zone of its times, such as Europe/Berlin or UTC: the file does not say it".into());
        }
        GuessedType::Timestamp { formats, zone_unknown: true, .. } => {
            notes.push(format!(
                "times without a zone, read as text until somebody writes {}, formats = {} and a zone",
                kind(true),
                list(formats)
            ));
        }
        GuessedType::Timestamp { formats, .. } => parts.push(format!("{}, formats = {}", kind(true), list(formats))),
        GuessedType::Epoch { millis } => {
            parts.push(format!("type = \"timestamp\", epoch = \"{}\"", if *millis { "ms" } else { "s" }));
        }
        GuessedType::Undecided { timed, days_first, months_first } => {
            let either = format!("days first are formats = {}, months first {}", list(days_first), list(months_first));
            if clock {
                parts.push(format!("{}, formats = []{}", kind(*timed), if *timed { ", zone = \"UTC\"" } else { "" }));
                open.push(format!("no value says whether days or months come first: {either}"));
            } else {
                notes.push(format!("days and months cannot be told apart, read as text: {either}"));
            }
        }
    }
}

/// What else is worth knowing of a column.
fn noted(column: &PeekColumn, proposed: &Proposed, notes: &mut Vec<String>) {
    match &column.value {
        Value::OddNumber { how } => notes.push(format!("numbers {how} are read as text")),
        Value::ShortYears => notes.push("years of two digits say too little: read as text".into()),
        Value::Dates(dates) if dates.sentinels > 0 => notes.push("some dates mean \"no value\"".into()),
        _ => {}
    }
    if column.constant {
        notes.push("the same in every record".into());
    }
    for (shape, _) in &column.also {
        notes.push(format!("some cells look like {}", shape.name()));
    }
    if column.emails_inside > 0 {
        notes.push("some texts have e-mail addresses".into());
    }
    if proposed.identifier.is_none() && column.looks == Some(super::Shape::Phone) {
        notes.push("identifier = \"phone\" needs a region, such as region = \"DE\"".into());
    }
}

fn job(at: usize, tables: &[Table], proposals: &[Proposal], edits: &mut Vec<Edit>) -> MadeFile {
    let (table, proposal) = (&tables[at], &proposals[at]);
    let mut page = SpecPage::new(format!("{}.toml", table.name), edits);
    page.line("#:schema ./schema/job.json");
    page.line("spec = 1");
    page.line(format!("name = {}", quoted(&table.name)));
    page.line(format!("source = {}", quoted(&table.name)));
    page.line(format!("input = {}", input(table)));
    page.line(format!("purpose = {}", quoted(PURPOSE)));
    page.line(format!("recipient = {}", quoted(RECIPIENT)));
    page.line(format!("output = {}", quoted(&format!("lake:{}", table.name))));
    page.line("");
    page.line("[retention]");
    page.edit(
        "keep = \"\"",
        "how long after its clock a row stays, such as P2Y; not longer than max_keep of the policy",
    );
    page.noted("scope = \"person\"", "by the latest clock of all rows of the person; or \"row\"");
    for (other, activity) in tables.iter().zip(proposals) {
        let Some((column, _)) = activity.whose.as_ref().filter(|(_, whose)| *whose == at) else { continue };
        // With sets, both must be of the same set.
        if activity.clocks.is_empty() || other.set.is_some() != table.set.is_some() {
            continue;
        }
        page.line("");
        page.noted("[[observe]]", "activity that prolongs how long a person is kept; never published");
        page.line(format!("source = {}", quoted(&other.name)));
        page.line(format!("input = {}", input(other)));
        page.line(format!("subject = {}", quoted(column)));
        page.line(format!("clock = {}", list(&activity.clocks)));
    }
    for (column, (_, values, reason)) in &proposal.gone {
        page.line("");
        page.line("[[exclude]]");
        page.line(format!("column = {}", quoted(column)));
        page.line(format!("equals = {}", list(values.iter())));
        page.line(format!("reason = {}", quoted(reason)));
    }
    page.line("");
    let quasi = fields(&mut page, table, proposal);
    page.line("");
    page.line("[gate]");
    page.line(format!("quasi_identifiers = {}", list(quasi)));
    page.line(format!("k = {MIN_K}"));
    page.noted("on_violation = \"suppress\"", "drops the rows of smaller groups; or \"refuse\"");
    page.line("max_suppressed = \"5%\"");
    page.line("");
    page.line("[limits]");
    page.noted("max_removed = \"30%\"", "a run that would drop a larger share of rows stops");
    page.done()
}

fn input(table: &Table) -> String {
    let set = if table.set.is_some() { "{set}/" } else { "" };
    quoted(&format!("{}:{set}{}", raw_root(table.place), table.input))
}

/// Writes the fields; returns the quasi-identifiers among them.
fn fields(page: &mut SpecPage, table: &Table, proposal: &Proposal) -> Vec<String> {
    let (mut taken, mut quasi, mut later) = (BTreeSet::from(["person".to_owned()]), Vec::new(), Vec::new());
    page.line("[fields]");
    if let Some(name) = &proposal.key {
        page.line(format!("person = {{ from = {}, treat = \"pseudonymize\", subject = true }}", quoted(name)));
    }
    for (column, proposed) in table.columns.iter().zip(&proposal.columns) {
        let Some(treat) = proposed.treat.filter(|_| !proposal.is_key(&column.name)) else { continue };
        let end = match treat {
            Treat::Month => "_month",
            Treat::Year => "_year",
            Treat::EmailDomain => "_domain",
            Treat::Present => "_present",
            _ => "",
        };
        let name = field_name(&column.name, end, &mut taken);
        let text = format!("{} = {{ from = {}, {} }}", key(&name), quoted(&column.name), treat.written());
        if proposed.begins {
            page.line(text);
            quasi.extend(proposed.category.quasi().then_some(name));
        } else {
            later.push(text);
        }
    }
    if !later.is_empty() {
        page.line(
            "# Also proposed. To publish one of these, remove the # before it, and list the purpose at its column in the source",
        );
        page.line(
            "# (and its category in the policy). Fields of location, demographic and behaviour also belong into [gate] below.",
        );
    }
    later.iter().for_each(|text| page.line(format!("# {text}")));
    quasi
}

/// A name of a field from that of its column, unlike those taken.
fn field_name(column: &str, end: &str, taken: &mut BTreeSet<String>) -> String {
    let (mut name, mut lower) = (String::new(), false);
    for letter in column.trim_end_matches("__c").chars() {
        if letter.is_alphanumeric() {
            if lower && letter.is_uppercase() {
                name.push('_');
            }
            name.extend(letter.to_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        lower = letter.is_lowercase();
    }
    let mut name: String = name.trim_end_matches('_').chars().take(100).collect();
    if !name.starts_with(char::is_alphabetic) {
        name.insert_str(0, "field_");
    }
    name.push_str(end);
    let free =
        std::iter::once(name.clone()).chain((2..).map(|n| format!("{name}_{n}"))).find(|name| !taken.contains(name));
    let name = free.unwrap_or(name);
    taken.insert(name.clone());
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_names_of_their_own() {
        let mut taken = BTreeSet::new();
        let mut name = |column: &str, end: &str| field_name(column, end, &mut taken);
        assert_eq!(name("MailingPostalCode", ""), "mailing_postal_code");
        assert_eq!(name("Mailing Postal Code", ""), "mailing_postal_code_2");
        assert_eq!(name("Person - Email - Work", "_domain"), "person_email_work_domain");
        assert_eq!(name("CREATEDDATE", "_month"), "createddate_month");
        assert_eq!(name("2fa", ""), "field_2fa");
        assert_eq!(name("Yearly_Spend__c", ""), "yearly_spend");
    }
}
