//! Lifts that fail closed: what they would end of several persons (R54), what may have been asked for again (R63), and what
//! a snapshot has on other terms.

use crate::requests::{Place, identity, list, named_by};
use tamis::clock::Instant;
use tamis::policy::{Effect, Ground, List, Share};
use tamis::requests::{LiftEnds, RequestCommand, RequestTerms, half};

const HEADER: &str = "Case,RequestedAt,Email,ContactId\n";

fn lifts() -> List {
    let mut lift = list("lift", Effect::Lift);
    (lift.matches, lift.lifts, lift.lift_erase) = (Vec::new(), Some("Ends".into()), true);
    lift.may_be_empty = true;
    lift
}

/// A list over weekly exports, whose rows have no date.
fn flagged() -> List {
    let mut flagged = list("flagged", Effect::Erase);
    flagged.input.path = "exports/{set}/flagged.csv".into();
    (flagged.received, flagged.sets, flagged.may_be_empty) = (None, Some(None), true);
    flagged
}

impl Place {
    /// Whether an address is in force in any request.
    fn asks(&self, email: &str) -> bool {
        let requests = self.requests();
        requests.effects(half(&identity("email/1", email).1)).iter().any(|of| !requests.entry(of.entry()).ended)
    }

    /// What the only lift comes to; none when it ends something.
    fn idle(&self) -> Option<LiftEnds> {
        self.requests().idle_lifts().first().map(|(_, ends)| *ends)
    }

    fn take_in_at(&self, time: &str) {
        let now = Instant::parse(time).unwrap();
        let report = self.intake_now(&self.state(), &mut self.requests(), now).unwrap();
        assert_eq!(report.unreadable, 0, "{:?}", report.faults);
    }

    fn lift(&self, file: &str, request: &str, date: &str) {
        let rows = format!("Case,RequestedAt,Ends\nL-{file},{date},{request}\n");
        self.put(&format!("requests/lift/{file}.csv"), rows);
    }

    fn flag(&self, set: &str, emails: &[&str]) {
        let rows: String = emails.iter().map(|email| format!("C-{},{email},\n", &email[..1])).collect();
        self.put(&format!("exports/{set}/flagged.csv"), format!("Case,Email,ContactId\n{rows}"));
    }
}

#[test]
fn r54_a_lift_of_an_id_that_two_persons_share_ends_neither_until_it_says_so() {
    let place = Place::new([list("erasure", Effect::Erase), lifts()]);
    place.put(
        "requests/erasure/1.csv",
        format!("{HEADER}C-1,2026-11-02,ann@example.org,\nC-1,2026-11-02,bo@example.org,\n"),
    );
    place.take_in_at("2026-11-03T00:00:00Z");
    assert_eq!(place.requests().of_several_persons().len(), 1);
    place.lift("1", "C-1", "2026-11-04");
    place.take_in_at("2026-11-05T00:00:00Z");
    assert_eq!(place.idle(), Some(LiftEnds::Persons));
    assert!(place.asks("ann@example.org") && place.asks("bo@example.org"));
    let command = RequestCommand {
        effect: Effect::Lift,
        purposes: None,
        request: "L-2".into(),
        received: Instant::parse("2026-11-06T00:00:00Z").unwrap(),
        lifts: Some("C-1".into()),
        lift_erase: true,
        lift_several: true,
        terms: RequestTerms::default(),
        identities: Vec::new(),
    };
    let now = Instant::parse("2026-11-06T00:00:00Z").unwrap();
    assert!(place.requests().ask(&place.state(), command, now).unwrap());
    assert!(!place.asks("ann@example.org") && !place.asks("bo@example.org"));
    assert_eq!(place.idle(), None, "the first lift is reported no longer");
}

#[test]
fn r54_rows_that_share_a_value_are_of_one_person_and_consents_always_end() {
    let mut consent = list("consent", Effect::Consent);
    consent.purposes = Some(vec!["news".into()]);
    let place = Place::new([list("erasure", Effect::Erase), consent, lifts()]);
    place.put(
        "requests/erasure/1.csv",
        format!("{HEADER}C-1,2026-11-02,ann@example.org,003A\nC-1,2026-11-02,other@example.org,003A\n"),
    );
    place.put(
        "requests/consent/1.csv",
        format!("{HEADER}C-2,2026-11-02,cy@example.org,\nC-2,2026-11-02,di@example.org,\n"),
    );
    place.lift("1", "C-1", "2026-11-04");
    place.lift("2", "C-2", "2026-11-04");
    place.take_in_at("2026-11-05T00:00:00Z");
    for email in ["ann@example.org", "other@example.org", "cy@example.org", "di@example.org"] {
        assert!(!place.asks(email), "{email}");
    }
    assert!(place.requests().of_several_persons().is_empty());
}

#[test]
fn r63_a_lift_from_before_a_set_that_was_read_ends_nothing_that_the_set_may_have() {
    let place = Place::new([flagged(), lifts()]);
    for (set, read) in [("2026-11-01", "2026-11-01T03:00:00Z"), ("2026-11-08", "2026-11-08T03:00:00Z")] {
        place.flag(set, &["ann@example.org"]);
        place.take_in_at(read);
    }
    place.lift("1", "C-a", "2026-11-04");
    place.take_in_at("2026-11-09T00:00:00Z");
    assert_eq!((place.asks("ann@example.org"), place.idle()), (true, Some(LiftEnds::Repeated)));
    // One from the set's day on ends it, and a set that comes later takes nothing back by itself.
    place.lift("2", "C-a", "2026-11-08");
    place.take_in_at("2026-11-10T00:00:00Z");
    assert!(!place.asks("ann@example.org"));
    place.flag("2026-11-15", &["bo@example.org"]);
    place.take_in_at("2026-11-15T03:00:00Z");
    assert!(!place.asks("ann@example.org") && place.asks("bo@example.org"));
    // Who is in a later set has asked again.
    place.flag("2026-11-22", &["ann@example.org"]);
    place.take_in_at("2026-11-22T03:00:00Z");
    assert!(place.asks("ann@example.org"));
}

#[test]
fn r63_of_two_sets_of_one_day_the_one_after_the_lift_asks_again() {
    let place = Place::new([flagged(), lifts()]);
    place.flag("2026-11-08T02", &["ann@example.org"]);
    place.take_in_at("2026-11-08T03:00:00Z");
    place.lift("1", "C-a", "2026-11-08T10:00:00Z");
    place.take_in_at("2026-11-08T11:00:00Z");
    assert!(!place.asks("ann@example.org"));
    // The same bytes, read again, say nothing new.
    place.flag("2026-11-08T02", &["ann@example.org"]);
    place.take_in_at("2026-11-08T12:00:00Z");
    assert!(!place.asks("ann@example.org"));
    place.flag("2026-11-08T14", &["ann@example.org"]);
    place.take_in_at("2026-11-08T15:00:00Z");
    assert!(place.asks("ann@example.org"));
    // A lift between two sets that were both read is too early for the second.
    place.lift("2", "C-a", "2026-11-08T13:00:00Z");
    place.take_in_at("2026-11-08T16:00:00Z");
    assert!(place.asks("ann@example.org"));
    place.lift("3", "C-a", "2026-11-08T17:00:00Z");
    place.take_in_at("2026-11-08T18:00:00Z");
    assert!(!place.asks("ann@example.org"));
}

#[test]
fn a_snapshot_whose_requests_stand_on_other_terms_lifts_nobody() {
    on_other_terms(|_| ());
}

#[test]
fn nor_does_one_whose_request_ids_name_persons_and_are_not_kept() {
    on_other_terms(|list| list.matches.push(named_by("Case", "case@test/1")));
}

fn on_other_terms(change: impl Fn(&mut List)) {
    let with = |ground: Option<Ground>| {
        let mut restrict = list("restrict", Effect::Restrict);
        (restrict.snapshot, restrict.max_lifted, restrict.ground) = (true, Share(0), ground);
        change(&mut restrict);
        restrict
    };
    let mut place = Place::new([with(None)]);
    place.put(
        "requests/restrict/1.csv",
        format!("{HEADER}C-1,2026-11-02,ann@example.org,\nC-2,2026-11-02,bo@example.org,\n"),
    );
    place.take_in_at("2026-11-03T00:00:00Z");
    place.project.lists = [("restrict".to_string(), with(Some(Ground::B)))].into();
    let report =
        place.intake_now(&place.state(), &mut place.requests(), Instant::parse("2026-11-04T00:00:00Z").unwrap());
    let report = report.unwrap();
    assert_eq!((report.unreadable, report.lists[0].new, report.lists[0].lifted), (0, 2, 0), "{:?}", report.faults);
    let requests = place.requests();
    let of = |email: &str| -> Vec<Option<Ground>> {
        let found = requests.effects(half(&identity("email/1", email).1)).iter().map(|of| requests.entry(of.entry()));
        found.filter(|entry| !entry.ended).map(|entry| entry.ground).collect()
    };
    assert_eq!((of("ann@example.org"), of("bo@example.org")), (vec![Some(Ground::B)], vec![Some(Ground::B)]));
    // Who is gone from it, is lifted all the same, and that is more than it may.
    place.put("requests/restrict/1.csv", format!("{HEADER}C-1,2026-11-02,ann@example.org,\n"));
    let report =
        place.intake_now(&place.state(), &mut place.requests(), Instant::parse("2026-11-05T00:00:00Z").unwrap());
    assert!(report.unwrap().faults[0].what.contains("max_lifted"));
}
