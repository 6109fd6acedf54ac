use super::*;
use crate::clock::Instant;
use crate::error::Code;
use crate::policy::Schedule;
use crate::state::{RefusedRun, RequestsMet, SweepRecord};

fn at(text: &str) -> Instant {
    Instant::parse(text).expect("a time")
}

fn nightly(more: &str) -> Schedule {
    Schedule::written(&format!("cron = \"30 2 * * *\"\ntimezone = \"Europe/Paris\"\n{more}"))
}

fn settled(text: &str) -> JobKnown {
    JobKnown { settled: Some(at(text)), last_as_of: Some(at(text)), applied: Some(at(text)), ..JobKnown::default() }
}

/// Asks every ten minutes from `start` for `hours` and settles what is due; the instants run.
fn played(schedule: &Schedule, known: JobKnown, start: &str, hours: i64) -> Vec<String> {
    let (mut known, mut ran) = (known, Vec::new());
    for step in 0..hours * 6 {
        let now = Instant(at(start).0 + step * 600_000_000);
        if let Due::Run(instant, missed) = due(schedule, &known, now) {
            assert_eq!(missed, None);
            ran.push(instant.to_string());
            known = JobKnown {
                settled: Some(instant),
                last_as_of: Some(instant),
                applied: Some(instant),
                ..JobKnown::default()
            };
        }
    }
    ran
}

#[test]
fn a_night_whose_time_never_comes_and_one_whose_time_comes_twice_have_one_run_each() {
    let march = played(&nightly(""), settled("2026-03-28T01:30:00Z"), "2026-03-28T12:00:00Z", 48);
    assert_eq!(march, ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
    let october = played(&nightly(""), settled("2026-10-24T00:30:00Z"), "2026-10-24T12:00:00Z", 48);
    assert_eq!(october, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
}

#[test]
fn three_days_asleep_are_one_run_and_the_others_stay_missed() {
    let now = at("2026-11-24T09:00:00Z");
    let known = settled("2026-11-20T01:30:00Z");
    let missed = Missed { first: at("2026-11-21T01:30:00Z"), runs: 3 };
    assert_eq!(due(&nightly(""), &known, now), Due::Run(at("2026-11-24T01:30:00Z"), Some(missed)));
    let all = Missed { runs: 4, ..missed };
    let none = nightly("catch_up = \"none\"");
    assert_eq!(due(&none, &known, now), Due::TooLate(at("2026-11-24T01:30:00Z"), Some(all)));
    assert_eq!(due(&none, &known, at("2026-11-24T01:40:00Z")), Due::Run(at("2026-11-24T01:30:00Z"), Some(missed)));
}

#[test]
fn a_deadline_ends_the_time_to_begin() {
    let schedule = nightly("deadline = \"PT2H\"");
    let known = settled("2026-11-23T01:30:00Z");
    assert_eq!(due(&schedule, &known, at("2026-11-24T03:30:00Z")), Due::Run(at("2026-11-24T01:30:00Z"), None));
    let missed = Missed { first: at("2026-11-24T01:30:00Z"), runs: 1 };
    assert_eq!(due(&schedule, &known, at("2026-11-24T03:30:01Z")), Due::TooLate(missed.first, Some(missed)));
}

#[test]
fn a_job_that_never_ran_is_due_for_its_latest_instant_and_misses_none() {
    let instant = at("2026-11-24T01:30:00Z");
    assert_eq!(due(&nightly(""), &JobKnown::default(), at("2026-11-24T09:00:00Z")), Due::Run(instant, None));
    let late = due(&nightly("catch_up = \"none\""), &JobKnown::default(), at("2026-11-24T09:00:00Z"));
    assert_eq!(late, Due::TooLate(instant, None));
}

#[test]
fn r28_a_later_judgement_by_hand_leaves_nothing_to_catch_up() {
    let by_hand = JobKnown { last_as_of: Some(at("2026-11-24T08:00:00Z")), ..settled("2026-11-21T01:30:00Z") };
    assert_eq!(due(&nightly(""), &by_hand, at("2026-11-24T09:00:00Z")), Due::Not(Some(at("2026-11-25T01:30:00Z"))));
    let next = due(&nightly(""), &by_hand, at("2026-11-25T02:00:00Z"));
    assert_eq!(next, Due::Run(at("2026-11-25T01:30:00Z"), None));
}

#[test]
fn a_clock_set_back_two_hours_repeats_nothing() {
    let known = settled("2026-11-24T01:30:00Z");
    for now in ["2026-11-24T01:31:00Z", "2026-11-23T23:31:00Z", "2026-11-24T01:30:00Z"] {
        assert!(matches!(due(&nightly(""), &known, at(now)), Due::Not(_)), "{now}");
    }
}

#[test]
fn jitter_moves_the_beginning_and_not_the_instant() {
    let schedule = nightly("jitter = \"PT30M\"");
    assert!((1..=1800).contains(&(schedule.delay / 1_000_000)), "{}", schedule.delay);
    let (known, instant) = (settled("2026-11-23T01:30:00Z"), at("2026-11-24T01:30:00Z"));
    let begins = Instant(instant.0 + schedule.delay);
    assert_eq!(due(&schedule, &known, Instant(begins.0 - 1)), Due::Not(Some(begins)));
    assert_eq!(due(&schedule, &known, begins), Due::Run(instant, None));
}

#[test]
fn a_suspended_schedule_rests_and_is_not_overdue() {
    let schedule = nightly("suspend = true");
    assert_eq!(due(&schedule, &JobKnown::default(), at("2026-11-24T09:00:00Z")), Due::Not(None));
    assert!(!overdue(&schedule, &JobKnown::default(), false, at("2026-11-24T09:00:00Z")));
}

#[test]
fn a_refused_run_is_due_again_once_it_is_accepted_and_no_later_than_its_successor() {
    let refused = JobKnown {
        settled: Some(at("2026-11-24T01:30:00Z")),
        last_as_of: Some(at("2026-11-24T01:30:00Z")),
        applied: Some(at("2026-11-23T01:30:00Z")),
        ..JobKnown::default()
    };
    let now = at("2026-11-24T09:00:00Z");
    assert!(matches!(due(&nightly(""), &refused, now), Due::Not(_)));
    let accepted = JobKnown { accepted: refused.settled, ..refused };
    assert_eq!(due(&nightly(""), &accepted, now), Due::Run(at("2026-11-24T01:30:00Z"), None));
    assert_eq!(due(&nightly("deadline = \"PT1H\""), &accepted, now), Due::Run(at("2026-11-24T01:30:00Z"), None));
    let next = due(&nightly(""), &accepted, at("2026-11-25T02:00:00Z"));
    assert_eq!(next, Due::Run(at("2026-11-25T01:30:00Z"), None));
}

#[test]
fn overdue_is_refused_at_once_late_after_an_hour_and_running_after_its_timeout() {
    let schedule = nightly("timeout = \"PT3H\"");
    let known = settled("2026-11-23T01:30:00Z");
    let check = |known: &JobKnown, running, now: &str| overdue(&schedule, known, running, at(now));
    assert!(!check(&known, false, "2026-11-24T02:30:00Z"));
    assert!(check(&known, false, "2026-11-24T02:30:01Z"));
    assert!(!check(&known, true, "2026-11-24T04:30:00Z"));
    assert!(check(&known, true, "2026-11-24T04:30:01Z"));
    let refused = JobKnown { settled: Some(at("2026-11-24T01:30:00Z")), ..known };
    assert!(check(&refused, false, "2026-11-24T01:31:00Z"));
    assert!(!check(&settled("2026-11-24T01:30:00Z"), false, "2026-11-24T20:00:00Z"));
    let new = JobKnown {
        created: Some(at("2026-11-24T12:00:00Z")),
        applied: Some(at("2026-11-20T00:00:00Z")),
        ..JobKnown::default()
    };
    assert!(!check(&new, false, "2026-11-24T20:00:00Z"), "nobody waited for an instant before the state was there");
    assert!(check(&new, false, "2026-11-25T02:30:01Z"));
}

#[test]
fn the_exit_code_is_the_one_that_needs_an_operator_most() {
    let turn = |exit: u8| {
        let code = Code::ALL.iter().copied().find(|code| code.kind().exit_code() == exit);
        let came = code.map_or(Came::Published, |code| Came::Refused { code, cause: String::new(), help: None });
        DueAttempt { job: "crm".into(), work: Work::Run, instant: None, came, aside: Vec::new() }
    };
    for (exits, expected) in [
        (&[][..], 0),
        (&[0, 0], 0),
        (&[0, 75], 75),
        (&[75, 3, 0], 3),
        (&[3, 4], 4),
        (&[4, 2, 75], 2),
        (&[2, 5], 5),
        (&[5, 70], 70),
        (&[70, 6], 6),
        (&[6, 5], 6),
    ] {
        assert_eq!(worst(&exits.iter().copied().map(turn).collect::<Vec<_>>()), expected, "{exits:?}");
    }
}

const HOUR: i64 = 3_600_000_000;

fn kept(at: Option<Instant>) -> DatasetKnown {
    let requests = RequestsMet { files: "f".into(), segment: 3 };
    let mut swept = SweepRecord::default();
    (swept.at, swept.dataset, swept.requests) = (at, 5, requests.clone());
    DatasetKnown { dataset: Some(5), since: Some(Instant(0)), raw: false, swept, requests }
}

#[test]
fn a_dataset_is_swept_daily_after_its_run_and_sooner_for_what_is_new_or_late() {
    let wanted = |kept: &DatasetKnown, hours: i64| kept.wanted(Instant(hours * HOUR));
    assert_eq!(wanted(&kept(None), 1), Some(SweepReason::Daily), "never swept");
    let done = kept(Some(Instant(0)));
    assert_eq!((wanted(&done, 25), wanted(&done, 26)), (None, Some(SweepReason::Daily)));
    let ran = DatasetKnown { dataset: Some(6), ..done.clone() };
    assert_eq!((wanted(&ran, 19), wanted(&ran, 20)), (None, Some(SweepReason::Daily)));
    let mut new = done.clone();
    new.requests.segment = 4;
    assert_eq!((wanted(&new, 0), wanted(&new, 26)), (Some(SweepReason::Requests), Some(SweepReason::Daily)));
    let mut late = done.clone();
    late.swept.due = Some(Instant(HOUR));
    assert_eq!((wanted(&late, 0), wanted(&late, 1)), (None, Some(SweepReason::Late)));
    assert!(!late.request_overdue(Instant(HOUR - 1)) && late.request_overdue(Instant(HOUR)));
    let nothing = DatasetKnown { dataset: None, ..kept(None) };
    assert_eq!(wanted(&nothing, 99), None);
    assert_eq!(wanted(&DatasetKnown { raw: true, ..nothing }, 99), Some(SweepReason::Daily));
}

#[test]
fn a_refused_sweep_is_tried_again_hourly_and_at_once_when_the_store_was_away_or_requests_changed() {
    let refused = |exit: u8| {
        let mut refused = kept(Some(Instant(0)));
        let (due, at) = (Instant(0), Instant(0));
        refused.swept.refusal = Some(RefusedRun { due, at, exit, code: None, cause: String::new(), help: None });
        refused
    };
    let wanted = |kept: &DatasetKnown, micros: i64| kept.wanted(Instant(micros));
    assert_eq!((wanted(&refused(3), HOUR - 1), wanted(&refused(3), HOUR)), (None, Some(SweepReason::Again)));
    assert_eq!(wanted(&refused(75), 1), Some(SweepReason::Again));
    let mut mended = refused(3);
    mended.requests.files = "g".into();
    assert_eq!(wanted(&mended, 1), Some(SweepReason::Again));
    assert!(refused(3).overdue(Instant(1)) && !refused(75).overdue(Instant(1)));
    let never = kept(None);
    assert!(!never.overdue(Instant(32 * HOUR)) && never.overdue(Instant(32 * HOUR + 1)));
    assert!(!DatasetKnown { dataset: None, ..never }.overdue(Instant(99 * HOUR)));
}

#[test]
fn r28_a_sweep_judges_now_but_not_after_an_instant_that_is_still_to_be_run() {
    let schedule = nightly("");
    let (night, now) = (at("2026-11-24T01:30:00Z"), at("2026-11-24T03:00:00.5Z"));
    let judged = |known: &JobKnown, now: Instant| sweep_as_of(Some(&schedule), known, now);
    let whole = at("2026-11-24T03:00:00Z");
    assert_eq!(judged(&settled("2026-11-24T01:30:00Z"), now), Some(whole));
    assert_eq!(judged(&settled("2026-11-23T01:30:00Z"), now), Some(night), "due");
    assert_eq!(judged(&JobKnown::default(), now), Some(night), "never run");
    assert_eq!(sweep_as_of(None, &settled("2026-11-23T01:30:00Z"), now), Some(whole), "by hand");
    assert_eq!(sweep_as_of(Some(&nightly("suspend = true")), &JobKnown::default(), now), Some(whole));
    let jitter = nightly("jitter = \"PT30M\"");
    let waiting = Instant(night.0 + jitter.delay - 1);
    assert_eq!(sweep_as_of(Some(&jitter), &settled("2026-11-23T01:30:00Z"), waiting), Some(night));
    let refused = JobKnown { applied: None, refused: Some(night), ..settled("2026-11-24T01:30:00Z") };
    assert_eq!(judged(&refused, now), Some(night), "it may be let through");
    assert_eq!(judged(&refused, at("2026-11-25T01:29:00Z")), Some(night));
    // What was judged later than it leaves nothing to wait for; a clock behind the last judgement waits.
    let later = JobKnown { last_as_of: Some(whole), ..refused };
    assert_eq!((judged(&later, now), judged(&later, Instant(whole.0 - 1))), (Some(whole), None));
}
