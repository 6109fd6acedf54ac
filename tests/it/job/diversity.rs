//! k and l over a real file (census rows of `corpora/risk/adult.csv`), against an independent computation: which groups stay
//! after a run, after a sweep that erases some people, and what a gate that refuses has to say.

use super::corpora::corpora;
use super::place::{Place, at};
use crate::python::Python;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;
use tamis::error::Code;
use tamis::evidence::Manifest;
use tamis::gates::Gate;
use tamis::monitor::Silent;
use tamis::sweep;

const AS_OF: &str = "2024-09-01T00:00:00Z";
const LATER: &str = "2024-09-02T00:00:00Z";

/// The census rows with ids and a date. Every tenth row is a second one of the person before it.
fn export(census: &[u8]) -> String {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(census);
    let headers = reader.headers().unwrap().clone();
    let place = |name| headers.iter().position(|header| header == name).unwrap();
    let columns = ["age", "sex", "race", "occupation", "marital-status"].map(place);
    let mut out = "Id,Seen,age,sex,race,occupation,marital\n".to_owned();
    for (n, record) in reader.records().map(|record| record.unwrap()).enumerate() {
        let person = if n % 10 == 9 { n - 1 } else { n };
        let _ = writeln!(out, "person-{person},2024-08-30,{}", columns.map(|column| &record[column]).join(","));
    }
    out
}

/// What a job asks of its groups.
struct Terms {
    k: u32,
    l: u32,
    kind: &'static str,
    sensitive: &'static str,
}

impl Terms {
    /// A place with the export, whose gates suppress or refuse.
    fn place(&self, export: &str, on_violation: &str) -> Place {
        let place = Place::new();
        place.put(Path::new("fixtures/corpora/adult"), at(AS_OF));
        let job = std::fs::read_to_string(place.path("specs/job.toml")).unwrap();
        let (gate, diversity) = job.split_once("[gate.diversity]").unwrap();
        let diversity = diversity
            .replace("\"occupation\"", &format!("\"{}\"", self.sensitive))
            .replace("l = 3", &format!("l = {}", self.l))
            .replace("\"distinct\"", &format!("\"{}\"", self.kind))
            .replace("\"suppress\"", &format!("\"{on_violation}\""));
        let job = format!("{}[gate.diversity]{diversity}", gate.replace("k = 2", &format!("k = {}", self.k)));
        std::fs::write(place.path("specs/job.toml"), job).unwrap();
        place.create_state();
        place.export("contacts.csv", export.as_bytes());
        std::fs::write(place.path("requests/none.csv"), "Case,RequestedAt,Id\n").unwrap();
        std::fs::write(place.path("erased"), "").unwrap();
        place
    }

    /// What must come out, with the table compared where there is one.
    fn expected(&self, python: &Python, place: &Place, table: Option<&str>) -> Value {
        let terms = json!({"k": self.k, "l": self.l, "kind": self.kind, "sensitive": [self.sensitive]}).to_string();
        let paths = ["raw/contacts.csv", "erased", "keys"].map(|name| place.path(name).display().to_string());
        let arguments = paths.into_iter().chain([terms]).chain(table.map(str::to_owned));
        serde_json::from_str(&python.run("diversity.py", arguments)).unwrap()
    }
}

/// What the gates of a version say, as the computation says it.
fn said(m: &Manifest) -> Value {
    let (mut said, mut least) = (json!({"rows_out": m.rows_out}), String::new());
    for gate in &m.gates {
        match gate {
            Gate::KAnonymity(k) => {
                said["groups"] = k.groups.into();
                said["smallest"] = k.smallest.into();
                said["below_k"] = k.groups_below.into();
            }
            Gate::LDiversity(l) => {
                assert_eq!(said["groups"], l.groups);
                said["below_l"] = l.groups_below.into();
                said["rows_below_l"] = l.rows_suppressed.into();
                let hundredths = l.least_hundredths.unwrap();
                let _ = write!(least, "{}.{:02}", hundredths / 100, hundredths % 100);
            }
            _ => {}
        }
    }
    said["least"] = least.into();
    said
}

fn without(mut expected: Value, name: &str) -> Value {
    expected.as_object_mut().unwrap().remove(name).unwrap();
    expected
}

/// Runs, erases three of five persons by a list, sweeps; the table is compared after each.
fn suppressed(terms: &Terms, python: &Python, export: &str) {
    let place = terms.place(export, "suppress");
    let report = place.run(AS_OF).unwrap_or_else(|error| panic!("{error}"));
    let expected = without(terms.expected(python, &place, Some(&report.location)), "left_below_l");
    assert_eq!(said(&report.manifest), expected);
    assert!(expected["below_l"].as_u64() > Some(0), "{expected}");

    let erased: Vec<String> = (0..32_561).filter(|n| n % 5 < 3).map(|n| format!("person-{n}")).collect();
    let rows: String = erased.iter().enumerate().map(|(n, id)| format!("E-{n},2024-09-01,{id}\n")).collect();
    std::fs::write(place.path("requests/erase.csv"), format!("Case,RequestedAt,Id\n{rows}")).unwrap();
    sweep::sweep(&place.call(LATER), &Silent).unwrap().outcome().unwrap();
    std::fs::write(place.path("erased"), erased.join("\n")).unwrap();
    let expected = without(terms.expected(python, &place, Some(&report.location)), "left_below_l");
    assert_eq!(said(&newest(&place)), expected);
    assert!(expected["below_l"].as_u64() > Some(0), "no group has fallen by the sweep: {expected}");
}

/// The manifest of the sweep.
fn newest(place: &Place) -> Manifest {
    let runs = std::fs::read_dir(place.path("state/runs")).unwrap().map(|entry| entry.unwrap().path());
    let swept = runs.into_iter().find(|run| run.file_name().unwrap().to_str().unwrap().contains("-sweep-")).unwrap();
    serde_json::from_slice(&std::fs::read(swept.join("manifest.json")).unwrap()).unwrap()
}

/// Runs a job whose l gate refuses; k suppresses what it finds before.
fn refused(terms: &Terms, python: &Python, export: &str) {
    let place = terms.place(export, "refuse");
    let error = place.run(AS_OF).expect_err("refused");
    let expected = terms.expected(python, &place, None);
    let [groups, rows] = [0, 1].map(|n| expected["left_below_l"][n].as_u64().unwrap());
    let told = format!("gate: {groups} of {} groups with {rows} rows have ", expected["groups"]);
    assert!(groups > 0 && error.message().starts_with(&told), "{told}: {error}");
    assert_eq!(error.code(), Code::GateL);
}

fn compare(terms: &Terms) {
    let (Some(folder), Some(python)) = (corpora(), Python::find()) else { return };
    let export = export(&std::fs::read(folder.join("risk/adult.csv")).unwrap());
    suppressed(terms, &python, &export);
    refused(terms, &python, &export);
}

#[test]
fn r41_distinct_occupations_of_a_census_agree_with_a_plain_computation() {
    compare(&Terms { k: 2, l: 3, kind: "distinct", sensitive: "occupation" });
}

#[test]
fn r41_entropy_of_marital_status_in_a_census_agrees_with_a_plain_computation() {
    compare(&Terms { k: 3, l: 2, kind: "entropy", sensitive: "marital" });
}
