//! What a newcomer gets wrong without noticing it: links that `init` forgets, dates of birth that no gate sees, secrets
//! taken for something else.

use crate::init::{Desk, answer};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

const AS_OF: &str = "2026-11-21T02:00:00Z";
const NEXT: &str = "2026-11-22T02:00:00Z";

/// People with a number of the state, a date of birth, three addresses, and phones as they are written in one country;
/// `home` says the addresses that the sample of the first night has no value of.
fn people(home: impl Fn(u32) -> String) -> String {
    let mut text = String::from(
        "Id,SSN,NIR,DOB,Email,Email2,Email3,Person - Email - Home,Phone,Fax,OwnerEmail,SpouseEmail,PLZ,LastActivityDate\n",
    );
    for n in 1..=40_u32 {
        let home = home(n);
        text += &format!(
            "{n},536-22-{:04},1{:02}0578006{n:03},19{:02}-05-{:02},p{n}@one.example,p{n}@two.example,p{n}@three.example,\
             {home},(202) 555-01{n:02},(202) 555-0100,boss@acme.example,q{n}@one.example,{:05},2026-10-{:02}\n",
            1000 + n,
            50 + n,
            50 + n,
            1 + n % 28,
            20000 + n,
            1 + n % 28
        );
    }
    text
}

/// A desk with exports.
fn desk(exports: &[(&str, String)]) -> Desk {
    let desk = Desk { folder: tempfile::tempdir().unwrap() };
    fs::create_dir(desk.path("exports")).unwrap();
    exports.iter().for_each(|(name, text)| fs::write(desk.path("exports").join(name), text).unwrap());
    desk
}

/// A desk on which `init` has looked at the people, and somebody has edited what it asks for.
fn edited() -> (Desk, Value) {
    let desk = desk(&[("people.csv", people(|_| String::new()))]);
    let report = desk.json(&["init", "exports/people.csv", "--json"]);
    report["edits"].as_array().unwrap().iter().for_each(|edit| answer(&desk, edit));
    (desk, report)
}

fn source(desk: &Desk) -> String {
    fs::read_to_string(desk.path("jobs/sources/people.toml")).unwrap()
}

/// The line of a column in a source.
fn line(source: &str, column: &str) -> String {
    let starts =
        |line: &&str| line.starts_with(&format!("{column} = ")) || line.starts_with(&format!("\"{column}\" = "));
    source.lines().find(starts).unwrap_or_else(|| panic!("no {column}: {source}")).to_owned()
}

fn erase(desk: &Desk, request: &str, values: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tamis"));
    command.args(["subject", "erase", "--request", request]).current_dir(desk.folder.path()).env("NO_COLOR", "1");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(values.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    said
}

#[test]
fn every_address_and_number_of_a_person_finds_them_after_the_printed_edits() {
    let (desk, report) = edited();
    let weak = &report["tables"][0]["proposed"]["weak"];
    let all = ["Email", "Email2", "Email3", "Person - Email - Home", "Phone"];
    assert_eq!(weak, &serde_json::json!(all), "{report:#}");
    let asked =
        report["edits"].as_array().unwrap().iter().filter(|edit| edit["what"].as_str().unwrap().contains("country"));
    assert_eq!(asked.count(), 1, "only the phone that is a link is asked for: {report:#}");
    let checked = desk.done(&["check"], 0);
    assert_eq!(checked.matches("link-missing").count(), 2, "{checked}");
    assert!(checked.contains("OwnerEmail") || checked.contains("[[others]]"), "{checked}");

    let first = desk.json(&["run", "people", "--demo", "--as-of", AS_OF, "--json"]);
    assert_eq!(first["manifest"]["rows_out"], 40, "{first:#}");
    // The address that the sample did not have comes with a later export.
    fs::write(desk.path("exports/people.csv"), people(|n| format!("p{n}@home.example"))).unwrap();
    erase(&desk, "E-1", "email: P3@three.example\n");
    erase(&desk, "E-2", "phone: +1 202 555 0105\n");
    erase(&desk, "E-3", "email: p7@home.example\n");
    let next = desk.json(&["run", "people", "--as-of", NEXT, "--json"]);
    assert_eq!(next["manifest"]["rows_out"], 37, "{next:#}");
}

#[test]
fn a_name_that_says_secret_counts_more_than_what_the_values_look_like() {
    let (desk, _) = edited();
    let source = source(&desk);
    for column in ["SSN", "NIR"] {
        let line = line(&source, column);
        assert!(line.contains("category = \"secret\", purposes = []"), "{line}");
    }
    let job = fs::read_to_string(desk.path("jobs/people.toml")).unwrap();
    assert!(!job.contains("SSN") && !job.contains("NIR"), "{job}");
    let post_code = line(&source, "PLZ");
    assert!(!post_code.contains("integer") && job.contains("from = \"PLZ\", treat = \"prefix\""), "{post_code} {job}");
}

#[test]
fn a_date_of_birth_is_grouped_by_year_whatever_it_is_called() {
    let (desk, _) = edited();
    let line = line(&source(&desk), "DOB");
    assert!(line.contains("category = \"demographic\"") && line.contains("birth = true"), "{line}");
    let job = fs::read_to_string(desk.path("jobs/people.toml")).unwrap();
    assert!(job.contains("from = \"DOB\", treat = \"year\""), "{job}");
}

/// A table of twenty people with these columns besides id and address.
fn table(header: &str, cells: impl Fn(u32) -> String) -> String {
    let rows: String = (1..=20).map(|n| format!("{n},p{n}@kunden.example,{}\n", cells(n))).collect();
    format!("Id,E-Mail,{header}\n{rows}")
}

#[test]
fn clocks_are_known_in_german_and_french_and_what_moves_by_itself_is_none() {
    for (header, clocks, moved) in [
        (
            "Ge\u{e4}ndert am,Erstellt am,Letzte Aktivit\u{e4}t",
            ["Letzte Aktivit\u{e4}t", "Erstellt am"],
            "Ge\u{e4}ndert am",
        ),
        (
            "Modifi\u{e9} le,Cr\u{e9}\u{e9} le,Derni\u{e8}re activit\u{e9}",
            ["Derni\u{e8}re activit\u{e9}", "Cr\u{e9}\u{e9} le"],
            "Modifi\u{e9} le",
        ),
    ] {
        let text = table(header, |n| format!("2026-05-{n:02},2026-04-{n:02},2026-06-{n:02}"));
        let report = desk(&[("a.csv", text)]).json(&["init", "exports/a.csv", "--json"]);
        let proposed = &report["tables"][0]["proposed"];
        assert_eq!(proposed["clocks"], serde_json::json!(clocks), "{report:#}");
        assert_eq!(proposed["no_clocks"][0][0], moved, "{report:#}");
    }
}

#[test]
fn dates_that_nobody_knows_are_named_where_a_clock_is_asked_for() {
    let text = table("Beginn,Ende,Geburtstag", |n| format!("2026-05-{n:02},2026-06-{n:02},1980-06-{n:02}"));
    let desk = desk(&[("a.csv", text)]);
    let said = desk.done(&["init", "exports/a.csv"], 0);
    assert!(said.contains("no date is known as a clock by its name"), "{said}");
    assert!(said.contains("the dates that were found are [\"Beginn\", \"Ende\"]"), "{said}");
}

#[test]
fn rows_without_a_date_run_by_a_stand_in_after_the_printed_edits() {
    let desk = desk(&[("a.csv", table("Ort", |n| format!("Ulm{}", n % 2)))]);
    let report = desk.json(&["init", "exports/a.csv", "--json"]);
    let lacks = report["tables"][0]["proposed"]["lacks"][0].as_str().unwrap();
    assert!(lacks.contains("first-seen, export-date or until-absent"), "{lacks}");
    report["edits"].as_array().unwrap().iter().for_each(|edit| answer(&desk, edit));
    desk.done(&["check"], 0);
    let ran = desk.json(&["run", "a", "--demo", "--as-of", AS_OF, "--json"]);
    assert_eq!(ran["manifest"]["rows_out"], 20, "{ran:#}");
}

#[test]
fn products_are_told_that_they_may_be_about_nobody() {
    let desk = desk(&[("a.csv", "Name,Price\nA,1\nA,2\n".into())]);
    let said = desk.done(&["init", "exports/a.csv"], 0);
    assert!(said.contains("none = \"the reason\" in [subject]"), "{said}");
}

#[test]
fn what_people_want_is_proposed_in_comments_beside_it() {
    let text = table("HasOptedOutOfEmail,GDPR_Consent__c,Letzte Aktivit\u{e4}t", |n| {
        format!("{},{},2026-06-{n:02}", n % 2 == 0, n % 3 == 0)
    });
    let desk = desk(&[("a.csv", text)]);
    let report = desk.json(&["init", "exports/a.csv", "--json"]);
    let policy = fs::read_to_string(desk.path("jobs/policy.toml")).unwrap();
    assert!(policy.contains("# No list of requests is declared."), "{policy}");
    assert!(policy.contains("# [lists.a-has-opted-out-of-email]"), "{policy}");
    assert!(policy.contains("# when = { column = \"HasOptedOutOfEmail\", equals = [\"true\", \"1\"] }"), "{policy}");
    report["edits"].as_array().unwrap().iter().for_each(|edit| answer(&desk, edit));
    // The commented table is right as it stands.
    let file = desk.path("jobs/sources/a.toml");
    let text = fs::read_to_string(&file).unwrap();
    let text = text
        .replace("# [consent]", "[consent]")
        .replace("# column = ", "column = ")
        .replace("# equals = ", "equals = ");
    assert!(text.contains("\n[consent]\ncolumn = \"GDPR_Consent__c\"\n"), "{text}");
    fs::write(&file, text).unwrap();
    desk.done(&["check"], 0);
}

#[test]
fn tasks_whose_dates_nobody_knows_are_proposed_as_activity_in_comments() {
    let contacts = table("Letzte Aktivit\u{e4}t", |n| format!("2026-06-{n:02}"));
    let tasks: String = (1..=20).map(|n| format!("T{n},{n},2026-07-{n:02}\n")).collect();
    let desk = desk(&[("contacts.csv", contacts), ("tasks.csv", format!("Nummer,Kontakt,Termin\n{tasks}"))]);
    let said = desk.done(&["init", "exports", "--dry-run"], 0);
    assert!(said.contains("see the commented [[observe]] in contacts.toml"), "{said}");
    let report = desk.json(&["init", "exports", "--json"]);
    report["edits"].as_array().unwrap().iter().for_each(|edit| answer(&desk, edit));
    let file = desk.path("jobs/contacts.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("\n# [[observe]]") && text.contains("\n# clock = [\"Termin\"]"), "{text}");
    let mut observes = false;
    let lines = text.lines().map(|line| {
        observes = line.starts_with("# [[observe]]") || observes && line.starts_with("# ");
        if observes { line.trim_start_matches("# ") } else { line }
    });
    let text: Vec<&str> = lines.collect();
    fs::write(&file, text.join("\n") + "\n").unwrap();
    desk.done(&["check"], 0);
}

#[test]
fn the_footer_of_a_report_is_named() {
    let text = table("Letzte Aktivit\u{e4}t", |n| format!("2026-06-{n:02}"));
    let footer = "\n\"Contacts\"\n\"Copyright (c) 2000-2026 example.com\"\n\"Confidential\"\n";
    let desk = desk(&[("a.csv", text + footer)]);
    let said = desk.done(&["init", "exports/a.csv"], 0);
    assert!(said.contains("the last 3 records have other cells than the header, as the footer of a report"), "{said}");
}
