//! What only all files together show: names used twice, places that overlap, lists that reach nobody, and hints.

use super::apart::{Overlap, RealPlaces};
use super::check_job::CheckedJob;
use super::check_links;
use super::check_match;
use super::check_others;
use super::check_policy::Policy;
use super::check_source::Inventory;
use super::finding::Page;
use super::job_spec::{FieldSpec, Treat};
use super::plan::{Identifier, Location};
use super::real_clocks::{is_birth, letters, moves_by_itself, real_clocks};
use super::source_spec::ColumnSpec;
use super::spec::{At, Category};
use super::value;
use std::collections::BTreeMap;

/// Names that two files share.
pub(super) fn names(sources: &[Inventory], jobs: &[CheckedJob]) {
    for (i, source) in sources.iter().enumerate() {
        if sources[..i].iter().any(|s| *s.spec.name == *source.spec.name) {
            source.page.fault(source.spec.name.span(), "duplicate-name", "another source has this name", "rename one");
        }
    }
    for (i, job) in jobs.iter().enumerate() {
        if jobs[..i].iter().any(|j| *j.spec.name == *job.spec.name) {
            job.page.fault(job.spec.name.span(), "duplicate-name", "another job has this name", "rename one");
        }
    }
}

/// R10: a list whose kind no key, strong or weak column of any source carries can reach nobody.
pub(super) fn list_kinds(policy: &Policy, sources: &[Inventory]) {
    let carried: Vec<&str> = sources
        .iter()
        .flat_map(|s| s.carriers().chain(check_others::naming(s)).filter_map(|p| s.columns[p].identifier.as_ref()))
        .map(Identifier::written)
        .collect();
    for (kind, _) in list_matches(policy) {
        if check_match::is_kind(kind) && !carried.contains(&kind.as_str()) {
            let help = "a source's key, strong or weak column must have this identifier (R10)";
            policy.page.fault(kind.span(), "list-kind", "no source has identifiers of this kind", help);
        }
    }
}

/// The source of each list of corrections is there, is about persons, and has a key of the kind that the list names.
pub(super) fn correction_sources(policy: &Policy, sources: &[Inventory]) {
    let lists = policy.spec.lists.iter().flat_map(|lists| lists.iter());
    for (name, spec) in lists.filter(|(_, spec)| spec.effect.asked().is_none()) {
        let Some(at) = &spec.source else { continue };
        let Some(source) = sources.iter().find(|source| *source.spec.name == **at) else {
            let names: Vec<_> = sources.iter().map(|source| source.spec.name.as_str()).collect();
            let help = format!("sources: {}", names.join(", "));
            policy.page.fault(at.span(), "unknown-source", "no such source in sources/", help);
            continue;
        };
        let key = source.key().and_then(|key| source.columns[key].identifier.as_ref());
        let named = policy.corrections.get(name.as_str()).and_then(Option::as_ref).map(|list| &list.record.identifier);
        match (key, named) {
            (Some(key), Some(named)) if key.kind != named.kind => {
                let span = spec.r#match.as_ref().map_or(name.span(), At::span);
                let help = format!("the key of {} is of the kind {}", at.as_str(), key.written());
                policy.page.fault(span, "list-rectify", "records of the source are not known by this kind", help);
            }
            (None, Some(_)) => {
                let help = "corrections are of data about persons: name a source with a `key`";
                policy.page.fault(at.span(), "list-rectify", "no row of this source is about a person", help);
            }
            _ => {}
        }
    }
}

/// R51: values of a kind are all put together of as many parts, or they would never match.
pub(super) fn kind_parts(policy: &Policy, sources: &[Inventory]) {
    let columns = sources.iter().flat_map(|source| source.spec.columns.iter().map(|(_, spec)| (source.page, spec)));
    let of_sources = columns.filter_map(|(page, spec): (Page, &ColumnSpec)| {
        spec.identifier.as_ref().map(|kind| (page, kind, parts_of(spec.parts.as_ref())))
    });
    let of_lists = list_matches(policy).map(|(kind, parts)| (policy.page, kind, parts));
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (page, kind, parts) in of_sources.chain(of_lists) {
        let before = *first.entry(kind.as_str()).or_insert(parts);
        if before != parts {
            let help = "use the same parts in the same order wherever the kind is used, or a kind of another name";
            let text =
                format!("the kind has {before} part(s) in another place and {parts} here: they would never match");
            page.fault(kind.span(), "parts", text, help);
        }
    }
}

fn parts_of(list: Option<&At<Vec<At<String>>>>) -> usize {
    list.map_or(1, |list| list.len())
}

/// Kinds of identifier that lists name persons by, each with the number of its parts.
fn list_matches<'a>(policy: &'a Policy) -> impl Iterator<Item = (&'a At<String>, usize)> {
    let lists = policy.spec.lists.iter().flat_map(|lists| lists.iter()).map(|(_, list)| list);
    lists.flat_map(|list| {
        let parts = move |name: &At<String>| parts_of(list.parts.as_ref().and_then(|parts| parts.get(name)));
        list.r#match.iter().flat_map(|m| m.iter()).map(move |(name, kind)| (kind, parts(name)))
    })
}

/// Outputs apart from each other, from every input and from the state; inputs of jobs apart from the state.
pub(super) fn places(policy: &Policy, jobs: &[CheckedJob]) {
    let lists = policy.lists.values().flatten().map(|list| &list.input);
    let corrections = policy.corrections.values().flatten().map(|list| &list.input);
    let inputs = jobs.iter().flat_map(|job| &job.inputs).chain(lists).chain(corrections);
    let places = RealPlaces::new(&policy.roots, inputs);
    let outputs: Vec<(&CheckedJob, &Location)> =
        jobs.iter().filter_map(|job| Some((job, job.output.as_ref()?))).collect();
    let fault = |page: Page<'_>, span, overlap: Overlap| {
        let (code, what, help) = overlap.said();
        page.fault(span, code, what, help);
    };
    for (i, (job, output)) in outputs.iter().enumerate() {
        let shared = outputs[..i].iter().find_map(|(_, other)| places.shared(other, output));
        for overlap in places.output(output).into_iter().chain(shared) {
            fault(job.page, job.spec.output.span(), overlap);
        }
    }
    for job in jobs {
        if let Some(overlap) = job.inputs.iter().find_map(|input| places.input(input)) {
            fault(job.page, job.spec.input.span(), overlap);
        }
    }
}

/// Columns whose few values a token does not hide.
const FEW_VALUES: [&str; 22] = [
    "sex",
    "gender",
    "title",
    "salutation",
    "country",
    "countrycode",
    "mailingcountry",
    "language",
    "currency",
    "status",
    "state",
    "stage",
    "type",
    "segment",
    "region",
    "industry",
    "maritalstatus",
    "religion",
    "nationality",
    "leadsource",
    "rating",
    "priority",
];
/// Advice that does not stop a run.
pub(super) fn hints(policy: &Policy, sources: &[Inventory], jobs: &[CheckedJob]) {
    for job in jobs {
        tokens_of_few_values(job);
        tokens_of_others(job);
        poor_clocks(job);
        births_unsaid(job);
        by_patterns(job);
        idle_keeps(job);
        days_in_utc(job);
        drops_nothing(job);
    }
    for source in sources {
        if jobs.iter().any(|job| *job.spec.source == *source.spec.name) {
            check_links::missing(source);
        }
        let used = jobs.iter().any(|j| {
            let observed = j.spec.observe.iter().flatten().map(|o| &o.source);
            std::iter::once(&j.spec.source).chain(observed).any(|name| **name == *source.spec.name)
        });
        if !used {
            source.page.hint(
                source.spec.name.span(),
                "unused-source",
                "no job reads this source",
                "remove it, or use it",
            );
        }
    }
    for (name, _) in policy.spec.purposes.iter() {
        if !jobs.iter().any(|j| *j.spec.purpose == **name) {
            policy.page.hint(name.span(), "unused-purpose", "no job serves this purpose", "remove it, or use it");
        }
    }
}

fn tokens_of_few_values(job: &CheckedJob) {
    let Some(inventory) = job.inventory else { return };
    for (_, field) in job.spec.fields.iter() {
        let from = field.from.as_ref().filter(|_| *field.treat == Treat::Pseudonymize);
        let Some((from, place)) = from.and_then(|f| Some((f, inventory.place(f)?))) else { continue };
        let entry = &inventory.columns[place];
        if entry.spec.identifier.is_none() && FEW_VALUES.contains(&letters(&entry.name).as_str()) {
            let help =
                "tokens of few values can be read like the values; use map or as-is, or leave the column out (R21)";
            job.page.hint(from.span(), "few-values", "this column looks like one of few distinct values", help);
        }
    }
}

/// A reference to another person is no link: the rows that carry it stay when that person is erased.
fn tokens_of_others(job: &CheckedJob) {
    let Some(inventory) = job.inventory else { return };
    let subject = &inventory.spec.subject;
    let linked = subject.strong.iter().chain(&subject.weak).flat_map(|list| list.iter()).chain(&subject.key);
    let linked: Vec<usize> = linked.filter_map(|at| inventory.place(at)).collect();
    let kind = |place: usize| inventory.columns[place].identifier.as_ref().map(|identifier| &identifier.kind);
    let Some(own) = inventory.key().and_then(kind) else { return };
    for (_, field) in job.spec.fields.iter() {
        let from = field.from.as_ref().filter(|_| *field.treat == Treat::Pseudonymize);
        let Some((from, place)) = from.and_then(|f| Some((f, inventory.place(f)?))) else { continue };
        let personal = *inventory.columns[place].spec.category == Category::Identity;
        if personal && !linked.contains(&place) && kind(place) == Some(own) {
            let help = "rows of others keep the token of an erased person; leave it out, or declare it as a link";
            job.page.hint(from.span(), "reference-token", "this column refers to persons and is no link", help);
        }
    }
}

/// Dates that move although the person did nothing, or that never move, where the person's doing is asked for.
fn poor_clocks(job: &CheckedJob) {
    let Some(inventory) = job.inventory else { return };
    let (page, own): (_, Vec<&At<String>>) = match &job.spec.retention.clock {
        None => (inventory.page, inventory.spec.subject.clock.iter().flat_map(|list| list.iter()).collect()),
        Some(own) => (job.page, own.columns().iter().collect()),
    };
    let undated = job.plan.as_ref().is_some_and(|plan| plan.retention.undated.is_some());
    let names = || inventory.columns.iter().map(|entry| entry.name.as_str());
    let better = real_clocks(names().filter(|name| own.iter().all(|at| value::trimmed(at) != *name)));
    own.iter().filter(|_| !undated).for_each(|at| poor_clock(page, at, &better));
    let observed = job.spec.observe.iter().flatten().flat_map(|observe| observe.clock.iter());
    observed.for_each(|at| poor_clock(job.page, at, &[]));
    let since = inventory.spec.consent.as_ref().and_then(|consent| consent.since.as_ref());
    if let Some(at) = since.filter(|at| moves_by_itself(at)) {
        let help = "after a withdrawal, any change of the row would give consent again; name the date it was given";
        inventory.page.hint(at.span(), "poor-clock", "this date of consent changes when the person does nothing", help);
    }
}

/// `better` are columns of the source that are clocks by their names.
fn poor_clock(page: Page, at: &At<String>, better: &[&str]) {
    let instead = match better {
        [] => String::new(),
        names => format!(", such as {}", names.join(", ")),
    };
    if is_birth(at) {
        let help =
            format!("a date of birth never changes, so everybody would be expired; name dates of activity{instead}");
        page.hint(at.span(), "birth-clock", "a date of birth is used as clock", help);
    } else if moves_by_itself(at) {
        let help = format!(
            "batch jobs and views move it, so people are kept who did nothing; prefer dates of real activity{instead}"
        );
        page.hint(at.span(), "poor-clock", "this clock changes when the person does nothing", help);
    }
}

/// A published date that looks like one of birth, and of which nothing says so.
fn births_unsaid(job: &CheckedJob) {
    let Some(inventory) = job.inventory else { return };
    let ages = |place| {
        let aged = |field: &FieldSpec| *field.treat == Treat::AgeBand;
        let mut from = job.spec.fields.iter().filter(|(_, field)| aged(field)).filter_map(|(_, f)| f.from.as_ref());
        from.any(|from| inventory.place(from) == Some(place))
    };
    for (_, field) in job.spec.fields.iter().filter(|(_, field)| *field.treat != Treat::Present) {
        let Some((from, place)) = field.from.as_ref().and_then(|from| Some((from, inventory.place(from)?))) else {
            continue;
        };
        let entry = &inventory.columns[place];
        if entry.timed() && is_birth(&entry.name) && entry.spec.birth.is_none() && !ages(place) {
            let help = "add birth = true to the column in its source: years that nobody living was born in become null";
            job.page.hint(from.span(), "birth-unsaid", "this looks like a date of birth", help);
        }
    }
}

/// Columns that are published and that nobody has named in the source.
fn by_patterns(job: &CheckedJob) {
    let Some(inventory) = job.inventory else { return };
    for (_, field) in job.spec.fields.iter() {
        let place = |from: &At<String>| inventory.columns[inventory.place(from)?].pattern.as_ref();
        let Some((from, pattern)) = field.from.as_ref().and_then(|from| Some((from, place(from)?))) else { continue };
        let text = format!("this column is declared by the pattern {pattern} alone");
        let help = "look at what it holds, and give it a line of its own in the source";
        job.page.hint(from.span(), "by-pattern", text, help);
    }
}

fn idle_keeps(job: &CheckedJob) {
    let Some(plan) = &job.plan else { return };
    for ((_, spec), field) in job.spec.fields.iter().zip(&plan.fields) {
        if let (Some(at), Some(keep)) = (&spec.keep, field.keep)
            && plan.retention.keep.within(&keep)
        {
            let help = "leave it out, or make it shorter than [retention] keep";
            job.page.hint(at.span(), "idle-keep", "the row is dropped before this field becomes null", help);
        }
    }
}

fn days_in_utc(job: &CheckedJob) {
    let (None, Some(inventory)) = (&job.spec.schedule, job.inventory) else { return };
    for (_, field) in job.spec.fields.iter() {
        let calendar = field.treat.about().calendar;
        let place = field.from.as_ref().filter(|_| calendar).and_then(|f| inventory.place(f));
        let timestamp = crate::cell::kind::TypeName::Timestamp;
        if place.is_some_and(|p| inventory.columns[p].spec.kind() == timestamp) {
            let help = "a job without [schedule] counts days in UTC; add [schedule] with a zone if that is not meant";
            job.page.hint(field.treat.span(), "days-in-utc", "days of a timestamp begin at midnight UTC here", help);
        }
    }
}

fn drops_nothing(job: &CheckedJob) {
    let Some(limits) = &job.spec.limits else { return };
    if let (Some(at), None) = (&limits.on_bad_record, &limits.max_rejected)
        && **at == super::job_spec::OnBadRecord::Drop
    {
        let help = "add max_rejected, such as \"0.1%\": its default of 0% refuses the run at the first dropped record";
        job.page.hint(at.span(), "drop-without-limit", "bad records are to be dropped, and the limit is 0%", help);
    }
}
