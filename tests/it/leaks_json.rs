//! The sweep for leaks with the same people in a JSON export: keys may be markers there, too, and what is refused is refused
//! in the middle of them.

use crate::leaks::{ended, text, written};
use crate::marked::{COLUMNS, Marked, Marks, Row, SET, zip};
use std::fs;
use tamis::error::Code;

/// A record; numbers are numbers, and there is more in it than the source declares, with markers as keys.
fn record(row: &Row, marks: &mut Marks) -> String {
    let value = |column: &str| {
        let text = &row[column];
        let number = matches!(column, "Score" | "Revenue") && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if number && !text.is_empty() { text.clone() } else { serde_json::Value::from(text.as_str()).to_string() }
    };
    let cells: Vec<_> = COLUMNS.iter().map(|column| format!("\"{column}\":{}", value(column))).collect();
    let [key, inner, phone] = [(); 3].map(|()| marks.text("json.key"));
    let more = format!("\"consents\":{{\"{key}\":{{\"{inner}\":true}}}},\"phones\":[{{\"value\":\"{phone}\"}}]");
    format!("{{{more},{}}}", cells.join(","))
}

/// The usual job on a JSON export, which `change` may spoil.
fn exported(change: impl FnOnce(&mut Marks, &mut String)) -> Marked {
    let mut marked = Marked::ready();
    let rows = Marks::default().rows().0;
    let mut lines: String = rows.iter().map(|row| record(row, &mut marked.marks) + "\n").collect();
    change(&mut marked.marks, &mut lines);
    let read = "format = \"csv\"\nmember = \"Contact.csv\"";
    marked.edit("jobs/sources/contact.toml", read, "format = \"ndjson\"\nmember = \"Contact.json\"");
    let members = [("Contact.json", lines.as_bytes()), ("Task.csv", marked.tasks.as_bytes())];
    fs::write(marked.path(SET).join("WE_1.zip"), zip(&members)).unwrap();
    marked
}

#[test]
fn nothing_raw_is_in_what_is_written_and_said_of_a_json_export() {
    let marked = exported(|_, _| {});
    let mut said = Vec::new();
    for arguments in [
        &["check"][..],
        &["plan", "contacts", "--json"],
        &["run", "contacts", "--json"],
        &["run", "contacts"],
        &["status", "--all"],
        &["verify"],
    ] {
        let output = marked.tamis(arguments);
        ended(&output, 0, "");
        said.push(output);
    }
    let report: serde_json::Value = serde_json::from_slice(&said[2].stdout).unwrap();
    let manifest = &report["manifest"];
    assert_eq!((manifest["rows_in"].as_u64(), manifest["rows_out"].as_u64()), (Some(16), Some(6)));
    let drift: Vec<_> = manifest["drift"].as_array().unwrap().iter().map(|drift| drift["column"].clone()).collect();
    assert_eq!(drift, ["Grown__c", "consents", "phones"]);
    assert_eq!(written(&marked, &said), []);
    // An answer to a person has their records, what nobody described left out, and nothing is anywhere else.
    let email = marked.marks.canaries.iter().find(|c| c.name() == "kept.Email" && c.value().contains('@')).unwrap();
    let answer = ["subject", "export", "--request", "D-1", "--out", "../answer"];
    let output = marked.tamis_told(&answer, &format!("email: {}\n", email.value()));
    ended(&output, 0, "");
    assert_eq!(written(&marked, &[output]), []);
    let shown = fs::read_dir(marked.path("answer")).unwrap().flatten();
    let shown: String = shown.filter_map(|file| fs::read_to_string(file.path()).ok()).collect();
    assert!(shown.contains(email.value()) && !shown.contains("consents\":{"), "{shown}");
}

#[test]
fn refused_json_exports_are_not_repeated() {
    type Spoil = fn(&mut Marks, &mut String);
    let refusals: &[(Code, Spoil)] = &[
        (Code::RecordMalformed, |m, text| {
            let key = m.text("json.twice");
            *text += &format!("{{\"{key}\":1,\"{key}\":2}}\n");
        }),
        (Code::RecordMalformed, |m, text| *text += &format!("{{\"{}\":\"{}", m.text("json.cut"), m.text("json.cut"))),
        (Code::RecordMalformed, |m, text| *text += &format!("{{\"Email\":[\"{}\"]}}\n", m.text("json.array"))),
        (Code::RecordMalformed, |m, text| *text += &format!("{{\"City\":{{\"{}\":1}}}}\n", m.text("json.object"))),
        (Code::RecordMalformed, |m, text| *text += &format!("{{\"City\":\"{}\\ud800\"}}\n", m.text("json.half"))),
        (Code::RecordMalformed, |m, text| *text += &format!("\"{}\"\n", m.text("json.text"))),
        (Code::RecordMalformed, |m, text| *text += &format!("{{\"City\":{}}}\n", m.text("json.bare"))),
        (Code::RecordMalformed, |m, text| *text += &format!("{{\"City\":\"{}\"}}\n", m.text("json.long").repeat(600))),
        (Code::EncodingWrong, |m, text| *text += &format!("{{\"City\":\"{}\\u0000\"}}\n", m.text("json.nul"))),
        (Code::EncodingWrong, |m, text| *text += &format!("{{\"{}\u{fffd}\":1}}\n", m.text("json.lost"))),
        (Code::ColumnMissing, |_, text| *text = text.replace("\"Email\":", "\"Mail\":")),
        (Code::ColumnTwice, |m, text| *text += &format!("{{\"EMAIL\":\"{}\"}}\n", m.text("json.folded"))),
    ];
    for (number, (code, spoil)) in refusals.iter().enumerate() {
        let marked = exported(spoil);
        let said = [&["run", "contacts"][..], &["run", "contacts", "--json"], &["plan", "contacts"]];
        let said = said.map(|arguments| marked.tamis(arguments));
        let told = format!("error[{}]", code.name());
        assert!(text(&said[0]).contains(&told), "refusal {number} is not {code:?}: {}", text(&said[0]));
        ended(&said[0], code.kind().exit_code().into(), "");
        assert!(said.iter().all(|output| output.status.code() != Some(101)));
        assert_eq!(written(&marked, &said), [], "refusal {number}: {}", text(&said[0]));
    }
}
