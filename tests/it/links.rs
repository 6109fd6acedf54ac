//! Who is meant and what applies, from CSV files and lists to published versions: links, effects and bases, what is
//! learned and noted, requests in an export, and `subject`.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tamis::by_hand::{self, Asked, RequestTerms};
use tamis::clock::{Clock, Instant};
use tamis::error::{Code, Result};
use tamis::evidence::LedgerEvent;
use tamis::job::{self, Call, Caller, SubjectCall, data_roots};
use tamis::key::Keyring;
use tamis::minimize::IdentityMaker;
use tamis::monitor::{self, Recorder, Silent};
use tamis::policy::{self, Effect, Ground, Identifier, Normal};
use tamis::questions::{self, LinkBond, find};
use tamis::requests::{RequestState, Requests, Review, half};
use tamis::run::{self, Report};
use tamis::store::Root;
use tamis::sweep;
use zeroize::Zeroizing;

struct Site {
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
}

const SOURCE: &str = r#"
spec = 1
name = "contact"
[read]
format = "csv"
[subject]
key = "Id"
strong = ["Master", "Individual"]
weak = ["Email"]
clock = ["Seen"]
[consent]
column = "Agreed"
equals = ["yes"]
[columns]
Id = { identifier = "crm-id@one", category = "identity", purposes = ["stats"] }
Master = { identifier = "crm-id@one", category = "identity" }
Individual = { identifier = "party-id@one", category = "identity" }
Email = { identifier = "email", category = "contact" }
City = { category = "location", purposes = ["stats"], quasi = false }
Agreed = { category = "technical" }
Seen = { type = "date", formats = ["%Y-%m-%d"], category = "technical" }
"#;

const JOB: &str = r#"
spec = 1
name = "contacts"
source = "contact"
input = "raw:contacts.csv"
purpose = "stats"
output = "lake:contacts"
[retention]
keep = "P3Y"
[fields]
contact = { from = "Id", treat = "pseudonymize", subject = true }
city = { from = "City", treat = "as-is" }
[limits]
max_removed = "100%"
allow_empty = true
"#;

/// `extra` goes to the end of the policy: its lists.
fn policy_text(basis: &str, sale: bool, extra: &str) -> String {
    let kind = if sale {
        "kind = \"third-party\"\nsale = true\ncontract = \"C-1\"\ncountry = \"DE\"\nreview_by = \"2027-01-01\""
    } else {
        "kind = \"internal\""
    };
    format!(
        r#"
spec = 1
controller = "Acme GmbH"
[roots]
raw = "raw"
lake = "lake"
state = "state"
lists = "lists"
[keys]
dir = "keys"
epoch = "2026a"
[purposes.stats]
description = "Statistics"
lawful_basis = "{basis}"
reference = "R-1"
max_keep = "P3Y"
min_k = 1
categories = ["identity", "contact", "location"]
recipients = ["team"]
[recipients.team]
{kind}
{extra}
"#
    )
}

fn list(effect: &str) -> String {
    let more = match effect {
        "object" => "purposes = [\"stats\"]\n",
        "restrict" => "ground = \"a\"\n",
        _ => "",
    };
    format!(
        "[lists.{effect}]\ninput = \"lists:{effect}*.csv\"\neffect = \"{effect}\"\n\
         match = {{ Id = \"crm-id@one\", Email = \"email\" }}\nrequest = \"Case\"\nreceived = \"At\"\n\
         may_be_empty = true\n{more}"
    )
}

const HEAD: &str = "Id,Master,Individual,Email,City,Agreed,Seen\n";

fn contact(id: &str, master: &str, email: &str) -> String {
    format!("{id},{master},,{email},Berlin,yes,2026-06-01\n")
}

impl Site {
    fn new(policy: &str) -> Site {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let site = Site { runtime, folder: tempfile::tempdir().unwrap() };
        for folder in ["sources", "raw", "lake", "lists"] {
            std::fs::create_dir(site.path(folder)).unwrap();
        }
        site.put("policy.toml", policy);
        site.put("sources/contact.toml", SOURCE);
        site.put("contacts.toml", JOB);
        site
    }
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }
    fn contacts(&self, rows: &[String]) {
        self.put("raw/contacts.csv", HEAD.to_owned() + &rows.concat());
    }
    fn call(&self, day: u32) -> Call {
        let now = Instant::parse(&format!("2026-11-{day:02}T02:00:00Z")).unwrap();
        Call {
            dir: self.folder.path().to_path_buf(),
            roots: Vec::new(),
            job: "contacts".into(),
            as_of: None,
            caller: Caller::at(now),
            scheduled: false,
            stop: job::Stop::default(),
            project: None,
            now,
            threads: 2,
            memory_bytes: 1 << 20,
            spill: self.path("spill"),
            block_bytes: 1 << 16,
            demo: true,
            runtime: self.runtime.handle().clone(),
            wrap: None,
        }
    }
    fn run(&self, day: u32) -> Result<Report> {
        run::run(&self.call(day), &Silent)
    }
    fn subject(&self, day: u32, values: &str) -> SubjectCall {
        SubjectCall {
            dir: self.folder.path().to_path_buf(),
            roots: Vec::new(),
            now: self.call(day).now,
            runtime: self.runtime.handle().clone(),
            wrap: None,
            values: Zeroizing::new(values.to_owned()),
        }
    }
    fn state(&self) -> Root {
        Root::open("state", self.path("state").to_str().unwrap(), self.runtime.handle().clone()).unwrap()
    }
    fn keys(&self) -> Keyring {
        let project = policy::load(self.folder.path(), &[]).unwrap();
        Keyring::load(&project.keys, &data_roots(&project)).unwrap()
    }
    fn requests(&self) -> Requests {
        Requests::open(&self.state(), &self.keys().identity).unwrap()
    }
    fn identity(&self, kind: &str, value: &str) -> [u8; 32] {
        let normal = if kind == "email" { Normal::Email } else { Normal::Text };
        let identifier = Identifier::new(format!("{kind}/1"), normal);
        IdentityMaker::new(&self.keys(), &identifier).make(&[value], None).unwrap().1
    }
    fn events(&self) -> Vec<LedgerEvent> {
        let state = tamis::state::State::open(&self.state()).unwrap();
        state.ledger().entries().unwrap().into_iter().map(|entry| entry.event).collect()
    }
}

fn removed(report: &Report) -> BTreeMap<&str, u64> {
    report.manifest.removed.iter().filter(|r| r.rows > 0).map(|r| (r.reason.as_str(), r.rows)).collect()
}

#[test]
fn a_request_reaches_its_person_under_every_id_and_nobody_else() {
    let site = Site::new(&policy_text("legitimate-interests", false, &list("erase")));
    let mut rows = vec![
        contact("A1", "", "ann@example.org"),
        contact("A2", "A1", "ann.old@example.org"),
        contact("A3", "A2", ""),
        contact("B1", "", "ANN@example.org"),
        contact("C1", "", "ann.old@example.org"),
        contact("D1", "", "not an address"),
        contact("E1", "", "not an address"),
        contact("F1", "", "other@example.org"),
    ];
    rows.extend((1..=40).map(|n| contact(&format!("I{n}"), "", "info@example.org")));
    site.contacts(&rows);
    site.put("lists/erase.csv", "Case,At,Id,Email\nC-1,2026-11-01,A3,\nC-2,2026-11-01,,Not an address\nC-3,2026-11-01,I7,\nC-4,2026-11-01,,gone@example.org\n");
    let report = site.run(2).unwrap();
    // A3 -> A2 -> A1 by merges; their addresses lead to B1 and C1; the raw form hits D1 and E1; info@ leads nowhere.
    assert_eq!(removed(&report), BTreeMap::from([("erased", 8)]));
    let list = &report.manifest.lists[0];
    assert_eq!((list.entries, list.reached, list.learned, list.needs_review), (4, 3, 4, 1));
    assert_eq!(report.manifest.links, "applied");
    let requests = site.requests();
    let standing = |case: &str| requests.standing(requests.of_request(case)[0], "contacts");
    assert_eq!((standing("C-1").state, standing("C-1").review), (RequestState::Applied, None));
    assert_eq!((standing("C-3").status().word(), standing("C-3").review), ("needs-review", Some(Review::SharedAlias)));
    assert_eq!(standing("C-4").status().word(), "unmatched");
    let known = find::find(&site.subject(2, "crm-id@one: I7")).unwrap();
    assert!(known.requests[0].review["contacts"].contains("share"));
    // The next export shows neither the merges nor the shared address: what was learned holds.
    site.contacts(&[contact("A1", "", "new@example.org"), contact("B1", "", ""), contact("F1", "", "new@example.org")]);
    assert_eq!(
        removed(&site.run(3).unwrap()),
        BTreeMap::from([("erased", 3)]),
        "A1, B1, and F1 by the address of A1 now"
    );
}

/// Leads that became contacts are one person with them; a task is of one person today and of another tomorrow.
#[test]
fn r17_observed_rows_link_by_ids_of_persons_and_not_by_those_of_records() {
    for (category, erased) in [("identity", 2), ("technical", 0)] {
        let site = Site::new(&policy_text("legitimate-interests", false, &list("erase")));
        let task = format!(
            "spec = 1\nname = \"task\"\n[read]\nformat = \"csv\"\n[subject]\nkey = \"TaskId\"\nclock = [\"On\"]\n[columns]\n\
             TaskId = {{ identifier = \"crm-id@one\", category = \"{category}\" }}\n\
             WhoId = {{ identifier = \"crm-id@one\", category = \"identity\" }}\n\
             On = {{ type = \"date\", formats = [\"%Y-%m-%d\"], category = \"technical\" }}\n"
        );
        site.put("sources/task.toml", task);
        let observe = "[[observe]]\nsource = \"task\"\ninput = \"raw:tasks.csv\"\nsubject = \"WhoId\"\nclock = [\"On\"]\n[fields]";
        site.put("contacts.toml", JOB.replace("[fields]", observe));
        site.contacts(&[contact("A1", "", ""), contact("B1", "", ""), contact("C1", "", "")]);
        site.put("raw/tasks.csv", "TaskId,WhoId,On\nT1,A1,2026-06-01\nT1,B1,2026-06-02\nT2,C1,2026-06-01\n");
        site.put("lists/erase.csv", "Case,At,Id,Email\nC-1,2026-11-01,T1,\n");
        let report = site.run(2).unwrap();
        assert_eq!(removed(&report).get("erased").copied().unwrap_or(0), erased, "{category}");
    }
}

#[test]
fn r18_what_was_learned_outlives_a_run_that_is_refused() {
    let site = Site::new(&policy_text("legitimate-interests", false, &list("erase")));
    site.put("contacts.toml", JOB.replace("max_removed = \"100%\"\nallow_empty = true", "max_removed = \"10%\""));
    let both = [contact("A1", "", "a@example.org"), contact("A2", "A1", "")];
    site.contacts(&both);
    site.put("lists/erase.csv", "Case,At,Id,Email\nC-1,2026-11-01,A2,\n");
    assert_eq!(site.run(2).err().map(|e| e.code()), Some(Code::Brake));
    let requests = site.requests();
    let learned = requests.effects(half(&site.identity("crm-id@one", "A1")));
    assert_eq!(learned.iter().map(|e| e.bond()).collect::<Vec<_>>(), [tamis::requests::StoredBond::Strong]);
    assert_eq!(requests.standing(learned[0].entry(), "contacts").status().word(), "received", "nothing was published");
}

#[test]
fn r29_each_effect_on_each_basis() {
    let bases = ["consent", "contract", "legal-obligation", "vital-interests", "public-task", "legitimate-interests"];
    let reasons = [
        ("erase", "erased", "110111"),
        ("restrict", "restricted", "111111"),
        ("object", "objected", "000011"),
        ("withdraw", "no-consent", "100000"),
        ("opt-out", "opted-out", "000000"),
        ("hold", "", "000000"),
    ];
    for (effect, reason, binds) in reasons {
        for (basis, binds) in bases.iter().zip(binds.chars()) {
            one(effect, reason, basis, false, binds == '1');
        }
    }
    one("opt-out", "opted-out", "contract", true, true);
}

fn one(effect: &str, reason: &str, basis: &str, sale: bool, binds: bool) {
    let site = Site::new(&policy_text(basis, sale, &list(effect)));
    site.contacts(&[contact("A1", "", "a@example.org"), contact("B1", "", "b@example.org")]);
    site.put(&format!("lists/{effect}.csv"), "Case,At,Id,Email\nC-1,2026-11-01,,A@example.org\n");
    let report = site.run(2).unwrap();
    let expected = if binds { BTreeMap::from([(reason, 1)]) } else { BTreeMap::new() };
    assert_eq!(removed(&report), expected, "{effect} on {basis}");
    let list = &report.manifest.lists[0];
    assert_eq!((list.reached, list.not_binding.is_none()), (1, binds), "{effect} on {basis}");
    let requests = site.requests();
    let word = requests.standing(requests.of_request("C-1")[0], "contacts").status().word();
    assert_eq!(word, if binds || effect == "hold" { "applied" } else { "not-binding" }, "{effect} on {basis}");
}

#[test]
fn r30_r32_lifts_and_consents_by_list() {
    let lift = "[lists.lift]\ninput = \"lists:lift*.csv\"\neffect = \"lift\"\nrequest = \"Case\"\nreceived = \"At\"\n\
                lifts = \"Ends\"\ninformed = \"Told\"\nmay_be_empty = true\n";
    let consent = "[lists.consent]\ninput = \"lists:consent*.csv\"\neffect = \"consent\"\n\
                   match = { Id = \"crm-id@one\", Email = \"email\" }\nrequest = \"Case\"\nreceived = \"At\"\n\
                   from = \"From\"\nto = \"To\"\n";
    let lists = [&list("restrict"), lift, consent].concat();
    let site = Site::new(&policy_text("consent", false, &lists));
    site.put("sources/contact.toml", SOURCE.replace("[consent]\ncolumn = \"Agreed\"\nequals = [\"yes\"]\n", ""));
    site.contacts(&[
        contact("A1", "", "a@example.org"),
        contact("A2", "A1", ""),
        contact("B1", "", "b@example.org"),
        contact("C1", "", ""),
    ]);
    site.put("lists/restrict.csv", "Case,At,Id,Email\nC-1,2026-11-01,B1,\n");
    site.put("lists/consent.csv", "Case,At,Id,Email,From,To\nC-2,2026-11-01,A1,,2026-11-01,2026-11-05\nC-3,2026-11-01,,b@example.org,,\nC-4,2026-11-01,C1,,2026-12-01,\n");
    let first = site.run(2).unwrap();
    assert_eq!(
        removed(&first),
        BTreeMap::from([("restricted", 1), ("no-consent", 2)]),
        "A2 is another key, C1 too early"
    );
    site.put("lists/lift.csv", "Case,At,Ends,Told\nC-9,2026-11-03,C-1,2026-11-03\n");
    let second = site.run(4).unwrap();
    assert_eq!(removed(&second), BTreeMap::from([("no-consent", 2)]), "A1 and B1 stay");
    assert_eq!(removed(&site.run(6).unwrap()), BTreeMap::from([("no-consent", 3)]), "A1's has ended");
}

#[test]
fn requests_in_an_export_are_those_whose_column_says_so() {
    let forget = "[lists.forget]\ninput = \"raw:WE_*.zip\"\nmember = \"Individual.csv\"\neffect = \"erase\"\n\
                  match = { Id = \"party-id@one\" }\nrequest = \"Id\"\nreceived = \"Changed\"\n\
                  when = { column = \"ShouldForget\", equals = [\"true\", \"1\"] }\n";
    let site = Site::new(&policy_text("contract", false, forget));
    site.put(
        "raw/contacts.csv",
        HEAD.to_owned()
            + "A1,,P1,,Berlin,yes,2026-06-01\nA2,,P1,,Berlin,yes,2026-06-01\nB1,,P2,,Berlin,yes,2026-06-01\n",
    );
    let individuals = "Id,ShouldForget,Changed\nP1,TRUE,2026-10-01T00:00:00.000Z\nP2,false,2026-10-01T00:00:00.000Z\n";
    for (name, members) in
        [("raw/WE_1.zip", vec![("Account.csv", "x")]), ("raw/WE_2.zip", vec![("a/Individual.csv", individuals)])]
    {
        site.put(name, zip(&members));
    }
    let report = site.run(2).unwrap();
    assert_eq!(removed(&report), BTreeMap::from([("erased", 2)]));
    assert_eq!(report.manifest.lists[0].entries, 1);
    // The flag is gone from the next export: the request stays.
    site.put("raw/WE_2.zip", zip(&[("Individual.csv", &individuals.replace("TRUE", "false"))]));
    assert_eq!(removed(&site.run(3).unwrap()), BTreeMap::from([("erased", 2)]));
    let mut damaged = zip(&[("Individual.csv", individuals)]);
    let middle = damaged.len() / 3;
    damaged[middle] ^= 0x55;
    site.put("raw/WE_3.zip", damaged);
    let error = site.run(4).err().unwrap();
    assert_eq!(error.code(), Code::RequestListUnreadable);
    assert!(error.message().contains("WE_3.zip"), "{}", error.message());
}

fn zip(members: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in members {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(*name, options).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn asked(effect: Effect, request: &str) -> Asked {
    let (purposes, received, lifts) = (Vec::new(), None, None);
    let terms = RequestTerms { ground: (effect == Effect::Restrict).then_some(Ground::A), ..RequestTerms::default() };
    Asked { effect, request: request.into(), purposes, received, lifts, lift_erase: false, lift_several: false, terms }
}

#[test]
fn requests_by_command_are_stored_applied_and_found() {
    let site = Site::new(&policy_text("legitimate-interests", false, ""));
    site.contacts(&[contact("A1", "", "a@example.org"), contact("A2", "A1", ""), contact("B1", "", "b@example.org")]);
    site.run(2).unwrap();
    let typed = "email: A@example.org\n\ncrm-id@one:A1\n";
    let stored = by_hand::ask(&site.subject(3, typed), asked(Effect::Erase, "T-1")).unwrap();
    assert_eq!((stored.new, stored.identities, stored.raw), (true, 2, 0));
    assert_eq!(stored.due, Instant::parse("2026-12-03T02:00:00Z").unwrap());
    assert_eq!(stored.binds, ["contacts"]);
    let again = Asked { received: Some(stored.received), ..asked(Effect::Erase, "T-1") };
    assert!(!by_hand::ask(&site.subject(3, typed), again).unwrap().new);
    let known = find::find(&site.subject(3, "crm-id@one: A1")).unwrap();
    assert_eq!((known.datasets[0].rows, known.datasets[0].version), (2, 0), "A1, and A2 that names it as its master");
    assert_eq!((known.requests[0].request.as_str(), known.requests[0].states["contacts"].word()), ("T-1", "received"));
    let report = site.run(4).unwrap();
    assert_eq!(removed(&report), BTreeMap::from([("erased", 2)]));
    assert_eq!((report.manifest.lists[0].name.as_str(), report.manifest.lists[0].entries), ("command", 1));
    let known = find::find(&site.subject(5, "crm-id@one: A2")).unwrap();
    assert_eq!(known.datasets[0].rows, 0);
    assert!(!known.requests[0].named, "learned by a link");
    assert_eq!(known.requests[0].states["contacts"].word(), "applied");
    let lift = Asked { lifts: Some("T-1".into()), lift_erase: true, ..asked(Effect::Lift, "T-2") };
    assert_eq!(by_hand::ask(&site.subject(6, ""), lift).unwrap().ends, Some(1));
    assert_eq!(removed(&site.run(7).unwrap()), BTreeMap::new());
    let events = site.events();
    assert_eq!(events.iter().filter(|e| matches!(e, LedgerEvent::Asked { .. })).count(), 2, "asking is in the ledger");
    assert_eq!(events.iter().filter(|e| matches!(e, LedgerEvent::Requests { .. })).count(), 2);
}

#[test]
fn what_is_typed_wrongly_is_refused_without_showing_it() {
    let site = Site::new(&policy_text("legitimate-interests", false, ""));
    site.contacts(&[contact("A1", "", "a@example.org")]);
    site.run(2).unwrap();
    let refused = |values: &str, asked: Asked| {
        let error = by_hand::ask(&site.subject(3, values), asked).expect_err("refused");
        assert_eq!(error.code(), Code::RequestWrong);
        let text = format!("{} {}", error.message(), error.help_text().unwrap_or(""));
        assert!(!text.contains("secret"), "{text}");
        text
    };
    assert!(refused("secret@example.org", asked(Effect::Erase, "T-1")).contains("line 1"));
    assert!(refused("\nfax: secret", asked(Effect::Erase, "T-1")).contains("line 2"));
    assert!(refused("email: ", asked(Effect::Erase, "T-1")).contains("no value"));
    assert!(refused("", asked(Effect::Erase, "T-1")).contains("names no person"));
    assert!(
        refused("email: secret@example.org", asked(Effect::Erase, "secret@example.org")).contains("request_pattern")
    );
    assert!(refused("email: secret@example.org", asked(Effect::Object, "T-1")).contains("--purpose"));
    assert!(refused("", asked(Effect::Lift, "T-1")).contains("lift"));
    let lift = Asked { lifts: Some("T-0".into()), ..asked(Effect::Lift, "T-1") };
    assert!(refused("email: secret@example.org", lift).contains("no person"));
    assert!(site.requests().is_empty());
}

/// Values of a small world: ids with and without a normal form, and addresses likewise.
const IDS: [&str; 6] = ["0031t0000000A01", "0031t0000000A02", "0031t0000000A03", "0031t0000000A04", "odd 1", "odd 2"];
const MAILS: [&str; 4] = ["a@example.org", "b@example.org", "c@example.org", "no address"];

fn row() -> impl Strategy<Value = String> {
    let id = |weight| prop::option::weighted(weight, prop::sample::select(&IDS[..]));
    let mail = prop::option::weighted(0.6, prop::sample::select(&MAILS[..]));
    let party = prop::option::weighted(0.3, prop::sample::select(&["P1", "P2"][..]));
    (prop::sample::select(&IDS[..]), id(0.4), party, mail).prop_map(|(own, master, party, mail)| {
        let [master, party, mail] = [master, party, mail].map(Option::unwrap_or_default);
        format!("{own},{master},{party},{mail},Berlin,yes,2026-06-01\n")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1118), ..ProptestConfig::with_cases(10) })]

    /// The same request as a list before a run, and by command before a sweep of what was published without it.
    #[test]
    fn r11_to_r18_runs_and_sweeps_reach_the_same_rows_and_find_says_which(
        rows in prop::collection::vec(row(), 3..9),
        (id, mail) in (prop::sample::select(&IDS[..]), prop::sample::select(&MAILS[..])),
        by_mail in any::<bool>(),
    ) {
        let site = |lists: &str| {
            let site = Site::new(&policy_text("legitimate-interests", false, &lists.replace("crm-id@one", "salesforce-id")));
            site.put("sources/contact.toml", SOURCE.replace("crm-id@one", "salesforce-id"));
            site.contacts(&rows);
            site
        };
        let (line, typed) = match by_mail {
            true => (format!("C-1,2026-11-01,,{mail}\n"), format!("email: {mail}")),
            false => (format!("C-1,2026-11-01,{id},\n"), format!("salesforce-id: {id}")),
        };
        let listed = site(&list("erase"));
        listed.put("lists/erase.csv", format!("Case,At,Id,Email\n{line}"));
        let by_run = removed(&listed.run(2).unwrap()).get("erased").copied().unwrap_or(0);

        let swept = site("");
        swept.run(2).unwrap();
        let found = find::find(&swept.subject(3, &typed)).unwrap().datasets[0].erasure.clone();
        by_hand::ask(&swept.subject(3, &typed), asked(Effect::Erase, "C-1")).unwrap();
        let report = sweep::sweep(&swept.call(4), &Silent).unwrap();
        report.outcome().unwrap();
        let by_sweep = report.datasets[0].rows_in - report.datasets[0].rows_out;
        prop_assert_eq!((by_run, found.rows), (by_sweep, by_sweep));
    }
}

#[test]
fn find_says_what_an_erasure_would_reach_and_by_what() {
    let site = Site::new(&policy_text("legitimate-interests", false, ""));
    site.contacts(&[
        contact("A1", "", "old@example.org"),
        contact("A2", "A1", "ann@example.org"),
        contact("B1", "", "old@example.org"),
        contact("C1", "", "else@example.org"),
    ]);
    site.run(2).unwrap();
    let known = find::find(&site.subject(3, "crm-id@one: A2")).unwrap();
    let (dataset, erasure) = (&known.datasets[0], &known.datasets[0].erasure);
    assert_eq!((dataset.rows, dataset.subjects), (1, 1), "who carries the value itself");
    assert_eq!((erasure.rows, erasure.subjects, erasure.review), (3, 3, None));
    assert_eq!((erasure.by_strong_links, erasure.by_weak_values), (1, 1));
    let links: Vec<_> = erasure.links.iter().map(|link| (link.bond, link.role, link.rows)).collect();
    let expected = [(LinkBond::Given, "key", 1), (LinkBond::Strong, "key", 1), (LinkBond::ViaWeak, "weak", 1)];
    assert_eq!(links, expected, "by which columns");
    assert!(erasure.links.iter().all(|link| link.column.is_some()));
    assert!(site.requests().is_empty(), "nothing of it is stored");
    let mut rows: Vec<String> = (0..6).map(|n| contact(&format!("D{n}"), "", "info@example.org")).collect();
    rows.push(contact("A1", "", "ann@example.org"));
    site.contacts(&rows);
    site.run(4).unwrap();
    let erasure = find::find(&site.subject(5, "crm-id@one: D1")).unwrap().datasets[0].erasure.clone();
    assert_eq!(erasure.rows, 1);
    assert!(erasure.review.is_some_and(|why| why.contains("R15")));
}

#[test]
fn r30_a_lift_that_ends_nothing_is_told_until_it_ends_something() {
    let lift = "[lists.lift]\ninput = \"lists:lift*.csv\"\neffect = \"lift\"\nrequest = \"Case\"\nreceived = \"At\"\n\
                lifts = \"Ends\"\ninformed = \"Told\"\n";
    let site = Site::new(&policy_text("legitimate-interests", false, &[&list("restrict"), lift].concat()));
    site.contacts(&[contact("A1", "", "a@example.org"), contact("B1", "", "")]);
    site.put("lists/lift.csv", "Case,At,Ends,Told\nL-1,2026-11-02,C-1,2026-11-02\n");
    let told = Recorder::default();
    let report = run::run(&site.call(3), &told).unwrap();
    let list_line = |report: &Report| report.manifest.lists.iter().map(|l| l.lifts_nothing).sum::<u64>();
    assert_eq!(list_line(&report), 1);
    let warned = |event: &monitor::Event| matches!(event, monitor::Event::Warning(text) if text == "list lift: lifts nothing: no request C-1 is known");
    assert!(told.events().iter().any(warned), "{:?}", told.events());
    let idle = questions::request_status::standings(&site.subject(3, ""), 9).unwrap().idle_lifts;
    assert_eq!((idle[0].request.as_str(), idle[0].why.as_str()), ("L-1", "no request C-1 is known"));
    let command = Asked { lifts: Some("C-2".into()), ..asked(Effect::Lift, "L-2") };
    let stored = by_hand::ask(&site.subject(3, ""), command).unwrap();
    assert!(stored.new && stored.ends == Some(0) && stored.lift.is_some_and(|said| said.contains("no request")));
    let ahead = Asked { received: Some(site.call(9).now), lifts: Some("C-2".into()), ..asked(Effect::Lift, "L-3") };
    assert_eq!(by_hand::ask(&site.subject(3, ""), ahead).err().map(|e| e.code()), Some(Code::RequestWrong));
    // The request that the list's lift names comes later, and was received before it.
    site.put("lists/restrict.csv", "Case,At,Id,Email\nC-1,2026-11-01,A1,\n");
    let report = site.run(4).unwrap();
    assert_eq!((removed(&report), list_line(&report)), (BTreeMap::new(), 1), "only the command's is left");
    let idle = questions::request_status::standings(&site.subject(4, ""), 9).unwrap().idle_lifts;
    assert_eq!(idle.iter().map(|lift| lift.request.as_str()).collect::<Vec<_>>(), ["L-2"]);
}

/// A clock that reaches an instant after it has been looked at so many times.
struct Impatient(AtomicI64);

impl Clock for Impatient {
    fn now(&self) -> Instant {
        Instant(i64::from(self.0.fetch_sub(1, Ordering::SeqCst) <= 0))
    }
}

/// Stopped at its first look, then at its second, and so on: what was stopped is gone on with, and nothing is lost.
#[test]
fn runs_and_sweeps_may_be_stopped_at_any_look_and_the_next_one_goes_on() {
    let sweep = |call: &Call| sweep::sweep(call, &Silent).and_then(|report| report.outcome());
    let run = |call: &Call| run::run(call, &Silent).map(drop);
    for work in [sweep as fn(&Call) -> Result<()>, run] {
        let site = Site::new(&policy_text("legitimate-interests", false, &list("hold")));
        let (first, second) = (contact("A1", "", "a@example.org"), contact("A2", "A1", ""));
        site.contacts(&[first, second, contact("B1", "", "b@example.org")]);
        site.put("lists/hold.csv", "Case,At,Id,Email\nH-1,2026-11-01,B1,\n");
        site.run(2).unwrap();
        by_hand::ask(&site.subject(3, "email: a@example.org"), asked(Effect::Erase, "C-1")).unwrap();
        let mut looks = 0;
        loop {
            let clock = Arc::new(Impatient(AtomicI64::new(looks)));
            let stop = job::Stop::default().until(clock, Instant(1));
            if work(&Call { stop, ..site.call(4) }).is_ok() {
                break;
            }
            looks += 1;
            assert!(looks < 200, "it never ends");
        }
        assert!(looks > 10, "it was looked at {looks} times only");
        sweep::sweep(&site.call(5), &Silent).unwrap().outcome().unwrap();
        let known = find::find(&site.subject(5, "crm-id@one: A2")).unwrap();
        assert_eq!((known.datasets[0].rows, known.datasets[0].erasure.rows), (0, 0));
        assert_eq!(known.requests[0].states["contacts"].word(), "applied");
    }
}

#[test]
fn r32_a_column_s_yes_ends_in_a_sweep_when_the_list_s_does() {
    let consent = "[lists.consent]\ninput = \"lists:consent*.csv\"\neffect = \"consent\"\n\
                   match = { Id = \"crm-id@one\" }\nrequest = \"Case\"\nreceived = \"At\"\nto = \"To\"\n";
    let site = Site::new(&policy_text("consent", false, consent));
    site.contacts(&[contact("A1", "", ""), contact("B1", "", "")]);
    site.put("lists/consent.csv", "Case,At,Id,To\nC-1,2026-11-01,A1,2026-11-05\n");
    assert_eq!(removed(&site.run(2).unwrap()), BTreeMap::new(), "both say yes of A1, and the list nothing of B1");
    let swept = |day: u32| {
        let report = sweep::sweep(&site.call(day), &Silent).unwrap();
        report.outcome().unwrap();
        report.datasets[0].rows_out
    };
    assert_eq!((swept(4), swept(6)), (2, 1));
    assert_eq!(removed(&site.run(7).unwrap()), BTreeMap::from([("no-consent", 1)]), "a run says the same");
}
