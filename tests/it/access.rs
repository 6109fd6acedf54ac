//! A person asks for their data (Art. 15 and 20 GDPR): what they are given, what is left out, and that nothing of it stays.

use crate::installation::{Contact, Installation, JOB, SOURCE, contacts, files};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tamis::error::Result;
use tamis::error::{Code, Kind};
use tamis::job::SubjectCall;
use tamis::monitor::Silent;
use tamis::questions::access::{AccessAnswer, AccessAsked, AccessDesk, AccessOutcome, Right, Withholding};

fn asked(right: Right) -> AccessAsked {
    AccessAsked { right, request: "DSR-1".into(), received: None, include_doubtful: None, without_raw: None }
}

fn try_answer(call: &SubjectCall, asked: &AccessAsked) -> Result<AccessAnswer> {
    AccessDesk::open(call)?.answer(call, asked, &Silent)
}

fn answer(installation: &Installation, values: &str) -> AccessAnswer {
    try_answer(&installation.asking(1, values), &asked(Right::Access)).unwrap()
}

/// `id` and `email` of a contact.
fn contact(id: &str, email: &str) -> Contact {
    Contact { id: id.into(), email: email.into(), city: "City 0".into(), active: -1 }
}

fn published(extra: &[Contact]) -> Installation {
    let installation = Installation::new();
    let mut all = contacts(0..9, -1);
    all.extend_from_slice(extra);
    installation.export("2026-10-01", &all);
    installation.run(0).unwrap();
    installation
}

/// Ids that stand in the raw records of an answer.
fn ids(answer: &AccessAnswer) -> BTreeSet<String> {
    let records = answer.report.raw_exports.records.iter();
    records.map(|record| record.values["Id"].clone().unwrap()).collect()
}

fn rows(answer: &AccessAnswer) -> usize {
    answer.report.datasets.iter().map(|dataset| dataset.rows.len()).sum()
}

#[test]
fn each_person_gets_their_own_rows_and_records_and_nobody_elses() {
    let installation = published(&[contact("crm-00003", "second@example.org")]);
    let export = std::fs::read_to_string(installation.path("raw/2026-10-01/contacts.csv")).unwrap();
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for record in csv::Reader::from_reader(export.as_bytes()).records() {
        *expected.entry(record.unwrap()[0].to_string()).or_default() += 1;
    }
    assert_eq!(expected["crm-00003"], 2);
    for (id, records) in &expected {
        let answer = answer(&installation, &format!("crm-id@test: {id}\n"));
        assert_eq!(ids(&answer), BTreeSet::from([id.clone()]));
        assert_eq!((rows(&answer), answer.report.raw_exports.records.len()), (*records, *records), "{id}");
        let dataset = &answer.report.datasets[0];
        assert_eq!((dataset.purpose.as_str(), dataset.lawful_basis.as_str()), ("reports", "legitimate-interests"));
        assert_eq!(
            (dataset.recipients[0].name.as_str(), dataset.recipients[0].kind),
            ("team", "within the controller")
        );
        assert!(dataset.rows.iter().all(|row| row.values["city"].as_deref().unwrap().starts_with("City")));
    }
}

#[test]
fn a_row_that_only_a_shared_address_leads_to_is_left_out_and_counted() {
    let couple = [contact("crm-she", "both@example.org"), contact("crm-he", "both@example.org")];
    let installation = published(&couple);
    let hers = answer(&installation, "crm-id@test: crm-she\nemail: both@example.org\n");
    assert_eq!((ids(&hers), rows(&hers)), (BTreeSet::from(["crm-she".to_string()]), 1));
    let left_out: Vec<_> =
        hers.report.withheld.iter().filter(|one| one.why == Withholding::PerhapsAnotherPerson).collect();
    assert_eq!(left_out.iter().map(|one| one.rows).collect::<Vec<_>>(), [1, 1]);
    assert!(hers.officer.doubtful.iter().any(|row| row.values.get("Id") == Some(&Some("crm-he".into()))));
    // An address alone proves nothing.
    let anybody = answer(&installation, "email: both@example.org\n");
    assert!(!anybody.report.processed && anybody.officer.doubtful.len() == 4);
    let why = Some("the officer has spoken with both".to_string());
    let all = AccessAsked { include_doubtful: why.clone(), ..asked(Right::Access) };
    let call = installation.asking(1, "email: both@example.org\n");
    let shown = try_answer(&call, &all).unwrap();
    assert_eq!((rows(&shown), ids(&shown).len()), (2, 2));
    AccessDesk::open(&call).unwrap().answered(&call, &all, &shown.report).unwrap();
    let ledger: Vec<u8> = files(&installation.path("state"))
        .into_iter()
        .filter(|(path, _)| path.to_str().unwrap().contains("ledger"))
        .flat_map(|(_, bytes)| bytes)
        .collect();
    let ledger = String::from_utf8_lossy(&ledger);
    assert!(ledger.contains(why.as_ref().unwrap()) && ledger.contains("\"request\": \"DSR-1\""), "{ledger}");
    assert!(!ledger.contains("both@"));
}

#[test]
fn strong_links_lead_to_all_records_of_a_person_also_those_of_raw_exports_alone() {
    let installation = Installation::new();
    let source = SOURCE.replace("weak = [\"Email\"]", "strong = [\"Merged\"]\nweak = [\"Email\"]");
    installation.write(
        "jobs/sources/contact.toml",
        &format!("{source}Merged = {{ identifier = \"crm-id@test\", category = \"identity\" }}\n"),
    );
    let day = installation.date(-1);
    let row = |id: &str, merged: &str| format!("{id},{id}@example.org,City 0,{day},{merged}\n");
    // The second record is too old to be published, and the only one that links the first to the third.
    let old = format!("b,b@example.org,City 0,{},a\n", installation.date(-3000));
    let text = ["Id,Email,City,Active,Merged\n".into(), row("a", ""), old, row("c", "b"), row("d", "")].concat();
    installation.write("raw/2026-10-01/contacts.csv", &text);
    installation.write("raw/2026-10-01/_DONE", "");
    installation.edit("jobs/contacts.toml", "max_removed = \"30%\"", "max_removed = \"100%\"");
    installation.run(0).unwrap();
    let answer = answer(&installation, "crm-id@test: c\n");
    assert_eq!(ids(&answer), ["a", "b", "c"].map(String::from).into());
    assert_eq!(rows(&answer), 2);
}

#[test]
fn other_peoples_ids_free_text_secrets_and_what_nobody_described_are_withheld_and_named() {
    let installation = Installation::new();
    let more = "Boss = { identifier = \"crm-id@test\", category = \"identity\", purposes = [\"reports\"] }\n\
        Note = { category = \"free-text\" }\nCard = { category = \"secret\", names = [\"Credit Card\"] }\n\
        \"Pin_*\" = { category = \"secret\" }\n";
    installation.write("jobs/sources/contact.toml", &format!("{SOURCE}{more}"));
    installation.edit("jobs/contacts.toml", "[gate]", "boss = { from = \"Boss\", treat = \"pseudonymize\" }\n[gate]");
    let day = installation.date(-1);
    let row = |id: &str| format!("{id},{id}@example.org,City 0,{day},boss-1,a note,4111111111111111,odd,9876\n");
    let text = ["Id,Email,City,Active,Boss,Note,Credit Card,New,Pin_1\n".into(), row("a"), row("b"), row("c")].concat();
    installation.write("raw/2026-10-01/contacts.csv", &text);
    installation.write("raw/2026-10-01/_DONE", "");
    installation.run(0).unwrap();
    let answer = answer(&installation, "crm-id@test: a\n");
    let named: BTreeMap<_, _> =
        answer.report.withheld.iter().map(|one| (one.column.clone().unwrap(), one.why)).collect();
    let expected = [
        ("Boss", Withholding::OtherPersonsId),
        ("boss", Withholding::OtherPersonsId),
        ("Card", Withholding::Secret),
        ("New", Withholding::Undescribed),
        ("Note", Withholding::FreeText),
        ("Pin_1", Withholding::Secret),
    ];
    assert_eq!(named, expected.map(|(column, why)| (column.to_string(), why)).into());
    let person = serde_json::to_string(&answer.report).unwrap();
    let officer = serde_json::to_string(&answer.officer).unwrap();
    for hidden in ["boss-1", "a note", "odd"] {
        assert!(!person.contains(hidden) && officer.contains(hidden), "{hidden}");
    }
    for secret in ["4111", "9876"] {
        assert!(!person.contains(secret) && !officer.contains(secret), "{secret}");
    }
    assert!(person.contains("a@example.org"));
}

#[test]
fn portable_is_what_the_person_provided_on_consent_or_contract_in_the_newest_export() {
    let installation = published(&[]);
    installation.export("2026-10-02", &contacts(0..9, 0));
    let ask = || try_answer(&installation.asking(1, "crm-id@test: crm-00001\n"), &asked(Right::Portability));
    let none = ask().unwrap();
    let values: BTreeSet<String> = none.report.raw_exports.records[0].values.keys().cloned().collect();
    assert!(values.is_empty() && none.report.datasets.is_empty(), "{values:?}");
    let source = "jobs/sources/contact.toml";
    installation.edit(source, "category = \"contact\"", "category = \"contact\", origin = \"given\"");
    installation.edit(
        source,
        "City = { category = \"location\"",
        "City = { category = \"location\", origin = \"derived\"",
    );
    let other = ask().unwrap();
    assert!(other.report.withheld.iter().any(|one| one.why == Withholding::OtherBasis));
    installation.edit("jobs/policy.toml", "\"legitimate-interests\"", "\"contract\"");
    let portable = ask().unwrap();
    assert_eq!(portable.report.raw_exports.records.len(), 1);
    let record = &portable.report.raw_exports.records[0];
    assert_eq!(record.values, BTreeMap::from([("Email".to_string(), Some("person00001@example.org".to_string()))]));
    assert!(record.places.len() == 1 && record.places[0].contains("2026-10-02"), "{:?}", record.places);
    let mut without = asked(Right::Portability);
    without.without_raw = Some("no time".into());
    let refused = try_answer(&installation.asking(1, "crm-id@test: x\n"), &without).err().unwrap();
    assert_eq!(refused.code(), Code::RequestWrong);
}

#[test]
fn an_export_that_cannot_be_read_is_named_and_the_others_are_searched() {
    let installation = published(&[]);
    installation.write("raw/2026-09-01/contacts.csv", "Id,Email,City,Active\ncrm-00001,\"a,b\n");
    let answer = answer(&installation, "crm-id@test: crm-00001\n");
    assert_eq!((answer.report.raw_exports.objects, answer.report.raw_exports.unreadable.len()), (2, 1));
    assert!(answer.report.raw_exports.unreadable[0].starts_with("raw:2026-09-01/contacts.csv"));
    assert_eq!(ids(&answer).len(), 1);
}

#[test]
fn a_companion_that_is_another_one_shows_nobodys_rows() {
    let installation = published(&[]);
    let mut companions = files(&installation.path("state/companions"));
    let (path, _) = companions.pop().unwrap();
    let mut permissions = std::fs::metadata(&path).unwrap().permissions();
    permissions.set_mode(0o600);
    std::fs::set_permissions(&path, permissions).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let call = installation.asking(1, "crm-id@test: crm-00001\n");
    let error = try_answer(&call, &asked(Right::Access)).err().unwrap();
    assert_eq!((error.kind(), error.code()), (Kind::Evidence, Code::PublishedFileChanged));
}

fn export(installation: &Installation, out: &Path, values: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tamis"));
    let jobs = installation.path("jobs");
    command.args(["subject", "export", "--request", "DSR-9"]).arg("--dir").arg(jobs).arg("--out").arg(out);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(values.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn the_answer_goes_into_a_folder_that_only_the_caller_can_read_apart_from_every_root() {
    let installation = published(&[]);
    let values = "crm-id@test: crm-00001\n";
    for (folder, from) in [("raw/answer", 2), ("state", 2), ("lake/crm", 2), ("keys/x", 2), (".", 2), ("missing/x", 2)]
    {
        let output = export(&installation, &installation.path(folder), values);
        assert_eq!(output.status.code(), Some(from), "{folder}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let out = installation.path("answer");
    let output = export(&installation, &out, values);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&out), 0o700);
    let written = files(&out);
    assert!(written.len() == 6 && written.iter().all(|(path, _)| mode(path) == 0o600));
    let page = std::fs::read_to_string(out.join("person.html")).unwrap();
    assert!(page.contains("person00001@example.org") && !page.contains("person00002"));
    assert!(!page.contains("\\n"), "a line end is shown as text");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!said.contains("person00001") && said.contains("DSR-9"), "{said}");
    let again = export(&installation, &out, values);
    assert_eq!(again.status.code(), Some(2));
    let nobody = export(&installation, &installation.path("nobody"), "crm-id@test: not-there\n");
    assert!(nobody.status.success() && String::from_utf8_lossy(&nobody.stdout).contains("nothing about this person"));
}

/// As [`published`], with free text and a score among the fields.
fn with_text_and_score() -> Installation {
    let installation = Installation::new();
    let more = "Note = { category = \"free-text\", purposes = [\"reports\"], allow_raw = \"checked\" }\n\
        Score = { category = \"location\", purposes = [\"reports\"], origin = \"derived\", quasi = false }\n";
    installation.write("jobs/sources/contact.toml", &format!("{SOURCE}{more}"));
    installation.edit("jobs/policy.toml", "\"location\"]", "\"location\", \"free-text\"]");
    let fields =
        "note = { from = \"Note\", treat = \"as-is\" }\nscore = { from = \"Score\", treat = \"as-is\" }\n[gate]";
    installation.edit("jobs/contacts.toml", "[gate]", fields);
    // Kinds of identifiers are those of sources that a job reads.
    let other = SOURCE.replace("name = \"contact\"", "name = \"other\"");
    installation.write("jobs/sources/other.toml", &other);
    let job = JOB.replace("\"contacts\"", "\"others\"").replace("\"contact\"\n", "\"other\"\n");
    let job = job.replace("raw:{set}", "raw:other/{set}").replace("crm/contacts", "crm/others");
    installation.write("jobs/others.toml", &job);
    let row = |n: usize| format!("crm-{n:05},p{n}@example.org,City 0,{},a note,7\n", installation.date(-1));
    let rows: String = (0..6).map(row).collect();
    installation.write("raw/2026-10-01/contacts.csv", &format!("Id,Email,City,Active,Note,Score\n{rows}"));
    installation.write("raw/2026-10-01/_DONE", "");
    installation.run(0).unwrap();
    installation
}

fn withheld(answer: &AccessAnswer, of: &str) -> BTreeMap<String, Withholding> {
    let of_table = answer.report.withheld.iter().filter(|one| one.of == of);
    of_table.filter_map(|one| Some((one.column.clone()?, one.why))).collect()
}

#[test]
fn the_answer_withholds_as_before_and_says_what_was_not_searched_once_a_job_has_left_the_specs() {
    let installation = with_text_and_score();
    let ask = || answer(&installation, "crm-id@test: crm-00001\n");
    let (table, before) = ("lake:crm/contacts", ask());
    assert!(before.report.raw_exports.unreadable.is_empty() && before.report.raw_exports.keep.is_none());
    std::fs::remove_file(installation.path("jobs/contacts.toml")).unwrap();
    let without_job = ask();
    assert_eq!(withheld(&without_job, table), BTreeMap::from([("note".to_string(), Withholding::FreeText)]));
    assert_eq!(withheld(&without_job, table), withheld(&before, table));
    let told = &without_job.report.datasets[0];
    assert_eq!(told.sources, ["contact"]);
    assert!(told.fields.iter().any(|field| field.name == "score" && field.derived));
    assert!(told.categories.contains(&"location"), "{:?}", told.categories);
    let unread = &without_job.report.raw_exports.unreadable;
    assert_eq!(unread.len(), 1);
    assert!(unread[0].starts_with("raw:2026-10-01/contacts.csv: no job of the specs reads it"), "{unread:?}");
    std::fs::remove_file(installation.path("jobs/sources/contact.toml")).unwrap();
    let undescribed = withheld(&ask(), table);
    assert_eq!(undescribed.keys().map(String::as_str).collect::<Vec<_>>(), ["city", "email", "note", "score"]);
    assert!(undescribed.values().all(|why| *why == Withholding::Undescribed), "{undescribed:?}");
    std::fs::remove_file(installation.path("raw/2026-10-01/contacts.csv")).unwrap();
    assert!(ask().report.raw_exports.unreadable.is_empty(), "what is gone is not told");
}

#[test]
fn an_export_in_a_place_that_the_job_has_left_is_named_as_not_searched() {
    let installation = published(&[]);
    installation.edit("jobs/contacts.toml", "raw:{set}/*.csv", "raw:new/{set}/*.csv");
    let unread = answer(&installation, "crm-id@test: crm-00001\n").report.raw_exports.unreadable;
    assert_eq!(unread.len(), 1);
    assert!(unread[0].starts_with("raw:2026-10-01/contacts.csv: no job"), "{unread:?}");
}

#[test]
fn recipients_of_earlier_versions_are_named_also_those_that_left_the_policy() {
    let installation = published(&[]);
    let named = |installation: &Installation| -> Vec<(String, &'static str, Option<u64>)> {
        let answer = answer(installation, "crm-id@test: crm-00001\n");
        let recipients = answer.report.datasets[0].recipients.iter();
        recipients.map(|one| (one.name.clone(), one.kind, one.last_version)).collect()
    };
    assert_eq!(named(&installation), [("team".to_string(), "within the controller", None)]);
    installation.edit("jobs/policy.toml", "recipients = [\"team\"]", "recipients = [\"bureau\"]");
    installation.edit("jobs/policy.toml", "[recipients.team]", "[recipients.bureau]");
    installation.export("2026-10-02", &contacts(0..9, 0));
    installation.run(1).unwrap();
    let found = named(&installation);
    assert_eq!(found[0], ("bureau".to_string(), "within the controller", None));
    assert_eq!(found[1], ("team".to_string(), "no longer in the policy", Some(0)));
}

#[test]
fn a_recipient_that_was_told_of_a_person_is_named_once_their_rows_are_gone() {
    let installation = Installation::new();
    let third = "[recipients.team]\nkind = \"third-party\"\nsale = true\ncontract = \"C-1\"\ncountry = \"FR\"\nreview_by = \"2099-01-01\"";
    installation.edit("jobs/policy.toml", "[recipients.team]\nkind = \"internal\"", third);
    installation.export("2026-10-01", &contacts(0..30, -10));
    installation.run(0).unwrap();
    let values = "crm-id@test: crm-00004\n";
    let erase = crate::installation::asked(tamis::policy::Effect::Erase, "E-1");
    tamis::by_hand::ask(&installation.asking(0, values), erase).unwrap();
    for day in 1..4 {
        installation.sweep(day).unwrap().outcome().unwrap();
    }
    let call = installation.asking(4, values);
    let without = AccessAsked { without_raw: Some("to be quick".into()), ..asked(Right::Access) };
    let report = try_answer(&call, &without).unwrap().report;
    assert!(report.datasets.is_empty());
    let former: Vec<_> =
        report.former_recipients.iter().map(|one| (one.recipient.name.as_str(), one.effect.as_str())).collect();
    assert_eq!(former, [("team", "erase")]);
    let other = try_answer(&installation.asking(4, "crm-id@test: crm-00005\n"), &without).unwrap().report;
    assert!(other.former_recipients.is_empty() && !other.datasets.is_empty());
}

#[test]
fn corrections_of_the_persons_records_are_among_their_requests_without_values() {
    let installation = Installation::new();
    let list = "[lists.corrections]\ninput = \"requests:corrections/*.csv\"\neffect = \"rectify\"\nsource = \"contact\"\n\
        match = { Id = \"crm-id@test\" }\ncolumn = \"Column\"\nwas = \"Was\"\nvalue = \"Value\"\nreason = \"Reason\"\n\
        request = \"Case\"\nreceived = \"At\"\n[removal]";
    installation.edit("jobs/policy.toml", "[removal]", list);
    let lines = "Id,Column,Was,Value,Reason,Case,At\ncrm-00001,City,City 0,City 1,wrong,C-1,2026-10-01\n\
        crm-00008,City,City 2,City 1,wrong,C-2,2026-10-01\n";
    installation.write("requests/corrections/october.csv", lines);
    installation.export("2026-10-01", &contacts(0..9, -1));
    installation.run(0).unwrap();
    let report = answer(&installation, "crm-id@test: crm-00001\n").report;
    let told: Vec<_> = report
        .corrections
        .iter()
        .map(|one| (one.case.as_str(), one.column.as_str(), one.reason.as_str(), one.state.as_str()))
        .collect();
    assert_eq!(told, [("C-1", "City", "wrong", "removed")]);
    let json = serde_json::to_string(&report.corrections).unwrap();
    assert!(!json.contains("City 1") && !json.contains("City 0"), "{json}");
}

#[test]
fn an_address_of_several_people_is_neither_found_nor_nothing() {
    let couple = [contact("crm-she", "both@example.org"), contact("crm-he", "both@example.org")];
    let installation = published(&couple);
    let outcome = |values| answer(&installation, values).report.outcome;
    assert_eq!(outcome("email: both@example.org\n"), AccessOutcome::Unclear);
    assert_eq!(outcome("crm-id@test: crm-she\n"), AccessOutcome::Found);
    assert_eq!(outcome("email: nobody@example.org\n"), AccessOutcome::Nothing);
    let out = installation.path("answer");
    let output = export(&installation, &out, "email: both@example.org\n");
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("it cannot be told which"));
    let page = std::fs::read_to_string(out.join("person.html")).unwrap();
    assert!(page.contains("We cannot tell which records are yours") && !page.contains("We found no data"));
}

#[test]
fn the_end_of_each_value_is_told_where_it_is_before_that_of_its_row_and_so_is_how_long_exports_stay() {
    let installation = published(&[]);
    installation.edit("jobs/policy.toml", "grace = \"PT24H\"", "grace = \"PT24H\"\nraw_keep = \"P30D\"");
    let report = answer(&installation, "crm-id@test: crm-00001\n").report;
    let row = &report.datasets[0].rows[0];
    assert_eq!(row.until.keys().map(String::as_str).collect::<Vec<_>>(), ["email"]);
    assert!(row.until["email"] < row.keep_until);
    let keep = report.datasets[0].fields.iter().find(|field| field.name == "email").unwrap().keep.clone();
    assert!(keep.is_some() && report.raw_exports.keep.is_some());
}
