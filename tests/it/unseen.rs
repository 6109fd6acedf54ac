//! What cannot be seen is never taken for absent: pipes, links that lead nowhere, odd names and refused folders where
//! requests, holds, exports and state are, listings that a bucket denies or breaks off, and places that links bring
//! together.

use crate::erase::{current, rows, state, token_of};
use crate::fault::FaultStore;
use crate::installation::{Installation, POLICY, SOURCE, contacts, files};
use crate::nightly::{due, nightly};
use crate::tool::skipped;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use tamis::by_hand::{self, Asked, Retiring};
use tamis::error::{Code, Error};
use tamis::evidence::verify;
use tamis::job::{Caller, SubjectCall};
use tamis::monitor::Silent;
use tamis::questions::request_status;
use tamis::store::Root;

const HOLDS: &str = r#"
[lists.holds]
input = "requests:holds/*.csv"
effect = "hold"
match = { Email = "email" }
request = "Case"
received = "At"
may_be_empty = true
"#;

/// With a version of 30 published and a list of holds.
fn published() -> Installation {
    let installation = Installation::new();
    installation.write("jobs/policy.toml", &format!("{POLICY}{HOLDS}"));
    std::fs::create_dir_all(installation.path("requests/holds")).unwrap();
    installation.export("2026-01-01", &contacts(0..30, -10));
    assert_eq!(installation.run(0).unwrap().manifest.rows_out, 30);
    installation
}

fn pipe(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0).unwrap();
}

/// What can lie where a file is meant, by name below the folder and in path order, and what is said of it.
fn hiding(folder: &Path) -> Vec<(&'static str, &'static str)> {
    symlink("/mnt/away/x.csv", folder.join("x1.csv")).unwrap();
    symlink("x2.csv", folder.join("x2.csv")).unwrap();
    pipe(&folder.join("x3.csv"));
    std::fs::write(folder.join("x\n4.csv"), "Case,At,Email,Id\n").unwrap();
    vec![
        ("x\n4.csv", "x\\n4.csv: a name that cannot be asked for"),
        ("x1.csv", "x1.csv: a link that leads nowhere"),
        ("x2.csv", "x2.csv: a link that leads back to where it is"),
        ("x3.csv", "x3.csv: neither a file nor a folder"),
    ]
}

#[track_caller]
fn refused(error: &Error, code: Code, said: &str) {
    assert_eq!(error.code(), code, "{error}");
    assert!(error.message().contains(said), "{error} does not say {said:?}");
    assert!(!error.message().chars().any(char::is_control), "{error:?}");
}

#[test]
fn r31_a_request_file_that_cannot_be_seen_is_refused_and_the_others_are_applied() {
    let installation = published();
    let names = hiding(&installation.path("requests/erasure"));
    installation.erase("a", &[("C-1", "person00005@example.org", "")]);
    for (name, said) in &names {
        for (other, _) in names.iter().filter(|(other, _)| other != name) {
            let from = installation.path(&format!("requests/erasure/{other}"));
            let _ = std::fs::rename(from, installation.path(&format!("requests/{other}")));
        }
        let error = installation.run(1).unwrap_err();
        refused(&error, Code::RequestListUnreadable, &format!("requests:erasure/{said}"));
        refused(&installation.sweep(1).unwrap().outcome().unwrap_err(), Code::RequestListUnreadable, said);
        assert_eq!(current(&installation).rows_out, 29, "the readable request is applied: {name}");
        for (other, _) in names.iter().filter(|(other, _)| other != name) {
            let to = installation.path(&format!("requests/erasure/{other}"));
            std::fs::rename(installation.path(&format!("requests/{other}")), to).unwrap();
        }
    }
    assert_eq!(installation.run(1).unwrap_err().message().matches("and 3 more").count(), 1);
    for (name, _) in names {
        std::fs::remove_file(installation.path(&format!("requests/erasure/{name}"))).unwrap();
    }
    installation.run(1).unwrap();
}

#[test]
fn a_list_with_a_file_called_like_a_staged_write_is_not_empty() {
    let installation = published();
    installation.edit("jobs/policy.toml", "requests:erasure/*.csv", "requests:erasure/*");
    installation.write("requests/erasure/list#12", "Case,At,Email,Id\nC-1,2026-10-01,person00005@example.org,\n");
    refused(
        &installation.run(1).unwrap_err(),
        Code::RequestListUnreadable,
        "requests:erasure/list#12: a name that cannot be asked for",
    );
}

#[test]
fn a_snapshot_beside_something_unseen_lifts_nothing() {
    let installation = published();
    let wishes = r#"
[lists.wishes]
input = "requests:wishes/*.csv"
effect = "restrict"
ground = "a"
match = { Email = "email" }
request = "Case"
received = "At"
snapshot = true
may_be_empty = true
max_lifted = "100%"
"#;
    installation.write("jobs/policy.toml", &format!("{POLICY}{HOLDS}{wishes}"));
    installation.write("requests/wishes/all.csv", "Case,At,Email\nW-1,2026-10-01,person00005@example.org\n");
    assert_eq!(installation.run(1).unwrap().manifest.rows_out, 29);
    installation.write("requests/wishes/all.csv", "Case,At,Email\n");
    pipe(&installation.path("requests/wishes/more.csv"));
    refused(&installation.run(2).unwrap_err(), Code::RequestListUnreadable, "requests:wishes/more.csv");
    assert_eq!(current(&installation).rows_out, 29, "nobody is lifted by a list that is not seen whole");
}

#[test]
fn r34_nothing_is_removed_for_good_while_a_hold_may_be_out_of_sight() {
    let installation = published();
    installation.erase("a", &[("C-1", "person00005@example.org", "")]);
    let names = hiding(&installation.path("requests/holds"));
    for (name, said) in names {
        let report = installation.sweep(10).unwrap();
        refused(&report.outcome().unwrap_err(), Code::RequestListUnreadable, said);
        assert!(report.datasets[0].removal.withheld, "{name}");
        std::fs::remove_file(installation.path(&format!("requests/holds/{name}"))).unwrap();
    }
    let report = installation.sweep(12).unwrap();
    report.outcome().unwrap();
    assert!(!report.datasets[0].removal.withheld);
}

#[test]
fn an_export_that_cannot_be_seen_whole_is_refused_and_what_no_glob_means_is_passed_over() {
    let installation = published();
    for (name, said) in hiding(&installation.path("raw/2026-01-01")) {
        refused(&installation.run(1).unwrap_err(), Code::InputNotReadable, &format!("raw:2026-01-01/{said}"));
        std::fs::remove_file(installation.path(&format!("raw/2026-01-01/{name}"))).unwrap();
    }
    // Beside it: other names, other folders, and a loop that only `**` would go round in.
    installation.write("raw/old/deep/tab\tx.csv", "x");
    installation.write("raw/2026-01-01/tab\tx.txt", "x");
    symlink("..", installation.path("raw/2026-01-01/up")).unwrap();
    symlink("/mnt/away", installation.path("raw/2026-01-01/away")).unwrap();
    installation.run(1).unwrap();
    // An older set is not read, a newer one may be the one that is meant.
    for (set, fine) in [("2025-12-31", true), ("2026-01-02", false)] {
        std::fs::create_dir_all(installation.path(&format!("raw/{set}"))).unwrap();
        pipe(&installation.path(&format!("raw/{set}/contacts.csv")));
        installation.write(&format!("raw/{set}/_DONE"), "");
        let ran = installation.run(1);
        assert_eq!(ran.is_ok(), fine, "{set}");
        if let Err(error) = ran {
            refused(&error, Code::InputNotReadable, "raw:2026-01-02/contacts.csv: neither a file nor a folder");
        }
    }
    std::fs::remove_dir_all(installation.path("raw/2026-01-02")).unwrap();
    symlink("/mnt/away", installation.path("raw/2026-01-03")).unwrap();
    refused(&installation.run(1).unwrap_err(), Code::InputNotReadable, "raw:2026-01-03: a link that leads nowhere");
}

#[test]
fn a_marker_that_cannot_be_seen_is_named() {
    let installation = published();
    std::fs::remove_file(installation.path("raw/2026-01-01/_DONE")).unwrap();
    symlink("/mnt/away/_DONE", installation.path("raw/2026-01-01/_DONE")).unwrap();
    refused(
        &installation.run(1).unwrap_err(),
        Code::InputNotReadable,
        "raw:2026-01-01/_DONE: a link that leads nowhere",
    );
}

#[test]
fn raw_exports_are_removed_where_they_are_seen_and_the_others_are_named() {
    let installation = published();
    installation.edit("jobs/policy.toml", "[removal]", "[removal]\nraw_keep = \"P5D\"");
    let elsewhere = installation.path("elsewhere.csv");
    std::fs::write(&elsewhere, "x").unwrap();
    symlink("../../elsewhere.csv", installation.path("raw/2026-01-01/linked.csv")).unwrap();
    symlink("/mnt/away/x.csv", installation.path("raw/2026-01-01/lost.csv")).unwrap();
    installation.write("raw/kept/deep/old.csv", "x");
    symlink("../kept/deep/old.csv", installation.path("raw/2026-01-01/inside.csv")).unwrap();
    symlink("contacts.csv", installation.path("raw/2026-01-01/latest.csv")).unwrap();
    let report = installation.sweep(400).unwrap();
    let error = report.outcome().unwrap_err();
    refused(&error, Code::InputNotReadable, "raw exports past raw_keep may lie where they cannot be seen");
    assert!(!installation.path("raw/2026-01-01/contacts.csv").exists(), "what is seen goes");
    assert!(installation.path("raw/2026-01-01/latest.csv").symlink_metadata().is_err(), "nor does a link to it stay");
    assert_eq!((report.raw.removed, report.raw.unseen), (2, 3), "a link whose bytes would stay is not called removed");
    assert!(elsewhere.exists() && installation.path("raw/2026-01-01/linked.csv").symlink_metadata().is_ok());
    assert!(installation.path("raw/2026-01-01/lost.csv").symlink_metadata().is_ok());
}

/// Every part of `state`, out of sight in turn: nothing is published, and nothing is said to be gone.
#[test]
fn state_that_cannot_be_seen_is_never_taken_for_none() {
    let installation = published();
    installation.erase("a", &[("C-1", "person00005@example.org", "")]);
    installation.run(1).unwrap();
    let newest = |folder: &str| {
        let files = std::fs::read_dir(installation.path(folder)).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.is_file()).max().unwrap()
    };
    let parts = [
        installation.path("state/tamis.json"),
        installation.path("state/ledger"),
        newest("state/ledger"),
        installation.path("state/requests"),
        newest("state/requests/segments"),
        installation.path("state/datasets/contacts"),
        newest("state/datasets/contacts"),
        installation.path("state/companions/contacts"),
        newest("state/companions/contacts"),
        installation.path("state/kinds"),
        installation.path("state/keys"),
        installation.path("state"),
        installation.path("lake/crm/contacts/_delta_log"),
        newest("lake/crm/contacts/_delta_log"),
    ];
    let away = installation.path("away");
    for part in parts {
        std::fs::rename(&part, &away).unwrap();
        symlink("/mnt/away", &part).unwrap();
        let said = part.strip_prefix(installation.folder.path()).unwrap().display().to_string();
        if said.contains("companions") {
            refused(
                &installation.sweep(10).unwrap().outcome().unwrap_err(),
                Code::StateForeignObject,
                "a link that leads nowhere",
            );
        } else {
            let error = installation.run(2).unwrap_err();
            refused(&error, Code::StateForeignObject, "a link that leads nowhere");
        }
        if said.contains("ledger") {
            let root =
                Root::open("state", installation.path("state").to_str().unwrap(), installation.handle()).unwrap();
            refused(
                &verify(&root, &Default::default(), None).unwrap_err(),
                Code::StateForeignObject,
                "a link that leads nowhere",
            );
        }
        std::fs::remove_file(&part).unwrap();
        std::fs::rename(&away, &part).unwrap();
        assert_eq!(current(&installation).rows_out, 29, "{said}");
    }
    installation.run(2).unwrap();
    assert!(state(&installation).ledger().head().is_ok());
}

#[test]
fn staged_writes_of_a_crash_go_and_files_of_others_stay() {
    let installation = published();
    let data = std::fs::read_dir(installation.path("lake/crm/contacts")).unwrap();
    let data = data.map(|entry| entry.unwrap().path()).find(|path| path.is_file()).unwrap();
    let staged = format!("{}#3", data.display());
    let ours = [Path::new(&staged).to_path_buf(), installation.path("state/ledger/000000000009.json#1")];
    let theirs = [installation.path("lake/crm/contacts/notes#1"), installation.path("state/requests/erasure/list#1")];
    for path in ours.iter().chain(&theirs) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }
    installation.sweep(10).unwrap().outcome().unwrap();
    assert!(ours.iter().all(|path| !path.exists()) && theirs.iter().all(|path| path.exists()));
}

#[test]
fn what_a_glob_leaves_aside_is_shown_when_it_looks_like_what_was_meant() {
    let installation = Installation::new();
    installation.export("2026-01-01", &contacts(0..6, -10));
    installation.run(-2).unwrap();
    installation.write("requests/erasure/B.CSV", "x");
    installation.write("requests/erasure/a.csv~", "x");
    installation.write("raw/2026-01-01/contacts.csv.part", "x");
    let report = installation.run(-1).unwrap();
    let told: Vec<String> = report.aside.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "left aside by list erasure: 2 file(s) that look as if they were meant, the first: requests:erasure/B.CSV",
            "left aside by input raw:{set}/*.csv: 1 file(s) that look as if they were meant, the first: \
             raw:2026-01-01/contacts.csv.part",
        ]
    );
    let counted: Vec<_> = report.manifest.aside.iter().map(|aside| (aside.of.as_str(), aside.files)).collect();
    assert_eq!(counted, [("list erasure", 2), ("input raw:{set}/*.csv", 1)]);
    let evidence =
        std::fs::read_to_string(installation.path(&format!("state/runs/{}/manifest.json", report.manifest.run)));
    assert!(!evidence.unwrap().contains("B.CSV"), "names of request files are in no evidence");
    for command in [
        &["check"][..],
        &["status"],
        &["status", "--json"],
        &["plan", "contacts"],
        &["report", "job", "contacts"],
        &["run", "--due", "--json"],
        &["sweep"],
    ] {
        let output = tamis(&installation, command, false);
        let wanted = if command[0] == "report" { "list erasure: 2 file(s)" } else { "requests:erasure/B.CSV" };
        assert!(said(&output).contains(wanted), "{command:?}: {}", said(&output));
    }
}

#[test]
fn request_files_beside_the_folder_of_their_list_or_in_the_root_of_an_output_are_counted() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    installation.run(0).unwrap();
    let row = "Case,At,Email,Id\nC-2,2026-10-01,person00005@example.org,\n";
    for path in ["requests/2.csv", "requests/erasure/new/3.csv", "lake/4.csv"] {
        installation.write(path, row);
    }
    // Nothing is meant by what was taken in before and moved since, by what another list or an export means, or by what is
    // called otherwise.
    installation.erase("done/1", &[("C-1", "person00004@example.org", "")]);
    std::fs::remove_file(installation.path("requests/erasure/1.csv")).unwrap();
    let objections = "[lists.objections]\ninput = \"requests:*.csv\"\neffect = \"restrict\"\nground = \"a\"\n\
                      match = { Email = \"email\" }\nrequest = \"Case\"\nreceived = \"At\"\nmay_be_empty = true\n[removal]";
    for path in ["requests/erasure/new/notes.txt", "lake/crm/5.csv", "requests/other/6.csv"] {
        installation.write(path, row);
    }
    let told = |installation: &Installation| {
        let swept = installation.sweep(1).unwrap();
        swept.outcome().unwrap();
        swept.aside.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        told(&installation),
        ["left aside by list erasure: 3 file(s) that look as if they were meant, the first: lake:4.csv"]
    );
    installation.edit("jobs/policy.toml", "[removal]", objections);
    assert_eq!(
        told(&installation),
        [
            "left aside by list erasure: 2 file(s) that look as if they were meant, the first: lake:4.csv",
            "left aside by list objections: 2 file(s) that look as if they were meant, the first: lake:4.csv"
        ],
        "requests/2.csv is of the other list now, and requests/other/6.csv lies one folder below it"
    );
}

#[test]
fn a_list_that_comes_in_another_format_than_it_is_read_in_is_counted() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    for name in ["new.xlsx", "new.JSON", "all.zip", "notes.txt", "_DONE", "letter.pdf"] {
        installation.write(&format!("requests/erasure/{name}"), "x");
    }
    let aside = installation.sweep(1).unwrap().aside;
    let told: Vec<String> = aside.iter().map(ToString::to_string).collect();
    let first =
        "left aside by list erasure: 3 file(s) that look as if they were meant, the first: requests:erasure/all.zip";
    assert_eq!(told, [first]);
    let workbooks = "[lists.workbooks]\ninput = \"requests:erasure/*.xlsx\"\nformat = \"xlsx\"\neffect = \"erase\"\n\
                     match = { Email = \"email\" }\nrequest = \"Case\"\nreceived = \"At\"\n[removal]";
    installation.edit("jobs/policy.toml", "[removal]", workbooks);
    std::fs::remove_file(installation.path("requests/erasure/new.xlsx")).unwrap();
    installation.write("requests/erasure/B.xlsx", "x");
    let swept = installation.sweep(1).unwrap();
    let first = swept.aside.iter().find(|aside| aside.of == "list erasure").map(|aside| aside.files);
    assert_eq!(first, Some(2), "what another list means is none of this one");
}

#[test]
fn what_is_left_aside_is_told_by_due_runs_and_sweeps_once_each() {
    let installation = nightly(6);
    installation.write("requests/erasure/B.CSV", "x");
    installation.write("raw/s1/contacts.csv.part", "x");
    let turns = due(&installation, 0, 60_000_000);
    let told: Vec<Vec<&str>> =
        turns.iter().map(|turn| turn.aside.iter().map(|aside| aside.of.as_str()).collect()).collect();
    assert_eq!(told, [vec!["list erasure", "input raw:{set}/*.csv"], vec!["list erasure"]], "{turns:?}");
}

#[test]
fn places_that_links_bring_together_are_refused() {
    // Where a link leads, and where it lies.
    let cases: [(&str, &str, &str, &str); 8] = [
        ("the lake is the state", "state", "lake", "the output and the state overlap"),
        ("companions in the table", "../lake/crm/contacts", "state/companions", "the output and the state overlap"),
        ("companions in the lake", "../../lake/c", "state/companions/contacts", "lies in the root of an output"),
        ("the state in the lake", "lake/state", "state", "lies in the root of an output"),
        ("the ledger in the table", "../lake/crm/contacts/x", "state/ledger", "the output and the state overlap"),
        ("the table in an input", "../../raw", "lake/crm/contacts", "the output and an input overlap"),
        (
            "the log in the requests",
            "../../../requests/erasure",
            "lake/crm/contacts/_delta_log",
            "the output and an input overlap",
        ),
        ("the input in the state", "state/runs", "raw", "an input and the state overlap"),
    ];
    for (what, to, link, said) in cases {
        let installation = Installation::new();
        installation.export("2026-01-01", &contacts(0..6, -10));
        let made = tamis::policy::load(&installation.path("jobs"), &[]).unwrap();
        let link = installation.path(link);
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        let _ = std::fs::remove_dir_all(&link);
        symlink(to, &link).unwrap();
        let error = installation.run(0).unwrap_err();
        let findings: String = error.spec_findings().iter().map(|finding| finding.message.clone()).collect();
        assert!(findings.contains(said), "{what}: {error} {findings}");
        // Specs that were loaded before the link was laid, as a service holds them.
        let later = tamis::job::Call { project: Some(made.into()), ..installation.call(0) };
        refused(&tamis::run::run(&later, &tamis::monitor::Silent).unwrap_err(), Code::PlaceOverlaps, said);
    }
}

/// The command on this installation; as a user whom modes bind when the test runs as root.
fn tamis(installation: &Installation, arguments: &[&str], bound: bool) -> Output {
    let mut command = match bound && rustix::process::geteuid().is_root() {
        false => Command::new(env!("CARGO_BIN_EXE_tamis")),
        true => {
            let mut setpriv = Command::new("setpriv");
            setpriv.args(["--reuid=65534", "--regid=65534", "--clear-groups", env!("CARGO_BIN_EXE_tamis")]);
            setpriv
        }
    };
    command.arg("--dir").arg(installation.path("jobs")).args(arguments);
    command.env("TMPDIR", installation.path("spill")).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn folders_and_files_that_may_not_be_read_are_named() {
    let root = rustix::process::geteuid().is_root();
    if root && Command::new("setpriv").arg("--version").output().is_err() {
        return skipped("setpriv");
    }
    let installation = published();
    installation.erase("a", &[("C-1", "person00005@example.org", "")]);
    if root {
        mode(installation.folder.path(), 0o755);
        let owned = Command::new("chown").arg("-R").arg("65534:65534").arg(installation.folder.path()).status();
        assert!(owned.unwrap().success());
        if tamis(&installation, &["check"], true).status.code() != Some(0) {
            return skipped("a folder that others may enter");
        }
    }
    use Code::{InputNotReadable, RequestListUnreadable, StoreDenied};
    let run: &[&str] = &["run", "contacts"];
    let cases: [(&str, u32, &[&str], Code, &str); 10] = [
        ("requests/erasure", 0o444, run, RequestListUnreadable, "requests:erasure/a.csv: permission denied"),
        ("requests/erasure", 0o000, run, RequestListUnreadable, "requests:erasure: permission denied"),
        ("requests/erasure/a.csv", 0o000, run, RequestListUnreadable, "requests:erasure/a.csv: permission denied"),
        ("requests/holds", 0o000, &["sweep"], RequestListUnreadable, "requests:holds: permission denied"),
        ("raw/2026-01-01", 0o000, run, InputNotReadable, "raw:2026-01-01: permission denied"),
        (
            "raw/2026-01-01/contacts.csv",
            0o000,
            &["plan", "contacts"],
            InputNotReadable,
            "raw:2026-01-01/contacts.csv: permission denied",
        ),
        ("state/ledger", 0o444, &["verify"], StoreDenied, "permission denied"),
        ("state/ledger", 0o444, run, StoreDenied, "permission denied"),
        ("state/requests/segments", 0o000, run, StoreDenied, "state:requests/segments: permission denied"),
        ("lake/crm/contacts/_delta_log", 0o444, run, StoreDenied, "permission denied"),
    ];
    // A folder that the glob does not enter may be closed.
    std::fs::create_dir_all(installation.path("requests/erasure/lost+found")).unwrap();
    mode(&installation.path("requests/erasure/lost+found"), 0o000);
    let ran = tamis(&installation, &["run", "contacts"], true);
    assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
    for (path, bits, command, code, words) in cases {
        let path = installation.path(path);
        let before = path.metadata().unwrap().permissions().mode();
        mode(&path, bits);
        let output = tamis(&installation, command, true);
        mode(&path, before & 0o7777);
        let text = said(&output);
        let exit = code.kind().exit_code().into();
        assert_eq!(output.status.code(), Some(exit), "{} {command:?}: {text}", path.display());
        assert!(text.contains(&format!("error[{}]", code.name())), "{} is not {code:?}: {text}", path.display());
        assert!(text.contains(words) && !text.contains("AWS_") && !text.contains("is gone"), "{words}: {text}");
    }
}

/// What the stub of a bucket answers to a listing.
#[derive(Clone, Copy, Debug)]
enum Bucket {
    Whole(&'static [&'static str]),
    Denied,
    /// The first page, and then an error.
    Cut,
    /// A page that says that it is not the last, and not how to go on.
    NoMore,
}

/// Answers listings of one bucket, and any object with the same export; ends with the test process.
fn stub(bucket: Bucket) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || answer(stream, bucket));
        }
    });
    format!("http://{address}")
}

const BODY: &str = "Id,Email,City,Active\n1,a@example.org,Bonn,2026-01-01\n2,b@example.org,Bonn,2026-01-01\n";

fn answer(mut stream: TcpStream, bucket: Bucket) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let line = head.lines().next().unwrap_or_default();
    let (status, body) = match bucket {
        _ if !line.contains("list-type=2") => (200, BODY.to_string()),
        Bucket::Denied => (403, "<Error><Code>AccessDenied</Code></Error>".into()),
        Bucket::Whole(keys) => (200, page(keys, "<IsTruncated>false</IsTruncated>")),
        Bucket::Cut if line.contains("continuation-token") => (500, String::new()),
        Bucket::Cut => {
            let more = "<IsTruncated>true</IsTruncated><NextContinuationToken>2</NextContinuationToken>";
            (200, page(&["in/c.csv"], more))
        }
        Bucket::NoMore => (200, page(&["in/c.csv"], "<IsTruncated>true</IsTruncated>")),
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nETag: \"1\"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    let body = if line.starts_with("HEAD") { "" } else { &body };
    let _ = stream.write_all((head + body).as_bytes());
}

fn page(keys: &[&str], more: &str) -> String {
    let item = |key: &&str| {
        format!(
            "<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;1&quot;</ETag>\
             <Size>{}</Size></Contents>",
            BODY.len()
        )
    };
    let items: String = keys.iter().map(item).collect();
    format!("<ListBucketResult><EncodingType>url</EncodingType>{more}{items}</ListBucketResult>")
}

/// A plan whose exports are in the bucket.
fn plan_of(bucket: Bucket, input: &str) -> (Option<i32>, String) {
    let installation = Installation::new();
    installation.write(
        "jobs/sources/contact.toml",
        &SOURCE.replace("[complete]\nmarker = \"_DONE\"\nmin_records = \"0%\"\n", ""),
    );
    installation.edit("jobs/contacts.toml", "raw:{set}/*.csv", input);
    let made = tamis(&installation, &["key", "new"], false);
    assert!(made.status.success(), "{}", said(&made));
    assert!(tamis(&installation, &["state", "create"], false).status.success());
    let output = Command::new(env!("CARGO_BIN_EXE_tamis"))
        .arg("--dir")
        .arg(installation.path("jobs"))
        .args(["--root=raw=s3://bucket", "plan", "contacts"])
        .envs([("AWS_ENDPOINT", stub(bucket)), ("AWS_ALLOW_HTTP", "true".into()), ("AWS_REGION", "x".into())])
        .envs([("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_MAX_RETRIES", "1")])
        .output()
        .unwrap();
    (output.status.code(), said(&output))
}

#[test]
fn a_listing_that_a_bucket_denies_or_breaks_off_is_none() {
    for (bucket, words) in [
        (Bucket::Denied, "listing raw:: permission denied"),
        (Bucket::Cut, "listing raw:: the store broke off"),
        (Bucket::NoMore, "listing raw:: the store broke off"),
    ] {
        let (exit, text) = plan_of(bucket, "raw:**/*.csv");
        assert_eq!(exit, Some(75), "{bucket:?}: {text}");
        assert!(text.contains(words), "{bucket:?}: {text}");
    }
    let (exit, text) = plan_of(Bucket::Whole(&["in/c.csv"]), "raw:**/*.csv");
    assert_eq!(exit, Some(0), "{text}");
}

#[test]
fn keys_that_cannot_be_asked_for_stop_only_the_globs_that_mean_them() {
    let odd = Bucket::Whole(&["in/c.csv", "old//x.csv", "a/../b.csv", "in/tab%09x.csv", "in/", "%2Flead.csv"]);
    let (exit, text) = plan_of(odd, "raw:in/c*.csv");
    assert_eq!(exit, Some(0), "{text}");
    for (input, named) in [
        ("raw:in/*.csv", "raw:in/tab\\tx.csv: a name that cannot be asked for"),
        ("raw:old/**", "raw:old//x.csv: a name that cannot be asked for"),
        ("raw:a/**/*.csv", "raw:a/../b.csv: a name that cannot be asked for"),
        ("raw:**/lead.csv", "raw:/lead.csv: a name that cannot be asked for"),
    ] {
        let (exit, text) = plan_of(odd, input);
        assert_eq!(exit, Some(3), "{input}: {text}");
        assert!(text.contains(named), "{input}: {text}");
    }
    let (exit, text) = plan_of(Bucket::Whole(&["%2Flead.csv"]), "raw:*.csv");
    assert_eq!(exit, Some(3), "{text}");
    assert!(text.contains("nothing matches raw:*.csv; raw:/lead.csv looks as if it were meant"), "{text}");
}

/// Everything below the roots, as `ROOT/path`.
fn objects(installation: &Installation) -> Vec<String> {
    let folder = installation.folder.path();
    let roots = ["state", "lake", "requests", "raw"].map(|root| files(&folder.join(root)));
    roots
        .into_iter()
        .flatten()
        .map(|(path, _)| path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned())
        .collect()
}

/// Of each folder the newest; runs have a folder each.
fn some_of(objects: Vec<String>) -> Vec<String> {
    let mut newest: BTreeMap<String, String> = BTreeMap::new();
    for object in objects {
        let folder = object.rsplit_once('/').map_or("", |(folder, _)| folder);
        let folder = if folder.starts_with("state/runs/") { "state/runs" } else { folder };
        newest.insert(folder.to_owned(), object);
    }
    newest.into_values().collect()
}

/// A listing that lacks one object which is there, as stores answered whose listings lag behind.
fn lagging(installation: &mut Installation, object: &str) {
    let object = format!("/{object}");
    installation.wrap = Some(Arc::new(move |root: Root| {
        let inner = root.raw("").0;
        root.with_store(FaultStore::lagging(inner, &object))
    }));
}

/// Two files of requests and a hold, all taken in and applied, the old files still there; a new export.
fn lived() -> (Installation, [String; 2]) {
    let installation = published();
    let token = |person: usize| {
        let probe = installation.copy();
        probe.erase("9", &[("X", &format!("person{person:05}@example.org"), "")]);
        let before = rows(&probe);
        probe.sweep(0).unwrap().outcome().unwrap();
        token_of(&before, &rows(&probe))
    };
    let tokens = [token(4), token(10)];
    installation.write("requests/holds/1.csv", "Case,At,Email\nH-1,2026-10-01,person00009@example.org\n");
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    crate::nightly::ask(&installation, "C-2", 10, 1);
    installation.export("2026-01-02", &contacts(0..30, -10));
    installation.run(1).unwrap();
    installation.export("2026-01-03", &contacts(0..30, -10));
    (installation, tokens)
}

#[test]
fn what_a_listing_lacks_is_never_taken_for_gone() {
    let (origin, tokens) = lived();
    let held = |installation: &Installation| {
        let all = files(&installation.path("lake"));
        all.into_iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "parquet")).count()
    };
    let mut wrong = Vec::new();
    for object in some_of(objects(&origin)) {
        let mut place = origin.copy();
        lagging(&mut place, &object);
        let before = held(&place);
        let ran = place.run(2).map(drop);
        let swept = place.sweep(6).and_then(|report| report.outcome());
        place.wrap = None;
        let published = rows(&place).into_iter().map(|row| row.0);
        let erased = published.filter(|token| tokens.contains(token)).count();
        if erased > 0 {
            wrong.push(format!("{object}: {erased} erased persons are published; {ran:?} {swept:?}"));
        }
        if held(&place) < before {
            wrong.push(format!("{object}: held files are gone; {ran:?} {swept:?}"));
        }
        let words = request_status::standings(&place.asking(7, ""), 9).map(|told| told.counts);
        if words.is_ok_and(|words| words.contains_key("removed")) {
            wrong.push(format!("{object}: removed, and a hold keeps the files"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_table_of_which_a_listing_lacks_something_is_not_retired() {
    let (origin, _) = lived();
    origin.write("requests/holds/1.csv", "Case,At,Email\nH-1,2026-10-01,nobody@example.org\n");
    let lift = Asked {
        effect: tamis::policy::Effect::Lift,
        request: "L-1".into(),
        purposes: Vec::new(),
        received: None,
        lifts: Some("H-1".into()),
        lift_erase: false,
        // H-1 was of another person in the list before (R54).
        lift_several: true,
        terms: Default::default(),
    };
    by_hand::ask(&origin.asking(2, ""), lift).unwrap();
    let retire = |installation: &Installation, remove: bool| {
        let asked = Retiring { of: "contacts".into(), reason: "over".into(), by: None, remove };
        let call = SubjectCall { wrap: installation.wrap.clone(), ..installation.asking(3, "") };
        by_hand::retire(&call, &Caller::at(installation.at(3)), &asked, &Silent)
    };
    let of_table = |object: &String| object.starts_with("lake/") || object.starts_with("state/companions/");
    for object in objects(&origin).into_iter().filter(of_table) {
        let mut place = origin.copy();
        lagging(&mut place, &object);
        let ended = retire(&place, true);
        place.wrap = None;
        let left: Vec<String> = objects(&place).into_iter().filter(of_table).collect();
        assert!(ended.is_err() || left.is_empty(), "{object}: {left:?} is there, and it says {ended:?}");
        retire(&place, true).unwrap();
        assert!(!objects(&place).iter().any(of_table), "{object}");
    }
    // The same of one that somebody has removed by hand but for one object.
    for object in objects(&origin).into_iter().filter(of_table) {
        let mut place = origin.copy();
        objects(&place).iter().filter(|other| of_table(other) && **other != object).for_each(|other| {
            std::fs::remove_file(place.path(other)).unwrap();
        });
        lagging(&mut place, &object);
        let ended = retire(&place, false);
        assert!(ended.is_err() || object.starts_with("state/"), "{object}: it is there, and it says {ended:?}");
    }
}

#[test]
fn a_file_of_a_list_that_state_knows_is_asked_for_when_no_listing_has_it() {
    let installation = published();
    let optout = "[lists.optout]\ninput = \"requests:optout/*.csv\"\neffect = \"restrict\"\nground = \"d\"\nmatch = { Email = \"email\" }\n\
                  request = \"Case\"\nreceived = \"At\"\nsnapshot = true\nmax_lifted = \"100%\"\nmay_be_empty = true\n[removal]";
    installation.edit("jobs/policy.toml", "[removal]", optout);
    let all = |cases: std::ops::Range<usize>| {
        let row = |n| format!("S-{n},2026-10-01,person{n:05}@example.org\n");
        format!("Case,At,Email\n{}", cases.map(row).collect::<String>())
    };
    installation.write("requests/optout/1.csv", &all(4..8));
    installation.erase("1", &[("C-1", "person00010@example.org", "")]);
    installation.run(1).unwrap();
    // Small groups are suppressed too.
    let before = rows(&installation).len();
    assert!(before <= 25);
    // A list that goes on in a file that it began with.
    let mut place = installation.copy();
    place.erase("1", &[("C-1", "person00010@example.org", ""), ("C-2", "person00011@example.org", "")]);
    lagging(&mut place, "requests/erasure/1.csv");
    place.run(2).unwrap();
    assert!(rows(&place).len() < before, "the new row is applied");
    // A snapshot is one object: that the other one is in no listing lifts nobody.
    let mut place = installation.copy();
    place.write("requests/optout/2.csv", &all(4..5));
    lagging(&mut place, "requests/optout/1.csv");
    let error = place.run(2).unwrap_err();
    assert_eq!(error.code(), Code::RequestListUnreadable, "{error}");
    assert_eq!(rows(&place).len(), before, "nobody is back");
    std::fs::remove_file(place.path("requests/optout/1.csv")).unwrap();
    place.wrap = None;
    place.run(3).unwrap();
    assert!(rows(&place).len() > before, "it is gone now: three are no longer in the snapshot");
}
