//! R38: which set of an export is the newest and complete, and what is beside it.

use super::*;

fn pick(folder: &Path, path: &str, when: CompleteWhen, now: i64) -> Result<(Option<String>, Vec<String>), String> {
    let input = Location { root: "raw".into(), path: path.into() };
    let complete = Complete { when, min_records: Share(900_000), count: None, set_format: None, max_ahead: None };
    match select(&root(folder), &input, Some(&complete), Instant(now)) {
        Ok(found) => Ok((found.set, found.objects.into_iter().map(|object| object.path).collect())),
        Err(error) => Err(error.message().into()),
    }
}

fn aged(folder: &Path, path: &str, seconds: u64) {
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    std::fs::File::options().write(true).open(folder.join(path)).unwrap().set_modified(time).unwrap();
}

#[test]
fn r38_the_greatest_complete_set_by_marker() {
    let folder = folder(&[
        ("sf/2026-01/WE_1.zip", b"x"),
        ("sf/2026-01/_DONE", b""),
        ("sf/2026-02/WE_2.zip", b"x"),
        ("sf/2026-02/WE_1.zip", b"x"),
        ("sf/2026-02/notes.txt", b"x"),
        ("sf/2026-02/_DONE", b""),
        ("sf/2026-03/WE_1.zip", b"x"),
        ("sf/2026-04/deeper/WE_1.zip", b"x"),
        ("flat/c-1.csv", b"x"),
        ("flat/c-2.csv", b"x"),
        ("flat/_DONE", b""),
        ("flat/c-1.ok", b""),
    ]);
    let marker = |name: &str| CompleteWhen::Marker(name.into());
    let later = Instant::parse("2026-06-01T00:00:00Z").unwrap().0;
    let two = vec!["sf/2026-02/WE_1.zip".to_string(), "sf/2026-02/WE_2.zip".to_string()];
    assert_eq!(pick(folder.path(), "sf/{set}/WE_*.zip", marker("_DONE"), later), Ok((Some("2026-02".into()), two)));
    let all = pick(folder.path(), "sf/{set}/*", marker("_DONE"), later).unwrap().1;
    assert!(all.len() == 3 && !all.iter().any(|path| path.ends_with("_DONE")));
    assert_eq!(
        pick(folder.path(), "sf/{set}/WE_*.zip", marker("_OK"), 0).unwrap_err(),
        "no export in raw:sf/{set}/WE_*.zip is complete yet: set 2026-03: its marker raw:sf/2026-03/_OK is not there"
    );
    let first = Ok((Some("1".to_string()), vec!["flat/c-1.csv".to_string()]));
    assert_eq!(pick(folder.path(), "flat/c-{set}.csv", marker("c-{set}.ok"), 0), first);
    aged(folder.path(), "flat/c-1.csv", 100);
    aged(folder.path(), "flat/_DONE", 200);
    aged(folder.path(), "flat/c-2.csv", 300);
    assert_eq!(pick(folder.path(), "flat/c-{set}.csv", marker("_DONE"), 0), first);
    assert_eq!(
        pick(folder.path(), "none/{set}/*.csv", marker("_DONE"), 0).unwrap_err(),
        "nothing matches raw:none/{set}/*.csv"
    );
    assert!(pick(folder.path(), "{set}/{set}.csv", marker("_DONE"), 0).is_err());
}

#[test]
fn r38_a_set_that_is_dated_more_than_a_day_ahead_is_refused() {
    let folder =
        folder(&[("day/2026-09-28/x.csv", b"x"), ("day/2026-10-01/x.csv", b"x"), ("one/c-20990101.csv", b"x")]);
    let complete = |max_ahead: Option<&str>| Complete {
        when: CompleteWhen::Settle(crate::clock::Period::parse("PT1S").unwrap()),
        min_records: Share(900_000),
        count: None,
        set_format: None,
        max_ahead: max_ahead.map(|text| crate::clock::Period::parse(text).unwrap()),
    };
    aged(folder.path(), "day/2026-09-28/x.csv", 100);
    aged(folder.path(), "day/2026-10-01/x.csv", 100);
    aged(folder.path(), "one/c-20990101.csv", 100);
    let found = |path: &str, complete: Option<&Complete>, now: &str| {
        let input = Location { root: "raw".into(), path: path.into() };
        select(&root(folder.path()), &input, complete, Instant::parse(now).unwrap()).map(|found| found.set.unwrap())
    };
    let settled = complete(None);
    // The date of the set is not yet there anywhere, but within a day.
    assert_eq!(found("day/{set}/*", Some(&settled), "2026-09-30T00:00:00Z").unwrap(), "2026-10-01");
    let ahead = found("day/{set}/*", Some(&settled), "2026-09-29T23:59:59Z").unwrap_err();
    assert_eq!((ahead.code(), ahead.code().kind()), (Code::SetDatedAhead, crate::error::Kind::Input));
    let declared = complete(Some("P1M"));
    assert_eq!(found("day/{set}/*", Some(&declared), "2026-09-10T00:00:00Z").unwrap(), "2026-10-01");
    // Also one that is alone, and one of a source that has no [complete].
    assert_eq!(
        found("one/c-{set}.csv", Some(&settled), "2026-10-01T00:00:00Z").unwrap_err().code(),
        Code::SetDatedAhead
    );
    assert_eq!(found("one/c-{set}.csv", None, "2026-10-01T00:00:00Z").unwrap_err().code(), Code::SetDatedAhead);
    // A set that is not complete hides nothing.
    aged(folder.path(), "day/2026-10-01/x.csv", 1_790_000_000);
    assert_eq!(found("day/{set}/*", Some(&settled), "2026-09-20T00:00:00Z").unwrap_err().code(), Code::SetDatedAhead);
    aged(folder.path(), "day/2026-10-01/x.csv", 2_000_000_000);
    assert_eq!(found("day/{set}/*", Some(&settled), "2026-09-28T00:00:00Z").unwrap(), "2026-09-28");
}

#[test]
fn r38_sets_that_were_written_after_the_one_that_is_read_are_counted_when_names_say_no_day() {
    let names =
        ["n/v12/x.csv", "n/v9999/x.csv", "n/v13/x.csv", "n/v13/y.csv", "d/2026-09-01/x.csv", "d/2026-09-02/x.csv"];
    let folder = folder(&names.map(|name| (name, &b"x"[..])));
    for (name, seconds) in names.into_iter().zip([100, 200, 300, 300, 300, 200]) {
        aged(folder.path(), name, seconds);
    }
    let found = |path: &str| {
        let input = Location { root: "raw".into(), path: path.into() };
        let found =
            select(&root(folder.path()), &input, None, Instant::parse("2026-10-01T00:00:00Z").unwrap()).unwrap();
        (found.set.unwrap(), found.aside.files, found.aside.first)
    };
    assert_eq!(found("n/{set}/*"), ("v9999".into(), 2, Some("raw:n/v13/x.csv".into())));
    assert_eq!(found("d/{set}/*"), ("2026-09-02".into(), 0, None), "a day that was exported again");
    aged(folder.path(), "n/v13/y.csv", 150);
    assert_eq!(found("n/{set}/*"), ("v9999".into(), 0, None), "part of it was there before");
}

#[test]
fn r38_a_set_settles_by_its_newest_object() {
    let folder = folder(&[("a/1/x.csv", b"x"), ("a/1/y.csv", b"x"), ("a/2/x.csv", b"x")]);
    aged(folder.path(), "a/1/x.csv", 100);
    aged(folder.path(), "a/1/y.csv", 200);
    aged(folder.path(), "a/2/x.csv", 1000);
    let settle = || CompleteWhen::Settle(crate::clock::Period::parse("PT20M").unwrap());
    let at = |seconds: i64| pick(folder.path(), "a/{set}/*.csv", settle(), seconds * 1_000_000).map(|found| found.0);
    assert_eq!(at(2200), Ok(Some("2".into())));
    assert_eq!(at(2199), Ok(Some("1".into())));
    assert!(at(1399).is_err());
    let input = Location { root: "raw".into(), path: "a/{set}/x.csv".into() };
    let one = select_set(&root(folder.path()), &input, None, Instant(0), "1").unwrap();
    assert_eq!(one.objects[0].path, "a/1/x.csv");
    assert!(select_set(&root(folder.path()), &input, None, Instant(0), "3").is_err());
}

#[test]
#[cfg(unix)]
fn a_link_that_leads_out_of_the_root_is_refused() {
    let elsewhere = folder(&[("x.csv", b"Id\n1\n")]);
    let folder = folder(&[("in/real.csv", b"Id\n1\n")]);
    let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
    link(&folder.path().join("in/real.csv"), "inside.csv");
    link(&elsewhere.path().join("x.csv"), "outside.csv");
    std::fs::create_dir(folder.path().join("folder.csv")).unwrap();
    let found = |path: &str| {
        let input = Location { root: "raw".into(), path: path.into() };
        select(&root(folder.path()), &input, None, Instant(0)).map(|found| found.objects.len())
    };
    assert_eq!(found("in*.csv").unwrap(), 1);
    assert_eq!(found("outside.csv").unwrap_err().code(), Code::InputNotReadable);
    assert_eq!(found("outside.csv").unwrap_err().message(), "raw:outside.csv is not a file of its root");
    assert_eq!(found("*.csv").unwrap_err().message(), "raw:outside.csv is not a file of its root");
    assert_eq!(found("folder*.csv").unwrap_err().code(), Code::InputMissing);
}
