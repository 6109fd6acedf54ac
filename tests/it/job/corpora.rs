//! A job over a real file, against an independent computation. The files are not part of the project: `TAMIS_CORPORA`
//! says where they are.

use super::place::Place;
use crate::python::Python;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

const AS_OF: &str = "2024-09-01T00:00:00Z";

/// The folder, or said loudly that the test is skipped.
pub fn corpora() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("TAMIS_CORPORA") {
        return Some(folder.into());
    }
    let near = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let ci = std::env::var("CI").as_deref() == Ok("true");
    assert!(!(ci && near.exists()), "TAMIS_CORPORA is not set, and the files are there");
    // The harness would keep what eprintln! says to itself.
    #[allow(clippy::explicit_write)]
    writeln!(std::io::stderr(), "\n*** SKIPPED a job over a real file: TAMIS_CORPORA is not set\n").unwrap();
    None
}

/// Every 50th address, in capitals, and every 33rd phone, as it is written.
fn requests(export: &[u8]) -> String {
    let mut reader = csv::Reader::from_reader(export);
    let place = |headers: &csv::StringRecord, name| headers.iter().position(|header| header == name).unwrap();
    let headers = reader.headers().unwrap().clone();
    let [mail, home, work] = ["email_other", "phone_home", "phone_work"].map(|name| place(&headers, name));
    let mut out = "Case,RequestedAt,Email,Phone\n".to_owned();
    for (n, record) in reader.records().map(|record| record.unwrap()).enumerate() {
        if n % 50 == 0 {
            let _ = writeln!(out, "M-{n},2024-08-30,{},", record[mail].to_uppercase());
        }
        let phone = if record[home].is_empty() { &record[work] } else { &record[home] };
        if n % 33 == 1 && !phone.is_empty() {
            let _ = writeln!(out, "P-{n},2024-08-30,,{phone}");
        }
    }
    out
}

#[test]
fn a_job_over_five_hundred_real_contacts() {
    let (Some(folder), Some(python)) = (corpora(), Python::find()) else { return };
    let export = std::fs::read(folder.join("crm/atomic_crm_contacts.csv")).unwrap();
    let place = Place::new();
    place.put(Path::new("fixtures/corpora/atomic"), super::place::at(AS_OF));
    place.create_state();
    place.export("contacts.csv", &export);
    std::fs::write(place.path("requests/erasure.csv"), requests(&export)).unwrap();
    let report = place.run(AS_OF).unwrap_or_else(|error| panic!("{error}"));
    let paths = ["raw/contacts.csv", "requests/erasure.csv", "keys"].map(|name| place.path(name).display().to_string());
    let [export, list, keys] = &paths;
    let said = python.run("corpora.py", [export, list, keys, AS_OF, &report.location]);
    let expected: serde_json::Value = serde_json::from_str(&said).unwrap();
    let m = &report.manifest;
    let reasons: serde_json::Map<String, serde_json::Value> =
        m.removed.iter().filter(|r| r.rows > 0).map(|r| (r.reason.clone(), r.rows.into())).collect();
    let found = serde_json::json!({"rows_in": m.rows_in, "rows_out": m.rows_out, "reasons": reasons});
    assert_eq!(found, expected);
    assert_eq!(m.rows_in, 500);
    assert!(
        ["erased", "expired", "excluded:under-contract", "suppressed"]
            .iter()
            .all(|reason| reasons.contains_key(*reason))
    );
    let untouched: Vec<&str> = m.drift.iter().map(|drift| drift.column.as_str()).collect();
    assert_eq!(untouched, ["company", "company_name", "linkedin_url", "nb_tasks", "sales", "sales_id"]);
}
