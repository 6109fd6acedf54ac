//! Workbooks end to end: nothing raw of them gets out.

use crate::leaks::{ended, written};
use crate::marked::{Marked, SET, zip};
use crate::python::Python;
use crate::tool::skipped;
use std::fmt::Write;
use std::fs;
use std::process::Command;

const RELATIONS: &str =
    "<Relationships><Relationship Id='a' Type='t/officeDocument' Target='xl/workbook.xml'/></Relationships>";
const OF_BOOK: &str = "<Relationships><Relationship Id='a' Type='t/worksheet' Target='sheet.xml'/>\
    <Relationship Id='b' Type='t/sharedStrings' Target='strings.xml'/></Relationships>";
const BOOK: &str = "<workbook xmlns:r='r'><sheets><sheet name='Contacts' sheetId='1' r:id='a'/></sheets></workbook>";

/// The rows of a sheet and its shared strings: every second cell is one of these.
fn sheet(contacts: &str) -> (String, String) {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(contacts.as_bytes());
    let (mut rows, mut strings, mut count) = (String::new(), String::new(), 0);
    for (line, record) in reader.records().enumerate() {
        let _ = write!(rows, "<row r='{}'>", line + 1);
        for (column, cell) in record.unwrap().iter().enumerate() {
            let cell = cell.replace('&', "&amp;").replace('<', "&lt;");
            if (line + column) % 2 == 0 {
                let _ = write!(rows, "<c t='inlineStr'><is><t>{cell}</t></is></c>");
            } else {
                let _ = write!(rows, "<c t='s'><v>{count}</v></c>");
                let _ = write!(strings, "<si><t>{cell}</t></si>");
                count += 1;
            }
        }
        rows += "</row>";
    }
    (rows, strings)
}

/// Puts the contacts into the export as a workbook.
fn export(marked: &Marked, rows: &str, strings: &str) {
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    let strings = format!("<sst>{strings}</sst>");
    let parts: [(&str, &[u8]); 6] = [
        ("[Content_Types].xml", b"<Types/>"),
        ("_rels/.rels", RELATIONS.as_bytes()),
        ("xl/workbook.xml", BOOK.as_bytes()),
        ("xl/_rels/workbook.xml.rels", OF_BOOK.as_bytes()),
        ("xl/sheet.xml", sheet.as_bytes()),
        ("xl/strings.xml", strings.as_bytes()),
    ];
    fs::write(marked.path(SET).join("contacts.xlsx"), zip(&parts)).unwrap();
}

#[test]
fn r58_nothing_raw_is_in_what_comes_of_workbooks() {
    let mut marked = Marked::ready();
    let own = "source = \"contact\"\ninput = \"raw:{set}/";
    marked.edit("jobs/contacts.toml", &format!("{own}*.zip"), &format!("{own}*.xlsx"));
    marked.edit("jobs/sources/contact.toml", "format = \"csv\"\nmember = \"Contact.csv\"", "format = \"xlsx\"");
    let (rows, strings) = sheet(&marked.contacts);
    export(&marked, &rows, &strings);
    let mut said = Vec::new();
    for arguments in [&["check"][..], &["plan", "contacts"], &["run", "contacts"], &["status"], &["verify"]] {
        let output = marked.tamis(arguments);
        ended(&output, 0, "");
        said.push(output);
    }
    assert_eq!(written(&marked, &said), []);
    // The same with one thing wrong.
    let mark = marked.marks.text("workbook");
    let line = rows.matches("<row").count() + 1;
    let name = rows.rfind("<row").unwrap();
    for (wrong, code) in [
        (format!("{rows}<row r='{line}'><c r='A{line}' t='e'><v>{mark}</v></c></row>"), "cell-without-value"),
        (format!("{rows}<row r='{line}'><c r='A{line}'><f>\"{mark}\"</f></c></row>"), "cell-without-value"),
        (format!("{rows}<row r='{line}'><c r='A{line}'><v>{mark}</v></c></row>"), "record-malformed"),
        (format!("{rows}<row r='{line}'><c r='A{line}' t='{mark}'><v>{mark}</v></c></row>"), "record-malformed"),
        (format!("{rows}<row r='1'><c t='inlineStr'><is><t>{mark}</t></is></c></row>"), "record-malformed"),
        (format!("{rows}<row r='{line}'><c t='inlineStr'><is><t>{mark}</t></is></row>"), "record-malformed"),
        (
            format!("{rows}<row r='{line}'><c t='inlineStr'><is><t>{mark}&{mark};</t></is></c></row>"),
            "record-malformed",
        ),
        (format!("{rows}<row r='{line}'><c t='inlineStr'><is><t>{mark}\u{fffd}</t></is></c></row>"), "encoding-wrong"),
        (format!("{}<{mark}>{}", &rows[..name], &rows[name..]), "record-malformed"),
        (format!("{rows}<row r='{line}'><f:c xmlns:f='u'><v>{mark}</v></f:c></row>"), "record-malformed"),
        (format!("{rows}<row r='{line}'><c r='A{line}' t='d'><v>{mark}</v></c></row>"), "record-malformed"),
        (format!("{rows}</sheetData><{mark}>&{mark};</{mark}><sheetData>"), "input-damaged"),
    ] {
        export(&marked, &wrong, &strings);
        let output = marked.tamis(&["run", "contacts"]);
        ended(&output, 3, code);
        said.push(output);
    }
    for strings in [format!("{strings}<si><t>{mark}</t>"), format!("{strings}<si><t>&{mark};</t></si>")] {
        export(&marked, &rows, &strings);
        let output = marked.tamis(&["run", "contacts"]);
        ended(&output, 3, "input-damaged");
        said.push(output);
    }
    assert_eq!(written(&marked, &said), []);
}

/// A writer and reader that has nothing of ours: what it writes is read as it reads it, and so is what others wrote.
#[test]
fn r58_another_program_reads_the_same_of_workbooks_and_what_it_writes_is_read() {
    let Some(python) = Python::find() else { return };
    if python.run("workbooks.py", ["has"]).trim() != "yes" {
        return skipped("openpyxl in the Python of TAMIS_PYTHON");
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments, cells) in [
        ("numbers", &["write"][..], "320"),
        ("iso", &["write", "iso"], "320"),
        ("other", &["take", "fixtures/cases/dynamics-workbook/in/contacts.xlsx"], "40"),
    ] {
        let desk = folder.path().join(name);
        let mut command = vec![arguments[0].to_owned(), desk.display().to_string()];
        command.extend(arguments[1..].iter().map(ToString::to_string));
        python.run("workbooks.py", command);
        let mut tamis = Command::new(env!("CARGO_BIN_EXE_tamis"));
        tamis.args(["run", "people", "--demo", "--as-of", "2026-11-21T02:00:00Z"]).current_dir(&desk);
        let output = tamis.output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let compared = python.run("workbooks.py", ["compare".to_owned(), desk.display().to_string()]);
        assert_eq!(compared.trim(), cells, "{name}");
    }
}
