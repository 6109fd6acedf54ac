//! The register, the assessment of a job and its signature: what they say, who may sign, which change needs a new
//! signature, and that nothing which protects a person waits for one.

use crate::erase::{rows, state};
use crate::installation::{Installation, asked, contacts};
use std::process::{Command, Output};
use tamis::audit::{AuditCall, audit};
use tamis::by_hand::{self, SignOffOrder};
use tamis::error::{Code, Error};
use tamis::evidence::LedgerEvent;
use tamis::monitor::Silent;
use tamis::policy::{self, Effect, RiskDirection};
use tamis::questions::{Assessment, AssessmentDesk, ProcessingRecord, activities, assessment};

const DPIA: &str = "recipients = [\"team\"]\npeople = [\"customers\"]\n[purposes.reports.dpia]\nrequired = true";

/// An installation whose purpose asks for a signature.
fn waiting() -> Installation {
    let installation = Installation::new();
    installation.edit("jobs/policy.toml", "recipients = [\"team\"]", DPIA);
    installation.export("s1", &contacts(0..30, -10));
    installation.create_here();
    installation
}

fn sign(installation: &Installation, day: i64, by: &str, advice: bool) -> Result<(), Error> {
    let (project, register) = policy::load_with_register(&installation.path("jobs"), &[]).unwrap();
    let order = SignOffOrder { job: "contacts".into(), by: by.into(), reason: "DPIA-1".into(), advice };
    by_hand::sign_off(&project, &register, &state(installation), order, installation.at(day)).map(drop)
}

fn assessed(installation: &Installation, day: i64) -> Assessment {
    let (project, register) = policy::load_with_register(&installation.path("jobs"), &[]).unwrap();
    let (state, call) = (state(installation), installation.asking(day, ""));
    let desk = AssessmentDesk { project: &project, register: &register, state: &state, call: &call };
    assessment::assess(&desk, "contacts").unwrap()
}

fn registered(installation: &Installation, day: i64) -> ProcessingRecord {
    let (project, register) = policy::load_with_register(&installation.path("jobs"), &[]).unwrap();
    activities::record(&project, &register, &state(installation), installation.at(day)).unwrap()
}

fn stopped(installation: &Installation, day: i64) -> Option<Code> {
    installation.run(day).err().map(|error| error.code())
}

fn program(installation: &Installation, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tamis"));
    command.args(arguments).arg("--dir").arg(installation.path("jobs")).current_dir(installation.folder.path());
    command.output().unwrap()
}

#[test]
fn r76_what_raises_the_risk_needs_a_new_signature_and_what_lowers_it_does_not() {
    let installation = waiting();
    assert_eq!(stopped(&installation, 0), Some(Code::SignOffMissing), "nobody has signed");
    sign(&installation, 0, "dpo", true).unwrap();
    assert_eq!(stopped(&installation, 0), Some(Code::SignOffMissing), "advice decides nothing");
    sign(&installation, 0, "head of sales", false).unwrap();
    assert_eq!(stopped(&installation, 0), None);
    assert_eq!(stopped(&installation, 1), None, "a signature is for more than one night");
    // A higher k lowers the risk.
    installation.edit("jobs/contacts.toml", "k = 2", "k = 3");
    assert_eq!(stopped(&installation, 2), None);
    assert!(assessed(&installation, 2).changes.iter().all(|change| change.direction == RiskDirection::Lowers));
    // A higher k with a new column is mixed.
    installation.edit("jobs/contacts.toml", "[gate]", "mail = { from = \"Email\", treat = \"email-domain\" }\n[gate]");
    let error = installation.run(3).unwrap_err();
    assert!(error.code() == Code::SignOffMissing && error.message().contains("field mail is new"), "{error}");
    let now = assessed(&installation, 3);
    assert!(now.waits && now.changes.iter().any(|change| change.rule == "field"), "{:?}", now.changes);
    sign(&installation, 3, "head of sales", false).unwrap();
    assert_eq!((stopped(&installation, 4), assessed(&installation, 4).changes), (None, Vec::new()));
    // Three times the people.
    installation.export("s2", &contacts(0..90, 0));
    let error = installation.run(5).unwrap_err();
    assert!(error.code() == Code::SignOffMissing && error.message().contains("90 rows"), "{error}");
    // The job is renamed: its signature still counts.
    sign(&installation, 5, "head of sales", false).unwrap();
}

#[test]
fn r76_the_officer_advises_and_the_controller_decides() {
    let installation = waiting();
    installation.edit(
        "jobs/policy.toml",
        "controller = \"Test\"",
        "controller = \"Test\"\n[contact]\ndpo = \"Jo Doe\"",
    );
    for officer in ["dpo", "DPO", "Data Protection Officer (DPO)", "Datenschutzbeauftragte", "jo doe"] {
        assert_eq!(sign(&installation, 0, officer, false).unwrap_err().code(), Code::ArgumentWrong, "{officer}");
    }
    assert_eq!(sign(&installation, 0, "head of sales", true).unwrap_err().code(), Code::ArgumentWrong);
    assert_eq!(sign(&installation, 0, " ", false).unwrap_err().code(), Code::ArgumentWrong);
    let entries = state(&installation).ledger().entries().unwrap();
    assert!(!entries.iter().any(|entry| matches!(entry.event, LedgerEvent::SignedOff { .. })), "nothing was noted");
    sign(&installation, 0, "Jo Doe", true).unwrap();
    sign(&installation, 0, "head of sales", false).unwrap();
    let found = assessed(&installation, 0);
    let roles: Vec<(&str, bool)> = found.history.iter().map(|of| (of.by.as_str(), of.advice)).collect();
    assert_eq!(roles, [("Jo Doe", true), ("head of sales", false)]);
    assert!(!found.not_assessed.iter().any(|what| what.contains("officer") || what.contains("decision")));
}

#[test]
fn r76_nothing_that_protects_a_person_waits_for_a_signature() {
    for effect in [Effect::Erase, Effect::Object] {
        for by_run in [true, false] {
            let installation = waiting();
            sign(&installation, 0, "head of sales", false).unwrap();
            let mut people = contacts(0..30, -10);
            people[29].active = -725;
            installation.export("s1", &people);
            installation.run(0).unwrap();
            installation.edit("jobs/contacts.toml", "keep = \"P2Y\"", "keep = \"P3Y\"");
            let purposes = if effect == Effect::Object { vec!["reports".to_owned()] } else { Vec::new() };
            let request = by_hand::Asked { purposes, ..asked(effect, "R-1") };
            by_hand::ask(&installation.asking(1, "email: person00004@example.org"), request).unwrap();
            if by_run {
                assert_eq!(stopped(&installation, 10), Some(Code::SignOffMissing));
            } else {
                installation.sweep(10).unwrap().outcome().unwrap();
            }
            // The term that was signed still removes the row that is too old by it.
            assert_eq!(rows(&installation).len(), 28, "{} by run: {by_run}", effect.name());
        }
    }
}

#[test]
fn what_was_signed_is_in_the_state_and_verify_and_audit_look_at_it() {
    let installation = waiting();
    sign(&installation, 0, "head of sales", false).unwrap();
    installation.run(0).unwrap();
    assert_eq!(program(&installation, &["verify"]).status.code(), Some(0));
    let call = |day| AuditCall {
        dir: installation.path("jobs"),
        roots: Vec::new(),
        now: installation.at(day),
        runtime: installation.handle(),
        dataset: None,
    };
    let found = || {
        let report = audit(&call(1), &Silent).unwrap();
        report
            .findings
            .into_iter()
            .filter(|found| found.rule == "signed-off")
            .map(|found| found.what)
            .collect::<Vec<_>>()
    };
    assert_eq!(found(), [""; 0]);
    installation.edit("jobs/policy.toml", "[removal]", "[removal]\nraw_keep = \"P9D\"");
    assert_eq!(found(), [""; 0], "a term for raw exports lowers the risk");
    installation.edit("jobs/contacts.toml", "keep = \"P2Y\"", "keep = \"P3Y\"");
    assert!(found()[0].contains("keep: P36M instead of P24M"), "{:?}", found());
    let profile = crate::installation::files(&installation.path("state/sign-offs")).remove(0).0;
    std::fs::write(&profile, std::fs::read_to_string(&profile).unwrap().replace("P24M", "P36M")).unwrap();
    assert_eq!(program(&installation, &["verify"]).status.code(), Some(6));
    assert_eq!(stopped(&installation, 2), Some(Code::StatePartChanged));
}

#[test]
fn the_register_has_what_article_30_asks_for_and_says_what_nobody_has_written() {
    let installation = waiting();
    let record = registered(&installation, 0);
    let of = &record.activities[0];
    assert_eq!((of.job.as_str(), of.dataset.as_str(), of.version), ("contacts", "lake:crm/contacts", None));
    assert_eq!(
        (&of.people[..], &of.categories[..]),
        (&["customers".to_owned()][..], &["contact", "identity", "location"][..])
    );
    assert_eq!(
        (of.recipients[0].name.as_str(), of.recipients[0].kind, of.keep.as_str()),
        ("team", "within the controller", "P24M")
    );
    assert!(record.missing.iter().any(|what| what.contains("security")), "{:?}", record.missing);
    assert!(of.missing.iter().any(|what| what.contains("raw_keep")), "{:?}", of.missing);
    assert!(of.fields.iter().all(|field| field.why.is_none()) && of.fields.len() == 3);
    installation.edit(
        "jobs/policy.toml",
        "controller = \"Test\"",
        "controller = \"Test\"\nsecurity = [\"keys in a vault\"]",
    );
    installation.edit(
        "jobs/contacts.toml",
        "treat = \"as-is\" }",
        "treat = \"as-is\", why = \"territories are cities\" }",
    );
    let record = registered(&installation, 0);
    assert!(!record.missing.iter().any(|what| what.contains("security")));
    assert_eq!(record.activities[0].fields[2].why.as_deref(), Some("territories are cities"));
    let csv = String::from_utf8(program(&installation, &["report", "register", "--format", "csv"]).stdout).unwrap();
    let lines: Vec<&str> = csv.split("\r\n").collect();
    assert!(lines.len() == 3 && lines[0].contains("\"People (c)\"") && lines[1].contains("\"customers\""), "{csv}");
}

#[test]
fn an_assessment_has_figures_as_duckdb_would_count_them_and_bands_what_is_small() {
    let installation = waiting();
    sign(&installation, 0, "head of sales", false).unwrap();
    let mut people = contacts(0..60, -20);
    people.iter_mut().skip(45).for_each(|person| person.active = -400);
    installation.export("s1", &people);
    installation.run(0).unwrap();
    let found = assessed(&installation, 0);
    let figures = found.figures.as_ref().unwrap();
    // Twenty cities of three people each; 45 active lately, 15 a year ago.
    let told = |bands: &[tamis::questions::FigureBand]| {
        let filled = bands.iter().filter(|band| !band.count.is_none());
        filled.map(|band| format!("{} {}", band.name, band.count.said())).collect::<Vec<_>>()
    };
    assert_eq!((figures.rows.count, figures.people.count), (Some(60), Some(60)));
    assert_eq!(told(&figures.ages), ["up to 30 days 45", "1 to 2 years 15"]);
    assert_eq!(told(&figures.groups), ["2 to 4 20"]);
    assert_eq!(figures.near_k.and_then(|near| near.count), Some(20));
    let rules: Vec<&str> = found.residual.iter().map(|risk| risk.rule).collect();
    assert!(rules.contains(&"small-groups") && rules.contains(&"raw-exports"), "{rules:?}");
    assert!(found.not_assessed.iter().any(|what| what.contains("field city")));
    for format in ["text", "html", "json"] {
        let output = program(&installation, &["report", "dpia", "contacts", "--format", format]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains("not assessed") || format == "json");
    }
    assert_eq!(program(&installation, &["report", "dpia", "nothing"]).status.code(), Some(2));
}
