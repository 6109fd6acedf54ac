//! `tamis audit` finds what is wrong with published files, which these tests write by their own hand, and nothing on what
//! a run or a sweep has published.

use crate::installation::{Contact, Installation, contacts, files};
use arrow::array::{Array, ArrayRef, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tamis::audit::{AuditCall, AuditReport, CHECKS, CheckOutcome, Severity, audit};
use tamis::error::Code;
use tamis::monitor::Silent;

fn call(installation: &Installation, day: i64) -> AuditCall {
    AuditCall {
        dir: installation.path("jobs"),
        roots: installation.roots.clone(),
        now: installation.at(day),
        runtime: installation.handle(),
        dataset: None,
    }
}

fn audited(installation: &Installation, day: i64) -> AuditReport {
    audit(&call(installation, day), &Silent).unwrap()
}

/// Rules with a finding that is an error, files that are not what was published apart: whatever is written by hand is.
fn wrong(report: &AuditReport) -> BTreeSet<&'static str> {
    let errors = report.findings.iter().filter(|finding| finding.severity == Severity::Error);
    errors.map(|finding| finding.rule).filter(|rule| *rule != "files-as-published").collect()
}

fn only(rule: &'static str) -> BTreeSet<&'static str> {
    BTreeSet::from([rule])
}

fn published() -> Installation {
    let installation = Installation::new();
    installation.export("2026-10-01", &contacts(0..9, -1));
    installation.run(0).unwrap();
    installation
}

/// The only Parquet file below a folder.
fn parquet(folder: &Path) -> PathBuf {
    let found = files(folder).into_iter().map(|(path, _)| path);
    let found: Vec<PathBuf> = found.filter(|path| path.extension().is_some_and(|end| end == "parquet")).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

fn read(path: &Path) -> RecordBatch {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = builder.schema().clone();
    let batches: Vec<RecordBatch> = builder.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

fn write(path: &Path, batch: &RecordBatch) {
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

/// Puts a column in the place of the one of its name, or beside the others.
fn with(batch: &RecordBatch, name: &str, column: ArrayRef) -> RecordBatch {
    let schema = batch.schema();
    let mut fields: Vec<Field> = schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    let mut columns = batch.columns().to_vec();
    let field = Field::new(name, column.data_type().clone(), true);
    match fields.iter().position(|field| field.name() == name) {
        Some(at) => (fields[at], columns[at]) = (field, column),
        None => {
            fields.push(field);
            columns.push(column);
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// Texts of a column.
fn texts(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    let column = batch.column_by_name(name).unwrap().as_any().downcast_ref::<StringArray>().unwrap();
    column.iter().map(|text| text.map(str::to_owned)).collect()
}

/// Writes texts into rows of a published column, by hand.
fn plant(installation: &Installation, name: &str, change: impl Fn(usize, Option<String>) -> Option<String>) {
    let path = parquet(&installation.path("lake"));
    let batch = read(&path);
    let texts = texts(&batch, name).into_iter().enumerate().map(|(row, text)| change(row, text));
    write(&path, &with(&batch, name, Arc::new(StringArray::from_iter(texts))));
}

/// Writes one text into the third row.
fn plant_text(installation: &Installation, name: &str, text: &str) {
    plant(installation, name, |row, old| if row == 2 { Some(text.to_owned()) } else { old });
}

#[test]
fn what_runs_and_sweeps_publish_holds_and_checks_say_so() {
    let installation = published();
    let report = audited(&installation, 0);
    assert!(report.not_checked.is_empty() && report.outcome().is_ok(), "{:?}", report.not_checked);
    // The policy of the test says nothing of raw exports.
    let rules: Vec<_> = report.findings.iter().map(|finding| (finding.rule, finding.severity)).collect();
    assert_eq!(rules, [("raw-keep-set", Severity::Warning)]);
    assert_eq!((report.datasets.len(), report.datasets[0].rows), (1, 9));
    let held = report.checks.iter().filter(|check| check.outcome == CheckOutcome::Holds).count();
    assert_eq!(held + 1, report.checks.len());
    assert!(CHECKS.iter().all(|check| report.checks.iter().any(|done| done.rule == check.rule)));
    installation.erase("first", &[("C-1", "person00001@example.org", "")]);
    installation.sweep(1).unwrap();
    let report = audited(&installation, 1);
    assert!(wrong(&report).is_empty() && report.not_checked.is_empty(), "{:?}", report.findings);
    assert_eq!(report.datasets[0].rows, 6, "a city of two is not published");
}

#[test]
fn a_finding_names_file_field_and_row_and_never_the_value() {
    let installation = published();
    plant_text(&installation, "city", "ask hidden.person@example.com");
    let report = audited(&installation, 0);
    assert_eq!(wrong(&report), BTreeSet::from(["text-patterns", "group-k"]));
    let finding = report.findings.iter().find(|finding| finding.rule == "text-patterns").unwrap();
    assert!(finding.file.as_ref().unwrap().starts_with("lake:crm/contacts/part-"));
    assert_eq!(finding.field.as_deref(), Some("city"));
    assert_eq!(finding.rows.as_ref().map(|rows| (rows.count, rows.first.clone())), Some((1, vec![3])));
    assert_eq!((finding.dataset.as_deref(), finding.version), (Some("lake:crm/contacts"), Some(0)));
    let told = serde_json::to_string(&report).unwrap();
    assert!(!told.contains("hidden") && !told.contains("City"), "{told}");
    assert_eq!(report.outcome().unwrap_err().code(), Code::AuditNotHeld);
}

#[test]
fn text_that_identifies_by_its_form_is_found() {
    for text in ["+49 30 901820", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "a.b@example.org"] {
        let installation = published();
        // All rows, so that no group is too small.
        plant(&installation, "city", |_, _| Some(text.to_owned()));
        assert_eq!(wrong(&audited(&installation, 0)), only("text-patterns"), "{text}");
    }
}

#[test]
fn hex_text_that_is_no_token_of_our_key_is_found() {
    for (text, rule) in [
        ("00112233445566778899aabbccddeeff", "token-of-our-key"),
        ("706572736f6e40657861", "token-form"),
        ("person00001@example.org", "token-form"),
    ] {
        let installation = published();
        plant_text(&installation, "contact", text);
        assert!(wrong(&audited(&installation, 0)).contains(rule), "{text}");
    }
    // Of somebody whom a request names, also the token in another field is made anew.
    let installation = published();
    plant_text(&installation, "email", "706572736f6e314065782e6f72672020");
    assert_eq!(wrong(&audited(&installation, 0)), only("token-form"));
}

#[test]
fn a_column_that_the_job_does_not_name_is_found() {
    let installation = published();
    let path = parquet(&installation.path("lake"));
    let batch = read(&path);
    let more: StringArray = (0..batch.num_rows()).map(|row| (row == 4).then_some("x")).collect();
    write(&path, &with(&batch, "nickname", Arc::new(more)));
    let report = audited(&installation, 0);
    assert_eq!(wrong(&report), only("columns-allowed"));
    let installation = published();
    installation.edit("jobs/contacts.toml", "email = { from = \"Email\", treat = \"pseudonymize\" }\n", "");
    assert_eq!(wrong(&audited(&installation, 0)), only("columns-allowed"), "today's policy counts");
}

#[test]
fn an_erased_person_whose_companion_row_is_gone_is_found_by_a_token_made_anew() {
    for request in [("C-1", "", "crm-00004"), ("C-1", "person00004@example.org", "")] {
        let installation = published();
        installation.erase("first", &[request]);
        let (before, beside) = (parquet(&installation.path("lake")), parquet(&installation.path("state/companions")));
        let kept = (fs::read(&before).unwrap(), read(&beside));
        installation.sweep(1).unwrap();
        // Old data in the place of the new file, and a companion without the erased person's row.
        let of_version = |folder: &str| {
            let all = files(&installation.path(folder)).into_iter().map(|(path, _)| path);
            let found = all.filter(|path| path.to_str().unwrap().contains("sweep") && path.extension().unwrap() == "parquet");
            found.last().unwrap()
        };
        fs::write(of_version("lake"), &kept.0).unwrap();
        let report = audited(&installation, 1);
        assert!(wrong(&report).contains("requests-applied"), "{:?}", report.findings);
        let finding = report.findings.iter().find(|finding| finding.rule == "requests-applied").unwrap();
        assert!(finding.what.contains("C-1 (erase)") && finding.rows.as_ref().unwrap().count == 1);
        // With a companion that has every row, both ways lead to the person.
        write(&of_version("state/companions"), &kept.1);
        assert_eq!(wrong(&audited(&installation, 1)), only("requests-applied"));
    }
}

#[test]
fn a_request_that_waits_for_the_next_sweep_is_a_warning_until_it_is_due() {
    let installation = published();
    let mut asked = installation.asking(1, "crm-id@test: crm-00004\n");
    asked.now = installation.at(1);
    tamis::by_hand::ask(
        &asked,
        tamis::by_hand::Asked {
            effect: tamis::policy::Effect::Erase,
            request: "C-9".into(),
            purposes: Vec::new(),
            received: None,
            lifts: None,
            lift_erase: false,
        },
    )
    .unwrap();
    let severity = |day| {
        let report = audited(&installation, day);
        report.findings.iter().find(|finding| finding.rule == "requests-applied").map(|finding| finding.severity)
    };
    assert_eq!(severity(1), Some(Severity::Warning));
    assert_eq!(severity(40), Some(Severity::Error));
    installation.sweep(41).unwrap();
    assert_eq!(severity(41), None);
}

#[test]
fn a_row_past_its_time_is_a_fault_once_a_sweep_should_have_come() {
    let installation = Installation::new();
    let mut all = contacts(0..6, -1);
    // Kept for two years; the city stays a group of three.
    all.extend((6..9).map(|n| Contact { id: format!("old-{n}"), active: -729, ..all[0].clone() }));
    installation.export("2026-10-01", &all);
    installation.run(0).unwrap();
    let found = |day| {
        let report = audited(&installation, day);
        let found = report.findings.iter().find(|finding| finding.rule == "rows-in-time");
        found.map(|finding| (finding.severity, finding.rows.clone().unwrap().count))
    };
    assert_eq!(found(0), None);
    assert_eq!(found(2), Some((Severity::Warning, 3)));
    assert_eq!(found(5), Some((Severity::Error, 3)));
    installation.sweep(5).unwrap();
    assert_eq!(found(5), None);
    // An e-mail is kept for a year.
    let installation = published();
    assert_eq!(wrong(&audited(&installation, 200)), BTreeSet::new());
    assert_eq!(wrong(&audited(&installation, 400)), only("values-in-time"));
}

#[test]
fn a_group_that_is_too_small_is_found() {
    let installation = published();
    plant_text(&installation, "city", "Elsewhere");
    let report = audited(&installation, 0);
    assert_eq!(wrong(&report), only("group-k"));
    let installation = published();
    installation.edit("jobs/contacts.toml", "k = 2", "k = 4");
    let report = audited(&installation, 0);
    let finding = report.findings.iter().find(|finding| finding.rule == "group-k").unwrap();
    assert_eq!(finding.rows.as_ref().unwrap().count, 9);
}

#[test]
fn files_that_nobody_knows_are_found() {
    for (path, text) in [
        ("lake/crm/contacts/copy.csv", "a,b\n"),
        ("lake/crm/contacts/part-00000-other-20260101t000000z-1-1.parquet", "PAR1"),
        ("lake/crm/contacts/_old/rows.csv", "a,b\n"),
    ] {
        let installation = published();
        installation.write(path, text);
        assert_eq!(wrong(&audited(&installation, 0)), only("unknown-files"), "{path}");
    }
    let installation = published();
    let data = parquet(&installation.path("lake"));
    fs::create_dir_all(installation.path("lake/crm/contacts/_hidden")).unwrap();
    fs::copy(&data, installation.path("lake/crm/contacts/_hidden/x.parquet")).unwrap();
    assert_eq!(wrong(&audited(&installation, 0)), only("unknown-files"));
}

#[test]
fn a_file_or_companion_that_is_another_or_gone_is_found_and_nothing_is_taken_for_held() {
    let installation = published();
    let companion = parquet(&installation.path("state/companions"));
    fs::remove_file(&companion).unwrap();
    let report = audited(&installation, 0);
    assert!(report.findings.iter().any(|finding| finding.rule == "files-as-published"));
    assert!(report.not_checked.iter().any(|not| not.rule == "rows-in-time"), "{:?}", report.not_checked);
    let installation = published();
    fs::remove_file(parquet(&installation.path("lake"))).unwrap();
    let report = audited(&installation, 0);
    assert!(report.findings.iter().any(|finding| finding.rule == "files-as-published"));
    assert!(report.checks.iter().filter(|check| check.outcome == CheckOutcome::Holds).count() < 6);
}

#[test]
fn without_a_key_what_needs_it_is_not_checked_and_that_is_no_pass() {
    let installation = published();
    fs::remove_file(installation.path("keys/token-2026a.key")).unwrap();
    let report = audited(&installation, 0);
    let not: BTreeSet<_> = report.not_checked.iter().map(|not| not.rule).collect();
    assert!(not.contains("requests-applied") && not.contains("token-of-our-key"), "{not:?}");
    assert!(wrong(&report).is_empty());
    let error = report.outcome().unwrap_err();
    assert_eq!((error.code(), error.kind().exit_code()), (Code::AuditNotChecked, 6));
}

#[test]
fn a_table_without_a_job_is_found_and_one_table_can_be_audited_alone() {
    let installation = published();
    let alone = |name: &str| {
        let call = AuditCall { dataset: Some(name.into()), ..call(&installation, 0) };
        audit(&call, &Silent).map(|report| report.datasets.len())
    };
    assert_eq!((alone("contacts").unwrap(), alone("lake:crm/contacts").unwrap()), (1, 1));
    assert_eq!(alone("others").unwrap_err().code(), Code::NameUnknown);
    fs::remove_file(installation.path("jobs/contacts.toml")).unwrap();
    assert!(wrong(&audited(&installation, 0)).contains("served-by-job"));
}
