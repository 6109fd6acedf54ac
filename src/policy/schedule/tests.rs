use super::super::finding::{Findings, SpecFile};
use super::*;
use crate::error::Finding;

fn checked(body: &str) -> (Vec<Finding>, Option<Schedule>) {
    let file = SpecFile { path: "job.toml".into(), text: body.into() };
    let findings = Findings::default();
    let page = Page { file: &file, findings: &findings };
    let spec: ScheduleSpec = super::super::shape::read(page).expect("the shape is right");
    let schedule = check(page, &spec, "crm");
    (findings.sorted(), schedule)
}

fn schedule(cron: &str, zone: &str) -> Schedule {
    let (findings, schedule) = checked(&format!("cron = \"{cron}\"\ntimezone = \"{zone}\""));
    schedule.unwrap_or_else(|| panic!("{cron}: {findings:?}"))
}

#[test]
fn the_former_name_of_the_zone_is_read_and_gives_the_same_digest() {
    let read = |key: &str| {
        let file =
            SpecFile { path: "job.toml".into(), text: format!("cron = \"0 2 * * *\"\n{key} = \"Europe/Paris\"") };
        let findings = Findings::default();
        let spec: ScheduleSpec = super::super::shape::read(Page { file: &file, findings: &findings }).expect("read");
        serde_json::to_string(&spec).unwrap()
    };
    assert_eq!(read("zone"), read("timezone"));
    let text = "cron = \"0 2 * * *\"\nzone = \"UTC\"\ntimezone = \"UTC\"".into();
    let file = SpecFile { path: "job.toml".into(), text };
    let findings = Findings::default();
    let both: Option<ScheduleSpec> = super::super::shape::read(Page { file: &file, findings: &findings });
    assert!(both.is_none() && findings.sorted().len() == 1, "one of the two is enough");
    assert!(read("zone").contains("\"timezone\":\"Europe/Paris\""), "digests of plans stay as they were");
}

fn at(text: &str) -> Instant {
    Instant::parse(text).expect("a time")
}

fn from(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let schedule = schedule(cron, zone);
    schedule.after(at(after)).take(count).map(|instant| instant.to_string()).collect()
}

/// Whatever the schedule: `latest` gives back each instant, at it and until just before the next.
fn agrees(cron: &str, zone: &str, start: &str, count: usize) {
    let schedule = schedule(cron, zone);
    let all: Vec<Instant> = schedule.after(at(start)).take(count).collect();
    for pair in all.windows(2) {
        assert!(pair[0] < pair[1], "{cron} in {zone}");
        assert_eq!(schedule.latest(pair[0]), Some(pair[0]), "{cron} in {zone}");
        assert_eq!(schedule.latest(Instant(pair[1].0 - 1)), Some(pair[0]), "{cron} in {zone}, before {}", pair[1]);
        assert_eq!(schedule.next(Instant(pair[1].0 - 1)), Some(pair[1]), "{cron} in {zone}");
    }
}

#[test]
fn paris_in_march_a_time_that_never_comes_is_made_up_for_once() {
    let expected = ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"];
    assert_eq!(from("30 2 * * *", "Europe/Paris", "2026-03-27T12:00:00Z", 3), expected);
    // Both times of the gap become its end, which is one run.
    let expected = ["2026-03-29T01:00:00Z", "2026-03-30T00:10:00Z", "2026-03-30T00:40:00Z"];
    assert_eq!(from("10,40 2 * * *", "Europe/Paris", "2026-03-28T12:00:00Z", 3), expected);
}

#[test]
fn paris_in_october_a_time_that_comes_twice_fires_once() {
    let expected = ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"];
    assert_eq!(from("30 2 * * *", "Europe/Paris", "2026-10-23T12:00:00Z", 3), expected);
    assert_eq!(
        schedule("30 2 * * *", "Europe/Paris").latest(at("2026-10-25T01:10:00Z")),
        Some(at("2026-10-25T00:30:00Z"))
    );
}

#[test]
fn schedules_of_every_hour_follow_real_time_through_both_changes() {
    let expected = ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"];
    assert_eq!(from("30 * * * *", "Europe/Paris", "2026-10-25T00:00:00Z", 3), expected);
    let expected = ["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"];
    assert_eq!(from("30 * * * *", "Europe/Paris", "2026-03-29T00:00:00Z", 2), expected);
}

#[test]
fn lord_howe_moves_by_half_an_hour() {
    // 2026-10-04 02:00 becomes 02:30: 02:15 never comes.
    assert_eq!(
        from("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", 2),
        ["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"]
    );
    // 2026-04-05 02:00 becomes 01:30 again: 01:45 comes twice.
    assert_eq!(
        from("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", 2),
        ["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"]
    );
}

#[test]
fn apia_has_no_run_on_the_day_it_left_out() {
    // After 2011-12-29 came 2011-12-31.
    assert_eq!(
        from("30 2 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", 3),
        ["2011-12-29T12:30:00Z", "2011-12-30T12:30:00Z", "2011-12-31T12:30:00Z"]
    );
}

#[test]
fn the_29th_of_february_comes_in_leap_years() {
    assert_eq!(from("0 3 29 2 *", "UTC", "2026-11-24T00:00:00Z", 2), ["2028-02-29T03:00:00Z", "2032-02-29T03:00:00Z"]);
}

#[test]
fn two_day_fields_run_on_either() {
    let (findings, schedule) = checked("cron = \"0 3 1 * 1\"\ntimezone = \"UTC\"");
    assert_eq!(findings.iter().map(|f| (f.code, f.hint)).collect::<Vec<_>>(), [("cron-days", true)]);
    let runs: Vec<String> =
        schedule.unwrap().after(at("2026-11-24T04:00:00Z")).take(3).map(|i| i.to_string()).collect();
    assert_eq!(runs, ["2026-11-30T03:00:00Z", "2026-12-01T03:00:00Z", "2026-12-07T03:00:00Z"]);
}

#[test]
fn latest_and_next_agree_through_changes_of_the_clock() {
    for cron in ["30 2 * * *", "*/20 2 * * *", "0,30 1-3 * * *", "*/30 * * * *", "0 */2 * * *", "15 2 * * 0"] {
        agrees(cron, "Europe/Paris", "2026-03-27T00:00:00Z", 120);
        agrees(cron, "Europe/Paris", "2026-10-23T00:00:00Z", 120);
        agrees(cron, "Australia/Lord_Howe", "2026-10-02T00:00:00Z", 120);
        agrees(cron, "Australia/Lord_Howe", "2026-04-03T00:00:00Z", 120);
        agrees(cron, "Pacific/Apia", "2011-12-28T00:00:00Z", 120);
        agrees(cron, "Pacific/Chatham", "2026-09-25T00:00:00Z", 120);
    }
}

/// A second way to the same instants: every minute of real time is asked what its zone's clock shows.
#[test]
fn ordinary_days_have_exactly_the_minutes_that_match() {
    for zone in ["Europe/Paris", "Asia/Kolkata", "America/St_Johns"] {
        let schedule = schedule("5,35 4-6 10-12 1,7 *", zone);
        let mut expected = Vec::new();
        let (start, days) = (at("2027-01-08T00:00:00Z"), 7);
        for minute in 0..days * 24 * 60 {
            let instant = Instant(start.0 + minute * 60_000_000);
            let wall = instant.timestamp().to_zoned_datetime(schedule.zone().clone());
            let matches =
                [5, 35].contains(&wall.minute()) && (4..=6).contains(&wall.hour()) && (10..=12).contains(&wall.day());
            expected.extend(matches.then_some(instant));
        }
        assert_eq!(expected.len(), 18);
        assert_eq!(schedule.after(Instant(start.0 - 1)).take(18).collect::<Vec<_>>(), expected, "{zone}");
    }
}

#[test]
fn what_cannot_come_or_be_read_is_a_finding_at_its_place() {
    for (body, code) in [
        ("cron = \"0 0 30 2 *\"\ntimezone = \"UTC\"", "cron-never"),
        ("cron = \"0 0 31 4,6,9,11 *\"\ntimezone = \"UTC\"", "cron-never"),
        ("cron = \"0 2 * *\"\ntimezone = \"UTC\"", "cron"),
        ("cron = \"0 0 2 * * *\"\ntimezone = \"UTC\"", "cron"),
        ("cron = \"60 2 * * *\"\ntimezone = \"UTC\"", "cron"),
        ("cron = \"0 24 * * *\"\ntimezone = \"UTC\"", "cron"),
        ("cron = \"0 2 L * *\"\ntimezone = \"UTC\"", "cron"),
        ("cron = \"0 2 * * 1W\"\ntimezone = \"UTC\"", "cron"),
        ("cron = \"0 2 * FEBRUARY *\"\ntimezone = \"UTC\"", "cron"),
        ("cron = \"@daily\"\ntimezone = \"UTC\"", "cron"),
        ("cron = \"0 2 */2 * 1\"\ntimezone = \"UTC\"", "cron-days"),
        ("cron = \"0 2 * * *\"\ntimezone = \"Mars/Olympus\"", "zone"),
        ("cron = \"0 2 * * *\"\ntimezone = \"UTC\"\ntimeout = \"PT0S\"", "duration"),
        ("cron = \"0 2 * * *\"\ntimezone = \"UTC\"\ndeadline = \"soon\"", "duration"),
    ] {
        let (findings, schedule) = checked(body);
        assert!(schedule.is_none(), "{body}");
        let found = findings.iter().find(|f| f.code == code && !f.hint);
        assert!(found.is_some_and(|f| !f.span.is_empty() && !f.help.is_empty()), "{body}: {findings:?}");
    }
    assert!(checked("cron = \"0 2 * JAN-MAR mon-FRI\"\ntimezone = \"UTC\"").0.is_empty());
    assert!(checked("cron = \"0 2 * * 7\"\ntimezone = \"UTC\"").0.is_empty());
}

#[test]
fn jitter_comes_from_the_name_and_stays_within_its_bound() {
    let hour = Period::parse("PT1H").unwrap();
    let delays: Vec<i64> = (0..200).map(|n| delay(&format!("job-{n}"), &hour)).collect();
    assert!(delays.iter().all(|d| (0..=3600 * SECOND).contains(d) && d % SECOND == 0));
    assert!(delays.iter().collect::<std::collections::BTreeSet<_>>().len() > 150);
    assert_eq!(delay("crm", &hour), delay("crm", &hour));
    assert_eq!(delay("crm", &Period::default()), 0);
}

impl Schedule {
    /// Of the text of a `[schedule]` table, for tests of what reads schedules.
    pub(crate) fn written(body: &str) -> Schedule {
        checked(body).1.expect("a schedule")
    }
}
