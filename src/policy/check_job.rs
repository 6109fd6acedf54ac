//! A job against policy and sources: everything that appears only once the three are put together, and the plan.
//! Must not know stages; the plan says what they do.

use super::check_field::{self, FieldTerms};
use super::check_gate;
use super::check_minors::MinorTerms;
use super::check_newest;
use super::check_nobody;
use super::check_notice;
use super::check_others;
use super::check_policy::Policy;
use super::check_retention;
use super::check_source::{self, Inventory};
use super::digest;
use super::finding::Page;
use super::gather::Gather;
use super::job_spec::{ExcludeSpec, JobSpec, ObserveSpec, OnBadRecord, Scope};
use super::plan::{
    Basis, Column, ConsentColumn, Controls, Effect, Exclude, Field, Limits, Location, MinorRules, Observe, Plan,
    Purpose, Recipient, Retention, TokenFormat, Treatment, ValueType,
};
use super::schedule::{self, Schedule};
use super::spec::{At, Category};
use super::value::{self, PlaceKind};
use jiff::tz::TimeZone;

/// So many excludes a job may have: a row says in one byte which of them it met.
const MOST_EXCLUDES: usize = 255;

/// All that jobs are checked against.
pub(super) struct JobSurroundings<'a> {
    pub policy: &'a Policy<'a>,
    pub sources: &'a [Inventory<'a>],
    /// Whether every source file could be read; if not, an unknown source says nothing.
    pub all_sources: bool,
}

/// A job whose spec has been checked against its source and the policy.
pub(super) struct CheckedJob<'a> {
    pub page: Page<'a>,
    pub spec: &'a JobSpec,
    pub inputs: Vec<Location>,
    pub output: Option<Location>,
    pub inventory: Option<&'a Inventory<'a>>,
    pub plan: Option<Plan>,
}

impl<'a> JobSurroundings<'a> {
    fn source(&self, page: Page, at: &At<String>) -> Option<&'a Inventory<'a>> {
        let found = self.sources.iter().find(|s| *s.spec.name == **at);
        if found.is_none() && self.all_sources {
            let names: Vec<_> = self.sources.iter().map(|s| s.spec.name.as_str()).collect();
            let help = format!("sources: {}", names.join(", "));
            page.fault(at.span(), "unknown-source", "no such source in sources/", help);
        }
        found
    }
}

/// What a plan is made of; `None` where there is a finding.
struct PlanParts<'a> {
    job: Option<String>,
    input: Option<Location>,
    output: Option<Location>,
    purpose: Option<&'a Purpose>,
    recipient: Option<Recipient>,
    schedule: Option<Option<Schedule>>,
    retention: Option<Retention>,
    limits: Option<Limits>,
    observe: Option<Vec<Observe>>,
}

/// Checks a job and makes its plan when nothing is wrong.
pub(super) fn check<'a>(page: Page<'a>, spec: &'a JobSpec, desk: &JobSurroundings<'a>) -> CheckedJob<'a> {
    value::version(page, &spec.spec);
    let inventory = desk.source(page, &spec.source);
    let purpose = purpose(page, spec, desk);
    let observed: Vec<_> = spec.observe.iter().flatten().map(|o| observe(page, o, spec, desk, inventory)).collect();
    let observed_inputs: Vec<_> = observed.iter().filter_map(|(at, _)| at.clone()).collect();
    let parts = PlanParts {
        job: value::name(page, &spec.name),
        input: export(page, &spec.input, desk, inventory),
        output: value::location(page, &spec.output, &desk.policy.roots, PlaceKind::Dataset),
        purpose,
        recipient: recipient(page, spec, desk),
        schedule: spec.schedule.as_ref().map_or(Some(None), |at| schedule::check(page, at, &spec.name).map(Some)),
        retention: check_retention::retention(page, spec, purpose),
        limits: limits(page, spec),
        observe: observed.into_iter().map(|(_, observe)| observe).collect(),
    };
    let inputs = parts.input.iter().cloned().chain(observed_inputs).collect();
    let output = parts.output.clone();
    let plan = inventory.and_then(|inventory| plan(FieldTerms { page, spec, inventory, purpose }, desk, parts));
    CheckedJob { page, spec, inputs, output, inventory, plan }
}

/// Checks what needs the source's columns, then puts the plan together.
fn plan(terms: FieldTerms, desk: &JobSurroundings, parts: PlanParts) -> Option<Plan> {
    let (spec, inventory) = (terms.spec, terms.inventory);
    check_nobody::job(&terms);
    let mut gather = Gather::of(inventory);
    let mut fields = check_field::fields(&terms, &mut gather);
    if let Some(fields) = &mut fields {
        check_others::fields(&terms, fields, parts.retention.as_ref());
    }
    let gate = check_gate::gate(&terms);
    let sale = parts.recipient.as_ref().is_some_and(|recipient| recipient.sale);
    let minors = minors(&terms, desk, sale, &mut gather);
    let controls = controls(&terms, desk, fields.as_deref().unwrap_or_default(), &mut gather).zip(minors);
    let notice = check_notice::notice(&terms, desk.policy, &parts.recipient, &mut gather);
    let controls = controls.zip(notice).map(|((controls, minors), notice)| Controls { minors, notice, ..controls });
    let (purpose, recipient, schedule) = (parts.purpose?.clone(), parts.recipient?, parts.schedule?);
    let domain = match recipient.third_party {
        true => format!("{}/{}", purpose.name, recipient.name),
        false => purpose.name.clone(),
    };
    let plan = Plan {
        job: parts.job?,
        file: terms.page.file.path.clone(),
        source: inventory.source.clone()?,
        input: parts.input?,
        output: parts.output?,
        purpose,
        recipient: Some(recipient),
        domain,
        epoch: desk.policy.keys.as_ref()?.epoch.clone(),
        token_format: spec.token_format.as_ref().map_or(TokenFormat::Hex, |t| **t),
        zone: schedule.as_ref().map_or(TimeZone::UTC, |schedule| schedule.zone().clone()),
        schedule,
        columns: columns(&gather, fields.as_deref())?,
        fields: fields?,
        controls: controls?,
        retention: Retention { person: !inventory.nobody() && parts.retention.as_ref()?.person, ..parts.retention? },
        observe: parts.observe?,
        gate: gate?,
        limits: parts.limits?,
        digest: digest::plan(desk.policy.spec, inventory.spec, &observed_specs(spec, desk), spec)?,
        corrected: Vec::new(),
    };
    let corrected = desk.policy.corrections.values().flatten().any(|list| list.source == plan.source.name);
    Some(if corrected { plan.correctable() } else { plan })
}

/// The job's columns. What it makes an age of is a date of birth, in its other fields too (R20).
fn columns(gather: &Gather, fields: Option<&[Field]>) -> Option<Vec<Column>> {
    let mut columns = gather.columns()?;
    for field in fields? {
        if let (Treatment::AgeBand(_), Some(from)) = (&field.treat, field.from) {
            columns[from].birth = true;
        }
    }
    Some(columns)
}

fn observed_specs<'a>(spec: &JobSpec, desk: &JobSurroundings<'a>) -> Vec<&'a super::source_spec::SourceSpec> {
    let names = spec.observe.iter().flatten().map(|o| o.source.as_str());
    names.filter_map(|name| desk.sources.iter().find(|s| s.spec.name.as_str() == name).map(|s| s.spec)).collect()
}

/// Where an export is read; one in sets needs a rule that says when a set is whole.
fn export(page: Page, at: &At<String>, desk: &JobSurroundings, inventory: Option<&Inventory>) -> Option<Location> {
    let location = value::location(page, at, &desk.policy.roots, PlaceKind::Export)?;
    if location.path.contains("{set}") && inventory.is_some_and(|i| i.spec.complete.is_none()) {
        let help = "add [complete] to the source with `marker` or `settle`: a half-written set must not be read";
        page.fault(at.span(), "complete-missing", "the input has {set}, and the source has no [complete]", help);
    }
    Some(location)
}

fn purpose<'a>(page: Page, spec: &JobSpec, desk: &JobSurroundings<'a>) -> Option<&'a Purpose> {
    let found = desk.policy.purposes.get(spec.purpose.as_str());
    if found.is_none() {
        let names: Vec<_> = desk.policy.purposes.keys().copied().collect();
        let help = format!("purposes: {}", names.join(", "));
        page.fault(spec.purpose.span(), "unknown-purpose", "no such purpose in policy.toml", help);
    }
    found?.as_ref()
}

/// R3: the recipient named, or the purpose's only one.
fn recipient(page: Page, spec: &JobSpec, desk: &JobSurroundings) -> Option<Recipient> {
    let purpose = desk.policy.spec.purposes.get(&spec.purpose)?;
    let names: Vec<_> = purpose.recipients.iter().map(|r| r.as_str()).collect();
    let help = format!("the recipients of {} are: {}", spec.purpose.as_str(), names.join(", "));
    let name = match (&spec.recipient, names.as_slice()) {
        (Some(at), _) => {
            if desk.policy.spec.recipients.get(at).is_none() {
                page.fault(at.span(), "unknown-recipient", "no such recipient in policy.toml", help);
                return None;
            }
            if !names.contains(&at.as_str()) {
                page.fault(at.span(), "recipient-not-allowed", "the purpose does not name this recipient", help);
                return None;
            }
            at.as_str()
        }
        (None, [only]) => *only,
        (None, []) => return None,
        (None, _) => {
            page.fault(spec.purpose.span(), "recipient-missing", "the purpose has several recipients", help);
            return None;
        }
    };
    desk.policy.recipients.get(name).cloned()
}

fn limits(page: Page, spec: &JobSpec) -> Option<Limits> {
    let limits = spec.limits.as_ref();
    let max_removed = value::share_or(page, limits.and_then(|l| l.max_removed.as_ref()), "30%");
    let max_rejected = value::share_or(page, limits.and_then(|l| l.max_rejected.as_ref()), "0%");
    let drop_bad_records = limits.and_then(|l| l.on_bad_record.as_ref()).is_some_and(|b| **b == OnBadRecord::Drop);
    if let Some(at) = limits.and_then(|l| l.max_rejected.as_ref()).filter(|_| !drop_bad_records) {
        let help = "add on_bad_record = \"drop\", or leave `max_rejected` out";
        page.fault(at.span(), "unused-key", "`max_rejected` counts dropped records, and none are dropped", help);
    }
    let allow_empty = limits.and_then(|l| l.allow_empty.as_ref()).is_some_and(|a| **a);
    let max_emptied = value::share_or(page, limits.and_then(|l| l.max_emptied.as_ref()), "90%");
    Some(Limits {
        max_removed: max_removed?,
        max_rejected: max_rejected?,
        max_emptied: max_emptied?,
        drop_bad_records,
        allow_empty,
    })
}

/// Columns named in a list of a source's `[subject]`; those that are not there have a finding already.
fn named(inventory: &Inventory, list: &Option<At<Vec<At<String>>>>) -> Vec<usize> {
    list.iter().flat_map(|l| l.iter()).filter_map(|at| inventory.place(at)).collect()
}

fn controls(terms: &FieldTerms, desk: &JobSurroundings, fields: &[Field], gather: &mut Gather) -> Option<Controls> {
    let inventory = terms.inventory;
    let subject = &inventory.spec.subject;
    let offered = named(inventory, &subject.clock);
    let clocks = check_retention::clocks(terms.page, terms.spec, inventory, offered);
    let excludes: Vec<_> = terms.spec.exclude.iter().flatten().map(|e| exclude(terms, e, gather)).collect();
    // Rows that no notice covers are told as one more (R85).
    let most = if terms.spec.notice.is_some() { MOST_EXCLUDES - 1 } else { MOST_EXCLUDES };
    if let Some(at) = terms.spec.exclude.iter().flatten().nth(most) {
        let help = "write several values into one `equals`";
        terms.page.fault(at.column.span(), "exclude-value", format!("a job has at most {most} excludes"), help);
    }
    let consent = consent(terms, desk, gather);
    let newest = check_newest::of_job(terms.page, terms.spec, inventory, gather);
    let key = inventory.key();
    if key.is_none() && !inventory.nobody() {
        return None;
    }
    Some(Controls {
        key: key.map(|key| gather.add(key)),
        strong: gather.links(named(inventory, &subject.strong).into_iter().filter(|p| Some(*p) != key)),
        weak: gather.links(named(inventory, &subject.weak).into_iter().filter(|p| Some(*p) != key)),
        others: check_others::persons(inventory, fields, gather),
        clocks: clocks?.into_iter().map(|p| gather.add(p)).collect(),
        excludes: excludes.into_iter().collect::<Option<_>>()?,
        consent: consent?,
        minors: None,
        notice: None,
        newest: newest?,
    })
}

/// R84: whose rows a job that sells needs an opt-in for. Inner `None` = nobody's.
fn minors(terms: &FieldTerms, desk: &JobSurroundings, sale: bool, gather: &mut Gather) -> Option<Option<MinorRules>> {
    let (inventory, page) = (terms.inventory, terms.page);
    let Some(minors) = desk.policy.minors.as_ref().filter(|_| sale && !inventory.nobody()) else { return Some(None) };
    let Some(at) = minors.birth.get(inventory.spec.name.as_str()) else {
        if !minors.unknown_sold {
            let help = "name the source's column with the date or year of birth in [minors.birth] of the policy";
            page.fault(
                terms.spec.source.span(),
                "minors",
                "nobody's age is known, so that nothing would be sold",
                help,
            );
        }
        return Some(Some(rules(minors, None)));
    };
    let place = inventory.find_cells(desk.policy.page, at)?;
    let entry = &inventory.columns[place];
    if !entry.timed() && entry.value != Some(ValueType::Integer) {
        let help = "name a column of type date, timestamp, or integer for the year of birth";
        desk.policy.page.fault(at.span(), "minors", "this column is no date and no year of birth", help);
        return None;
    }
    Some(Some(rules(minors, Some(gather.add(place)))))
}

fn rules(minors: &MinorTerms, column: Option<usize>) -> MinorRules {
    let MinorTerms { under, guardian_under, unknown_sold, .. } = *minors;
    MinorRules { column, under, guardian_under, unknown_sold }
}

/// Resolves one `[[exclude]]` of the job (R22).
fn exclude(terms: &FieldTerms, spec: &ExcludeSpec, gather: &mut Gather) -> Option<Exclude> {
    let page = terms.page;
    let place = terms.inventory.find_cells(page, &spec.column);
    let reason = value::name(page, &spec.reason);
    if spec.equals.is_empty() {
        page.fault(spec.equals.span(), "exclude-value", "there is no value to exclude by", "list at least one value");
    }
    let column = place.map(|place| &terms.inventory.columns[place]);
    let boolean = column.filter(|column| column.value == Some(ValueType::Boolean));
    let mut equals = Vec::new();
    for at in spec.equals.iter() {
        let folded = value::folded(at);
        match boolean.map(|column| column.boolean(&folded)) {
            _ if folded.is_empty() => {
                page.fault(at.span(), "exclude-value", "blank is null, and null never matches (R22)", "remove it");
            }
            Some(Some(truth)) => equals.push(truth.to_owned()),
            Some(None) => {
                let help = "write true, false, 1, 0, yes or no, or one of the column's own words";
                page.fault(at.span(), "exclude-value", "the column is boolean and this is no boolean (R22)", help);
            }
            None => equals.push(folded),
        }
    }
    equals.sort();
    equals.dedup();
    let person = spec.scope.as_ref().filter(|scope| ***scope == Scope::Person);
    let dropped =
        terms.spec.limits.as_ref().and_then(|l| l.on_bad_record.as_ref()).filter(|b| ***b == OnBadRecord::Drop);
    if let (Some(_), Some(at)) = (person, dropped) {
        let help = "leave on_bad_record out: nobody can tell whom a dropped record would have left out (R62)";
        page.fault(at.span(), "exclude-scope", "an exclude leaves out persons, and the job drops bad records", help);
    }
    Some(Exclude { column: gather.add(place?), equals, reason: reason?, person: person.is_some() })
}

/// R32: a purpose on consent needs a column or a list that says yes. Outer `None` = a finding.
fn consent(terms: &FieldTerms, desk: &JobSurroundings, gather: &mut Gather) -> Option<Option<ConsentColumn>> {
    let purpose = terms.purpose?;
    if purpose.basis != Basis::Consent {
        return Some(None);
    }
    let listed = desk.policy.spec.lists.iter().flat_map(|l| l.iter()).any(|(_, list)| {
        let purposes = list.purposes.as_ref();
        list.effect.asked() == Some(Effect::Consent) && purposes.is_none_or(|p| p.iter().any(|p| **p == purpose.name))
    });
    let Some(spec) = &terms.inventory.spec.consent else {
        if !listed {
            let help = "add [consent] to the source, or a list with effect consent for the purpose (R32)";
            let text = "the purpose rests on consent and nothing says who gave it";
            terms.page.fault(terms.spec.purpose.span(), "consent-missing", text, help);
        }
        return Some(None);
    };
    if listed {
        let help = "the column has to say yes, and a list in which none of the person's consents holds says no; remove \
                    [consent] from the source where lists alone are to decide (R32)";
        terms.page.hint(
            terms.spec.purpose.span(),
            "consent-twice",
            "consent comes from a column and from a list",
            help,
        );
    }
    let column = terms.inventory.place(&spec.column)?;
    let since = match &spec.since {
        Some(at) => Some(terms.inventory.place(at)?),
        None => None,
    };
    let mut equals: Vec<_> = spec.equals.iter().map(|at| value::folded(at)).collect();
    equals.sort();
    equals.dedup();
    Some(Some(ConsentColumn { column: gather.add(column), equals, since: since.map(|p| gather.add(p)) }))
}

/// R26: activity of the same persons in another export of the job's own set.
fn observe(
    page: Page,
    at: &At<ObserveSpec>,
    job: &JobSpec,
    desk: &JobSurroundings,
    own: Option<&Inventory>,
) -> (Option<Location>, Option<Observe>) {
    let inventory = desk.source(page, &at.source);
    let input = export(page, &at.input, desk, inventory);
    if at.input.contains("{set}") != job.input.contains("{set}") {
        let help = "write {set} in both inputs or in neither: activity is read from the job's own set (R26)";
        page.fault(at.input.span(), "observe-set", "the observed input and the job's input differ in {set}", help);
    }
    let Some(inventory) = inventory else { return (input, None) };
    check_nobody::observed(page, at, inventory);
    check_newest::observed(page, at, inventory);
    let mut gather = Gather::of(inventory);
    let controls = observed_controls(page, at, inventory, own, &mut gather);
    let location = input.clone();
    let make = || {
        let (columns, controls) = (gather.columns()?, controls?);
        Some(Observe { source: inventory.source.clone()?, input: location?, columns, controls })
    };
    (input, make())
}

fn observed_controls(
    page: Page,
    spec: &ObserveSpec,
    inventory: &Inventory,
    own: Option<&Inventory>,
    gather: &mut Gather,
) -> Option<Controls> {
    let clocks: Vec<_> = spec.clock.iter().map(|at| check_source::clock(inventory, page, at)).collect();
    if clocks.is_empty() {
        page.fault(spec.clock.span(), "no-clock", "observed activity has no clock", "name a date or timestamp column");
    }
    let subject = inventory.find(page, &spec.subject)?;
    same_kind(page, spec, inventory, subject, own);
    let declared = &inventory.spec.subject;
    // The id of a task or an event is nobody's: were it a link, a task that passes to another person would link the two.
    let personal = |place: &usize| *inventory.columns[*place].spec.category != Category::Technical;
    let links = |place: &usize| declared.key_links.as_ref().map_or_else(|| personal(place), |at| **at);
    let key = inventory.key().filter(links);
    let strong = key.into_iter().chain(named(inventory, &declared.strong)).filter(|p| *p != subject);
    let strong: Vec<_> = strong.collect();
    let weak: Vec<_> = named(inventory, &declared.weak).into_iter().filter(|p| *p != subject).collect();
    Some(Controls {
        key: Some(gather.add(subject)),
        strong: gather.links(strong.into_iter()),
        weak: gather.links(weak.into_iter()),
        clocks: clocks.into_iter().collect::<Option<Vec<_>>>()?.into_iter().map(|p| gather.add(p)).collect(),
        others: Vec::new(),
        excludes: Vec::new(),
        consent: None,
        minors: None,
        notice: None,
        newest: None,
    })
}

/// Tokens of two kinds never meet, so activity would keep nobody alive.
fn same_kind(page: Page, spec: &ObserveSpec, inventory: &Inventory, subject: usize, own: Option<&Inventory>) {
    let entry = &inventory.columns[subject];
    if entry.spec.identifier.is_none() {
        let help = "add identifier = … to the column in its source (R10)";
        page.fault(spec.subject.span(), "no-identifier", "the observed subject has no identifier", help);
        return;
    }
    let key = own.and_then(|own| own.key().map(|p| &own.columns[p]));
    let kinds = (entry.identifier.as_ref(), key.and_then(|k| k.identifier.as_ref()));
    if let (Some(observed), Some(key)) = kinds
        && observed.kind != key.kind
    {
        let help = format!("the job's subject key is {}: tokens of two kinds never match", key.kind);
        let text = format!("the observed subject is of kind {}", observed.kind);
        page.fault(spec.subject.span(), "observe-kind", text, help);
    }
}
