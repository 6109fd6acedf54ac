use super::*;
use crate::error::Code;
use object_store::memory::InMemory;
use std::sync::Arc;

struct Place {
    _runtime: tokio::runtime::Runtime,
    root: Root,
}

fn place() -> Place {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let root = Root::open("state", "/nowhere/at/all", runtime.handle().clone()).unwrap();
    Place { root: root.with_store(Arc::new(InMemory::new())), _runtime: runtime }
}

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn keys(identity: &str, token: &str, epoch: &str) -> KeyIds {
    KeyIds { identity: KeyId(identity.into()), token: KeyId(token.into()), epoch: epoch.into() }
}

const NOW: &str = "2026-11-24T02:00:00Z";

fn made(place: &Place) -> State {
    State::create(&place.root, &keys("aa", "bb", "2026a"), at(NOW)).unwrap()
}

fn intent(run: &str) -> Intent {
    let object = Pin { object: "raw:x/1.csv".into(), bytes: 7, etag: Some("\"1\"".into()), version: None };
    Intent {
        run: run.into(),
        job: "crm".into(),
        at: at(NOW),
        as_of: at(NOW),
        plan: "ab".into(),
        policy: "cd".into(),
        set: Some("2026-11-24".into()),
        objects: vec![object],
        replaces: None,
        segment: 0,
        record: 0,
        witness: None,
    }
}

#[test]
fn a_state_is_made_once_and_must_be_made_before_use() {
    let place = place();
    let error = State::open(&place.root).err().unwrap();
    assert_eq!(error.code(), Code::StateMissing);
    assert!(error.help_text().unwrap().contains("tamis state create"));
    made(&place);
    assert!(State::open(&place.root).is_ok());
    let again = State::create(&place.root, &keys("aa", "bb", "2026a"), at(NOW)).err().unwrap();
    assert_eq!(again.code(), Code::AlreadyThere);
}

#[test]
fn a_state_of_a_newer_version_and_one_that_is_none_are_refused() {
    let place = place();
    made(&place);
    let newer = format!("{{\"format\":9,\"created\":\"{NOW}\"}}");
    for (text, code) in [(newer.as_str(), Code::StateBeyond), ("{", Code::StatePartUnreadable)] {
        place.root.put("tamis.json", text.into()).unwrap();
        assert_eq!(State::open(&place.root).err().map(|error| error.code()), Some(code));
    }
}

#[test]
fn a_creation_cut_short_is_completed_with_the_same_keys_only() {
    let place = place();
    made(&place);
    place.root.delete("tamis.json").unwrap();
    let other = State::create(&place.root, &keys("ab", "bb", "2026a"), at(NOW)).err().unwrap();
    assert!(other.code() == Code::KeyDiffers && other.message().starts_with("identity.key "), "{other}");
    let later = State::create(&place.root, &keys("aa", "bb", "2026a"), at("2026-11-25T02:00:00Z")).unwrap();
    assert_eq!(later.ledger().entries().unwrap().len(), 1, "said once in the ledger");
}

#[test]
fn another_key_stops_and_a_new_epoch_is_added_once() {
    let place = place();
    let state = made(&place);
    assert_eq!(state.check_keys(&keys("aa", "bb", "2026a")).unwrap(), EpochState::Known);
    for (wrong, says) in
        [(keys("a0", "bb", "2026a"), "no stored erasure"), (keys("aa", "b0", "2026a"), "no longer join")]
    {
        let error = state.check_keys(&wrong).unwrap_err();
        assert_eq!(error.code(), Code::KeyDiffers);
        assert!(error.help_text().unwrap().contains(says));
    }
    state.check_epoch("2026a", "bb").unwrap();
    assert_eq!(state.check_epoch("2026a", "b0").unwrap_err().code(), Code::KeyOfVersionDiffers);
    let next = keys("aa", "cc", "2027a");
    assert_eq!(state.check_keys(&next).unwrap(), EpochState::New);
    let of = RunRef { run: "crm-1", attempt: 1, since: at(NOW) };
    state.add_epoch(of, &next, at(NOW)).unwrap();
    state.add_epoch(of, &next, at(NOW)).unwrap();
    assert_eq!(state.check_keys(&next).unwrap(), EpochState::Known);
    assert!(state.add_epoch(of, &keys("aa", "dd", "2027a"), at(NOW)).is_err());
    assert_eq!(state.ledger().entries().unwrap().len(), 2);
}

#[test]
fn a_lost_record_of_a_token_key_makes_no_new_epoch_and_verify_names_it() {
    let place = place();
    let state = made(&place);
    let faults = || crate::evidence::verify(&place.root, &BTreeMap::new(), None).unwrap().faults;
    assert_eq!(faults(), Vec::<String>::new());
    place.root.delete("keys/token-2026a.json").unwrap();
    let error = state.check_keys(&keys("aa", "cc", "2026a")).unwrap_err();
    assert!(
        error.code() == Code::StatePartMissing && error.message().contains("token-2026a.json is missing"),
        "{error}"
    );
    assert!(faults()[0].contains("token-2026a.json is missing"), "{:?}", faults());
    // Another key in its place is not the one that the ledger names.
    let of = RunRef { run: "crm-1", attempt: 1, since: at(NOW) };
    state.add_epoch(of, &keys("aa", "cc", "2026a"), at(NOW)).unwrap();
    let found = faults().join(", ");
    assert!(found.contains("names another token key") && found.contains("is not the key"), "{found}");
}

#[test]
fn a_run_begins_once_and_its_first_intent_stays_in_force() {
    let place = place();
    let state = made(&place);
    let first = intent("crm-1");
    assert_eq!(state.stored_intent("crm-1").unwrap(), None);
    assert_eq!(state.intent("crm-1", &first).unwrap(), Created::New);
    let later = Intent { at: at("2026-11-24T03:00:00Z"), ..first.clone() };
    assert_eq!(state.intent("crm-1", &later).unwrap(), Created::Exists);
    assert_eq!(state.stored_intent("crm-1").unwrap(), Some(first));
    assert_eq!(state.ledger().entries().unwrap().len(), 2);
}

#[test]
fn an_intent_without_its_entry_gets_it_when_the_run_begins_again() {
    let place = place();
    let state = made(&place);
    let bytes = evidence::json(&intent("crm-1")).unwrap();
    place.root.create("runs/crm-1/intent.json", bytes).unwrap();
    state.stored_intent("crm-1").unwrap().unwrap();
    state.stored_intent("crm-1").unwrap().unwrap();
    let entries = state.ledger().entries().unwrap();
    assert_eq!(entries.len(), 2);
    assert!(matches!(entries[1].event, LedgerEvent::Intent { .. }));
}

#[test]
fn attempts_are_never_shared() {
    let place = place();
    let state = made(&place);
    assert_eq!(state.next_attempt("crm-1", "n1", 0, at(NOW)).unwrap(), 1);
    assert_eq!(state.next_attempt("crm-1", "n2", 0, at(NOW)).unwrap(), 2);
    assert_eq!(state.next_attempt("crm-2", "n3", 0, at(NOW)).unwrap(), 1);
}

#[test]
fn records_follow_each_other_and_a_second_writer_is_refused() {
    let place = place();
    let state = made(&place);
    assert_eq!(state.dataset("crm").unwrap(), None);
    let mut record = Dataset::new("crm", "lake:crm");
    for n in 1..=15 {
        record.seen(Instant(n));
        state.save_dataset(&mut record).unwrap();
    }
    assert_eq!((record.seq, state.dataset("crm").unwrap()), (15, Some(record.clone())));
    assert_eq!(place.root.list("datasets/crm").unwrap().len(), 11);
    let mut stale = state.dataset("crm").unwrap().unwrap();
    record.seen(Instant(99));
    state.save_dataset(&mut record).unwrap();
    stale.seen(Instant(98));
    assert_eq!(state.save_dataset(&mut stale).unwrap_err().code(), Code::Overtaken);
    assert_eq!(state.dataset("crm").unwrap().unwrap().last_as_of, Some(Instant(99)));
    assert_eq!(state.jobs().unwrap(), ["crm"]);
}

#[test]
fn r28_time_does_not_go_back_for_a_dataset() {
    let mut record = Dataset::new("crm", "lake:crm");
    record.check_as_of(Instant(0)).unwrap();
    record.seen(Instant(5));
    record.seen(Instant(3));
    record.check_as_of(Instant(5)).unwrap();
    assert_eq!(record.check_as_of(Instant(4)).unwrap_err().code(), Code::AsOfWrong);
}

#[test]
fn r38_a_published_set_is_known_by_its_objects() {
    let mut record = Dataset::new("crm", "lake:crm");
    let objects = intent("crm-1").objects;
    assert_eq!(record.set_state("b", &objects), SetState::New);
    record.set_read("b", SetRead { pins: pins(&objects), records: 10, run: "crm-1".into(), version: Some(1) });
    assert_eq!(record.set_state("b", &objects), SetState::Same);
    let mut changed = objects.clone();
    changed[0].etag = None;
    assert_eq!(record.set_state("b", &changed), SetState::Changed);
}

#[test]
fn the_last_set_is_the_one_published_last_and_those_published_longest_ago_are_forgotten() {
    let mut record = Dataset::new("crm", "lake:crm");
    let read = |version| SetRead { pins: String::new(), records: 10, run: "crm-1".into(), version };
    for set in ["28.09.2026", "05.10.2026"] {
        record.set_read(set, read(None));
    }
    assert_eq!(record.last_set().unwrap().0, "28.09.2026", "an older tamis took the greatest name for the newest");
    for version in 0..500 {
        record.set_read(&format!("0{version}"), read(Some(version)));
    }
    assert_eq!(record.last_set().unwrap().0, "0499");
    assert!(record.sets.len() == 500 && !record.sets.contains_key("05.10.2026") && record.sets.contains_key("00"));
}

#[test]
fn drift_keeps_the_instant_it_was_first_seen() {
    let mut record = Dataset::new("crm", "lake:crm");
    record.drifted(&["A".into()], Instant(1));
    let second = record.drifted(&["A".into(), "B".into()], Instant(2));
    assert_eq!(second, [("A".into(), Instant(1)), ("B".into(), Instant(2))]);
    record.drifted(&[], Instant(3));
    assert_eq!(record.drifted(&["A".into()], Instant(4)), [("A".into(), Instant(4))]);
}

#[test]
fn an_acceptance_is_good_for_one_run() {
    let place = place();
    let state = made(&place);
    let accept = Accept {
        job: "crm".into(),
        plan: "0123abcd".into(),
        as_of: at(NOW),
        reason: "leads were merged".into(),
        by: None,
        at: at(NOW),
    };
    assert_eq!(state.use_accept("crm", "0123abcd", "crm-1").unwrap_err().code(), Code::PlanNotAccepted);
    for bad in [Accept { plan: "../x".into(), ..accept.clone() }, Accept { reason: " ".into(), ..accept.clone() }] {
        assert_eq!(state.accept(&bad).unwrap_err().code(), Code::ArgumentWrong);
    }
    state.accept(&accept).unwrap();
    state.accept(&Accept { reason: "again".into(), at: at("2026-11-24T04:00:00Z"), ..accept.clone() }).unwrap();
    assert_eq!(state.accepts("crm").unwrap(), std::slice::from_ref(&accept));
    assert_eq!(state.ledger().entries().unwrap().len(), 2);
    state.use_accept("crm", "0123abcd", "crm-2").unwrap();
    state.use_accept("crm", "0123abcd", "crm-2").unwrap();
    assert_eq!(state.use_accept("crm", "0123abcd", "crm-3").unwrap_err().code(), Code::PlanNotAccepted);
    assert_eq!(state.accepts("crm").unwrap(), []);
    assert_eq!(state.accept(&accept).unwrap_err().code(), Code::AcceptanceUnfit);
}

#[test]
fn a_refusal_of_a_build_that_wrote_no_codes_is_read_and_written_as_it_was() {
    let kept = r#"{"due":"2026-11-24T02:00:00Z","at":"2026-11-24T02:00:00Z","exit":3,"cause":"why","help":null}"#;
    let read: RefusedRun = serde_json::from_str(kept).unwrap();
    assert_eq!(read.code, None);
    assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::from_str::<serde_json::Value>(kept).unwrap());
    let of_now = RefusedRun { code: Some(Code::InputMissing.name().into()), ..read };
    assert_eq!(serde_json::to_value(&of_now).unwrap()["code"], "input-missing");
    assert_eq!(serde_json::from_value::<RefusedRun>(serde_json::to_value(&of_now).unwrap()).unwrap(), of_now);
}

fn refusal(due: &str, exit: u8) -> RefusedRun {
    RefusedRun { due: at(due), at: at(NOW), exit, code: None, cause: "why".into(), help: None }
}

#[test]
fn an_instant_is_settled_by_its_end_and_tried_again_only_when_storage_was_away() {
    let place = place();
    let state = made(&place);
    let (first, second) = ("2026-11-23T02:00:00Z", "2026-11-24T02:00:00Z");
    let record = state.settle("crm", at(first), &End::Again(refusal(first, 75))).unwrap();
    assert_eq!((record.settled, record.refusal.map(|r| r.exit)), (None, Some(75)));
    let record = state.settle("crm", at(first), &End::Published).unwrap();
    assert_eq!((record.settled, record.published, record.refusal), (Some(at(first)), Some(at(first)), None));
    let record = state.settle("crm", at(second), &End::Refused(refusal(second, 4))).unwrap();
    assert_eq!((record.settled, record.published), (Some(at(second)), Some(at(first))));
    assert_eq!(state.scheduled("crm").unwrap(), record);
    assert_eq!(state.settle("crm", at(first), &End::Missed).unwrap().settled, Some(at(second)), "never goes back");
    for _ in 0..5 {
        state.settle("crm", at(second), &End::Missed).unwrap();
    }
    assert_eq!(place.root.list("schedules/crm").unwrap().len(), 4);
}

#[test]
fn a_lease_has_one_holder_until_it_is_freed_or_ends() {
    let place = place();
    let state = made(&place);
    let (now, minute) = (at(NOW), 60_000_000);
    let claim = |job: &str, name: &str, now| state.claim(job, &Claimant::named(name), name, now, minute).unwrap();
    let Claim::Ours(mut lease) = claim("crm", "a", now) else { panic!("it is free") };
    let Claim::Theirs(theirs) = claim("crm", "b", now) else { panic!("it is held") };
    assert_eq!((theirs.holder.as_str(), theirs.until), ("a", Instant(now.0 + minute)));
    assert!(matches!(claim("other", "b", now), Claim::Ours(_)));
    let later = Instant(now.0 + minute - 1);
    assert!(lease.renew(later).unwrap());
    assert!(state.holder("crm", Instant(now.0 + minute)).unwrap().is_some(), "renewed");
    let ended = Instant(later.0 + minute);
    let Claim::Ours(mut other) = claim("crm", "b", ended) else { panic!("it has ended") };
    assert!(!lease.renew(ended).unwrap(), "it is b's now");
    other.free(ended).unwrap();
    assert_eq!(state.holder("crm", ended).unwrap(), None);
    assert!(matches!(claim("crm", "c", ended), Claim::Ours(_)));
    assert!(place.root.list("leases/crm").unwrap().len() <= 3);
}

/// Old generations are deleted: the number after the sleeper's is free again.
#[test]
fn whoever_slept_while_many_came_and_went_has_lost_lease_and_record() {
    let place = place();
    let state = made(&place);
    let now = at(NOW);
    let Claim::Ours(mut sleeper) = state.claim("crm", &Claimant::named("a"), "a", now, 1).unwrap() else { panic!() };
    let mut slept = Dataset::new("crm", "lake:crm");
    let mut record = slept.clone();
    for n in 1..20 {
        let later = Instant(now.0 + n * 10);
        let claim = state.claim("crm", &Claimant::named("b"), "b", later, 1).unwrap();
        let Claim::Ours(mut lease) = claim else { panic!("it has ended") };
        lease.free(later).unwrap();
        state.save_dataset(&mut record).unwrap();
    }
    let before = place.root.list("").unwrap();
    assert!(!sleeper.renew(Instant(now.0 + 1000)).unwrap());
    assert_eq!(state.check_newest(&slept).unwrap_err().code(), Code::Overtaken);
    assert_eq!(state.save_dataset(&mut slept).unwrap_err().code(), Code::Overtaken);
    assert_eq!(place.root.list("").unwrap(), before, "nothing of the sleeper is left");
    assert_eq!(state.dataset("crm").unwrap().unwrap().seq, 19);
}

#[test]
fn what_a_dead_process_of_this_machine_held_is_free() {
    let place = place();
    let state = made(&place);
    let process = |machine: &str, number| Some(Process { machine: machine.into(), number, began: 1 });
    let ended = |process: &Process| (process.machine == "here").then_some(process.number == 1);
    let claim = |name: &str, process| {
        let who = Claimant { name: name.into(), process, ended };
        state.claim("crm", &who, name, at(NOW), 60_000_000).unwrap()
    };
    assert!(matches!(claim("dead", process("here", 1)), Claim::Ours(_)));
    assert!(matches!(claim("alive", process("here", 2)), Claim::Ours(_)));
    let Claim::Theirs(theirs) = claim("another", process("here", 3)) else { panic!("it is held") };
    assert_eq!(theirs.holder, "alive");
}

#[test]
fn a_clock_before_the_last_entry_is_refused_beyond_a_minute() {
    let place = place();
    let state = made(&place);
    state.check_clock(at("2026-11-24T01:59:30Z")).unwrap();
    let error = state.check_clock(at("2026-11-24T00:00:00Z")).unwrap_err();
    assert_eq!(error.code(), Code::ClockBehind);
    assert!(error.message().contains("2026-11-24T02:00:00Z"), "{error}");
}
