//! `tamis audit` finds what is wrong with published files, which these tests write by their own hand, and nothing on what
//! a run or a sweep has published.

use crate::installation::{Contact, Installation, SOURCE, asked, contacts, files};
use arrow::array::{
    Array, ArrayRef, Date32Array, Float64Array, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
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

/// Stores the request of a person that is in the version, a day after it was published.
fn erase_one(installation: &Installation) {
    let asking = installation.asking(1, "crm-id@test: crm-00004\n");
    tamis::by_hand::ask(&asking, asked(tamis::policy::Effect::Erase, "C-9")).unwrap();
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
    installation.sweep(3).unwrap();
    let report = audited(&installation, 3);
    assert!(wrong(&report).is_empty() && report.not_checked.is_empty(), "{:?}", report.findings);
    assert_eq!(report.datasets[0].rows, 8);
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
            let mut found =
                all.filter(|path| path.to_str().unwrap().contains("sweep") && path.extension().unwrap() == "parquet");
            found.next_back().unwrap()
        };
        fs::write(of_version("lake"), &kept.0).unwrap();
        let report = audited(&installation, 1);
        assert!(wrong(&report).contains("requests-applied"), "{:?}", report.findings);
        let finding = report.findings.iter().find(|finding| finding.rule == "requests-applied").unwrap();
        assert!(finding.what.contains("C-1 (erase)") && finding.rows.as_ref().unwrap().count == 1);
        // With a companion that has every row, both ways lead to the person.
        write(&of_version("state/companions"), &kept.1);
        let report = audited(&installation, 1);
        assert!(wrong(&report).contains("requests-applied"));
        assert!(report.not_checked.is_empty(), "{:?}", report.not_checked);
    }
}

#[test]
fn a_request_that_waits_for_the_next_sweep_is_a_warning_until_it_is_due() {
    let installation = published();
    erase_one(&installation);
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
    let old =
        |n| Contact { id: format!("old-{n}"), email: format!("old{n}@example.org"), city: "Old".into(), active: -729 };
    all.extend((6..9).map(old));
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
        ("lake/crm/contacts/_delta_log/dump.json", "{\"Id\":\"crm-00001\"}\n"),
        ("lake/crm/contacts/_delta_log/rows", "a,b\n"),
        ("lake/crm/contacts/_delta_log/00000000000000000000.txt", "a,b\n"),
        ("lake/crm/contacts/notes", "a,b\n"),
        ("lake/crm/contacts/rows.csv#1", "a,b\n"),
        ("lake/crm/contacts/_delta_log/rows.csv#1", "a,b\n"),
    ] {
        let installation = published();
        installation.write(path, text);
        assert_eq!(wrong(&audited(&installation, 0)), only("unknown-files"), "{path}");
    }
    for path in [
        "state/dump.json",
        "state/ledger/rows.csv",
        "state/companions/contacts/copy.json",
        "state/requests/a.csv",
        "state/ledger/rows.csv#2",
    ] {
        let installation = published();
        installation.write(path, "{}");
        assert_eq!(wrong(&audited(&installation, 0)), only("unknown-in-state"), "{path}");
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
    let not: BTreeSet<_> = report.not_checked.iter().map(|not| not.rule).collect();
    assert!(
        ["rows-in-time", "group-k", "text-patterns", "token-form"].iter().all(|rule| not.contains(rule)),
        "{not:?}"
    );
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

/// Columns that every kind of treatment is made from.
const RICH_COLUMNS: &str = r#"
Zip = { category = "location", quasi = false, purposes = ["reports"] }
Birth = { type = "date", formats = ["%Y-%m-%d"], birth = true, category = "demographic", quasi = false, purposes = ["reports"] }
Amount = { type = "integer", category = "business", purposes = ["reports"] }
Price = { type = "decimal", scale = 2, category = "business", purposes = ["reports"] }
Title = { category = "business", purposes = ["reports"] }
Note = { category = "free-text", purposes = ["reports"] }
Phone = { category = "contact", purposes = ["reports"] }
"#;

const RICH_FIELDS: &str = r#"
domain = { from = "Email", treat = "email-domain" }
area = { from = "Zip", treat = "prefix", length = 2 }
birth_year = { from = "Birth", treat = "year" }
band = { from = "Birth", treat = "age-band", edges = [30, 60] }
quarter = { from = "Active", treat = "quarter" }
month = { from = "Active", treat = "month" }
week = { from = "Active", treat = "week" }
day = { from = "Active", treat = "day" }
amount = { from = "Amount", treat = "bucket", edges = [0, 100, 200] }
rounded = { from = "Amount", treat = "round", to = 100 }
price = { from = "Price", treat = "as-is" }
title = { from = "Title", treat = "map", values = { Herr = "m", Frau = "f" }, default = "other" }
origin = { treat = "constant", value = "crm" }
note = { from = "Note", treat = "redact" }
phone = { from = "Phone", treat = "mask" }
has_note = { from = "Note", treat = "present" }
[gate]
"#;

/// An installation whose job has a field of nearly every treatment.
fn rich() -> Installation {
    let installation = Installation::new();
    installation.write("jobs/sources/contact.toml", &format!("{SOURCE}{RICH_COLUMNS}"));
    installation.edit(
        "jobs/sources/contact.toml",
        "category = \"technical\" }",
        "category = \"technical\", purposes = [\"reports\"] }",
    );
    installation.edit(
        "jobs/policy.toml",
        "\"location\"]",
        "\"location\", \"demographic\", \"business\", \"free-text\", \"technical\"]",
    );
    installation.edit("jobs/contacts.toml", "[gate]\n", RICH_FIELDS);
    let row = |n: usize| {
        let title = ["Herr", "Frau", "Dr"][n % 3];
        let day = installation.date(-1);
        format!(
            "crm-{n:05},person{n:05}@example.org,City {},{day},1011{n},19{}0-03-15,{},{n}.25,{title},\"a note, +49 30 90182{n}\",5555123{n}\n",
            n / 3,
            n % 9,
            n * 37
        )
    };
    let rows: String = (0..9).map(row).collect();
    let head = "Id,Email,City,Active,Zip,Birth,Amount,Price,Title,Note,Phone\n";
    installation.write("raw/2026-10-01/contacts.csv", &format!("{head}{rows}"));
    installation.write("raw/2026-10-01/_DONE", "");
    installation.run(0).unwrap();
    installation
}

/// Puts a column of the same value into the published file.
fn plant_column(installation: &Installation, name: &str, of: impl Fn(usize) -> ArrayRef) {
    let path = parquet(&installation.path("lake"));
    let batch = read(&path);
    write(&path, &with(&batch, name, of(batch.num_rows())));
}

/// Days since 1970 of a date.
fn days(year: i16, month: i8, day: i8) -> i32 {
    let since = jiff::civil::date(year, month, day).since(jiff::civil::date(1970, 1, 1)).unwrap();
    since.get_days()
}

/// Changes times of the companion, in its column of that name.
fn plant_until(installation: &Installation, name: &str, at: i64) {
    let path = parquet(&installation.path("state/companions"));
    let batch = read(&path);
    let times = TimestampMicrosecondArray::from(vec![at; batch.num_rows()]).with_timezone("UTC");
    write(&path, &with(&batch, name, Arc::new(times)));
}

type Plant = (&'static str, fn(&Installation), &'static [&'static str]);

const PLANTS: &[Plant] = &[
    (
        "a day in a field of years",
        |i| plant_column(i, "birth_year", |n| Arc::new(Int32Array::from(vec![20_241_231; n]))),
        &["treated-values"],
    ),
    (
        "a day within a quarter",
        |i| plant_column(i, "quarter", |n| Arc::new(Date32Array::from(vec![days(2026, 2, 1); n]))),
        &["treated-values"],
    ),
    (
        "a day within a month",
        |i| plant_column(i, "month", |n| Arc::new(Date32Array::from(vec![days(2026, 2, 2); n]))),
        &["treated-values"],
    ),
    (
        "a Tuesday as week",
        |i| plant_column(i, "week", |n| Arc::new(Date32Array::from(vec![days(2026, 11, 24); n]))),
        &["treated-values"],
    ),
    ("a whole postal code", |i| plant_text(i, "area", "10115"), &["treated-values"]),
    ("an age instead of a band", |i| plant_text(i, "band", "34"), &["treated-values"]),
    ("a number instead of a bucket", |i| plant_text(i, "amount", "57"), &["treated-values"]),
    (
        "a number that is not rounded",
        |i| plant_column(i, "rounded", |n| Arc::new(Int64Array::from(vec![57; n]))),
        &["treated-values"],
    ),
    ("text that no map gives", |i| plant_text(i, "title", "Dr"), &["treated-values"]),
    ("another constant", |i| plant_text(i, "origin", "erp"), &["treated-values"]),
    ("a number that is not masked", |i| plant_text(i, "phone", "55551234"), &["treated-values"]),
    (
        "an address instead of its domain",
        |i| plant_text(i, "domain", "a@example.org"),
        &["treated-values", "text-patterns"],
    ),
    (
        "a date as text",
        |i| plant_column(i, "day", |n| Arc::new(StringArray::from(vec!["2026-11-24"; n]))),
        &["treated-values"],
    ),
    (
        "a number without scale",
        |i| plant_column(i, "price", |n| Arc::new(Float64Array::from(vec![0.25; n]))),
        &["treated-values"],
    ),
    ("an address in a text", |i| plant_text(i, "note", "write to a@example.org"), &["text-patterns"]),
    ("a phone number in a text", |i| plant_text(i, "note", "call 030/9018-2000"), &["text-patterns"]),
    ("a card in a text", |i| plant_text(i, "note", "paid by 4111-1111-1111-1111"), &["text-patterns"]),
    ("an IBAN in a text", |i| plant_text(i, "note", "to DE89 3704 0044 0532 0130 00"), &["text-patterns"]),
    ("an address as token", |i| plant_text(i, "contact", "a@example.org"), &["token-form"]),
    (
        "hex of another key as token",
        |i| plant_text(i, "contact", "00112233445566778899aabbccddeeff"),
        &["token-of-our-key"],
    ),
    ("hex of text as token", |i| plant_text(i, "email", "706572736f6e314065782e6f72672020"), &["token-form"]),
    ("no token of a subject", |i| plant(i, "contact", |row, old| old.filter(|_| row != 2)), &["token-form"]),
    (
        "a column more",
        |i| plant_column(i, "nickname", |n| Arc::new(StringArray::from(vec!["x"; n]))),
        &["columns-allowed"],
    ),
    ("one person in a city", |i| plant_text(i, "city", "Elsewhere"), &["group-k"]),
    ("rows past their time", |i| plant_until(i, "keep_until", i.at(0).0), &["rows-in-time"]),
    ("values past their time", |i| plant_until(i, "until_0", i.at(0).0), &["values-in-time"]),
    ("rows that stay too long", |i| plant_until(i, "keep_until", i.at(2000).0), &["keep-of-today"]),
    ("a file by hand", |i| i.write("lake/crm/contacts/copy.csv", "a,b\n"), &["unknown-files"]),
    (
        "a file of an unknown run",
        |i| i.write("lake/crm/contacts/part-00000-x-20260101t000000z-1-1.parquet", "PAR1"),
        &["unknown-files"],
    ),
    (
        "rows among the history",
        |i| {
            fs::create_dir_all(i.path("lake/crm/contacts/_hidden")).unwrap();
            fs::copy(parquet(&i.path("lake")), i.path("lake/crm/contacts/_hidden/x.parquet")).unwrap();
        },
        &["unknown-files"],
    ),
    ("a job that is gone", |i| fs::remove_file(i.path("jobs/contacts.toml")).unwrap(), &["served-by-job"]),
    (
        "another purpose",
        |i| i.edit("jobs/policy.toml", "\"legitimate-interests\"", "\"public-task\""),
        &["purpose-of-today"],
    ),
    (
        "a field fewer",
        |i| i.edit("jobs/contacts.toml", "origin = { treat = \"constant\", value = \"crm\" }\n", ""),
        &["columns-allowed"],
    ),
    ("a greater k", |i| i.edit("jobs/contacts.toml", "k = 2", "k = 4"), &["group-k"]),
    ("a shorter keep", |i| i.edit("jobs/contacts.toml", "keep = \"P2Y\"", "keep = \"P1M\""), &["keep-of-today"]),
    ("another treatment", |i| i.edit("jobs/contacts.toml", "length = 2", "length = 1"), &["treated-values"]),
];

#[test]
fn each_planted_fault_is_found_by_its_rule_and_by_no_other() {
    let base = rich();
    let clean = audited(&base, 0);
    assert!(wrong(&clean).is_empty() && clean.not_checked.is_empty(), "{:?} {:?}", clean.findings, clean.not_checked);
    assert!(PLANTS.len() > 30);
    for (name, put, rules) in PLANTS {
        let installation = base.copy();
        fs::set_permissions(installation.path("keys"), fs::metadata(base.path("keys")).unwrap().permissions()).unwrap();
        put(&installation);
        let report = audited(&installation, 0);
        assert_eq!(wrong(&report), rules.iter().copied().collect(), "{name}: {:?}", report.findings);
        assert_eq!(report.outcome().unwrap_err().code(), Code::AuditNotHeld, "{name}");
    }
}

#[test]
fn a_domain_of_one_person_is_pointed_out() {
    let installation = rich();
    plant_text(&installation, "domain", "jane-doe.example");
    let report = audited(&installation, 0);
    let found: Vec<_> = report.findings.iter().filter(|finding| finding.rule == "one-persons-domain").collect();
    assert_eq!(found.len(), 1, "{:?}", report.findings);
    assert_eq!((found[0].severity, found[0].rows.clone().unwrap().first), (Severity::Warning, vec![3]));
    assert_eq!(wrong(&report), BTreeSet::new());
}

#[test]
fn files_of_an_earlier_version_that_came_back_or_stay_are_found() {
    let installation = published();
    installation.export("2026-10-02", &contacts(0..9, 0));
    installation.run(1).unwrap();
    assert!(wrong(&audited(&installation, 1)).is_empty());
    assert_eq!(wrong(&audited(&installation, 6)), only("old-versions-gone"));
    let old: Vec<_> = files(&installation.path("lake"))
        .into_iter()
        .filter(|(path, _)| path.extension().unwrap() == "parquet")
        .collect();
    installation.sweep(3).unwrap();
    assert!(wrong(&audited(&installation, 3)).is_empty());
    old.iter().for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    // Such a file is of a run that is known, and may be of an attempt until it is old enough.
    assert_eq!(wrong(&audited(&installation, 9)), only("unknown-files"));
}

#[test]
fn requests_past_their_deadline_old_holds_and_files_that_nobody_removed_are_found() {
    let installation = published();
    let old = format!("Case,At,Email,Id\nC-1,{},,crm-00004\n", installation.date(-40));
    installation.write("requests/erasure/first.csv", &old);
    installation.edit("jobs/policy.toml", "[removal]", "[removal]\nraw_keep = \"P30D\"");
    installation.sweep(1).unwrap();
    let rules = |day: i64| -> BTreeSet<&str> {
        audited(&installation, day).findings.iter().map(|finding| finding.rule).collect()
    };
    // The version with the person is not purged yet.
    assert!(rules(1).contains("requests-in-time"), "{:?}", rules(1));
    assert!(!rules(1).contains("request-files-gone") && !rules(1).contains("raw-in-time"));
    installation.sweep(4).unwrap();
    assert!(!rules(4).contains("requests-in-time"));
    assert!(rules(40).contains("request-files-gone") && rules(40).contains("raw-in-time"), "{:?}", rules(40));
    assert!(!rules(40).contains("raw-keep-set") && rules(4000).contains("entries-in-time"));
}

#[test]
fn a_recipient_past_its_review_is_found_on_the_day_after() {
    let installation = Installation::new();
    installation.edit(
        "jobs/policy.toml",
        "kind = \"internal\"",
        &format!(
            "kind = \"third-party\"\nsale = false\ncontract = \"C-1\"\ncountry = \"DE\"\nreview_by = \"{}\"",
            installation.date(60)
        ),
    );
    installation.export("2026-10-01", &contacts(0..9, -1));
    installation.run(0).unwrap();
    let severity = |day| {
        let report = audited(&installation, day);
        report.findings.iter().find(|finding| finding.rule == "recipient-review").map(|finding| finding.severity)
    };
    assert_eq!(
        [0, 29, 31, 60, 61].map(severity),
        [None, None, Some(Severity::Warning), Some(Severity::Warning), Some(Severity::Error)]
    );
    // A third party has tokens of its own, which an audit makes anew.
    installation.erase("first", &[("C-1", "", "crm-00004")]);
    let companions = parquet(&installation.path("state/companions"));
    assert!(companions.exists());
    assert!(audited(&installation, 1).not_checked.is_empty());
}

#[test]
fn values_that_differ_too_little_in_a_group_are_found() {
    for kind in ["distinct", "entropy"] {
        let installation = rich();
        let gate = format!("[gate.diversity]\nsensitive = [\"title\"]\nl = 2\nkind = \"{kind}\"\n[limits]");
        installation.edit("jobs/contacts.toml", "[limits]", &gate);
        assert_eq!(wrong(&audited(&installation, 0)), BTreeSet::new(), "{kind}: each city has all three");
        let cities = texts(&read(&parquet(&installation.path("lake"))), "city");
        let first = |row: usize| cities[row].as_deref() == Some("City 0");
        plant(&installation, "title", |row, old| if first(row) { Some("m".into()) } else { old });
        let report = audited(&installation, 0);
        assert_eq!(wrong(&report), only("group-l"), "{kind}");
        let found = report.findings.iter().find(|finding| finding.rule == "group-l").unwrap();
        assert_eq!((found.field.as_deref(), found.rows.as_ref().unwrap().count), (Some("title"), 3));
    }
}

#[test]
fn junit_and_sarif_say_what_the_report_says() {
    let installation = published();
    installation.edit("jobs/contacts.toml", "k = 2", "k = 4");
    fs::remove_file(installation.path("keys/token-2026a.key")).unwrap();
    let said = |format: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tamis"));
        let output =
            command.arg("--dir").arg(installation.path("jobs")).args(["audit", "--format", format]).output().unwrap();
        assert_eq!(output.status.code(), Some(6), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let junit = said("junit");
    assert!(
        junit.contains("<testsuite name=\"lake:crm/contacts\"") && junit.contains("name=\"group-k\">\n<failure "),
        "{junit}"
    );
    assert!(junit.contains("name=\"requests-applied\">\n<error "), "{junit}");
    let (opened, closed) = (junit.matches("<testcase ").count(), junit.matches("</testcase>").count());
    assert!(opened == closed && opened == CHECKS.len());
    let sarif: serde_json::Value = serde_json::from_str(&said("sarif")).unwrap();
    let run = &sarif["runs"][0];
    assert_eq!(
        (sarif["version"].as_str(), run["tool"]["driver"]["rules"].as_array().map(Vec::len)),
        (Some("2.1.0"), Some(CHECKS.len()))
    );
    let results = run["results"].as_array().unwrap();
    let result = results.iter().find(|result| result["ruleId"] == "group-k").unwrap();
    let place = &result["locations"][0]["physicalLocation"];
    assert!(place["artifactLocation"]["uri"].as_str().unwrap().starts_with("lake/crm/contacts/part-"));
    assert_eq!((place["region"]["startLine"].as_u64(), result["level"].as_str()), (Some(1), Some("error")));
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    assert!(said("text").contains("not checked: requests-applied"));
}

/// The page has one row for each check, as the program knows it. `TAMIS_BLESS=1` writes them.
#[test]
fn the_page_on_audits_has_every_check() {
    const PAGE: &str = "docs/howto/audit.md";
    let row = |check: &&tamis::audit::Check| {
        let severity = if check.severity == Severity::Error { "error" } else { "warning" };
        format!("| `{}` | {} | {severity} | {} |\n", check.rule, check.article, check.holds)
    };
    let rows: String = CHECKS.iter().map(row).collect();
    let page = fs::read_to_string(PAGE).unwrap();
    let head = "| check | article and rule | severity | what has to hold |\n|---|---|---|---|\n";
    let (before, after) = page.split_once(head).unwrap();
    let after = after.trim_start_matches(|c| c != '\n').trim_start();
    let after: String =
        after.lines().skip_while(|line| line.starts_with('|')).map(|line| format!("{line}\n")).collect();
    let new = format!("{before}{head}{rows}\n{}", after.trim_start());
    if std::env::var_os("TAMIS_BLESS").is_some() {
        fs::write(PAGE, &new).unwrap();
    }
    assert!(fs::read_to_string(PAGE).unwrap() == new, "{PAGE} is old: TAMIS_BLESS=1 cargo test --test it audit");
}

#[test]
fn an_audit_rests_on_nothing_while_a_part_of_the_state_is_lost() {
    let lost = |lose: &dyn Fn(&Path)| {
        let installation = published();
        erase_one(&installation);
        lose(&installation.path("state"));
        let Err(error) = audit(&call(&installation, 40), &Silent) else { panic!("a part of the state is lost") };
        (error.code(), error.kind().exit_code())
    };
    let segments =
        |state: &Path| files(&state.join("requests")).iter().for_each(|(path, _)| fs::remove_file(path).unwrap());
    assert_eq!(lost(&segments), (Code::StatePartOlder, 6));
    let records = |state: &Path| fs::remove_dir_all(state.join("datasets")).unwrap();
    assert_eq!(lost(&records), (Code::StatePartOlder, 6));
}
