//! What keeps bytes from being removed for good: restrictions on two of the four grounds of Art. 18(1) GDPR, and holds
//! with an end. What a person asks for later, and what nobody needs any more, is removed all the same.

use crate::erase::{rows, token_of, traces};
use crate::installation::{Contact, Installation, contacts, files};
use tamis::by_hand::{self, Asked, RequestTerms, Stored};
use tamis::clock::Instant;
use tamis::error::{Code, Result};
use tamis::policy::{Effect, Ground};
use tamis::questions::{RequestStatuses, case, request_status};

/// The person whom requests of these tests name.
const FOUR: &str = "email: person00004@example.org";

fn asked(effect: Effect, request: &str, terms: RequestTerms) -> Asked {
    Asked { terms, ..crate::installation::asked(effect, request) }
}

fn ask(installation: &Installation, day: i64, values: &str, asked: Asked) -> Result<Stored> {
    by_hand::ask(&installation.asking(day, values), asked)
}

fn restrict(ground: Ground) -> Asked {
    asked(Effect::Restrict, "R-1", RequestTerms { ground: Some(ground), ..Default::default() })
}

fn lift(of: &str, informed: Option<Instant>) -> Asked {
    let terms = RequestTerms { informed, ..Default::default() };
    Asked { lifts: Some(of.into()), ..asked(Effect::Lift, "L-1", terms) }
}

fn standings(installation: &Installation, day: i64) -> RequestStatuses {
    request_status::standings(&installation.asking(day, ""), 99).unwrap()
}

/// An installation with one version, whose raw exports go after two days; with its people.
fn published() -> (Installation, Vec<Contact>) {
    let installation = Installation::new();
    installation.edit("jobs/policy.toml", "grace = \"PT24H\"", "grace = \"PT24H\"\nraw_keep = \"P2D\"");
    let people = contacts(0..30, -10);
    installation.export("s1", &people);
    installation.run(0).unwrap();
    (installation, people)
}

/// Sweeps once to apply and once, days later, to remove; returns the token that went out and how many files were kept.
fn swept(installation: &Installation) -> (String, u64, u64) {
    let before = rows(installation);
    installation.sweep(2).unwrap().outcome().unwrap();
    let token = token_of(&before, &rows(installation));
    let report = installation.sweep(6).unwrap();
    report.outcome().unwrap();
    (token, report.datasets[0].removal.held, report.raw.held)
}

#[test]
fn r69_grounds_b_and_c_keep_the_persons_bytes_and_a_and_d_do_not() {
    for (ground, keeps) in [(Ground::A, false), (Ground::B, true), (Ground::C, true), (Ground::D, false)] {
        let (installation, people) = published();
        ask(&installation, 1, FOUR, restrict(ground)).unwrap();
        let (token, held, raw) = swept(&installation);
        assert_eq!((held, raw), (u64::from(keeps), u64::from(keeps)), "{ground:?}");
        assert_eq!(!traces(&installation, &people[4], &token).is_empty(), keeps, "{ground:?}");
        assert!(rows(&installation).iter().all(|row| row.0 != token), "restricted either way");
        let told = standings(&installation, 6);
        assert_eq!(told.overdue + told.open.len() as u64, 0, "a restriction is done once it is applied");
        let keepers: Vec<_> = told.keepers.iter().map(|of| (of.request.as_str(), of.ground.as_deref())).collect();
        assert_eq!(keepers, if keeps { vec![("R-1", Some(ground.name()))] } else { vec![] });
        let note = case::report(&installation.asking(6, ""), "R-1").unwrap().parts[0].note.clone();
        assert_eq!(note.is_some_and(|note| note.contains("bytes of the person are kept")), keeps);
    }
}

#[test]
fn r69_a_later_erasure_of_the_same_person_beats_the_restriction() {
    let (installation, people) = published();
    ask(&installation, 1, FOUR, restrict(Ground::B)).unwrap();
    let (token, held, _) = swept(&installation);
    assert_eq!(held, 1);
    // Somebody else's erasure changes nothing, and waits for no file but one that both are in.
    ask(&installation, 6, "email: person00020@example.org", asked(Effect::Erase, "E-2", Default::default())).unwrap();
    installation.sweep(6).unwrap().outcome().unwrap();
    let report = installation.sweep(8).unwrap();
    assert!(report.datasets[0].removal.held > 0 && report.raw.held == 1);
    assert_eq!(standings(&installation, 8).keepers[0].waiting, ["E-2"]);
    ask(&installation, 8, FOUR, asked(Effect::Erase, "E-1", Default::default())).unwrap();
    let report = installation.sweep(9).unwrap();
    report.outcome().unwrap();
    assert_eq!((report.datasets[0].removal.held, report.raw.held), (0, 0));
    assert_eq!(traces(&installation, &people[4], &token), []);
    assert_eq!(files(&installation.path("raw")).len(), 1, "the marker alone is left");
    assert!(standings(&installation, 9).keepers.iter().all(|of| of.waiting.is_empty()));
}

#[test]
fn r69_an_erasure_that_was_there_before_does_not_beat_a_later_restriction() {
    let (installation, _) = published();
    ask(&installation, 1, FOUR, asked(Effect::Erase, "E-1", Default::default())).unwrap();
    ask(&installation, 2, FOUR, restrict(Ground::C)).unwrap();
    let (_, held, raw) = swept(&installation);
    assert_eq!((held, raw), (1, 1));
}

#[test]
fn r69_a_restriction_ends_only_after_the_person_was_told() {
    let (installation, _) = published();
    ask(&installation, 1, FOUR, restrict(Ground::B)).unwrap();
    let (token, ..) = swept(&installation);
    for (early, says) in [(None, "18(3)"), (Some(installation.at(8)), "later than now")] {
        let refused = ask(&installation, 7, "", lift("R-1", early)).unwrap_err();
        assert_eq!(refused.code(), Code::RequestWrong);
        assert!(refused.message().contains(says), "{refused}");
    }
    let stored = ask(&installation, 7, "", lift("R-1", Some(installation.at(7)))).unwrap();
    assert_eq!(stored.ends, Some(1));
    let report = installation.sweep(8).unwrap();
    assert_eq!((report.datasets[0].removal.held, report.raw.held), (0, 0));
    installation.export("s2", &contacts(0..30, 7));
    installation.run(8).unwrap();
    assert!(rows(&installation).iter().any(|row| row.0 == token), "published again");
}

#[test]
fn r69_a_list_that_lifts_a_restriction_without_saying_when_the_person_was_told_lifts_nothing() {
    let (installation, _) = published();
    let lifts = "[lists.released]\ninput = \"requests:lift/*.csv\"\neffect = \"lift\"\nlifts = \"Ends\"\n\
                 informed = \"Told\"\nrequest = \"Case\"\nreceived = \"At\"\nmay_be_empty = true\n[removal]";
    installation.edit("jobs/policy.toml", "[removal]", lifts);
    ask(&installation, 1, FOUR, restrict(Ground::A)).unwrap();
    let date = installation.date(2);
    installation.write("requests/lift/1.csv", &format!("Case,At,Ends,Told\nL-1,{date},R-1,\n"));
    installation.sweep(2).unwrap().outcome().unwrap();
    assert_eq!(rows(&installation).len(), 29);
    let idle = standings(&installation, 2).idle_lifts;
    assert!(idle[0].why.contains("when the person was told (R69)"), "{}", idle[0].why);
    installation.write("requests/lift/2.csv", &format!("Case,At,Ends,Told\nL-2,{date},R-1,{date}\n"));
    installation.run(3).unwrap();
    assert_eq!(rows(&installation).len(), 30);
}

#[test]
fn r70_a_hold_is_over_on_its_day_and_one_past_its_review_stays_and_is_told() {
    let (installation, people) = published();
    ask(&installation, 1, FOUR, asked(Effect::Erase, "E-1", Default::default())).unwrap();
    let until = RequestTerms { until: Some(installation.at(8)), ..Default::default() };
    ask(&installation, 1, FOUR, asked(Effect::Hold, "H-1", until)).unwrap();
    let review = RequestTerms { review_by: Some(installation.at(7)), ..Default::default() };
    ask(&installation, 1, "email: person00007@example.org", asked(Effect::Hold, "H-2", review)).unwrap();
    let (token, held, raw) = swept(&installation);
    assert_eq!((held, raw), (1, 1));
    let told = |day| {
        let keepers = standings(&installation, day).keepers.into_iter();
        keepers.map(|of| (of.request, of.review_overdue, of.waiting)).collect::<Vec<_>>()
    };
    let waits = || vec!["E-1".to_string()];
    assert_eq!(told(6), [("H-1".to_string(), false, waits()), ("H-2".to_string(), false, waits())]);
    assert_eq!(told(9), [("H-2".to_string(), true, waits())]);
    assert_eq!(installation.sweep(9).unwrap().datasets[0].removal.held, 1, "the file has a person of H-2, too");
    let over = case::report(&installation.asking(9, ""), "H-1").unwrap();
    assert!(over.parts[0].ended && over.parts[0].note.as_ref().unwrap().contains("until"), "{over:?}");
    ask(&installation, 9, "", lift("H-2", None)).unwrap();
    assert_eq!(installation.sweep(10).unwrap().datasets[0].removal.held, 0);
    assert_eq!(traces(&installation, &people[4], &token), []);
}

#[test]
fn what_a_request_has_to_say_of_its_effect_is_asked_for() {
    let (installation, _) = published();
    let day = |day| RequestTerms { until: Some(installation.at(day)), ..Default::default() };
    let wrong = [
        (asked(Effect::Restrict, "R-1", Default::default()), "ground"),
        (asked(Effect::Erase, "E-1", RequestTerms { ground: Some(Ground::B), ..Default::default() }), "ground"),
        (asked(Effect::Hold, "H-1", Default::default()), "R70"),
        (asked(Effect::Hold, "H-1", day(0)), "before it begins"),
        (asked(Effect::Erase, "E-1", day(9)), "R70"),
        (
            asked(Effect::Erase, "E-1", RequestTerms { informed: Some(installation.at(0)), ..Default::default() }),
            "lift",
        ),
    ];
    for (asked, says) in wrong {
        let refused = ask(&installation, 1, FOUR, asked).unwrap_err();
        assert!(refused.code() == Code::RequestWrong && refused.message().contains(says), "{says}: {refused}");
    }
}
