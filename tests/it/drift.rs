//! Exports that change under a job that runs: `tamis drift` says how, `--write` puts lines into the source, and the next
//! run has nothing more to say.

use crate::canary::{Canary, Sweep};
use crate::init::{Desk, answer};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;

const FIRST: &str = "2026-11-20T02:00:00Z";
const SECOND: &str = "2026-11-21T02:00:00Z";
const PEOPLE: usize = 60;

/// The eight columns that matter, and `more` others of all kinds.
fn export(town: &str, more: usize) -> String {
    let mut text = format!("Id,CreatedDate,Email,FirstName,LastName,{town},Rating,Legacy");
    for n in 0..more {
        let kind = ["Mail", "Phone", "Note", "Score", "Birthdate", "Flag", "Card", "Thing *"][n % 8];
        let _ = write!(text, ",{kind} {n}__c");
    }
    text.push('\n');
    for person in 0..PEOPLE {
        let (town, day) = (format!("Town {}", person % 12), person % 28 + 1);
        let _ = write!(
            text,
            "C-{person:05},2026-05-{day:02},p{person}@kunden.example,Vor{person},Nach{person},{town},{},old{person}",
            ["a", "b", "c"][person % 3]
        );
        for n in 0..more {
            let value = match n % 8 {
                0 => format!("other{person}.{n}@kunden.example"),
                1 => format!("+49 40 669690{person:02}"),
                2 => format!("A text about planted{person}x{n} that goes on for a while. And another sentence."),
                3 => format!("{}", person * 7 + n),
                4 => format!("19{:02}-05-01", 50 + person % 40),
                5 => ["true", "false"][person % 2].to_owned(),
                6 => format!("planted{person}card{n}"),
                _ => String::new(),
            };
            let _ = write!(text, ",{value}");
        }
        text.push('\n');
    }
    text
}

/// An installation that has published the eight columns once.
fn installed() -> Desk {
    let desk = Desk { folder: tempfile::tempdir().unwrap() };
    fs::create_dir(desk.path("exports")).unwrap();
    fs::write(desk.path("exports/contacts.csv"), export("City", 0)).unwrap();
    let report = desk.json(&["init", "exports/contacts.csv", "--json"]);
    report["edits"].as_array().unwrap().iter().for_each(|edit| answer(&desk, edit));
    desk.done(&["check"], 0);
    run(&desk, FIRST);
    desk
}

fn run(desk: &Desk, as_of: &str) -> Value {
    desk.json(&["run", "contacts", "--demo", "--as-of", as_of, "--json"])["manifest"].clone()
}

fn source(desk: &Desk) -> String {
    fs::read_to_string(desk.path("jobs/sources/contacts.toml")).unwrap()
}

/// What a run says of columns, each a list that is empty when there is nothing.
fn said_of_columns(manifest: &Value) -> Vec<&str> {
    let keys = ["drift", "lost", "renamed", "emptied", "covered"];
    keys.into_iter().filter(|key| manifest[key].as_array().is_some_and(|list| !list.is_empty())).collect()
}

#[test]
fn an_export_of_368_columns_is_one_line_and_drift_writes_lines_that_end_it() {
    let desk = installed();
    fs::write(desk.path("exports/contacts.csv"), export("City", 360)).unwrap();
    let manifest = run(&desk, SECOND);
    assert_eq!(manifest["drift"].as_array().unwrap().len(), 360);
    let status = desk.done(&["status"], 0);
    let lines: Vec<&str> = status.lines().filter(|line| line.contains("not declared")).collect();
    assert_eq!(lines.len(), 1, "{status}");
    assert!(lines[0].contains("360 columns"), "{status}");

    let before = source(&desk);
    let told = desk.done(&["drift", "contacts"], 0);
    assert!(told.contains("360 never declared") && told.contains("--write"), "{told}");
    assert_eq!(source(&desk), before, "without --write nothing is written");
    let written = desk.json(&["drift", "contacts", "--write", "--json"]);
    assert_eq!((&written["added"], &written["written"]), (&360.into(), &true.into()), "{written:#}");
    let after = source(&desk);
    for line in before.lines() {
        assert!(after.lines().any(|other| other == line), "{line} is gone");
    }
    assert!(
        after.contains("\"Mail 0__c\" = { category = \"contact\", identifier = \"email\", purposes = [] }"),
        "{after}"
    );
    let checked = desk.json(&["check", "--json"]);
    // Addresses that are declared and no link are what a person has to decide on.
    let unlinked = |finding: &Value| finding["code"] == "link-missing" && finding["hint"] == true;
    assert!(checked["findings"].as_array().unwrap().iter().all(unlinked), "{checked:#}");
    let manifest = run(&desk, SECOND);
    assert_eq!(said_of_columns(&manifest), [""; 0], "{manifest:#}");
    assert!(!desk.done(&["status"], 0).contains("declared"));
    let told = desk.done(&["drift", "contacts"], 0);
    assert!(told.starts_with("OK"), "{told}");

    let cells = ["planted3x2", "planted7card6", "other5.0@kunden.example", "p12@kunden.example"];
    let planted: Vec<Canary> = cells.into_iter().map(|cell| Canary::whole(cell, cell)).collect();
    let sweep = Sweep::new(&planted);
    for folder in ["tamis", "jobs"] {
        assert_eq!(sweep.tree(&desk.path(folder)), []);
    }
    assert_eq!(sweep.bytes("what was said", (written.to_string() + &told).as_bytes()), []);
}

#[test]
fn a_source_that_refuses_what_has_drifted_is_told_what_has() {
    let desk = installed();
    let path = desk.path("jobs/sources/contacts.toml");
    let strict = source(&desk).replacen("[read]\n", "[read]\non_drift = \"refuse\"\n", 1);
    assert!(strict.contains("on_drift"), "{strict}");
    fs::write(path, strict).unwrap();
    fs::write(desk.path("exports/contacts.csv"), export("City", 3)).unwrap();
    desk.done(&["run", "contacts", "--as-of", SECOND], 3);
    let told = desk.done(&["drift", "contacts"], 0);
    assert!(told.contains("3 new"), "{told}");
}

/// A column that is gone becomes a comment; one that has another name is a person's to decide, by a flag of its own.
#[test]
fn columns_that_vanished_or_were_renamed_are_told_apart() {
    let desk = installed();
    let renamed = export("Town__c", 1).replace(",Legacy,", ",").lines().enumerate().fold(
        String::new(),
        |mut text, (at, line)| {
            // The last column but one is `Legacy`.
            let cells: Vec<&str> = line.split(',').collect();
            let cells = if at == 0 { cells } else { [&cells[..7], &cells[8..]].concat() };
            let _ = writeln!(text, "{}", cells.join(","));
            text
        },
    );
    fs::write(desk.path("exports/contacts.csv"), renamed).unwrap();
    let told = desk.done(&["drift", "contacts"], 0);
    for part in [
        "1 new",
        "1 renamed",
        "+ \"Mail 0__c\"",
        "# Legacy",
        "column Town__c holds what it held",
        "names = [\"Town__c\"] at City",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    desk.done(&["drift", "contacts", "--write"], 0);
    let text = source(&desk);
    assert!(text.lines().any(|line| line.starts_with("# Legacy = ") && line.ends_with("(tamis drift)")), "{text}");
    assert!(!text.contains("Town__c"), "nobody has decided: {text}");
    let told = desk.done(&["drift", "contacts", "--write", "--renamed"], 0);
    assert!(told.starts_with("OK"), "{told}");
    assert!(source(&desk).contains("names = [\"Town__c\"]"), "{}", source(&desk));
    desk.done(&["check"], 0);
    let manifest = run(&desk, SECOND);
    assert_eq!(said_of_columns(&manifest), [""; 0], "{manifest:#}");
}

/// What other lines of the specs name is not taken out.
#[test]
fn a_column_that_the_specs_need_is_no_comment() {
    let desk = installed();
    let text = export("City", 0).replace("CreatedDate", "Made").replace("2026-05-", "2027-01-");
    fs::write(desk.path("exports/contacts.csv"), text).unwrap();
    let told = desk.done(&["drift", "contacts", "--write"], 0);
    assert!(
        told.starts_with("ATTENTION") && told.contains("CreatedDate is not in the export, and the job needs it"),
        "{told}"
    );
    assert!(source(&desk).lines().any(|line| line.starts_with("CreatedDate = ")), "{}", source(&desk));
    desk.done(&["check"], 0);
}
