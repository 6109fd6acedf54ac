//! Recipients: when their review is due, that nothing which protects a person waits for it or for any other stop, and what
//! they are told of persons whom requests have taken out.

use crate::erase::{rows, state, traces};
use crate::installation::{Contact, Installation, asked, contacts, files};
use std::collections::BTreeSet;
use std::process::{Command, Output};
use tamis::by_hand::{self, Answered, Asked, RequestTerms};
use tamis::error::Code;
use tamis::evidence::LedgerEvent;
use tamis::key::Key;
use tamis::policy::{self, Effect, Ground};
use tamis::questions::{case, notices, recipients};

/// An installation whose dataset goes to a third party, with 30 people of whom one is too old for `keep` on day 10.
fn for_agency(review_day: i64) -> (Installation, Vec<Contact>) {
    let installation = Installation::new();
    let review = installation.date(review_day);
    let agency = format!(
        "[recipients.team]\nkind = \"third-party\"\nsale = true\ncontract = \"C-1\"\ncountry = \"FR\"\nreview_by = \"{review}\""
    );
    installation.edit("jobs/policy.toml", "[recipients.team]\nkind = \"internal\"", &agency);
    installation.edit("jobs/policy.toml", "grace = \"PT24H\"", "grace = \"PT24H\"\nraw_keep = \"P2D\"");
    let mut people = contacts(0..30, -10);
    people[29].active = -725;
    installation.export("s1", &people);
    installation.run(0).unwrap();
    (installation, people)
}

fn ask(installation: &Installation, day: i64, effect: Effect, request: &str, values: &str) {
    let asked = Asked {
        purposes: if effect == Effect::Object { vec!["reports".into()] } else { Vec::new() },
        terms: RequestTerms { ground: (effect == Effect::Restrict).then_some(Ground::A), ..Default::default() },
        ..asked(effect, request)
    };
    by_hand::ask(&installation.asking(day, values), asked).unwrap();
}

/// The token of a contact in an epoch, worked out from its definition in docs/tokens.md.
fn token(installation: &Installation, epoch: &str, id: &str) -> String {
    let key = |name: &str| {
        let text = std::fs::read_to_string(installation.path("keys").join(name)).unwrap();
        let byte = |at: usize| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap();
        Key::new(std::array::from_fn(byte))
    };
    let of = key("identity.key").derive("tamis v1 identity", &[b"crm-id@test/1"]);
    let identity = blake3::keyed_hash(of.expose(), id.as_bytes());
    let of = key(&format!("token-{epoch}.key")).derive("tamis v1 token", &[b"reports/team", epoch.as_bytes()]);
    let token = blake3::keyed_hash(of.expose(), identity.as_bytes());
    token.as_bytes()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn r71_status_says_thirty_days_before_that_a_review_is_due() {
    let (installation, _) = for_agency(40);
    let (project, register) = policy::load_with_register(&installation.path("jobs"), &[]).unwrap();
    let left = |day| {
        let all = recipients::recipients(&project, &register, &state(&installation), installation.at(day)).unwrap();
        (all[0].days_left, all[0].jobs.clone())
    };
    assert_eq!(left(9), (Some(31), vec!["contacts".to_string()]));
    assert_eq!([left(10).0, left(40).0, left(41).0], [Some(30), Some(0), Some(-1)]);
    let hints = |day| {
        let found = policy::lint(&installation.path("jobs"), &[], installation.at(day));
        found
            .into_iter()
            .filter(|finding| finding.code == "review-due")
            .map(|finding| finding.message)
            .collect::<Vec<_>>()
    };
    assert_eq!(hints(9), [""; 0]);
    assert!(hints(10)[0].contains("30 days") && hints(41)[0].contains("passed"));
}

/// Stops a run in one of several ways; returns the code of its refusal.
fn stop(installation: &Installation, how: &str) -> Code {
    match how {
        "review" => {
            let text = std::fs::read_to_string(installation.path("jobs/policy.toml")).unwrap();
            let old = text.lines().find(|line| line.starts_with("review_by")).unwrap().to_owned();
            installation.edit("jobs/policy.toml", &old, "review_by = \"2020-01-01\"");
            Code::ReviewPast
        }
        "brake" => {
            installation.export("s2", &contacts(0..9, 0));
            Code::Brake
        }
        "k" => {
            installation.edit(
                "jobs/contacts.toml",
                "on_violation = \"suppress\"\nmax_suppressed = \"50%\"",
                "on_violation = \"refuse\"",
            );
            installation.export("s2", &contacts(0..31, 0));
            Code::GateK
        }
        "notice" => {
            let notice = "[notices.old]\nvalid_from = \"2000-01-01\"\npurposes = [\"other\"]\ncategories = [\"identity\"]\n[removal]";
            installation.edit("jobs/policy.toml", "[removal]", notice);
            installation.edit("jobs/contacts.toml", "[gate]", "[notice]\ncollected = \"Active\"\n[gate]");
            installation.export("s2", &contacts(0..31, 0));
            Code::TooManyUnnoticed
        }
        "corrections" => {
            let list = "[lists.corrections]\ninput = \"requests:corrections/*.csv\"\neffect = \"rectify\"\n\
                        source = \"contact\"\nmatch = { Id = \"crm-id@test\" }\ncolumn = \"Column\"\nwas = \"Was\"\n\
                        value = \"Value\"\nreason = \"Reason\"\nrequest = \"Case\"\nreceived = \"At\"\n[removal]";
            installation.edit("jobs/policy.toml", "[removal]", list);
            installation.export("s2", &contacts(0..31, 0));
            Code::CorrectionsUnreadable
        }
        _ => {
            installation.write("raw/s2/contacts.csv", "Id,Email,City,Active\nbroken\n");
            installation.write("raw/s2/_DONE", "");
            Code::RecordMalformed
        }
    }
}

#[test]
fn nothing_that_protects_a_person_waits_for_a_review_a_gate_the_brake_or_an_export() {
    for how in ["review", "brake", "k", "export", "corrections", "notice"] {
        for effect in [Effect::Erase, Effect::Restrict, Effect::Object, Effect::OptOut] {
            for by_run in [true, false] {
                let (installation, people) = for_agency(400);
                let code = stop(&installation, how);
                let gone = token(&installation, "2026a", "crm-00004");
                // Rows of erased persons may be left in corrections that cannot be read: a sweep says so when all else is done.
                let swept = |day| assert_eq!(installation.sweep(day).unwrap().outcome().is_ok(), how != "corrections");
                ask(&installation, 1, effect, "R-1", "email: person00004@example.org");
                if by_run {
                    assert_eq!(installation.run(10).err().map(|error| error.code()), Some(code), "{how}");
                } else {
                    swept(10);
                }
                let what = format!("{} while {how} stops every run, by run: {by_run}", effect.name());
                let left = rows(&installation);
                assert!(left.iter().all(|row| row.0 != gone), "{what}");
                assert_eq!(left.len(), 28, "{what}: retention was applied, too");
                swept(13);
                let exports = files(&installation.path("raw"));
                assert!(
                    exports.iter().all(|(path, _)| path.ends_with("_DONE")),
                    "{what}: raw exports past raw_keep go"
                );
                let traces = traces(&installation, &people[4], &gone);
                let told = traces.iter().all(|hit| format!("{hit:?}").contains("recipients"));
                assert!(told, "{what}: {traces:?}");
            }
        }
    }
}

fn program(installation: &Installation, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tamis"));
    command.args(arguments).arg("--dir").arg(installation.path("jobs")).current_dir(installation.folder.path());
    command.output().unwrap()
}

/// A file for the recipient, which nobody else can read.
fn the_file_is_for_the_recipient_alone(installation: &Installation) {
    let out = installation.path("notices.json");
    let out_text = out.to_str().unwrap();
    let inside = program(installation, &["recipient", "notices", "team", "--out", "lake/notices.json"]);
    assert_eq!(inside.status.code(), Some(2), "a root of the policy is no place for it");
    let written = program(installation, &["recipient", "notices", "team", "--out", out_text]);
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let file: serde_json::Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    assert_eq!(file["tokens"].as_array().unwrap().len(), 2);
    assert!(!file.to_string().contains("E-1"), "the recipient does not learn the case");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(program(installation, &["recipient", "notices", "team", "--out", out_text]).status.code(), Some(2));
    assert_eq!(program(installation, &["recipient", "notices", "nobody", "--out", "other"]).status.code(), Some(2));
}

/// A notice that is gone or says something else is told to nobody, and verify finds it.
fn a_changed_notice_is_found(installation: &Installation) {
    let notice = files(&installation.path("state/recipients/team/notices")).remove(0).0;
    let bytes = std::fs::read(&notice).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap().replace("\"erase\"", "\"object\"");
    let changed = |code: Code| {
        let error = notices::unanswered(&installation.asking(5, ""), "team").unwrap_err();
        assert_eq!(error.code(), code);
        let verified = program(installation, &["verify"]);
        assert_eq!(verified.status.code(), Some(6), "{}", String::from_utf8_lossy(&verified.stdout));
    };
    std::fs::write(&notice, text).unwrap();
    changed(Code::StatePartChanged);
    std::fs::remove_file(&notice).unwrap();
    changed(Code::StatePartMissing);
    std::fs::write(&notice, bytes).unwrap();
    assert_eq!(program(installation, &["verify"]).status.code(), Some(0));
}

fn no_token_is_in_the_state(installation: &Installation, tokens: &BTreeSet<String>) {
    let sought: Vec<&[u8]> = tokens.iter().map(|token| token.as_bytes()).collect();
    let raw: Vec<[u8; 16]> =
        tokens.iter().map(|token| u128::from_str_radix(token, 16).unwrap().to_be_bytes()).collect();
    for (path, bytes) in files(&installation.path("state")) {
        let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        assert!(!sought.iter().any(|token| has(token)) && !raw.iter().any(|token| has(token)), "{}", path.display());
    }
}

#[test]
fn r72_a_recipient_is_told_by_the_token_of_every_epoch_until_it_answers() {
    let (installation, _) = for_agency(400);
    installation.edit("jobs/policy.toml", "epoch = \"2026a\"", "epoch = \"2026b\"");
    tamis::key::create(installation.path("keys").to_str().unwrap(), "2026b").unwrap();
    installation.export("s2", &contacts(0..30, 0));
    installation.run(1).unwrap();
    // The files of the former epoch are gone for good before anybody asks.
    installation.sweep(3).unwrap().outcome().unwrap();
    let both: BTreeSet<String> = ["2026a", "2026b"].map(|epoch| token(&installation, epoch, "crm-00004")).into();
    let unanswered = |day| notices::unanswered(&installation.asking(day, ""), "team").unwrap();
    assert_eq!((unanswered(3).tokens.len(), unanswered(3).up_to), (0, 0));
    // An address leads to the person: the request does not name the key that tokens are made of.
    ask(&installation, 4, Effect::Erase, "E-1", "email: person00004@example.org");
    installation.sweep(4).unwrap().outcome().unwrap();
    let told = unanswered(5);
    assert_eq!(told.tokens.iter().map(|of| of.token.clone()).collect::<BTreeSet<_>>(), both);
    assert!(
        told.tokens.iter().all(|of| of.effect == "erase" && of.due > of.received && of.dataset == "lake:crm/contacts")
    );
    let versions: Vec<(String, u64)> = told.tokens.iter().map(|of| (of.epoch.clone(), of.last_version)).collect();
    assert!(versions.contains(&("2026a".into(), 0)) && versions.contains(&("2026b".into(), 1)), "{versions:?}");

    the_file_is_for_the_recipient_alone(&installation);
    a_changed_notice_is_found(&installation);

    // Nothing new is told twice, and the case says who was told.
    installation.sweep(6).unwrap().outcome().unwrap();
    assert_eq!(unanswered(6).up_to, told.up_to);
    let of_case = || case::report(&installation.asking(7, ""), "E-1").unwrap().recipients;
    assert!(of_case().iter().all(|of| of.recipient == "team" && of.told.is_some() && of.answered.is_none()));
    let standing = |day| {
        let (project, register) = policy::load_with_register(&installation.path("jobs"), &[]).unwrap();
        recipients::recipients(&project, &register, &state(&installation), installation.at(day)).unwrap()[0].notices
    };
    assert_eq!(standing(7).map(|open| (open.tokens, open.overdue)), Some((2, false)));
    assert_eq!(standing(40).map(|open| open.overdue), Some(true));

    let answer = |up_to| Answered { recipient: "team".into(), up_to, impossible: None, by: Some("DPO".into()) };
    let wrong = by_hand::answered(&installation.asking(8, ""), answer(told.up_to + 1)).unwrap_err();
    assert_eq!(wrong.code(), Code::ArgumentWrong);
    by_hand::answered(&installation.asking(8, ""), answer(told.up_to)).unwrap();
    assert!(standing(8).is_none() && unanswered(8).tokens.is_empty());
    assert!(of_case().iter().all(|of| of.answered.is_some()));
    let event =
        |event: &LedgerEvent| matches!(event, LedgerEvent::RecipientAnswered { up_to, .. } if *up_to == told.up_to);
    assert!(state(&installation).ledger().entries().unwrap().iter().any(|entry| event(&entry.event)));

    // Once nobody has to be told any more, no token of the person is left.
    installation.sweep(9).unwrap().outcome().unwrap();
    no_token_is_in_the_state(&installation, &both);
}

#[test]
fn r72_nobody_within_the_controller_is_told_and_what_binds_nobody_is_not_passed_on() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    ask(&installation, 1, Effect::Erase, "E-1", "email: person00004@example.org");
    installation.sweep(2).unwrap().outcome().unwrap();
    assert!(!installation.path("state/recipients").exists());
    let (outside, _) = for_agency(400);
    ask(&outside, 1, Effect::Withdraw, "W-1", "email: person00004@example.org");
    outside.sweep(2).unwrap().outcome().unwrap();
    assert_eq!(rows(&outside).len(), 30, "a withdrawal binds consent only");
    assert!(!outside.path("state/recipients").exists());
}

/// Notes that a recipient has answered all it was told.
fn answered(installation: &Installation, day: i64, recipient: &str) {
    let up_to = notices::unanswered(&installation.asking(day, ""), recipient).unwrap().up_to;
    let answer = Answered { recipient: recipient.into(), up_to, impossible: None, by: None };
    by_hand::answered(&installation.asking(day, ""), answer).unwrap();
}

fn unanswered(installation: &Installation, day: i64, recipient: &str) -> Vec<(String, String)> {
    let told = notices::unanswered(&installation.asking(day, ""), recipient).unwrap();
    told.tokens.into_iter().map(|of| (of.effect, of.token)).collect()
}

#[test]
fn r72_an_erasure_after_a_restriction_that_was_answered_is_told_too() {
    for effect in [Effect::Restrict, Effect::Object, Effect::OptOut] {
        let (installation, _) = for_agency(400);
        let token = token(&installation, "2026a", "crm-00004");
        ask(&installation, 1, effect, "R-1", "email: person00004@example.org");
        installation.sweep(1).unwrap().outcome().unwrap();
        installation.sweep(3).unwrap().outcome().unwrap();
        assert_eq!(unanswered(&installation, 3, "team"), [(effect.name().to_string(), token.clone())]);
        answered(&installation, 3, "team");
        installation.sweep(4).unwrap().outcome().unwrap();
        assert_eq!(unanswered(&installation, 4, "team"), []);
        // The person is in no dataset any more, and names the key.
        ask(&installation, 5, Effect::Erase, "E-1", "crm-id@test: crm-00004");
        installation.sweep(5).unwrap().outcome().unwrap();
        assert_eq!(unanswered(&installation, 5, "team"), [("erase".to_string(), token.clone())]);
        installation.sweep(6).unwrap().outcome().unwrap();
        assert_eq!(unanswered(&installation, 6, "team").len(), 1, "once");
        answered(&installation, 6, "team");
        installation.sweep(7).unwrap().outcome().unwrap();
        installation.sweep(8).unwrap().outcome().unwrap();
        assert_eq!(unanswered(&installation, 8, "team"), []);
        for (path, bytes) in files(&installation.path("state")) {
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(&token), "{}", path.display());
        }
    }
}

#[test]
fn r72_a_version_tells_the_recipient_that_it_went_to() {
    let (installation, _) = for_agency(400);
    let other = "recipients = [\"team\", \"other\"]\n[recipients.other]\nkind = \"third-party\"\nsale = false\ncontract = \"C-2\"\ncountry = \"FR\"\n\
        review_by = \"2999-01-01\"";
    installation.edit("jobs/policy.toml", "recipients = [\"team\"]", other);
    installation.edit("jobs/contacts.toml", "purpose = \"reports\"", "purpose = \"reports\"\nrecipient = \"other\"");
    installation.export("s2", &contacts(0..30, 0));
    installation.run(1).unwrap();
    ask(&installation, 2, Effect::Erase, "E-1", "email: person00004@example.org");
    installation.sweep(2).unwrap().outcome().unwrap();
    let before = token(&installation, "2026a", "crm-00004");
    assert_eq!(unanswered(&installation, 2, "team"), [("erase".to_string(), before.clone())]);
    installation.sweep(4).unwrap().outcome().unwrap();
    let told = unanswered(&installation, 4, "other");
    assert!(told.len() == 1 && told[0].1 != before, "the other one knows the person by a token of its own: {told:?}");
    // Whoever asks later, when no file of the former recipient is left, is told to both.
    ask(&installation, 5, Effect::Erase, "E-2", "crm-id@test: crm-00005");
    installation.sweep(5).unwrap().outcome().unwrap();
    let later = token(&installation, "2026a", "crm-00005");
    assert!(unanswered(&installation, 5, "team").contains(&("erase".to_string(), later)));
    assert_eq!(unanswered(&installation, 7, "other").len(), 2);
}

#[test]
fn r72_a_table_that_ends_tells_of_the_requests_that_are_known() {
    let (installation, _) = for_agency(400);
    ask(&installation, 1, Effect::Erase, "E-1", "email: person00004@example.org");
    let retiring = by_hand::Retiring { of: "contacts".into(), reason: "over".into(), by: None, remove: true };
    let caller = tamis::job::Caller::at(installation.at(2));
    by_hand::retire(&installation.asking(2, ""), &caller, &retiring, &tamis::monitor::Silent).unwrap();
    let token = token(&installation, "2026a", "crm-00004");
    assert_eq!(unanswered(&installation, 3, "team"), [("erase".to_string(), token)]);
}

#[test]
fn lists_of_tokens_that_recipients_may_still_know_are_compared() {
    let (installation, _) = for_agency(400);
    installation.edit("jobs/policy.toml", "epoch = \"2026a\"", "epoch = \"2026b\"");
    tamis::key::create(installation.path("keys").to_str().unwrap(), "2026b").unwrap();
    installation.export("s2", &contacts(0..30, 0));
    installation.run(1).unwrap();
    installation.sweep(3).unwrap().outcome().unwrap();
    let (path, bytes) = files(&installation.path("state/recipients/team/former")).remove(0);
    for at in [0, 7, 8, 20, bytes.len() / 2, bytes.len() - 33, bytes.len() - 1] {
        let mut other = bytes.clone();
        other[at] ^= 4;
        std::fs::write(&path, other).unwrap();
        assert_eq!(program(&installation, &["verify"]).status.code(), Some(6), "{at}");
    }
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(program(&installation, &["verify"]).status.code(), Some(0));
}

#[test]
fn heads_that_are_kept_elsewhere_find_a_state_and_a_lake_that_were_put_back_together() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    let earlier = [files(&installation.path("state")), files(&installation.path("lake"))].concat();
    installation.export("s2", &contacts(0..30, 0));
    installation.run(1).unwrap();
    let heads = tempfile::tempdir().unwrap();
    let file = heads.path().join("heads");
    let verify = || program(&installation, &["verify", "--heads", file.to_str().unwrap()]).status.code();
    assert_eq!(verify(), Some(0));
    assert_eq!(verify(), Some(0), "the same head is kept once");
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 1);
    for folder in ["state", "lake"] {
        std::fs::remove_dir_all(installation.path(folder)).unwrap();
    }
    for (path, bytes) in earlier {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    assert_eq!(program(&installation, &["verify"]).status.code(), Some(0), "by themselves they look as they did then");
    assert_eq!(verify(), Some(6));
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 1, "nothing is added that does not hold");
    let inside = program(&installation, &["verify", "--heads", "state/heads"]);
    assert_eq!(inside.status.code(), Some(2), "a root of the policy is no place for it");
}
