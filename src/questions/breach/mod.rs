//! What a breach concerns (Art. 33 and 34 GDPR): which tables, versions and fields somebody could read in a time, how many
//! people, what keys undo, and when something is due. From ledger, manifests and companions: no export is read. Must not
//! know how it is shown.

mod asked;
mod people;
mod report;
mod subjects;
mod uncounted;
mod versions;

pub use asked::BreachAsked;
pub use report::*;
pub use subjects::{BreachSubjects, subjects};

use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::LedgerEntry;
use crate::job::{SubjectCall, all_names, open_roots, root_of};
use crate::policy::{self, Category, Project, Register};
use crate::state::{NotedBreach, State};
use crate::store::Root;
use people::{CountedPeople, CountryColumn, count, country_field};
use std::collections::{BTreeMap, BTreeSet};
use versions::{BreachTable, ReadableVersion};

const HOUR_MICROS: i64 = 3_600_000_000;
/// Art. 33(1) GDPR.
const AUTHORITY_HOURS: i64 = 72;
/// Civ. Code §1798.82.
const CALIFORNIA_HOURS: i64 = 30 * 24;

/// What somebody says of a breach.
#[derive(Clone, Debug)]
pub struct BreachCall {
    /// What of the installation it is about.
    pub asked: BreachAsked,
    /// When the controller was aware of it.
    pub aware: Instant,
    /// When it happened.
    pub occurred: Option<Instant>,
    /// When somebody noticed it.
    pub detected: Option<Instant>,
    /// The earlier report that this one goes on from.
    pub updates: Option<u64>,
    /// Why the authority is told late.
    pub late_because: Option<String>,
}

/// What a breach is looked into with: specs, stores and state, and no key.
struct BreachScene<'a> {
    project: &'a Project,
    register: &'a Register,
    roots: &'a BTreeMap<String, Root>,
    state: &'a State,
}

/// Finds what a breach concerns, keeps it, and writes it into the ledger: also of a breach that nobody is told of
/// (Art. 33(5)).
///
/// # Errors
/// Policy errors for what was typed and for specs; evidence and storage errors of the state.
pub fn scope(call: &SubjectCall, breach: &BreachCall) -> Result<BreachReport> {
    let (project, register) = policy::load_with_register(&call.dir, &call.roots)?;
    let roots = open_roots(&project, &call.runtime, call.wrap.as_ref())?;
    let state = State::open(root_of(&roots, "state")?)?;
    state.agree()?;
    let scene = BreachScene { project: &project, register: &register, roots: &roots, state: &state };
    check(&scene, call.now, breach)?;
    let breach = &going_on(&scene, call.now, breach)?;
    let entries = state.ledger().entries()?;
    let found = BreachFound::of(&scene, &entries, &breach.asked, breach.aware.min(call.now))?;
    let exports = exports(&scene, &breach.asked, &entries)?;
    let mut report = found.report(&scene, exports, call.now, breach);
    let noted = NotedBreach {
        updates: breach.updates,
        aware: breach.aware,
        datasets: report.datasets.iter().map(|of| of.dataset.clone()).collect(),
        people: report.people.distinct,
        rows_only: report.people.rows_only,
    };
    let bytes = |number| crate::evidence::json(&BreachReport { number, ..report.clone() });
    report.number = state.note_breach(&noted, bytes, call.now)?;
    Ok(report)
}

fn check(scene: &BreachScene, now: Instant, breach: &BreachCall) -> Result<()> {
    let asked = &breach.asked;
    let wrong = |what: String, help: &str| Err(Error::new(Code::ArgumentWrong, what).help(help));
    let late = |at: Option<Instant>| at.is_some_and(|at| at > now);
    if breach.aware > now || late(breach.occurred) || late(breach.detected) || late(asked.from) {
        return wrong("a time of the breach is later than now".into(), "correct it");
    }
    if asked.from.zip(asked.until).is_some_and(|(from, until)| until < from) {
        return wrong("it would have been over before it began".into(), "correct --from and --until");
    }
    if asked.prefix.is_some() && asked.root.is_none() {
        return wrong("a prefix is below a root".into(), "add --breached-root NAME");
    }
    if let Some(root) = &asked.root {
        root_of(scene.roots, root)?;
    }
    if let Some(name) = asked.recipient.as_ref().filter(|name| !scene.register.recipients.contains_key(*name)) {
        return Err(Error::new(Code::NameUnknown, format!("the policy has no recipient {name:?}")));
    }
    match breach.updates {
        Some(number) => scene.state.breach(number).map(drop),
        None => Ok(()),
    }
}

/// Art. 33(1), (4): a report that goes on from another one does not begin the time anew. What could be read is looked for up to
/// the moment that was given with it.
fn going_on(scene: &BreachScene, now: Instant, breach: &BreachCall) -> Result<BreachCall> {
    let Some(number) = breach.updates else { return Ok(breach.clone()) };
    let first = KeptBreach::read(scene.state, number)?;
    let asked = BreachAsked { until: breach.asked.until.or(Some(breach.aware.min(now))), ..breach.asked.clone() };
    let detected = first.detected.into_iter().chain(breach.detected).min();
    Ok(BreachCall { asked, aware: breach.aware.min(first.aware), detected, ..breach.clone() })
}

/// Says of a breach what evidence keeps of it, as far as it is needed here.
#[derive(serde::Deserialize)]
struct KeptBreach {
    asked: BreachAsked,
    aware: Instant,
    #[serde(default)]
    detected: Option<Instant>,
}

impl KeptBreach {
    fn read(state: &State, number: u64) -> Result<KeptBreach> {
        serde_json::from_slice(&state.breach(number)?).map_err(|_| {
            Error::new(Code::StateBeyond, format!("breach {number} cannot be read by this version of tamis"))
                .help("use the version of tamis with which it was noted")
        })
    }
}

/// A table that is concerned.
struct FoundTable {
    table: BreachTable,
    versions: Vec<ReadableVersion>,
    people: CountedPeople,
    country: Option<String>,
}

/// What a breach concerns.
pub(super) struct BreachFound {
    tables: Vec<FoundTable>,
    /// Keys of all people, each once, in order.
    people: Vec<[u8; 16]>,
}

impl BreachFound {
    /// Looks through all tables that are known, also those whose job is gone and those that are retired.
    fn of(scene: &BreachScene, entries: &[LedgerEntry], asked: &BreachAsked, aware: Instant) -> Result<BreachFound> {
        let mut tables = Vec::new();
        for table in tables_of(scene)? {
            tables.extend(FoundTable::of(scene, entries, (asked, aware), table)?);
        }
        let known = !asked.datasets.is_empty() || asked.key.is_some();
        if known && tables.is_empty() {
            return Err(Error::new(Code::NameUnknown, "no version is of what was named, in that time")
                .help("`tamis status --verbose` names jobs and tables, `tamis report job JOB` the ids of keys"));
        }
        let mut people: Vec<[u8; 16]> = tables.iter().flat_map(|table| table.people.keys.iter().copied()).collect();
        people.sort_unstable();
        people.dedup();
        Ok(BreachFound { tables, people })
    }

    fn report(
        &self,
        scene: &BreachScene,
        exports: Vec<BreachedExport>,
        now: Instant,
        breach: &BreachCall,
    ) -> BreachReport {
        let datasets: Vec<BreachedDataset> = self.tables.iter().map(|table| table.told(scene.register)).collect();
        let people = BreachedPeople {
            distinct: self.people.len() as u64,
            rows_only: self.tables.iter().map(|table| table.people.rows_only).sum(),
            records: exports.iter().map(|of| of.records).sum(),
            uncounted: uncounted::uncounted((scene.project, scene.state), &breach.asked, &exports),
        };
        BreachReport {
            schema: "tamis-breach/1",
            number: 0,
            updates: breach.updates,
            at: now,
            controller: scene.project.controller.clone(),
            contact: scene.register.contact.clone(),
            asked: breach.asked.clone(),
            occurred: breach.occurred,
            detected: breach.detected,
            aware: breach.aware,
            deadlines: deadlines(breach.aware, breach.detected, now),
            late_because: breach.late_because.clone(),
            consequences: consequences(&datasets, &exports, &breach.asked),
            measures: measures(&datasets, &breach.asked),
            not_said: not_said(&people, &datasets, &breach.asked),
            keys: keys(&self.tables),
            datasets,
            exports,
            people,
        }
    }
}

fn tables_of(scene: &BreachScene) -> Result<Vec<BreachTable>> {
    let mut tables = Vec::new();
    for (output, dataset) in scene.state.tables()? {
        let plan = scene.project.jobs.values().find(|plan| crate::job::output_of(plan) == output);
        let mut names = plan.map_or(Ok(Vec::new()), |plan| all_names(scene.state, scene.project, plan))?;
        names.push(dataset.job.clone());
        tables.push(BreachTable { dataset, names });
    }
    Ok(tables)
}

impl FoundTable {
    fn of(
        scene: &BreachScene,
        entries: &[LedgerEntry],
        (asked, aware): (&BreachAsked, Instant),
        table: BreachTable,
    ) -> Result<Option<FoundTable>> {
        let dataset = table.dataset.dataset.clone();
        if !asked.has_table(&dataset, &table.names) {
            return Ok(None);
        }
        let until = asked.until.unwrap_or(aware);
        let versions = table.readable(scene.state, entries, (asked, until, &scene.project.removal.grace))?;
        let files = table.files(&versions, asked);
        if files.is_empty() {
            return Ok(None);
        }
        let fields = versions.iter().flat_map(|version| &version.manifest.fields);
        let country = country_field(fields.map(|field| (field.name.as_str(), field.from.as_deref())));
        let (root, path) = dataset.split_once(':').unwrap_or(("", &dataset));
        let lake = scene.roots.get(root);
        let column = country.as_deref().zip(lake).map(|(field, lake)| CountryColumn { lake, table: path, field });
        let people = count(scene.state.root(), &files, column.as_ref())?;
        Ok(Some(FoundTable { table, versions, people, country }))
    }

    fn told(&self, register: &Register) -> BreachedDataset {
        let newest = self.versions.last().map(|version| &version.manifest);
        let recipients: BTreeSet<&String> =
            self.versions.iter().filter_map(|version| version.manifest.recipient.as_ref()).collect();
        let version = |of: &ReadableVersion| BreachedVersion {
            version: of.manifest.output.version,
            from: of.from,
            replaced: of.replaced,
            removed: of.removed,
            rows: of.manifest.rows_out,
            token_key: of.manifest.keys.token.clone(),
            epoch: of.manifest.keys.epoch.clone(),
        };
        BreachedDataset {
            dataset: self.table.dataset.dataset.clone(),
            job: self.table.dataset.job.clone(),
            purpose: newest.map(|manifest| manifest.purpose.clone()).unwrap_or_default(),
            recipients: recipients.into_iter().cloned().collect(),
            versions: self.versions.iter().map(version).collect(),
            fields: self.fields(register).into_iter().collect(),
            people: self.people.keys.len() as u64,
            rows_only: self.people.rows_only,
            rows: self.people.rows,
            country_field: self.country.clone(),
            countries: self.people.countries.clone(),
        }
    }

    /// Fields of all versions, each as it was treated.
    fn fields(&self, register: &Register) -> BTreeSet<BreachedField> {
        let mut fields = BTreeSet::new();
        // A sweep reads no input: its fields are of the columns of the run before.
        let mut source = None;
        for version in &self.versions {
            let own = version.manifest.inputs.first().and_then(|input| register.sources.get(&input.source));
            source = own.or(source);
            for field in &version.manifest.fields {
                let column = field.from.as_ref().and_then(|name| source?.columns.get(name));
                fields.insert(BreachedField {
                    name: field.name.clone(),
                    from: field.from.clone(),
                    category: column.map(|column| column.category.name()),
                    treatment: field.treatment.clone(),
                    means: field.treat().map_or("", |treat| treat.about().does),
                });
            }
        }
        fields
    }
}

/// Exports below the root that was named, by the manifests of all versions: none when no root was.
fn exports(scene: &BreachScene, asked: &BreachAsked, entries: &[LedgerEntry]) -> Result<Vec<BreachedExport>> {
    let Some(root) = &asked.root else { return Ok(Vec::new()) };
    let mut objects: BTreeMap<(String, String), u64> = BTreeMap::new();
    for entry in entries {
        let Some((_, manifest)) = entry.event.version() else { continue };
        for input in scene.state.manifest(&entry.run, entry.attempt, manifest)?.inputs {
            let path = input.object.split_once(':').filter(|(of, _)| of == root).map(|(_, path)| path);
            if path.is_some_and(|path| asked.has_path(path)) {
                let records = input.members.iter().map(|member| member.records).sum();
                objects.insert((input.source, input.object), records);
            }
        }
    }
    let mut found: BTreeMap<String, BreachedExport> = BTreeMap::new();
    for ((source, _), records) in objects {
        let columns = scene.register.sources.get(&source).map(|facts| &facts.columns);
        let columns = columns.into_iter().flatten().map(|(name, facts)| (name.clone(), facts.category.name()));
        let of = found.entry(source.clone()).or_insert_with(|| BreachedExport {
            source,
            objects: 0,
            records: 0,
            columns: columns.collect(),
        });
        (of.objects, of.records) = (of.objects + 1, of.records + records);
    }
    Ok(found.into_values().collect())
}

fn deadlines(aware: Instant, detected: Option<Instant>, now: Instant) -> Vec<BreachDeadline> {
    let due = |from: Instant, hours: i64| {
        let due = Instant(from.0.saturating_add(hours * HOUR_MICROS));
        (Some(due), Some((due.0 - now.0).div_euclid(HOUR_MICROS)))
    };
    let (authority, authority_left) = due(aware, AUTHORITY_HOURS);
    let (residents, residents_left) = due(detected.unwrap_or(aware), CALIFORNIA_HOURS);
    let deadline =
        |law, what, (due, hours_left)| BreachDeadline { law, what, due, hours_left, looked_up: "2026-11-26" };
    vec![
        deadline(
            "Art. 33(1) GDPR",
            "notify the authority, unless a risk to people is unlikely: 72 hours that pass on weekends too",
            (authority, authority_left),
        ),
        deadline(
            "Art. 34(1) GDPR",
            "tell the people without undue delay, where the risk to them is likely to be high",
            (None, None),
        ),
        deadline("Art. 33(2) GDPR", "a processor tells its controllers without undue delay", (None, None)),
        deadline(
            "Civ. Code §1798.82",
            "notify residents of California within 30 days of the discovery",
            (residents, residents_left),
        ),
        deadline(
            "Civ. Code §1798.82(f)",
            "for more than 500 residents: a sample to the Attorney General within 15 days of notifying them",
            (None, None),
        ),
    ]
}

fn keys(tables: &[FoundTable]) -> BreachedKeys {
    let manifests = || tables.iter().flat_map(|table| &table.versions).map(|version| &version.manifest.keys);
    let identity: BTreeSet<String> = manifests().map(|keys| keys.identity.clone()).collect();
    let token = manifests().map(|keys| (keys.token.clone(), keys.epoch.clone())).collect();
    BreachedKeys { identity: identity.into_iter().collect(), token, effects: KEY_EFFECTS.to_vec() }
}

fn consequences(datasets: &[BreachedDataset], exports: &[BreachedExport], asked: &BreachAsked) -> Vec<String> {
    let mut found = Vec::new();
    let fields = || datasets.iter().flat_map(|of| &of.fields);
    let of = |category: Category| {
        let names: BTreeSet<&str> =
            fields().filter(|field| field.category == Some(category.name())).map(|field| field.name.as_str()).collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    };
    let mut say = |names: String, what: &str| {
        if !names.is_empty() {
            found.push(format!("{what}: {names}"));
        }
    };
    say(
        of(Category::Special),
        "special categories are among the fields, so that the risk is likely to be high (Art. 9, 34)",
    );
    say(of(Category::Financial), "fraud, if amounts or accounts can be put to a person");
    say(of(Category::FreeText), "free text may name people");
    let plain = fields().filter(|field| field.treatment == "as-is").map(|field| field.name.as_str());
    let plain: BTreeSet<&str> = plain.collect();
    say(plain.into_iter().collect::<Vec<_>>().join(", "), "singling out by fields that are published as they are");
    if !exports.is_empty() {
        found.push(
            "exports are as the CRM has them: names, addresses and everything else, for everybody in them".into(),
        );
    }
    if asked.key.is_some() {
        found.push("tokens can be undone as far as the table of keys says".into());
    }
    found
}

fn measures(datasets: &[BreachedDataset], asked: &BreachAsked) -> Vec<String> {
    let mut found = vec!["identifiers are published as keyed tokens; keys are kept apart from data".to_owned()];
    let gone = datasets.iter().flat_map(|of| &of.versions).filter(|version| version.removed.is_some()).count();
    if gone > 0 {
        found.push(format!("versions that were removed for good since: {gone}"));
    }
    if asked.key.is_some() {
        found.push(
            "a new token key, a new version of every dataset, old versions removed: docs/howto/leaked-key.md".into(),
        );
    }
    let waits = datasets.iter().flat_map(|of| &of.versions).any(|of| of.replaced.is_some() && of.removed.is_none());
    if waits {
        found.push("earlier versions are there still: the next sweep after their grace removes them, but for what a hold keeps".into());
    }
    found.push("take away the access; change what opened it; ask recipients for what they have".into());
    found
}

fn not_said(people: &BreachedPeople, datasets: &[BreachedDataset], asked: &BreachAsked) -> Vec<String> {
    let mut found = vec![
        "whether somebody did read it: tamis sees no reads".to_owned(),
        "what recipients and readers have copied: versions that were removed here may be there still".to_owned(),
        "a person with two keys counts twice".to_owned(),
    ];
    if people.rows_only > 0 {
        found.push(format!(
            "how many people are in {} rows of files that are gone: so many at most, and some of them may be counted already",
            people.rows_only
        ));
    }
    found.extend(people.uncounted.iter().map(|who| format!("how many people these are: {who}")));
    if asked.root.is_none() {
        found.push(
            "whether exports, the state or files of requests could be read, too: name their root with --breached-root"
                .to_owned(),
        );
    }
    if datasets.iter().any(|of| of.country_field.is_none()) {
        found.push("in which countries people are, of tables without a field that says it".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seventy_two_hours_pass_through_a_weekend_and_a_change_of_clocks() {
        let at = |text: &str| Instant::parse(text).unwrap();
        let told = deadlines(at("2026-03-27T18:30:00+01:00"), None, at("2026-03-30T18:00:00+02:00"));
        assert_eq!(told[0].due, Some(at("2026-03-30T19:30:00+02:00")));
        assert_eq!(told[0].hours_left, Some(1));
        let late = deadlines(at("2026-03-27T18:30:00+01:00"), None, at("2026-03-30T19:31:00+02:00"));
        assert_eq!(late[0].hours_left, Some(-1));
    }
}
