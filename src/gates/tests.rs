//! All gates together, and what the tests of single ones share.

use super::*;
use crate::error::Code;
use crate::policy::{Limits, Share};

/// Asks `gate` about a run of which only what was read is of interest.
pub(super) fn reading<T>(change: impl FnOnce(&mut Reading), gate: impl FnOnce(&Observed<'_>) -> T) -> T {
    let mut reading = Reading::default();
    change(&mut reading);
    asked(&reading, 0, 0, None, gate)
}

/// Asks `gate` about a run of which only numbers of rows are of interest.
pub(super) fn numbers<T>(
    rows_in: u64,
    rows_out: u64,
    dropped: u64,
    previous: Option<u64>,
    gate: impl FnOnce(&Observed<'_>) -> T,
) -> T {
    asked(&Reading { dropped, ..Reading::default() }, rows_in, rows_out, previous, gate)
}

fn asked<T>(
    reading: &Reading,
    rows_in: u64,
    rows_out: u64,
    previous: Option<u64>,
    gate: impl FnOnce(&Observed<'_>) -> T,
) -> T {
    let (max_removed, max_rejected) = (Share(300_000), Share(10_000));
    let limits =
        Limits { max_removed, max_rejected, max_emptied: Share(900_000), drop_bad_records: true, allow_empty: false };
    let removed = rows_in - rows_out;
    gate(&Observed { reading, limits: &limits, rows_in, rows_out, removed, suppressed: None, previous })
}

fn veto(message: &str, acceptable: bool) -> Veto {
    let code = if acceptable { Code::Brake } else { Code::GateK };
    let veto = |message: String| match acceptable {
        true => Veto::acceptable(code, message),
        false => Veto::final_one(code, message, "mend it"),
    };
    veto(message.into())
}

#[test]
fn a_refusal_says_all_vetoes_and_offers_no_acceptance_beside_one_that_is_final() {
    assert!(refusal(&[]).is_none());
    let both = refusal(&[veto("a", true), veto("b", false), veto("c", false)]).expect("refused");
    assert_eq!((both.message(), both.help_text()), ("a; b; c", Some("mend it")));
    let one = refusal(&[veto("a", true), veto("b", true)]).expect("refused");
    assert!(one.help_text().expect("help").contains("accept its digest"));
}

#[test]
fn a_refusal_is_of_the_gravest_kind() {
    let of = |code| Veto { code, ..veto("x", false) };
    let code = |vetoes: &[Veto]| refusal(vetoes).expect("refused").code();
    assert_eq!(code(&[of(Code::GateK), of(Code::Brake)]), Code::GateK);
    assert_eq!(code(&[of(Code::GateK), of(Code::ExportShrank)]), Code::ExportShrank);
    assert_eq!(code(&[of(Code::ExportShrank), of(Code::RowsDoNotAddUp)]), Code::RowsDoNotAddUp);
}

#[test]
fn r33_a_run_that_lost_rows_is_never_published() {
    let lost = |removed| {
        numbers(10, 7, 0, None, |run| Balance::observe(&Observed { removed, ..*run }).and_then(|gate| gate.veto()))
    };
    assert_eq!(lost(3), None);
    for removed in [2, 4, u64::MAX] {
        assert!(lost(removed).is_some_and(|veto| !veto.acceptable), "{removed}");
    }
}

#[test]
fn gates_of_before_they_had_kinds_are_read_and_keep_their_bytes() {
    let before = r#"{"quasi_identifiers":["city"],"k":3,"groups":4,"groups_below":2,"rows_suppressed":6,"max_suppressed":"50%"}"#;
    let gate: Gate = serde_json::from_str(before).expect("a gate");
    assert_eq!((gate.kind(), gate.quasi_identifiers()), ("k", &["city".to_owned()][..]));
    assert_eq!(serde_json::to_string(&gate).expect("JSON"), before);
    let [now] = &Gate::again(&[gate])[..] else { panic!("one gate") };
    assert!(serde_json::to_string(now).expect("JSON").starts_with(r#"{"kind":"k","quasi_identifiers":["city"]"#));
}

#[test]
fn every_gate_that_a_run_passes_is_in_the_list_with_its_kind() {
    let gates: Vec<Gate> = numbers(10, 10, 0, None, |run| Gate::all(Vec::new(), run));
    assert!(gates.iter().all(|gate| gate.veto().is_none() && !gate.words().is_empty()));
    for gate in &gates {
        let json = serde_json::to_value(gate).expect("JSON");
        assert_eq!(json["kind"], gate.kind());
        assert_eq!(serde_json::from_value::<Gate>(json).expect("a gate"), *gate);
    }
    let kinds: Vec<&str> = gates.iter().map(Gate::kind).collect();
    assert_eq!(kinds, ["balance", "max-untreated", "max-removed", "not-empty", "max-rejected"]);
}

#[test]
fn every_gate_has_its_row_in_the_docs() {
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/evidence.md")).expect("the docs");
    let section = docs.split("### Gates\n").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a section");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let rows = rows.map(|(kind, rest)| (kind, rest.split(' ').next().unwrap_or("")));
    let rows: Vec<(&str, &str)> = rows.filter(|(kind, _)| *kind != "kind").collect();
    assert_eq!(rows, Gate::KINDS);
}
