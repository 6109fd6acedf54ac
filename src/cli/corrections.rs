//! Corrections in words (Art. 16 GDPR): of a version, of all datasets, of a case. Must not know how they are laid.

use super::lines::Lines;
use super::page::{self, escaped};
use super::verdict::counted;
use crate::clock::Instant;
use crate::evidence::Manifest;
use crate::evidence::manifest::CorrectionState;
use crate::questions::corrections::to_do;
use crate::questions::{CaseCorrection, CorrectionStanding};

/// Returns what somebody has to do about corrections of a version, a line for each state.
pub(super) fn exceptions(m: &Manifest) -> Vec<String> {
    let urgent = [
        CorrectionState::Conflicts,
        CorrectionState::Contested,
        CorrectionState::NoColumn,
        CorrectionState::NotFound,
        CorrectionState::Superseded,
    ];
    let said = |state: CorrectionState| {
        let of = m.corrections.iter().filter(|of| of.state == state);
        let (count, first) = (of.clone().count() as u64, of.map(|of| of.case.as_str()).next()?);
        Some(line(state, count, first, to_do(state)))
    };
    urgent.into_iter().filter_map(said).collect()
}

/// Returns how many corrections of a version came to what; none without any.
pub(super) fn counts(m: &Manifest) -> Option<String> {
    let count = |state: CorrectionState| m.corrections.iter().filter(|of| of.state == state).count();
    let told = CorrectionState::ALL.into_iter().map(|state| (count(state), state.name()));
    let told: Vec<String> =
        told.filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect();
    (!told.is_empty()).then(|| format!("corrections: {}", told.join(", ")))
}

/// Returns what somebody has to do about corrections of a dataset; none where nothing is to be done.
pub(super) fn standing(of: &CorrectionStanding) -> Option<String> {
    let to_do = of.to_do.as_deref().filter(|_| of.state != CorrectionState::Applied)?;
    Some(format!("{}: {}", of.dataset, line(of.state, of.corrections, &of.case, Some(to_do))))
}

fn line(state: CorrectionState, count: u64, first: &str, to_do: Option<&str>) -> String {
    let to_do = to_do.map_or(String::new(), |to_do| format!(": {to_do}"));
    format!("{} {} (the first: {first}){to_do}", counted(count, "correction"), state.name())
}

/// Returns what there is to say of a correction of a case, in order.
fn facts(of: &CaseCorrection) -> Vec<(&'static str, String)> {
    let seconds = |at: Instant| at.to_seconds().to_string();
    let mut facts = vec![
        ("state", if of.row_gone { format!("{} (its row is gone from the file)", of.state) } else { of.state.clone() }),
        ("column", format!("{} ({})", of.column, of.reason)),
        ("received", format!("{}, due {}", seconds(of.received), seconds(of.due))),
    ];
    let version = |version| format!("{version} is without the wrong value, as every later one");
    facts.extend(of.version.map(|of| ("version", version(of))));
    facts.extend(of.why.as_ref().map(|why| ("refused", why.clone())));
    facts.extend(of.to_do.as_ref().map(|what| ("to do", what.clone())));
    facts
}

/// Adds the corrections of a case to its report.
pub(super) fn of_case(out: &mut String, corrections: &[CaseCorrection]) {
    for of in corrections {
        out.push('\n');
        out.line(format_args!("rectify ({}): {}  for {}", of.list, of.dataset, of.purpose));
        facts(of).into_iter().for_each(|(name, said)| out.line(format_args!("  {name:<14} {said}")));
    }
}

/// Returns the corrections of a case as a part of its page.
pub(super) fn page(corrections: &[CaseCorrection]) -> String {
    let mut out = String::new();
    for of in corrections {
        let (dataset, purpose) = (escaped(&of.dataset), escaped(&of.purpose));
        out.line(format_args!("<h2>rectify <small>({}; Art. 16 GDPR)</small></h2>", escaped(&of.list)));
        out.line(format_args!("<h3>{dataset} <small>for {purpose}</small></h3>"));
        out.push_str(&page::facts(&facts(of)));
    }
    out
}
