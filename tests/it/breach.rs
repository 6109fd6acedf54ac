//! A breach: which versions and people it concerns, that each is kept, whom to notify, and the path after a leaked key.

use crate::erase::{current, rows, state};
use crate::installation::{Installation, contacts, files};
use std::collections::BTreeSet;
use std::process::{Command, Output};
use tamis::by_hand::{self, BreachDecision};
use tamis::clock::Instant;
use tamis::error::Code;
use tamis::evidence::LedgerEvent;
use tamis::monitor::Silent;
use tamis::questions::breach::{self, BreachAsked, BreachCall, BreachReport};

fn call(aware: Instant, asked: BreachAsked) -> BreachCall {
    BreachCall { asked, aware, occurred: None, detected: None, updates: None, late_because: None }
}

fn scope(installation: &Installation, day: i64, asked: BreachAsked) -> BreachReport {
    breach::scope(&installation.asking(day, ""), &call(installation.at(day), asked)).unwrap()
}

fn refused(installation: &Installation, day: i64, asked: BreachAsked) -> Code {
    breach::scope(&installation.asking(day, ""), &call(installation.at(day), asked)).unwrap_err().code()
}

fn program(installation: &Installation, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tamis"));
    command.args(arguments).arg("--dir").arg(installation.path("jobs")).current_dir(installation.folder.path());
    command.output().unwrap()
}

/// A second purpose with a dataset of the same people.
fn two_purposes() -> Installation {
    let installation = Installation::new();
    let purpose = "[purposes.service]\ndescription = \"S\"\nlawful_basis = \"contract\"\nreference = \"R-2\"\nmax_keep = \"P3Y\"\n\
        min_k = 2\ncategories = [\"identity\", \"location\"]\nrecipients = [\"team\"]\n[recipients.team]";
    installation.edit("jobs/policy.toml", "[recipients.team]", purpose);
    installation.edit(
        "jobs/sources/contact.toml",
        "category = \"identity\", purposes = [\"reports\"]",
        "category = \"identity\", purposes = [\"reports\", \"service\"]",
    );
    installation.edit(
        "jobs/sources/contact.toml",
        "category = \"location\", purposes = [\"reports\"]",
        "category = \"location\", purposes = [\"reports\", \"service\"]",
    );
    let job = crate::installation::JOB
        .replace("name = \"contacts\"", "name = \"service\"")
        .replace("purpose = \"reports\"", "purpose = \"service\"");
    let job = job
        .replace("lake:crm/contacts", "lake:crm/service")
        .replace("email = { from = \"Email\", treat = \"pseudonymize\" }\n", "");
    installation
        .write("jobs/service.toml", &job.replace("city = {", "country = {").replace("[\"city\"]", "[\"country\"]"));
    let mut people = contacts(0..30, -10);
    people.iter_mut().enumerate().for_each(|(at, person)| person.city = if at < 10 { "DE" } else { "FR" }.into());
    installation.export("s1", &people);
    installation.run(0).unwrap();
    let other = tamis::job::Call { job: "service".into(), ..installation.call(0) };
    tamis::run::run(&other, &Silent).unwrap();
    installation
}

#[test]
fn a_person_in_two_purposes_counts_once_and_a_field_says_the_country() {
    let installation = two_purposes();
    let found = scope(&installation, 1, BreachAsked::default());
    assert_eq!((found.datasets.len(), found.people.distinct, found.people.rows_only), (2, 30, 0));
    let service = found.datasets.iter().find(|of| of.purpose == "service").unwrap();
    assert_eq!((service.people, service.country_field.as_deref()), (30, Some("country")));
    let countries: Vec<(&str, u64)> = service.countries.iter().map(|(name, people)| (name.as_str(), *people)).collect();
    assert_eq!(countries, [("DE", 10), ("FR", 20)]);
    let fields: Vec<(&str, Option<&str>)> = service.fields.iter().map(|of| (of.name.as_str(), of.category)).collect();
    assert_eq!(fields, [("contact", Some("identity")), ("country", Some("location"))]);
    let narrowed = |asked| scope(&installation, 1, asked).datasets.iter().map(|of| of.job.clone()).collect::<Vec<_>>();
    assert_eq!(narrowed(BreachAsked { datasets: vec!["service".into()], ..Default::default() }), ["service"]);
    assert_eq!(
        narrowed(BreachAsked { datasets: vec!["lake:crm/contacts".into()], ..Default::default() }),
        ["contacts"]
    );
    let below = BreachAsked { root: Some("lake".into()), prefix: Some("crm/service".into()), ..Default::default() };
    assert_eq!(narrowed(below), ["service"]);
    assert_eq!(narrowed(BreachAsked { recipient: Some("team".into()), ..Default::default() }).len(), 2);
    // Exports below a root, by the manifests.
    let raw = scope(&installation, 1, BreachAsked { root: Some("raw".into()), ..Default::default() });
    assert!(raw.datasets.is_empty() && raw.exports.len() == 1, "{:?}", raw.exports);
    assert_eq!((raw.exports[0].objects, raw.exports[0].records, raw.exports[0].columns["Email"]), (1, 30, "contact"));
    // What is not there.
    assert_eq!(
        refused(&installation, 1, BreachAsked { datasets: vec!["nothing".into()], ..Default::default() }),
        Code::NameUnknown
    );
    assert_eq!(
        refused(&installation, 1, BreachAsked { key: Some("0000".into()), ..Default::default() }),
        Code::NameUnknown
    );
    assert_eq!(
        refused(&installation, 1, BreachAsked { prefix: Some("crm".into()), ..Default::default() }),
        Code::ArgumentWrong
    );
    let later = call(installation.at(9), BreachAsked::default());
    assert_eq!(breach::scope(&installation.asking(1, ""), &later).unwrap_err().code(), Code::ArgumentWrong);
}

#[test]
fn a_version_that_was_removed_before_is_out_and_one_that_is_gone_since_is_rows_only() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    installation.export("s2", &contacts(0..60, -5));
    installation.run(1).unwrap();
    let versions = |found: &BreachReport| found.datasets[0].versions.iter().map(|of| of.version).collect::<Vec<_>>();
    let both = scope(&installation, 1, BreachAsked::default());
    assert_eq!((versions(&both), both.people.distinct, both.people.rows_only), (vec![0, 1], 60, 0));
    installation.sweep(4).unwrap().outcome().unwrap();
    let after = BreachAsked { from: Some(installation.at(4)), ..Default::default() };
    let found = scope(&installation, 5, after);
    assert_eq!((versions(&found), found.people.distinct, found.people.rows_only), (vec![1], 60, 0));
    // It could be read before it was removed; its companions are gone with it.
    let found = scope(&installation, 5, BreachAsked { from: Some(installation.at(0)), ..Default::default() });
    assert_eq!((versions(&found), found.people.distinct, found.people.rows_only), (vec![0, 1], 60, 30));
    assert!(found.datasets[0].versions[0].removed.is_some_and(|at| at >= installation.at(4)));
    assert!(found.not_said.iter().any(|what| what.contains("30 rows")), "{:?}", found.not_said);
    let first_night = BreachAsked { until: Some(Instant(installation.at(1).0 - 1)), ..Default::default() };
    assert_eq!(versions(&scope(&installation, 5, first_night)), [0]);
}

#[test]
fn every_breach_is_kept_with_its_decision_and_verify_looks_at_it() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    let first = scope(&installation, 1, BreachAsked::default());
    let again = BreachCall { updates: Some(first.number), ..call(installation.at(1), BreachAsked::default()) };
    let second = breach::scope(&installation.asking(2, ""), &again).unwrap();
    assert_eq!((first.number, second.number), (1, 2));
    let wrong = BreachCall { updates: Some(9), ..again.clone() };
    assert_eq!(breach::scope(&installation.asking(2, ""), &wrong).unwrap_err().code(), Code::NameUnknown);
    let decision =
        |number, by: &str| BreachDecision { number, authority: true, people: false, by: by.into(), reason: "r".into() };
    let decide = |decision| by_hand::decide_breach(&state(&installation), &decision, installation.at(2));
    assert_eq!(decide(decision(9, "head")).unwrap_err().code(), Code::NameUnknown);
    assert_eq!(decide(decision(1, " ")).unwrap_err().code(), Code::ArgumentWrong);
    decide(decision(1, "head")).unwrap();
    let entries = state(&installation).ledger().entries().unwrap();
    let noted =
        entries.iter().filter(|entry| matches!(&entry.event, LedgerEvent::BreachNoted { people: 30, .. })).count();
    let decided =
        entries.iter().filter(|entry| matches!(&entry.event, LedgerEvent::BreachDecided { number: 1, .. })).count();
    assert_eq!((noted, decided), (2, 1));
    assert_eq!(program(&installation, &["verify"]).status.code(), Some(0));
    let kept = files(&installation.path("state/breaches")).remove(0).0;
    let text = std::fs::read_to_string(&kept).unwrap();
    std::fs::write(&kept, text.replace("\"distinct\": 30", "\"distinct\": 3")).unwrap();
    assert_eq!(program(&installation, &["verify"]).status.code(), Some(6));
    for format in ["text", "html", "json"] {
        let aware = installation.at(0).to_string();
        let output = program(&installation, &["breach", "scope", "--aware-at", &aware, "--format", format]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains("Art. 33(1)") && !said.contains("example.org"), "{said}");
    }
}

#[test]
fn a_report_that_goes_on_from_another_does_not_begin_the_72_hours_anew() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    let first = scope(&installation, 1, BreachAsked::default());
    installation.export("s2", &contacts(0..60, -5));
    installation.run(2).unwrap();
    let update = |of: &BreachReport, day| {
        let again = BreachCall { updates: Some(of.number), ..call(installation.at(day), BreachAsked::default()) };
        breach::scope(&installation.asking(day, ""), &again).unwrap()
    };
    let second = update(&first, 3);
    let third = update(&second, 5);
    for of in [&second, &third] {
        assert_eq!((of.aware, of.deadlines[0].due), (first.aware, first.deadlines[0].due), "{}", of.number);
        assert_eq!(of.people.distinct, 60, "versions are looked for up to the update");
    }
    assert_eq!(third.deadlines[0].hours_left, Some(-24));
    let number = third.number.to_string();
    let output = program(&installation, &["breach", "subjects", &number, "--out", "people", "--json"]);
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["wanted"].as_u64(), Some(60), "and so are the people to notify");
}

#[test]
fn a_sweep_gives_no_field_a_second_time() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    installation.sweep(1).unwrap().outcome().unwrap();
    let found = scope(&installation, 2, BreachAsked::default());
    assert_eq!(found.datasets[0].versions.len(), 2);
    let fields: Vec<(&str, Option<&str>)> =
        found.datasets[0].fields.iter().map(|of| (of.name.as_str(), of.category)).collect();
    assert_eq!(fields, [("city", Some("location")), ("contact", Some("identity")), ("email", Some("contact"))]);
}

#[test]
fn nobody_says_0_people_of_what_is_not_counted() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    for (root, prefix, who) in [
        ("raw", None, "everybody in the exports of contact: 30 records"),
        ("raw", None, "everybody in exports of contact that no run has read"),
        ("requests", Some("erasure/"), "everybody whom the files of list erasure name"),
        ("state", None, "everybody in all tables"),
        ("requests", Some("eraser/"), "tamis knows nothing of this place"),
    ] {
        let asked = BreachAsked { root: Some(root.into()), prefix: prefix.map(str::to_owned), ..Default::default() };
        let found = scope(&installation, 1, asked);
        assert!(found.people.uncounted.iter().any(|said| said.starts_with(who) || said.contains(who)), "{found:?}");
        let aware = installation.at(0).to_string();
        let mut arguments = vec!["breach", "scope", "--aware-at", &aware, "--breached-root", root];
        arguments.extend(prefix.iter().flat_map(|prefix| ["--prefix", prefix]));
        let output = program(&installation, &arguments);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains("people: NOT COUNTED: ") && said.contains(who), "{said}");
    }
    let lake = scope(&installation, 1, BreachAsked { root: Some("lake".into()), ..Default::default() });
    assert!(lake.people.uncounted.is_empty() && lake.people.distinct == 30);
}

#[test]
fn whom_to_notify_is_in_the_folder_that_was_given_and_who_is_in_no_export_is_counted() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    // Of the export that is kept three are missing, and one has a new address.
    let mut people = contacts(3..40, -9);
    people[0].email = "new@example.org".into();
    installation.export("s2", &people);
    std::fs::remove_dir_all(installation.path("raw/s1")).unwrap();
    let found = scope(&installation, 1, BreachAsked::default());
    let number = found.number.to_string();
    assert_eq!(
        program(&installation, &["breach", "subjects", &number, "--out", "state/people"]).status.code(),
        Some(2)
    );
    let output = program(&installation, &["breach", "subjects", &number, "--out", "people", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (said["wanted"].as_u64(), said["people"].as_u64(), said["not_found"].as_u64()),
        (Some(30), Some(27), Some(3))
    );
    let csv = std::fs::read_to_string(installation.path("people/people.csv")).unwrap();
    let lines: BTreeSet<&str> = csv.lines().collect();
    assert!(lines.contains("\"Email\",\"Id\"") && lines.contains("\"new@example.org\",\"crm-00003\""), "{csv}");
    assert!(lines.len() == 28 && !csv.contains("City") && !csv.contains("crm-00030"), "{csv}");
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &str| std::fs::metadata(installation.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("people"), mode("people/people.csv")), (0o700, 0o600));
}

#[test]
fn r76_a_breach_raises_the_risk_of_what_was_signed() {
    let installation = Installation::new();
    installation.edit(
        "jobs/policy.toml",
        "recipients = [\"team\"]",
        "recipients = [\"team\"]\n[purposes.reports.dpia]\nrequired = true",
    );
    installation.export("s1", &contacts(0..30, -10));
    installation.create_here();
    let sign = |day| {
        let (project, register) = tamis::policy::load_with_register(&installation.path("jobs"), &[]).unwrap();
        let order =
            by_hand::SignOffOrder { job: "contacts".into(), by: "head".into(), reason: "r".into(), advice: false };
        by_hand::sign_off(&project, &register, &state(&installation), order, installation.at(day)).unwrap();
    };
    sign(0);
    installation.run(0).unwrap();
    scope(&installation, 1, BreachAsked::default());
    let error = installation.run(2).unwrap_err();
    assert!(error.code() == Code::SignOffMissing && error.message().contains("breaches noted since: 1"), "{error}");
    sign(2);
    installation.run(3).unwrap();
}

/// The path of docs/howto/leaked-key.md, step by step.
#[test]
fn after_a_leaked_token_key_no_version_with_its_tokens_is_left() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    let (leaked, before) = (current(&installation).keys.token, rows(&installation));
    let of_key = || BreachAsked { key: Some(leaked.clone()), ..Default::default() };
    let found = scope(&installation, 1, of_key());
    assert_eq!((found.people.distinct, found.keys.token.keys().collect::<Vec<_>>()), (30, vec![&leaked]));
    assert!(found.keys.effects.iter().any(|of| of.holds.contains("the token key")));
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    installation.edit("jobs/policy.toml", "epoch = \"2026a\"", "epoch = \"2026b\"");
    tamis::key::create(installation.path("keys").to_str().unwrap(), "2026b").unwrap();
    installation.run(2).unwrap();
    let after = rows(&installation);
    assert_eq!(after.len(), 29, "stored requests still match");
    assert!(after.iter().all(|(token, ..)| before.iter().all(|(old, ..)| old != token)));
    assert_eq!(scope(&installation, 2, of_key()).datasets[0].versions.len(), 1, "the old version is there still");
    installation.sweep(5).unwrap().outcome().unwrap();
    let now = BreachAsked { from: Some(installation.at(6)), ..of_key() };
    assert_eq!(refused(&installation, 6, now), Code::NameUnknown, "no version of that key is left");
    let lake = files(&installation.path("lake"));
    let data =
        |path: &std::path::Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("part-"));
    let left = lake.iter().filter(|(path, _)| data(path)).count();
    assert_eq!(left, current(&installation).output.files.len(), "only files of the new version");
}
