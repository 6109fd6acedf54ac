//! The first hour on an export: `init`, the lines it asks for and no others, `check`, `plan`, `run`. One folder in
//! `fixtures/init` for each dialect: the exports, the edits in the order in which they are printed, and what must come out.

use crate::canary::{Canary, Sweep};
use crate::tool::skipped;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const AS_OF: &str = "2026-11-21T02:00:00Z";
/// Lines that a person may have to write for one export.
const MOST_EDITS: usize = 12;

/// A folder with exports in it, in which specs are made.
pub struct Desk {
    pub folder: tempfile::TempDir,
}

impl Desk {
    fn new(exports: &Path) -> Desk {
        let desk = Desk { folder: tempfile::tempdir().unwrap() };
        copy(exports, &desk.path("exports"));
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tamis(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tamis"));
        command.args(arguments).current_dir(self.folder.path()).env("NO_COLOR", "1");
        command.output().unwrap()
    }

    #[track_caller]
    pub fn done(&self, arguments: &[&str], exit: i32) -> String {
        let output = self.tamis(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {text}");
        text
    }

    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.tamis(arguments);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Changes the line of one edit: `from` must stand in it.
    fn edit(&self, edit: &Value, from: &str, to: &str) {
        let file = self.path(edit["file"].as_str().unwrap());
        let text = fs::read_to_string(&file).unwrap();
        let at = edit["line"].as_u64().unwrap() as usize - 1;
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let number = &edit["number"];
        assert!(lines[at].contains(&format!("# EDIT {number}: ")), "{}", lines[at]);
        assert!(lines[at].contains(from), "edit {number}: {from:?} is not in {}", lines[at]);
        lines[at] = lines[at].replacen(from, to, 1);
        fs::write(&file, lines.join("\n") + "\n").unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => fs::write(to, fs::read(entry.path()).unwrap()).unwrap(),
        }
    }
}

/// The facts of a case that must be found; each key of `expected` is one.
fn compare(expected: &toml::Table, report: &Value, name: &str) {
    let tables = report["tables"].as_array().unwrap();
    let table = tables.iter().find(|table| table["proposed"]["persons"] == true).unwrap();
    let (found, proposed) = (&table["found"], &table["proposed"]);
    for (key, wanted) in expected {
        let got = match key.as_str() {
            "rows_in" | "rows_out" | "looks" | "formats" | "job" | "inits" => continue,
            "crm" | "key" | "weak" | "strong" | "clocks" | "newest" => &proposed[key],
            "tables" => &Value::from(tables.len()),
            "encoding" | "delimiter" | "bom" | "header" | "line_ends" | "quote" => &found["dialect"][key],
            other => panic!("{name}: {other} is not a fact"),
        };
        assert_eq!(got, &serde_json::to_value(wanted).unwrap(), "{name}: {key}");
    }
    let column = |wanted: &str| {
        let all = found["columns"].as_array().unwrap();
        all.iter().find(|column| column["name"] == wanted).unwrap_or_else(|| panic!("{name}: no column {wanted}"))
    };
    for (of, looks) in expected.get("looks").and_then(toml::Value::as_table).into_iter().flatten() {
        assert_eq!(column(of)["looks"].as_str(), looks.as_str(), "{name}: {of}");
    }
    for (of, formats) in expected.get("formats").and_then(toml::Value::as_table).into_iter().flatten() {
        let got = &column(of)["value"]["dates"]["formats"];
        assert_eq!(got, &serde_json::to_value(formats).unwrap(), "{name}: {of}");
    }
}

/// Every cell of the exports that nobody may see: addresses, numbers and ids, as they are written.
fn raw(exports: &Path) -> Vec<Canary> {
    let mut found = Vec::new();
    let mut texts = Vec::new();
    for entry in fs::read_dir(exports).unwrap().flatten() {
        let bytes = fs::read(entry.path()).unwrap();
        match bytes.starts_with(b"PK") {
            true => {
                let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
                for at in 0..archive.len() {
                    let mut text = Vec::new();
                    std::io::Read::read_to_end(&mut archive.by_index(at).unwrap(), &mut text).unwrap();
                    texts.push(String::from_utf8_lossy(&text).into_owned());
                }
            }
            false if bytes.starts_with(b"\xff\xfe") => {
                let units = bytes[2..].chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]]));
                texts.push(String::from_utf16(&units.collect::<Vec<_>>()).unwrap());
            }
            false => texts.push(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
    for text in texts {
        for cell in text.lines().skip(1).flat_map(|line| line.split([',', ';'])).map(|cell| cell.trim_matches('"')) {
            let digits = cell.bytes().filter(u8::is_ascii_digit).count();
            let id = cell.contains('@')
                || (cell.len() >= 15 && digits >= 4 && cell.bytes().all(|b| b.is_ascii_alphanumeric()));
            if id || cell.starts_with("+49") {
                found.push(Canary::whole(cell, cell));
            }
        }
    }
    found
}

fn run(case: &Path) {
    let name = case.file_name().unwrap().to_string_lossy().into_owned();
    let expected: toml::Table = toml::from_str(&fs::read_to_string(case.join("expected.toml")).unwrap()).unwrap();
    let edits = fs::read_to_string(case.join("edits.txt")).unwrap();
    let edits: Vec<(&str, &str)> = edits.lines().map(|line| line.split_once(" => ").unwrap()).collect();
    let desk = Desk::new(&case.join("exports"));
    let target = expected.get("inits").and_then(toml::Value::as_str).unwrap_or("exports");
    let shown = desk.done(&["init", target, "--dry-run"], 0);
    assert!(!desk.path("jobs").exists(), "{name}: a dry run writes");
    let report = desk.json(&["init", target, "--json"]);
    desk.done(&["init", target], 2);
    compare(&expected, &report, &name);

    let asked = report["edits"].as_array().unwrap();
    assert!(asked.len() <= MOST_EDITS, "{name}: {} lines are too many: {shown}", asked.len());
    assert_eq!(asked.len(), edits.len(), "{name}: {shown}");
    let steps = desk.done(&["check"], 2);
    for edit in asked {
        let place = format!("{}:{}", edit["file"].as_str().unwrap(), edit["line"]);
        assert!(steps.contains(&place) && shown.contains(&place), "{name}: {place} is not in {steps}");
    }
    assert!(steps.lines().count() < 40, "{name}: a wall of findings: {steps}");
    asked.iter().zip(&edits).for_each(|(edit, (from, to))| desk.edit(edit, from, to));
    let checked = desk.done(&["check"], 0);

    let job = expected.get("job").and_then(toml::Value::as_str).map(str::to_owned);
    let job = job.unwrap_or_else(|| report["tables"][0]["found"]["name"].as_str().unwrap().to_owned());
    let ran = desk.json(&["run", &job, "--demo", "--as-of", AS_OF, "--json"]);
    let planned = desk.done(&["plan", &job, "--as-of", AS_OF], 0);
    for key in ["rows_in", "rows_out"] {
        assert_eq!(ran["manifest"][key].as_i64(), expected[key].as_integer(), "{name}: {key}: {ran:#}");
    }
    let unseen = match fs::read_to_string(case.join("raw.txt")) {
        Ok(cells) => cells.lines().map(|cell| Canary::whole(cell, cell)).collect(),
        Err(_) => raw(&case.join("exports")),
    };
    assert!(unseen.len() >= 20, "{name}: {}", unseen.len());
    let sweep = Sweep::new(&unseen);
    for folder in ["tamis", "jobs"] {
        assert_eq!(sweep.tree(&desk.path(folder)), [], "{name}");
    }
    for said in [shown, steps, checked, planned, report.to_string(), ran.to_string()] {
        assert_eq!(sweep.bytes("what was said", said.as_bytes()), [], "{name}");
    }
}

#[test]
fn each_dialect_runs_after_the_printed_edits_and_no_others() {
    let mut cases: Vec<PathBuf> = fs::read_dir("fixtures/init").unwrap().flatten().map(|entry| entry.path()).collect();
    cases.retain(|case| case.join("exports").is_dir());
    cases.sort();
    assert!(cases.len() >= 14, "{}", cases.len());
    cases.iter().for_each(|case| run(case));
}

/// Writes what a person would: the answers are those of any installation.
pub fn answer(desk: &Desk, edit: &Value) {
    let what = edit["what"].as_str().unwrap();
    let mut answered = false;
    for (says, from, to) in [
        ("name of the controller", "\"\"", "\"Acme GmbH\""),
        ("one of consent", "\"\"", "\"legitimate-interests\""),
        ("where the assessment", "\"\"", "\"LIA-1\""),
        ("no row serves the purpose longer", "\"\"", "\"P40Y\""),
        ("how long after its clock", "\"\"", "\"P40Y\""),
        ("days or months come first", "formats = []", "formats = [\"%d/%m/%Y\"]"),
        ("zone of its times", "zone = \"\"", "zone = \"UTC\""),
        ("purposes = [", "purposes = []", "purposes = [\"analytics\"]"),
    ] {
        if what.contains(says) {
            desk.edit(edit, from, to);
            answered = true;
        }
    }
    assert!(answered, "nobody knows what to write: {what}");
}

/// Real exports that nobody here wrote, by what the messages say alone.
#[test]
fn real_exports_run_after_the_printed_edits() {
    let Some(corpora) = std::env::var_os("TAMIS_CORPORA").map(PathBuf::from) else {
        return skipped("TAMIS_CORPORA");
    };
    for (file, crm, rows) in [
        ("atomic_crm_contacts.csv", Value::Null, 500),
        ("hubspot_fivetran_contact.csv", "a table loaded by Fivetran".into(), 22),
        ("sf_dataloader_accounts_cp1252.csv", "Salesforce Data Loader".into(), 423),
        ("sf_sfdmu_contact_bom.csv", "Salesforce (Bulk API, or a table of an sObject)".into(), 1),
    ] {
        let desk = Desk { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(desk.path("exports")).unwrap();
        fs::copy(corpora.join("crm").join(file), desk.path("exports").join(file)).unwrap();
        let report = desk.json(&["init", &format!("exports/{file}"), "--json"]);
        assert_eq!(report["tables"][0]["proposed"]["crm"], crm, "{file}");
        let edits = report["edits"].as_array().unwrap();
        assert!(edits.len() <= MOST_EDITS, "{file}: {}", edits.len());
        edits.iter().for_each(|edit| answer(&desk, edit));
        desk.done(&["check"], 0);
        let job = report["tables"][0]["found"]["name"].as_str().unwrap();
        if rows == 1 {
            // One person is a group of one, and the gate of the specs says no: that is how it must be.
            let refused = desk.done(&["run", job, "--demo", "--as-of", AS_OF], 4);
            assert!(refused.contains("1 of 1 rows left would be suppressed"), "{refused}");
            continue;
        }
        let ran = desk.json(&["run", job, "--demo", "--as-of", AS_OF, "--json"]);
        assert_eq!(ran["manifest"]["rows_in"].as_u64(), Some(rows), "{file}");
        assert_eq!(ran["manifest"]["rows_out"].as_u64(), Some(rows), "{file}: {ran:#}");
        desk.done(&["plan", job, "--as-of", AS_OF], 0);
    }
    // The fifth has neither ids nor dates.
    let desk = Desk { folder: tempfile::tempdir().unwrap() };
    fs::create_dir(desk.path("exports")).unwrap();
    fs::copy(corpora.join("crm/sf_bulk2_accounts_multiline.csv"), desk.path("exports/a.csv")).unwrap();
    let said = desk.done(&["init", "exports/a.csv"], 0);
    assert!(said.contains("no job can run without a key") && said.contains("without a clock"), "{said}");
}

/// `peek` reads what `init` reads, and shows no cell of it.
#[test]
fn cells_of_every_format_are_counted_and_not_shown() {
    for (case, object, column, filled) in [
        ("salesforce-tree", "Contact.json", "Account.Name", 16),
        ("zendesk-pages", "users.json", "user_fields.country", 24),
        ("fivetran-parquet", "contact.parquet", "property_email", 24),
        ("dynamics-workbook", "All Contacts 21-11-2026 10-00-00.xlsx", "Email", 24),
    ] {
        let folder = Path::new("fixtures/init").join(case);
        let desk = Desk::new(&folder.join("exports"));
        let cells = fs::read_to_string(folder.join("raw.txt")).unwrap();
        let sweep = Sweep::new(&cells.lines().map(|cell| Canary::whole(cell, cell)).collect::<Vec<_>>());
        let object = format!("exports/{object}");
        let all = desk.json(&["peek", &object, "--json"]);
        let found =
            all["peeked"]["columns"].as_array().unwrap().iter().find(|found| found["column"] == column).unwrap();
        assert_eq!(
            (all["peeked"]["records"].as_u64(), found["filled"].as_u64()),
            (Some(24), Some(filled)),
            "{case}: {all:#}"
        );
        let one = desk.json(&["peek", &object, "--column", column, "--record", "2", "--json"]);
        assert_eq!(one["peeked"]["cells"].as_array().map(Vec::len), Some(1), "{case}: {one:#}");
        for said in [all, one] {
            assert_eq!(sweep.bytes("what was said", said.to_string().as_bytes()), [], "{case}");
        }
    }
    let desk = Desk::new(Path::new("fixtures/init/dynamics-workbook/exports"));
    let object = "exports/All Contacts 21-11-2026 10-00-00.xlsx";
    let wrong = desk.done(&["peek", object, "--member", "hiddenSheet"], 3);
    assert!(wrong.contains("it has All Contacts"), "{wrong}");
}

/// A folder with an export for each day: the newest is looked at, and the job reads each night's.
#[test]
fn exports_by_date_become_sets_and_tasks_become_activity() {
    let desk = Desk::new(Path::new("fixtures/quickstart/exports"));
    let report = desk.json(&["init", "exports", "--json"]);
    let said = |name: &str| fs::read_to_string(desk.path("jobs").join(name)).unwrap();
    assert!(
        said("contact.toml").contains("input = \"raw:{set}/WE_00DDn0000001000MAA_*.zip\""),
        "{}",
        said("contact.toml")
    );
    assert!(said("contact.toml").contains("[[observe]]") && said("contact.toml").contains("subject = \"WhoId\""));
    assert!(said("sources/contact.toml").contains("marker = \"_DONE\""));
    assert!(!desk.path("jobs/task.toml").exists());
    report["edits"].as_array().unwrap().iter().for_each(|edit| answer(&desk, edit));
    desk.done(&["check"], 0);
    let ran = desk.json(&["run", "contact", "--demo", "--as-of", "2026-11-22T02:00:00Z", "--json"]);
    assert_eq!(ran["manifest"]["rows_in"], 900, "{ran:#}");
}

/// Days and months that cannot be told apart are asked for where retention goes by them, and not guessed.
#[test]
fn a_clock_that_can_be_read_in_two_ways_is_a_line_to_edit() {
    let desk = Desk { folder: tempfile::tempdir().unwrap() };
    fs::create_dir(desk.path("exports")).unwrap();
    let rows: String = (1..=12).map(|n| format!("{n},{n:02}/05/2026,p{n}@kunden.example\n")).collect();
    fs::write(desk.path("exports/a.csv"), format!("id,created_at,email\n{rows}")).unwrap();
    let report = desk.json(&["init", "exports/a.csv", "--json"]);
    let source = fs::read_to_string(desk.path("jobs/sources/a.toml")).unwrap();
    assert!(
        source.contains("formats = [], purposes = []") && source.contains("%d/%m/%Y") && source.contains("%m/%d/%Y"),
        "{source}"
    );
    report["edits"].as_array().unwrap().iter().for_each(|edit| answer(&desk, edit));
    desk.done(&["check"], 0);
    let ran = desk.json(&["run", "a", "--demo", "--as-of", AS_OF, "--json"]);
    assert_eq!(ran["manifest"]["rows_out"], 12, "{ran:#}");
}

/// An export without ids and dates cannot be published by person; `init` says so.
#[test]
fn an_export_without_key_and_clock_is_told_what_it_lacks() {
    let desk = Desk { folder: tempfile::tempdir().unwrap() };
    fs::create_dir(desk.path("exports")).unwrap();
    fs::write(desk.path("exports/a.csv"), "NAME,CITY\nFirma,Ulm\nFirma,Bonn\n").unwrap();
    let said = desk.done(&["init", "exports/a.csv"], 0);
    assert!(said.contains("no job can run without a key") && said.contains("without a clock"), "{said}");
    desk.done(&["check"], 2);
}

#[test]
fn what_is_no_csv_is_named_with_what_to_do() {
    let desk = Desk { folder: tempfile::tempdir().unwrap() };
    fs::create_dir(desk.path("exports")).unwrap();
    let zip = crate::marked::zip(&[("[Content_Types].xml", b"x"), ("xl/workbook.xml", b"x")]);
    for (name, bytes, said) in [
        ("contacts.xlsx", &zip[..], "does not say where its parts are"),
        ("report.xls", b"<html><table><tr><td>Id</td></tr></table></html>", "an HTML table that is called .xls"),
        ("contacts.json", b"{\n  \"Id\": 1\n}", "no array of records is seen in it"),
        ("contacts.parquet", b"PAR1\x15\x04", "is damaged"),
        ("contacts.pdf", b"%PDF-1.7 x", "a PDF document"),
        ("contacts.csv", b"a@b.example,Ada\nc@d.example,Bo\n", "has no header"),
        ("wide.csv", b"\xfe\xffI\0\0\0d\0\0\0\n\0\0\0", "mark of utf-16be and goes on in utf-32le"),
    ] {
        fs::write(desk.path("exports").join(name), bytes).unwrap();
        let told = desk.done(&["init", &format!("exports/{name}")], 3);
        assert!(told.contains(said) && told.contains("help:"), "{name}: {told}");
        assert!(!desk.path("jobs").exists());
    }
}

#[test]
fn the_example_runs_in_an_empty_folder_and_nothing_is_overwritten() {
    let desk = Desk { folder: tempfile::tempdir().unwrap() };
    let both = desk.done(&["init"], 2);
    assert!(both.contains("tamis init EXPORT") && both.contains("tamis init --example"), "{both}");
    desk.done(&["init", "--example"], 0);
    desk.done(&["check"], 0);
    let ran = desk.json(&["run", "crm-contacts", "--demo", "--as-of", "2026-11-22T02:00:00Z", "--json"]);
    assert_eq!(ran["manifest"]["rows_out"], 734);
    desk.done(&["init", "--example"], 2);
}

#[test]
fn exports_beside_the_specs_are_refused_and_their_facts_still_told() {
    let desk = Desk { folder: tempfile::tempdir().unwrap() };
    fs::write(desk.path("a.csv"), "Id,created_at\n1,2026-05-01\n2,2026-05-02\n").unwrap();
    let said = desk.done(&["init", "a.csv"], 2);
    assert!(said.contains("created_at") && said.contains("a folder of their own"), "{said}");
}
