//! Time zone data come with the program: what the system has for it, right, wrong or nothing, changes no byte.

use super::place::{JOB, Place};
use super::table::Table;
use std::fs;
use std::path::Path;
use std::process::Command;

const AS_OF: &str = "2024-06-01T22:00:00Z";

/// A zone of TZif version 1 whose clocks are always those of UTC.
fn lie() -> Vec<u8> {
    let mut bytes = b"TZif".to_vec();
    bytes.extend([0; 16]);
    // Counts: no marks of UTC, none of standard time, no leap seconds, no changes, one type, four letters.
    [0u32, 0, 0, 0, 1, 4].iter().for_each(|count| bytes.extend(count.to_be_bytes()));
    bytes.extend([0; 6]);
    bytes.extend(b"UTC\0");
    bytes
}

/// Publishes the case `zones` beside the system's data at `TZDIR`: digests of the files and what `check` says.
fn published(zoneinfo: Option<&Path>) -> (Vec<String>, String) {
    let place = Place::of("zones");
    let tamis = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tamis"));
        command.current_dir(place.folder()).args(["--dir", "specs"]).args(arguments).env_remove("TZDIR");
        zoneinfo.map(|folder| command.env("TZDIR", folder).env("TZ", "Europe/Berlin"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let check = tamis(&["check"]);
    tamis(&["run", JOB, "--as-of", AS_OF]);
    (Table::newest(&place.root("lake"), JOB).unwrap().digests(), check)
}

#[test]
fn r23_the_systems_time_zone_data_are_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, lying) = (folder.path().join("empty"), folder.path().join("lying"));
    fs::create_dir(&empty).unwrap();
    for zone in ["Europe/Berlin", "America/New_York", "UTC"] {
        let path = lying.join(zone);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, lie()).unwrap();
    }
    let (digests, check) = published(None);
    assert!(check.contains(&format!("time zone data {}", tamis::clock::zones_version())), "{check}");
    assert_eq!(published(Some(&empty)).0, digests);
    assert_eq!(published(Some(&lying)).0, digests);
}

#[test]
fn a_manifest_names_its_time_zone_data() {
    let place = Place::of("zones");
    let report = place.run(AS_OF).unwrap();
    assert_eq!(report.manifest.time_zones.as_deref(), Some(tamis::clock::zones_version()));
    let year = tamis::clock::zones_version().get(..4).and_then(|year| year.parse::<u32>().ok());
    assert!(year.is_some_and(|year| year >= 2025), "a version such as 2026a");
}
