//! The practice: its specs load with their mistakes and run, a known solution mends all of them, and taking everything
//! away is no solution.

use std::path::Path;
use std::process::{Command, Output};
use tamis::clock::{Clock, System};
use tamis::{policy, practice};

const SOLUTION: [(&str, &str, &str); 19] = [
    (
        "jobs/policy.toml",
        "description = \"Advertising our coffee by e-mail to customers who have agreed to it\"\nlawful_basis = \"legitimate-interests\"",
        "description = \"Advertising our coffee by e-mail to customers who have agreed to it\"\nlawful_basis = \"consent\"\ndirect_marketing = true",
    ),
    ("jobs/policy.toml", "lawful_basis = \"contract\"", "lawful_basis = \"legal-obligation\""),
    (
        "jobs/policy.toml",
        "mechanism = \"none\", reference = \"they said it is fine\", assessed = \"2019-05-01\"",
        "mechanism = \"scc\", reference = \"module 2\", assessed = \"2026-11-01\"",
    ),
    ("jobs/policy.toml", "sale = false", "sale = true"),
    ("jobs/policy.toml", "review_by = \"2020-01-01\"", "review_by = \"2999-01-01\""),
    (
        "jobs/policy.toml",
        "input = \"requests:no-advertising/*.csv\"\neffect = \"erase\"",
        "input = \"requests:no-advertising/*.csv\"\neffect = \"object\"\npurposes = [\"newsletter\"]",
    ),
    ("jobs/policy.toml", "ground = \"a\"", "ground = \"b\""),
    ("jobs/policy.toml", "grace = \"P180D\"\ndue = \"P45D\"", "grace = \"PT24H\"\ndue = \"P1M\"\nraw_keep = \"P30D\""),
    (
        "jobs/sources/contact.toml",
        "Allergies__c = { category = \"business\", purposes = [\"planning\"] }",
        "Allergies__c = { category = \"special\" }",
    ),
    (
        "jobs/sources/contact.toml",
        "Portal_Password__c = { category = \"technical\" }",
        "Portal_Password__c = { category = \"secret\" }",
    ),
    ("jobs/sources/contact.toml", "[columns]", "[consent]\ncolumn = \"Newsletter__c\"\nequals = [\"true\"]\n[columns]"),
    ("jobs/planning.toml", "keep = \"P10Y\"", "keep = \"P3Y\""),
    ("jobs/newsletter.toml", "keep = \"P10Y\"", "keep = \"P3Y\""),
    ("jobs/planning.toml", "email = { from = \"Email\", treat = \"as-is\" }\n", ""),
    ("jobs/planning.toml", "notes = { from = \"Notes__c\", treat = \"as-is\" }\n", ""),
    ("jobs/planning.toml", "allergies = { from = \"Allergies__c\", treat = \"as-is\" }\n", ""),
    (
        "jobs/planning.toml",
        "{ from = \"PostalCode\", treat = \"as-is\" }",
        "{ from = \"PostalCode\", treat = \"prefix\", length = 2 }",
    ),
    (
        "jobs/planning.toml",
        "{ from = \"Birthdate\", treat = \"as-is\" }",
        "{ from = \"Birthdate\", treat = \"age-band\", edges = [18, 40, 65] }",
    ),
    (
        "jobs/planning.toml",
        "quasi_identifiers = [\"city\"]\nk = 1",
        "quasi_identifiers = [\"city\", \"postal_code\", \"born\"]\nk = 5",
    ),
];

fn tamis(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tamis")).args(arguments).current_dir(folder).output().unwrap()
}

#[track_caller]
fn done(arguments: &[&str], folder: &Path) -> String {
    let output = tamis(arguments, folder);
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    said
}

fn edit(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join("coffee").join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    std::fs::write(path, text.replace(from, to)).unwrap();
}

fn score(folder: &Path) -> practice::PracticeScore {
    let (project, register) = policy::load_with_register(&folder.join("coffee/jobs"), &[]).unwrap();
    practice::score(&project, &register, System.now())
}

/// Traps that are mended.
fn mended(folder: &Path) -> Vec<&'static str> {
    score(folder).told.iter().filter(|trap| trap.mended).map(|told| told.trap.name).collect()
}

#[test]
fn a_practice_loads_with_twenty_mistakes_and_a_solution_mends_each_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert!(done(&["practice", "coffee"], folder).contains("20 mistakes"));
    assert_eq!(tamis(&["practice", "coffee"], folder).status.code(), Some(2), "nothing is overwritten");
    assert!(done(&["check", "--dir", "coffee/jobs"], folder).contains("no faults"));
    let first = score(folder);
    assert_eq!(
        (first.mended, first.traps, first.too_much, first.points),
        (0, 20, 0, 0),
        "{}",
        serde_json::to_string(&first).unwrap()
    );
    let mut before = 0;
    for (file, from, to) in SOLUTION {
        edit(folder, file, from, to);
        // Half a mend may not load: a consent without its column.
        if let Ok((project, register)) = policy::load_with_register(&folder.join("coffee/jobs"), &[]) {
            let now = practice::score(&project, &register, System.now());
            assert!(now.mended >= before && now.too_much == 0, "{file}: {from}");
            before = now.mended;
        }
    }
    let last = score(folder);
    assert_eq!(
        (last.mended, last.points),
        (20, 20),
        "{:?}",
        last.told.iter().find(|told| !told.mended).map(|told| told.trap.name)
    );
    assert!(done(&["check", "--dir", "coffee/jobs"], folder).contains("no faults, 0 hints"));
    for job in ["newsletter", "planning", "invoices", "partner"] {
        done(&["run", job, "--dir", "coffee/jobs", "--demo"], folder);
    }
    let said = done(&["practice", "check", "coffee"], folder);
    assert!(said.contains("20 of 20") && said.contains("Art. 6(1)(c), 17(3)(b)"), "{said}");
    assert!(said.contains("no legal advice") && !said.contains("open  "), "{said}");
}

#[test]
fn what_is_taken_away_too_much_costs_a_point() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(&["practice", "coffee", "--seed", "7"], folder);
    edit(folder, "jobs/newsletter.toml", "name = { from = \"Name\", treat = \"as-is\" }\n", "");
    edit(folder, "jobs/invoices.toml", "keep = \"P8Y\"", "keep = \"P1Y\"");
    let found = score(folder);
    assert_eq!((found.mended, found.too_much, found.points), (0, 2, 0));
    for job in ["newsletter", "planning", "invoices", "partner"] {
        std::fs::remove_file(folder.join(format!("coffee/jobs/{job}.toml"))).unwrap();
    }
    let found = score(folder);
    assert_eq!(found.too_much, 5, "{:?}", found.missing);
    assert!(found.points < 10, "{:?}", mended(folder));
    assert!(done(&["practice", "check", "coffee"], folder).contains("too much  invoices"));
}

/// No trap has another one's explanation, and each says what the law is and since when.
#[test]
fn every_trap_is_explained() {
    for trap in &practice::TRAPS {
        assert!(trap.why.ends_with('.') && trap.why.len() > 40, "{}", trap.name);
        assert!(
            trap.article.contains("Art.") || trap.article.contains("Recital") || trap.article.contains("Civ. Code")
        );
        assert!(trap.since.parse::<jiff::civil::Date>().is_ok(), "{}", trap.name);
    }
    let mut whys: Vec<&str> = practice::TRAPS.iter().map(|trap| trap.why).collect();
    whys.sort_unstable();
    whys.dedup();
    assert_eq!(whys.len(), 20);
}
