//! `[retention]` of a job: how long rows stay, by which clock, and what stands in for a clock where rows have no date
//! (R25, R27, R42).

use super::check_source::Inventory;
use super::finding::Page;
use super::job_spec::{ClockSpec, JobSpec, RetentionSpec, Scope};
use super::plan::{Purpose, Retention, Undated};
use super::real_clocks::{is_birth, real_clocks};
use super::spec::At;
use super::value;
use crate::clock::Period;

/// What `keep` says instead of a duration.
const UNTIL_ABSENT: &str = "until-absent";

/// Checks all but the columns: R27, R42.
pub(super) fn retention(page: Page, job: &JobSpec, purpose: Option<&Purpose>) -> Option<Retention> {
    let spec = &job.retention;
    let undated = undated(spec);
    let keep = match undated {
        Some(Undated::UntilAbsent) => purpose.map(|purpose| purpose.max_keep),
        _ => duration(page, spec, purpose),
    };
    let max_future = value::period_or(page, spec.max_future.as_ref(), "P1Y");
    let reason = reason(page, spec, undated);
    match (undated, purpose) {
        (Some(undated), Some(purpose)) => allowed(page, spec, undated, purpose),
        (None, _) => {}
        (Some(_), None) => return None,
    }
    let person = spec.scope.as_ref().is_none_or(|s| **s == Scope::Person);
    Some(Retention { keep: keep?, undated, reason: reason?, person, max_future: max_future? })
}

/// What stands in for a clock.
fn undated(spec: &RetentionSpec) -> Option<Undated> {
    match spec.clock.as_deref() {
        _ if *spec.keep == UNTIL_ABSENT => Some(Undated::UntilAbsent),
        Some(ClockSpec::Undated(undated)) => Some(*undated),
        _ => None,
    }
}

fn duration(page: Page, spec: &RetentionSpec, purpose: Option<&Purpose>) -> Option<Period> {
    let keep = value::keep(page, &spec.keep)?;
    if let Some(purpose) = purpose.filter(|purpose| !keep.within(&purpose.max_keep)) {
        let text = format!("longer than max_keep of purpose {}", purpose.name);
        page.fault(spec.keep.span(), "keep-too-long", text, "shorten it, or have max_keep changed (R27)");
    }
    Some(keep)
}

/// R42: a clock that never runs out is said why. Outer `None` = a finding.
fn reason(page: Page, spec: &RetentionSpec, undated: Option<Undated>) -> Option<Option<String>> {
    let at = place(spec);
    match (&spec.reason, undated) {
        (Some(at), Some(_)) => value::said(page, at).map(Some),
        (Some(at), None) => {
            let help = "leave it out: the clock is a date of the export";
            page.fault(at.span(), "unused-key", "`reason` says why rows without a date are kept", help);
            None
        }
        (None, Some(undated)) if undated.never_runs_out() => {
            let help = "add reason = \"…\": the privacy officer reads it in `check` and in every manifest (R42)";
            page.fault(at, "clock-reason", "rows stay as long as exports bring them, and nothing says why", help);
            None
        }
        (None, _) => Some(None),
    }
}

/// R42: the purpose names the ways in which rows without a date may be kept; one that never runs out is told each time.
fn allowed(page: Page, spec: &RetentionSpec, undated: Undated, purpose: &Purpose) {
    if !purpose.undated.contains(&undated) {
        let text = format!("purpose {} does not allow {:?} for rows without a date", purpose.name, undated.name());
        let help = format!(
            "name a clock, or have undated = [\"{}\"] added to [purposes.{}] (R42)",
            undated.name(),
            purpose.name
        );
        page.fault(place(spec), "undated-not-allowed", text, help);
    }
    if undated.never_runs_out() {
        let help = "a person who is never deleted in the CRM is never removed here: the CRM has to have a rule of its \
         own";
        page.hint(
            place(spec),
            "clock-never-ends",
            "rows stay as long as exports bring them, however old they are",
            help,
        );
    }
}

/// Where the spec says what stands in for a clock.
fn place(spec: &RetentionSpec) -> std::ops::Range<usize> {
    let clock = spec.clock.as_ref().filter(|clock| matches!(***clock, ClockSpec::Undated(_)));
    clock.map_or(spec.keep.span(), At::span)
}

/// R25: all clocks of the source, or those of them that the job names; `all` are those of the source. None are needed
/// where something else stands in for them, or observed activity keeps persons.
pub(super) fn clocks(page: Page, job: &JobSpec, inventory: &Inventory, all: Vec<usize>) -> Option<Vec<usize>> {
    let spec = &job.retention;
    if undated(spec).is_some() {
        unused_keys(page, job);
        return Some(Vec::new());
    }
    let chosen = match &spec.clock {
        None => all,
        Some(list) => {
            let columns = list.columns();
            let read: Vec<_> = columns.iter().map(|at| chosen(page, inventory, at, &all)).collect();
            read.into_iter().collect::<Option<Vec<_>>>()?
        }
    };
    // Observed activity alone keeps persons alive; rows judged each for itself have none.
    let observed = job.observe.as_ref().is_some_and(|observe| !observe.is_empty());
    let by_row = spec.scope.as_ref().is_some_and(|scope| **scope == Scope::Row);
    if chosen.is_empty() && (by_row || !observed) {
        page.fault(job.retention.span(), "no-clock", "retention has no clock", no_clock(inventory));
        return None;
    }
    let mut once = Vec::new();
    for place in chosen {
        if !once.contains(&place) {
            once.push(place);
        }
    }
    Some(once)
}

/// R42: `until-absent` has no clock beside it, and what stands in for a clock is never in the future.
fn unused_keys(page: Page, job: &JobSpec) {
    let spec = &job.retention;
    if let Some(at) = spec.clock.as_ref().filter(|_| *spec.keep == UNTIL_ABSENT) {
        let help = "leave `clock` out, or write how long rows stay after it";
        page.fault(at.span(), "unused-key", "`clock` has no effect with keep = \"until-absent\"", help);
    }
    if let Some(at) = spec.max_future.as_ref().filter(|_| job.observe.iter().flatten().next().is_none()) {
        let help = "leave it out: a substitute for a clock never lies in the future";
        page.fault(at.span(), "unused-key", "`max_future` is for clocks of the export", help);
    }
}

/// Returns what to do: which listed columns are clocks by their names, why a birthday is none, and what there is besides.
fn no_clock(inventory: &Inventory) -> String {
    let real = real_clocks(inventory.columns.iter().map(|entry| entry.name.as_str()));
    let birth = inventory.columns.iter().find(|entry| is_birth(&entry.name));
    let birth = birth.map_or(String::new(), |entry| {
        format!("; {} is none: it never moves, so it says nothing of when somebody was last of interest", entry.name)
    });
    let first = match real.as_slice() {
        [] => "name dates of activity as clock in the source's [subject]".to_owned(),
        names => format!("name clocks in the source's [subject]; by their names these are some: {}", names.join(", ")),
    };
    format!(
        "{first}{birth}; without one every row would be expired (R25); where rows have no date, use [[observe]] or \
         clock = \"first-seen\" (R42)"
    )
}

fn chosen(page: Page, inventory: &Inventory, at: &At<String>, all: &[usize]) -> Option<usize> {
    let place = inventory.find(page, at)?;
    if all.contains(&place) {
        return Some(place);
    }
    let help = "name one of the source's subject.clock, or have it added there (R25)";
    page.fault(at.span(), "clock-not-listed", "the source does not offer this column as a clock", help);
    None
}
