//! The fields a job publishes: R19, R20, R26, R27.

use super::check_source::{ColumnEntry, Inventory};
use super::finding::Page;
use super::gather::Gather;
use super::job_spec::{FieldSpec, JobSpec, Treat};
use super::plan::{Field, MaxUntreated, Purpose};
use super::spec::{At, Category};
use super::treatment_keys::KeyReader;
use super::value;
use crate::clock::Period;

/// What fields are judged by.
pub(super) struct FieldTerms<'a> {
    pub page: Page<'a>,
    pub spec: &'a JobSpec,
    pub inventory: &'a Inventory<'a>,
    pub purpose: Option<&'a Purpose>,
}

impl FieldTerms<'_> {
    /// Whether the field is made from the source's key; an unknown key has its finding already.
    fn made_of_key(&self, field: &FieldSpec) -> bool {
        let key = self.inventory.key();
        key.is_none() || field.from.as_ref().and_then(|from| self.inventory.place(from)) == key
    }
}

/// Checks all fields; `None` when one has a finding.
pub(super) fn fields(terms: &FieldTerms, gather: &mut Gather) -> Option<Vec<Field>> {
    names(terms);
    if !terms.inventory.nobody() {
        subject(terms);
    }
    let read: Vec<_> = terms.spec.fields.iter().map(|(at, spec)| field(terms, at, spec, gather)).collect();
    read.into_iter().collect()
}

fn names(terms: &FieldTerms) {
    let page = terms.page;
    let mut seen = Vec::new();
    for (at, _) in terms.spec.fields.iter() {
        let rest = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        let first = at.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
        if !first || !at.chars().all(rest) || at.chars().count() > 128 || value::trimmed(at) != **at {
            let help = "letters, digits, _ and -, a letter or _ first, at most 128";
            page.fault(at.span(), "field-name", "not a name for a published field", help);
        }
        let folded = value::folded(at);
        if seen.contains(&folded) {
            let help = "readers such as DuckDB and Spark ignore case; rename one";
            page.fault(
                at.span(),
                "duplicate-field",
                "another field has the same name, apart from upper and lower case",
                help,
            );
        }
        seen.push(folded);
    }
}

pub(super) fn is_subject(spec: &FieldSpec) -> bool {
    spec.subject.as_ref().is_some_and(|s| **s)
}

/// Exactly one field is the subject token, and it is made from the source's key.
fn subject(terms: &FieldTerms) {
    let page = terms.page;
    let subjects: Vec<_> = terms.spec.fields.iter().filter(|(_, spec)| is_subject(spec)).collect();
    let help = "write subject = true on one field that pseudonymizes the source's key";
    if subjects.is_empty() {
        page.fault(terms.spec.fields.span(), "subject-field", "no field is the subject token", help);
    }
    for (at, _) in subjects.iter().skip(1) {
        page.fault(at.span(), "subject-field", "a second subject token", help);
    }
    for (at, spec) in subjects {
        if !terms.made_of_key(spec) || *spec.treat != Treat::Pseudonymize {
            page.fault(at.span(), "subject-field", "the subject token is not made from the source's key", help);
        }
    }
}

fn field(terms: &FieldTerms, at: &At<String>, spec: &FieldSpec, gather: &mut Gather) -> Option<Field> {
    let page = terms.page;
    let columnless = spec.treat.about().columnless;
    let place = match &spec.from {
        Some(from) if *spec.treat == Treat::Pseudonymize => Some(terms.inventory.find(page, from)),
        Some(from) if !columnless => Some(terms.inventory.find_cells(page, from)),
        None if !columnless => {
            page.fault(at.span(), "from-missing", "no column is named", "add from = a column of the source");
            Some(None)
        }
        _ => None,
    };
    let entry = place.flatten().map(|p| &terms.inventory.columns[p]);
    if let (Some(entry), Some(from)) = (entry, &spec.from) {
        may_leave(terms, entry, from, spec);
    }
    let keep = keep(terms, at, spec, entry);
    let kind = entry.map(|e| e.spec.kind());
    let mut reader = KeyReader { page, field: at, spec, inventory: terms.inventory, gather };
    let treat = reader.treatment(kind);
    let max_untreated = match &spec.max_untreated {
        Some(at) => value::share(page, at).map(MaxUntreated::Share),
        None => Some(MaxUntreated::Default),
    };
    spec.why.as_ref().map(|at| value::said(page, at));
    let gate = terms.spec.gate.as_ref();
    let from = match place {
        Some(place) => Some(gather.add(place?)),
        None => None,
    };
    Some(Field {
        name: at.to_string(),
        from,
        treat: treat?,
        subject: is_subject(spec),
        keep: keep?,
        max_untreated: max_untreated?,
        quasi: gate.and_then(|gate| gate.hashed().position(|name| **name == **at)),
        other: None,
    })
}

/// R19, in its order; the category was checked against the purpose where the source lists it.
fn may_leave(terms: &FieldTerms, entry: &ColumnEntry, from: &At<String>, spec: &FieldSpec) {
    let page = terms.page;
    let category = *entry.spec.category;
    if category == Category::Secret {
        let help = "remove the field: a secret column is never published, under any treatment (R19)";
        return page.fault(from.span(), "secret", "the column is secret", help);
    }
    let listed = entry.spec.purposes.iter().flat_map(|l| l.iter()).any(|p| **p == *terms.spec.purpose);
    // An unknown purpose has its finding already.
    if !listed && terms.purpose.is_some() {
        let help = format!("remove the field, or let the source's column list {}", terms.spec.purpose.as_str());
        return page.fault(
            from.span(),
            "purpose-not-listed",
            "the source does not list the job's purpose for it",
            help,
        );
    }
    if *spec.treat == Treat::AsIs && category.guarded() && entry.spec.allow_raw.is_none() {
        let text = format!("as-is on category {} is not allowed", category.name());
        let help = "choose a treatment, or have allow_raw = \"reason\" written into the source's column";
        page.fault(spec.treat.span(), "raw-not-allowed", text, help);
    }
    let caution = spec.treat.about().caution;
    if !caution.is_empty() && category.guarded() && entry.spec.allow_raw.is_none() {
        let text = format!("{} is the only protection of category {}", spec.treat.name(), category.name());
        page.hint(spec.treat.span(), "treatment-alone", text, caution);
    }
}

/// R26: the shorter of the column's and the field's own; outer `None` = a finding.
fn keep(terms: &FieldTerms, at: &At<String>, spec: &FieldSpec, entry: Option<&ColumnEntry>) -> Option<Option<Period>> {
    let page = terms.page;
    let own = match &spec.keep {
        Some(at) => Some(value::keep(page, at)?),
        None => None,
    };
    let column = entry.and_then(|e| e.keep);
    if is_subject(spec) && terms.made_of_key(spec) && (own.is_some() || column.is_some()) {
        let span = spec.keep.as_ref().map_or(at.span(), At::span);
        let help = "leave `keep` off the field and off the key's column; [retention] says when the row goes";
        page.fault(span, "subject-keep", "the subject token cannot have a `keep` of its own", help);
        return None;
    }
    let (Some(own), Some(at)) = (own, &spec.keep) else { return Some(column) };
    if column.is_some_and(|column| !own.within(&column)) {
        let help = "a field may only shorten its column's `keep` (R26)";
        page.fault(at.span(), "keep-longer-than-column", "longer than the column's keep", help);
        return None;
    }
    if let Some(purpose) = terms.purpose.filter(|p| !own.within(&p.max_keep)) {
        let text = format!("longer than max_keep of purpose {}", purpose.name);
        page.fault(at.span(), "keep-too-long", text, "shorten it (R27)");
    }
    Some(Some(own))
}
