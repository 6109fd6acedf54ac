//! Spec folders in `fixtures/specs/`: each holds specs and, unless nothing is to be said of them, `expected.txt` with
//! one finding a line: `file:line:column code message`, hints as `hint/code`. A new case needs no Rust.
//! `TAMIS_BLESS=1 cargo test specs` writes what is found now; read the difference before committing it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use tamis::clock::Instant;
use tamis::error::{Code, Finding};
use tamis::policy;

/// 2026-12-01, by which reviews of recipients are due or not.
const TODAY: Instant = Instant(1_796_083_200_000_000);

fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir("fixtures/specs").expect("the folder of cases");
    let mut cases: Vec<_> = entries.map(|e| e.expect("an entry").path()).filter(|p| p.is_dir()).collect();
    cases.sort();
    cases
}

fn text(case: &Path, findings: &[Finding]) -> String {
    let line = |f: &Finding| {
        let file = Path::new(&f.file).strip_prefix(case).expect("a file of the case").display().to_string();
        let hint = if f.hint { "hint/" } else { "" };
        format!("{file}:{}:{} {hint}{} {}\n", f.line, f.column, f.code, f.message)
    };
    findings.iter().map(line).collect()
}

#[test]
fn every_case_has_the_findings_it_expects() {
    let bless = std::env::var_os("TAMIS_BLESS").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        let file = case.join("expected.txt");
        let found = policy::lint(&case, &[], TODAY);
        let found_text = text(&case, &found);
        if bless && !found_text.is_empty() {
            fs::write(&file, &found_text).expect("expected.txt written");
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if found_text != expected {
            wrong.push(format!("{}\n--- expected\n{expected}--- found\n{found_text}", case.display()));
        }
        let faults: Vec<_> = found.into_iter().filter(|f| !f.hint).collect();
        match policy::load(&case, &[]) {
            Ok(_) => assert!(faults.is_empty(), "{} loads in spite of faults", case.display()),
            Err(error) => {
                assert_eq!(error.code(), Code::SpecFindings);
                assert!(!faults.is_empty(), "{} is refused without a fault", case.display());
                assert_eq!(error.spec_findings(), faults, "{}", case.display());
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn documented_codes_are_those_the_cases_show() {
    let docs = fs::read_to_string("docs/spec.md").expect("docs/spec.md");
    let section = docs.split("## Findings").nth(1).expect("a section on findings");
    let rows = section.lines().filter_map(|l| l.strip_prefix("| `")).filter_map(|l| l.split('`').next());
    let documented: BTreeSet<String> = rows.map(str::to_owned).collect();
    // A file without read permission does not survive a checkout, and --root is an argument.
    let mut shown: BTreeSet<String> = ["unreadable-file", "root-override"].map(str::to_owned).into();
    for case in cases() {
        let expected = fs::read_to_string(case.join("expected.txt")).unwrap_or_default();
        let codes = expected.lines().filter_map(|l| l.split(' ').nth(1)).map(|c| c.trim_start_matches("hint/"));
        shown.extend(codes.map(str::to_owned));
    }
    let lacking: Vec<_> = shown.difference(&documented).collect();
    let unshown: Vec<_> = documented.difference(&shown).collect();
    assert!(lacking.is_empty() && unshown.is_empty(), "undocumented {lacking:?}, without a case {unshown:?}");
}

fn valid() -> policy::Project {
    policy::load(Path::new("fixtures/specs/valid"), &[]).expect("the valid folder loads")
}

#[test]
fn the_valid_folder_becomes_a_plan() {
    let project = valid();
    assert_eq!(project.roots["state"], "s3://acme-privacy/tamis");
    let plan = &project.jobs["crm-contacts"];
    let names: Vec<_> = plan.columns.iter().map(|c| c.name.as_str()).collect();
    let distinct: BTreeSet<_> = names.iter().collect();
    assert_eq!(names.len(), distinct.len(), "each column once");
    assert!(!names.contains(&"Description") && !names.contains(&"Card__c"), "only columns the job needs");
    let of = |indexes: &[usize]| indexes.iter().map(|i| names[*i]).collect::<Vec<_>>();
    assert_eq!(names[plan.controls.key.expect("a key")], "Id");
    assert_eq!(of(&plan.controls.strong), ["IndividualId", "MasterRecordId"]);
    assert_eq!(of(&plan.controls.weak), ["Email", "MobilePhone"]);
    assert_eq!(of(&plan.controls.clocks), ["LastActivityDate", "CreatedDate"]);
    assert_eq!(plan.controls.excludes[0].equals, ["true"], "R22: 1 and true are one boolean");
    assert_eq!(
        plan.fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(),
        ["contact", "email", "postal_area", "birth_year", "city"]
    );
    assert_eq!(plan.subject_field(), Some(0));
    assert_eq!(plan.fields[1].keep, tamis::clock::Period::parse("P1Y"), "R26: the column's keep binds the field");
    assert_eq!(plan.fields.iter().map(|f| f.quasi).collect::<Vec<_>>(), [None, None, Some(1), Some(2), Some(0)]);
    assert_eq!(plan.domain, "sales-analytics");
    assert_eq!(plan.zone.iana_name(), Some("Europe/Paris"));
    assert_eq!(plan.columns[0].sentinels.len(), 5, "R24");
    assert_eq!(plan.columns[0].identifier.kind, "salesforce-id/1");
    let city = plan.fields[4].from.expect("a column");
    assert_eq!(plan.columns[city].identifier.kind, "salesforce-contact.MailingCity/1", "R4");
    assert_eq!(plan.observe[0].columns.len(), 2);
    assert_eq!(plan.source.listed.len(), 13);
    let list = &project.lists["erasure"];
    assert!(list.request_pattern.is_match("DSR-1") && !list.request_pattern.is_match("a DSR-1"), "anchored");
}

const FILES: [&str; 4] =
    ["policy.toml", "crm-contacts.toml", "sources/salesforce-contact.toml", "sources/salesforce-task.toml"];

/// A copy of the valid folder.
fn copy() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join("sources")).expect("a folder");
    for name in FILES {
        fs::copy(Path::new("fixtures/specs/valid").join(name), dir.path().join(name)).expect("a copy");
    }
    dir
}

/// A copy of the valid folder with one text replaced in one file.
fn changed(file: &str, from: &str, to: &str) -> policy::Project {
    let dir = copy();
    let text = fs::read_to_string(dir.path().join(file)).expect("a spec");
    assert!(text.contains(from));
    fs::write(dir.path().join(file), text.replace(from, to)).expect("a change");
    policy::load(dir.path(), &[]).expect("the changed folder loads")
}

#[test]
fn whatever_line_is_missing_or_cut_there_is_a_plan_or_a_finding() {
    let dir = copy();
    let loads = |what: &str| {
        let loaded = policy::load(dir.path(), &[]);
        assert!(
            loaded.as_ref().err().is_none_or(|e| !e.spec_findings().is_empty()),
            "{what}: refused without a finding"
        );
        loaded.is_ok()
    };
    let mut refused = 0;
    for name in FILES {
        let path = dir.path().join(name);
        let text = fs::read_to_string(&path).expect("a spec");
        let lines: Vec<_> = text.lines().collect();
        for i in 0..lines.len() {
            let half = &lines[i][..lines[i].len() / 2];
            fs::write(&path, [&lines[..i], &lines[i + 1..]].concat().join("\n")).expect("a change");
            refused += usize::from(!loads(&format!("{name} without line {}", i + 1)));
            fs::write(&path, [&lines[..i], &[half], &lines[i + 1..]].concat().join("\n")).expect("a change");
            refused += usize::from(!loads(&format!("{name} with line {} cut", i + 1)));
        }
        fs::write(&path, text).expect("the file as it was");
    }
    assert!(refused > 100, "{refused}");
    assert!(loads("the copy"));
}

#[test]
fn r3_a_third_party_has_a_domain_of_its_own() {
    let terms = "kind = \"third-party\"\nsale = true\ncontract = \"C-1\"\ncountry = \"FR\"\nreview_by = \"2027-01-01\"";
    let project = changed("policy.toml", "kind = \"internal\"", terms);
    let plan = &project.jobs["crm-contacts"];
    assert_eq!(plan.domain, "sales-analytics/bi-team");
    assert!(plan.recipient.as_ref().is_some_and(|r| r.third_party && r.sale));
}

#[test]
fn r8_a_region_column_comes_along_and_is_named_by_index() {
    let phone = "identifier = \"phone\", region_from = \"MailingCity\"";
    let project = changed("sources/salesforce-contact.toml", "identifier = \"phone\", region = \"DE\"", phone);
    let plan = &project.jobs["crm-contacts"];
    let column = plan.columns.iter().find(|c| c.name == "MobilePhone").expect("the phone column");
    let policy::Normal::Phone(policy::PhoneRegion::Column(region)) = column.identifier.normal else {
        panic!("a region column")
    };
    assert_eq!(plan.columns[region].name, "MailingCity");
}

#[test]
fn relative_roots_are_relative_to_the_policy_file_and_overrides_to_the_working_directory() {
    let dir = Path::new("fixtures/specs/hints");
    let here = std::env::current_dir().expect("a working directory");
    let whole = |p: &str| here.join(p).display().to_string();
    let overrides = [("raw".to_owned(), "elsewhere".to_owned()), ("lake".to_owned(), "s3://bucket/lake/".to_owned())];
    let project = policy::load(dir, &overrides).expect("the folder loads");
    assert_eq!(project.roots["state"], whole("fixtures/specs/state"));
    assert_eq!(project.roots["raw"], whole("elsewhere"));
    assert_eq!(project.roots["lake"], "s3://bucket/lake");
    let policy::KeyFrom::Dir(keys) = &project.keys.from else { panic!("a directory") };
    assert_eq!(*keys, whole("fixtures/specs/keys"));
    let unknown = policy::lint(dir, &[("rawr".to_owned(), "x".to_owned())], TODAY);
    assert!(unknown.iter().any(|f| f.code == "root-override" && !f.hint));
}

#[test]
fn digests_follow_meaning() {
    let (one, other) = (valid(), changed("policy.toml", "max_keep     = \"P3Y\"", "max_keep     = \"P4Y\""));
    assert_eq!(one.policy_digest.len(), 64);
    assert_eq!(one.policy_digest, valid().policy_digest);
    assert_ne!(one.policy_digest, other.policy_digest);
    assert_ne!(one.jobs["crm-contacts"].digest, other.jobs["crm-contacts"].digest);
    let task = changed("sources/salesforce-task.toml", "Task.csv", "Tasks.csv");
    assert_eq!(one.policy_digest, task.policy_digest);
    assert_ne!(one.jobs["crm-contacts"].digest, task.jobs["crm-contacts"].digest, "observed sources count");
}
