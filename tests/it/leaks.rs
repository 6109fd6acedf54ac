//! No raw value gets out: after every way in which a run can end, everything that was written anywhere is searched for
//! every marker in every form. The positive control publishes a name on purpose, and the sweep must find it.

use crate::canary::{Hit, Sweep};
use crate::fault::{Fault, FaultStore, Mode};
use crate::marked::{AS_OF, Marked, Marks, SET, csv};
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use tamis::cli::process;
use tamis::clock::{Clock, Instant, System};
use tamis::error::Code;
use tamis::job::{Call, Caller, Stop};
use tamis::monitor::{Event, Monitor, Silent};
use tamis::run;
use tamis::state::Claimant;

/// Searches everything that is not input: the lake, the state, the working and the temporary folder, and what was said.
pub fn written(marked: &Marked, said: &[Output]) -> Vec<Hit> {
    let own = &marked.marks.canaries[base().1..];
    let mut hits = search(&base().0, marked, said);
    hits.extend((!own.is_empty()).then(|| search(&Sweep::new(own), marked, said)).into_iter().flatten());
    hits
}

/// The search for the markers that every `Marked::ready()` has, made once, and how many they are.
fn base() -> &'static (Sweep, usize) {
    static BASE: OnceLock<(Sweep, usize)> = OnceLock::new();
    BASE.get_or_init(|| {
        let canaries = Marked::ready().marks.canaries;
        (Sweep::new(&canaries), canaries.len())
    })
}

fn search(sweep: &Sweep, marked: &Marked, said: &[Output]) -> Vec<Hit> {
    let mut hits = Vec::new();
    for folder in ["lake", "state", "home", "spill"].map(|name| marked.path(name)) {
        let any = folder.exists() && fs::read_dir(&folder).unwrap().next().is_some();
        hits.extend(any.then(|| sweep.tree(&folder)).into_iter().flatten());
    }
    for output in said {
        hits.extend(sweep.bytes("standard output", &output.stdout));
        hits.extend(sweep.bytes("standard error", &output.stderr));
    }
    hits
}

pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[track_caller]
pub fn ended(output: &Output, code: i32, told: &str) {
    let text = text(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(text.contains(told), "{told:?} is not in: {text}");
    for level in ["TRACE", "DEBUG", "INFO"] {
        assert!(!text.contains(level), "something logs: {text}");
    }
}

#[test]
fn nothing_raw_is_in_what_runs_plans_and_checks_write_and_say() {
    let marked = Marked::ready();
    let mut said = Vec::new();
    for arguments in [
        &["check"][..],
        &["check", "--json"],
        &["plan", "contacts"],
        &["plan", "contacts", "--json"],
        &["run", "contacts"],
        &["run", "contacts", "--json"],
        &["verify"],
        &["verify", "--json"],
        &["audit"],
        &["audit", "--json"],
        &["audit", "--format", "junit"],
        &["audit", "--format", "sarif"],
        &["key", "check"],
    ] {
        let output = marked.tamis(arguments);
        ended(&output, 0, "");
        said.push(output);
    }
    let report: serde_json::Value = serde_json::from_slice(&said[5].stdout).unwrap();
    let manifest = &report["manifest"];
    let removed = |reason: &str| {
        let all = manifest["removed"].as_array().unwrap();
        all.iter().find(|r| r["reason"] == reason).map_or(0, |r| r["rows"].as_u64().unwrap())
    };
    // Every class of row is what it is called.
    let counts = ["erased", "excluded:deleted-in-crm", "expired", "rejected", "suppressed"].map(removed);
    assert_eq!(counts, [2, 1, 2, 6, 1], "{}", manifest["removed"]);
    assert_eq!((manifest["rows_in"].as_u64(), manifest["rows_out"].as_u64()), (Some(18), Some(6)));
    assert_eq!(manifest["drift"][0]["column"], "Grown__c");
    assert_eq!(written(&marked, &said), []);
}

/// Commands that are told who is meant, and those that say what became of it.
#[test]
fn nothing_raw_is_in_what_requests_sweeps_and_reports_write_and_say() {
    let marked = Marked::ready();
    let mut said = vec![marked.tamis(&["run", "contacts"])];
    ended(&said[0], 0, "published");
    let canaries = &marked.marks.canaries;
    let of = |name: &str, with: &str| canaries.iter().find(|c| c.name() == name && c.value().contains(with)).unwrap();
    let email = format!("email: {}\n", of("kept.Email", "@").value());
    let odd = format!("nothing: {}\n", of("kept.Name", "").value());
    for (arguments, told, exit) in [
        (&["subject", "find"][..], &email, 0),
        (&["explain", "contacts"], &email, 0),
        (&["explain", "contacts", "--json"], &email, 0),
        (&["subject", "erase", "--request", "E-2026-901"], &email, 0),
        (&["subject", "erase", "--request", "E-2026-902"], &odd, 2),
        (&["subject", "erase", "--request", "E-2026-903", "--json"], &odd, 2),
        (&["sweep"], &email, 0),
        (&["sweep", "--json"], &email, 0),
        (&["explain", "contacts"], &email, 0),
        (&["subject", "find", "--json"], &email, 0),
        (&["report", "case", "E-2026-901"], &email, 0),
        (&["report", "case", "E-2026-901", "--format", "html"], &email, 0),
        (&["report", "job", "contacts", "--format", "html"], &email, 0),
        (&["status", "--all"], &email, 0),
        (&["status", "--json"], &email, 0),
        (&["accept", "contacts", "0123456789abcdef", "--reason", "a test"], &email, 2),
        (&["report", "register"], &email, 0),
        (&["report", "register", "--format", "html"], &email, 0),
        (&["report", "register", "--format", "csv"], &email, 0),
        (&["report", "dpia", "contacts"], &email, 0),
        (&["report", "dpia", "contacts", "--format", "html"], &email, 0),
        (&["report", "dpia", "contacts", "--json"], &email, 0),
        (&["sign-off", "contacts", "--by", "dpo", "--reason", "a test"], &email, 2),
        (&["sign-off", "contacts", "--by", "head", "--reason", "a test", "--json"], &email, 0),
        (&["breach", "scope", "--aware-at", AS_OF, "--until", "2999-01-01T00:00:00Z"], &email, 0),
        (
            &[
                "breach",
                "scope",
                "--aware-at",
                AS_OF,
                "--until",
                "2999-01-01T00:00:00Z",
                "--breached-root",
                "raw",
                "--format",
                "html",
            ],
            &email,
            0,
        ),
        (&["breach", "scope", "--aware-at", AS_OF, "--until", "2999-01-01T00:00:00Z", "--json"], &email, 0),
        (
            &["breach", "decide", "1", "--authority", "yes", "--people", "no", "--by", "head", "--reason", "r"],
            &email,
            0,
        ),
    ] {
        let output = marked.tamis_told(arguments, told);
        ended(&output, exit, "");
        said.push(output);
    }
    assert!(text(&said[11]).contains("E-2026-901"), "{}", text(&said[11]));
    // The date that keeps somebody is what `explain` is asked for; it is said and nowhere written.
    let date = |hit: &Hit| hit.canary == "task.day" && hit.place == "standard output";
    let hits: Vec<Hit> = written(&marked, &said).into_iter().filter(|hit| !date(hit)).collect();
    assert_eq!(hits, []);
}

/// An answer to a person holds raw values, in the folder it was given and nowhere else; refusals say none.
#[test]
fn an_answer_to_a_person_is_in_its_folder_and_nowhere_else() {
    let marked = Marked::ready();
    let mut said = vec![marked.tamis(&["run", "contacts"])];
    ended(&said[0], 0, "published");
    let email = marked.marks.canaries.iter().find(|c| c.name() == "kept.Email" && c.value().contains('@')).unwrap();
    let values = format!("email: {}\n", email.value());
    for (arguments, exit) in [
        (&["subject", "export", "--request", "D-1", "--out", "../answer-1"][..], 0),
        (
            &[
                "subject",
                "export",
                "--request",
                "D-2",
                "--out",
                "../answer-2",
                "--include-doubtful",
                "a test",
                "--json",
            ],
            0,
        ),
        (&["subject", "export", "--request", "D-3", "--out", "../answer-3", "--right", "portability"], 0),
        (&["subject", "export", "--request", "D-4", "--out", "../state/answer"], 2),
        (&["subject", "export", "--request", "not an id", "--out", "../answer-4"], 2),
    ] {
        let output = marked.tamis_told(arguments, &values);
        ended(&output, exit, "");
        said.push(output);
    }
    assert_eq!(written(&marked, &said), []);
    let hits = base().0.tree(&marked.path("answer-2"));
    assert!(hits.iter().any(|hit| hit.canary == "kept.Email"), "{hits:?}");
}

/// Whom to notify of a breach is in the folder that was given and nowhere else.
#[test]
fn the_people_of_a_breach_are_in_their_folder_and_nowhere_else() {
    let marked = Marked::ready();
    let mut said = vec![marked.tamis(&["run", "contacts"])];
    for (arguments, exit) in [
        (&["breach", "scope", "--aware-at", &System.now().to_string()][..], 0),
        (&["breach", "subjects", "1", "--out", "../state/people"], 2),
        (&["breach", "subjects", "9", "--out", "../people-9"], 2),
        (&["breach", "subjects", "1", "--out", "../people-1"], 0),
        (&["breach", "subjects", "1", "--out", "../people-2", "--json"], 0),
    ] {
        let output = marked.tamis(arguments);
        ended(&output, exit, "");
        said.push(output);
    }
    assert_eq!(written(&marked, &said), []);
    let hits = base().0.tree(&marked.path("people-1"));
    assert!(hits.iter().any(|hit| hit.canary == "kept.Email"), "{hits:?}");
}

/// What recipients are told is tokens and nothing else.
#[test]
fn nothing_raw_is_in_what_recipients_are_told() {
    let marked = Marked::ready();
    let processor = "kind = \"processor\"\ncontract = \"DPA-1\"\ncountry = \"FR\"\nreview_by = \"2999-01-01\"";
    marked.edit("jobs/policy.toml", "kind = \"internal\"", processor);
    let mut said = vec![marked.tamis(&["run", "contacts"])];
    ended(&said[0], 0, "published");
    let email = marked.marks.canaries.iter().find(|c| c.name() == "kept.Email" && c.value().contains('@')).unwrap();
    let values = format!("email: {}\n", email.value());
    for (arguments, exit) in [
        (&["subject", "erase", "--request", "E-2026-907"][..], 0),
        (&["sweep"], 0),
        (&["recipient", "notices", "bi-team", "--out", "../state/notices.json"], 2),
        (&["recipient", "notices", "bi-team", "--out", "../notices.json"], 0),
        (&["recipient", "acknowledge", "bi-team", "--up-to", "9"], 2),
        (&["recipient", "acknowledge", "bi-team", "--up-to", "1"], 0),
        (&["report", "case", "E-2026-907"], 0),
        (&["report", "case", "E-2026-907", "--format", "html"], 0),
        (&["status"], 0),
        (&["check"], 0),
    ] {
        let output = marked.tamis_told(arguments, &values);
        ended(&output, exit, "");
        said.push(output);
    }
    assert!(marked.path("notices.json").exists() && text(&said[7]).contains("bi-team"), "{}", text(&said[7]));
    assert_eq!(written(&marked, &said), []);
}

/// A first look at an export, and at its cells: what is said, and the specs that are written.
#[test]
fn nothing_raw_is_in_what_init_and_peek_write_and_say() {
    let marked = Marked::ready();
    let zip = format!("../{SET}/WE_1.zip");
    fs::write(marked.path("raw/contacts.csv"), &marked.contacts).unwrap();
    let mut said = Vec::new();
    for (dir, arguments) in [
        ("jobs-1", &["init", zip.as_str()][..]),
        ("jobs-2", &["init", zip.as_str(), "--json"]),
        ("jobs-3", &["init", "../raw", "--dry-run"]),
        ("jobs-4", &["init", "../raw/contacts.csv"]),
        ("jobs-1", &["peek", "../raw/contacts.csv"]),
        ("jobs-1", &["peek", "../raw/contacts.csv", "--json"]),
        ("jobs-1", &["peek", "../raw/contacts.csv", "--column", "Email", "--record", "3"]),
        ("jobs-1", &["peek", zip.as_str(), "--member", "Task.csv", "--record", "1", "--json"]),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tamis"));
        command.args(["--dir", dir]).args(arguments).current_dir(marked.path("home")).env("RUST_LOG", "trace");
        let output = command.output().unwrap();
        ended(&output, 0, "");
        said.push(output);
    }
    assert!(text(&said[0]).contains("MobilePhone") && marked.path("home/jobs-1/contact.toml").exists());
    assert_eq!(written(&marked, &said), []);
    // Refusals: a header that is none, and what `check` says of specs that nobody has edited.
    let record = marked.contacts.split_once("\r\n").unwrap().1;
    fs::write(marked.path("raw/headless.csv"), record).unwrap();
    for (dir, arguments) in [("jobs-5", &["init", "../raw/headless.csv"][..]), ("jobs-1", &["check"])] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tamis"));
        said.push(command.args(["--dir", dir]).args(arguments).current_dir(marked.path("home")).output().unwrap());
        assert!(matches!(said[said.len() - 1].status.code(), Some(2 | 3)), "{}", text(&said[said.len() - 1]));
    }
    assert_eq!(written(&marked, &said), []);
}

#[test]
fn a_name_published_on_purpose_is_found_and_only_there() {
    let marked = Marked::ready();
    let raw = "Name = { category = \"identity\", allow_raw = \"a control of the sweep\", purposes = [\"reporting\"] }";
    marked.edit("jobs/sources/contact.toml", "Name = { category = \"identity\" }", raw);
    marked.edit("jobs/contacts.toml", "[fields]\n", "[fields]\nname = { from = \"Name\", treat = \"as-is\" }\n");
    let output = marked.tamis(&["run", "contacts"]);
    ended(&output, 0, "published");
    let audits =
        [&["audit"][..], &["audit", "--json"], &["audit", "--format", "sarif"], &["audit", "--format", "junit"]]
            .map(|audit| marked.tamis(audit));
    let hits = written(&marked, &[&[output][..], &audits].concat());
    let lake = marked.path("lake/contacts").display().to_string();
    assert!(hits.iter().any(|hit| hit.canary == "kept.Name" && hit.form == "text"), "{hits:?}");
    assert!(hits.iter().any(|hit| hit.canary == "odd.Name"), "{hits:?}");
    for hit in hits {
        assert!(["kept.Name", "odd.Name"].contains(&hit.canary.as_str()), "{hit:?}");
        assert!(hit.place.starts_with(&lake) && hit.place.contains(".parquet"), "{hit:?}");
    }
}

/// The error that must come of it, and one way to spoil the job.
type Refusal = (Code, fn(&mut Marked));

fn contacts(marked: &mut Marked, change: impl FnOnce(&mut Marks, &mut Vec<u8>)) {
    let mut bytes = marked.contacts.clone().into_bytes();
    change(&mut marked.marks, &mut bytes);
    marked.export(&bytes);
}

/// Adds a record whose first cell is written as given; `@` stands for a marker.
fn record(marked: &mut Marked, cell: &str) {
    contacts(marked, |marks, bytes| {
        let marks = [(); 3].map(|()| marks.text("malformed"));
        let cells = cell.replacen('@', &marks[0], 1).replacen('@', &marks[1], 1);
        bytes.extend(format!("{cells}{}{}\r\n", ",".repeat(18), marks[2]).into_bytes());
    });
}

/// Replaces the list by lines after the usual header; `@` stands for a marker.
fn list(marked: &mut Marked, lines: &str) {
    let lines = lines.replace('@', &marked.marks.text("list.malformed"));
    let text = format!("Case,Email,ContactId,RequestedAt,Comment\n{lines}");
    fs::write(marked.path("requests/erasure/2026.csv"), text).unwrap();
}

fn untreated(marked: &mut Marked) {
    let rows: Vec<_> = (0..12)
        .map(|_| {
            let mut row = marked.marks.person("untreated");
            row.insert("Score", marked.marks.text("untreated.Score"));
            row
        })
        .collect();
    contacts(marked, |_, bytes| bytes.extend(csv(&rows).split_once("\r\n").unwrap().1.bytes()));
}

const EXPORTS: &[Refusal] = &[
    (Code::RecordMalformed, |m| record(m, "\"@")),
    (Code::RecordMalformed, |m| record(m, "\"@\"@")),
    (Code::RecordMalformed, |m| record(m, "@\"@")),
    (Code::EncodingWrong, |m| record(m, "@\0@")),
    (Code::EncodingWrong, |m| record(m, "@\u{fffd}@")),
    (Code::EncodingWrong, |m| {
        contacts(m, |marks, bytes| {
            bytes.extend([marks.text("malformed").as_bytes(), b"\xff", marks.text("malformed").as_bytes()].concat());
        });
    }),
    (Code::RecordMalformed, |m| {
        contacts(m, |marks, bytes| bytes.extend(format!("\"{}\"", marks.text("malformed").repeat(600)).bytes()));
    }),
    (Code::RecordMalformed, |m| {
        contacts(m, |_, bytes| *bytes = String::from_utf8_lossy(bytes).replace("\r\n", "\r").into_bytes())
    }),
    (Code::EncodingWrong, |m| {
        contacts(m, |_, bytes| {
            let utf_16 = String::from_utf8_lossy(bytes).encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
            *bytes = [b"\xff\xfe", utf_16.as_slice()].concat();
        });
    }),
    (Code::ColumnMissing, |m| {
        contacts(m, |_, bytes| *bytes = String::from_utf8_lossy(bytes).replacen("\"Email\"", "\"Mail\"", 1).into())
    }),
    (Code::ColumnTwice, |m| {
        contacts(m, |_, bytes| *bytes = String::from_utf8_lossy(bytes).replacen("\"Notes\"", "\"Name\"", 1).into())
    }),
    (Code::ColumnUnlisted, |m| m.edit("jobs/sources/contact.toml", "[read]\n", "[read]\non_drift = \"refuse\"\n")),
    (Code::RecordMalformed, |m| m.edit("jobs/contacts.toml", "\"drop\"\nmax_rejected = \"20%\"", "\"refuse\"")),
    (Code::TooManyRejected, |m| m.edit("jobs/contacts.toml", "max_rejected = \"20%\"", "max_rejected = \"1%\"")),
    (Code::TooManyUntreated, untreated),
    (Code::GateK, |m| m.edit("jobs/contacts.toml", "\"suppress\"\nmax_suppressed = \"50%\"", "\"refuse\"")),
    (Code::Brake, |m| m.edit("jobs/contacts.toml", "max_removed = \"90%\"", "max_removed = \"1%\"")),
];

const ARCHIVES: &[Refusal] = &[
    (Code::InputDamaged, |m| archive(m, |bytes| bytes.truncate(bytes.len() / 2))),
    (Code::InputDamaged, |m| {
        archive(m, |bytes| {
            // In the middle of the compressed contacts.
            let middle = bytes.len() / 4;
            bytes[middle..middle + 8].iter_mut().for_each(|byte| *byte ^= 0x55);
        });
    }),
    (Code::ColumnMissing, |m| {
        let contacts = m.contacts.clone();
        archive(m, |bytes| *bytes = contacts.into_bytes());
    }),
    // The contacts in a compressed tar: cut, of two names, with something after them, and with one in its name.
    (Code::InputDamaged, |m| packed_tar(m, |tar| tar.truncate(1400))),
    (Code::InputDamaged, |m| packed_tar(m, |tar| tar.extend(tar.clone()))),
    (Code::RecordMalformed, |m| {
        m.contacts.push_str(&format!("{}\"\r\n", m.marks.text("malformed")));
        packed_tar(m, |_| {});
    }),
    (Code::InputDamaged, |m| {
        let contacts = m.contacts.clone();
        archive(m, |bytes| {
            *bytes = zstd::encode_all(contacts.as_bytes(), 1).unwrap();
            let end = bytes.len() - 9;
            bytes.truncate(end);
        });
    }),
    // The contacts as Parquet: cut, changed in the middle, and with text that was lost.
    (Code::InputDamaged, |m| as_parquet(m, |bytes| bytes.truncate(bytes.len() / 2))),
    (Code::InputDamaged, |m| {
        as_parquet(m, |bytes| {
            let pages = bytes.len() / 3;
            bytes[4..pages].iter_mut().for_each(|byte| *byte ^= 0x55);
        });
    }),
    (Code::EncodingWrong, |m| {
        m.contacts = m.contacts.replacen("@", "\u{fffd}@", 3);
        as_parquet(m, |_| {});
    }),
    (Code::ExportNotWhole, |m| fs::remove_file(m.path(SET).join("_DONE")).unwrap()),
];

/// Puts the contacts into a Parquet file in place of the zip archive.
fn as_parquet(marked: &Marked, change: impl FnOnce(&mut Vec<u8>)) {
    use arrow::array::{ArrayRef, RecordBatch, StringArray};
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(marked.contacts.as_bytes());
    let names = reader.headers().unwrap().clone();
    let records: Vec<_> = reader.records().flatten().filter(|record| record.len() == names.len()).collect();
    let column = |at: usize| -> ArrayRef { Arc::new(StringArray::from_iter_values(records.iter().map(|r| &r[at]))) };
    let columns = names.iter().enumerate().map(|(at, name)| (name, column(at), true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    let mut bytes = writer.into_inner().unwrap();
    change(&mut bytes);
    archive(marked, |archive| *archive = bytes);
    marked.edit("jobs/sources/contact.toml", "format = \"csv\"", "format = \"parquet\"");
}

/// Puts the contacts into a tar archive in place of the zip archive, and packs it with bzip2.
fn packed_tar(marked: &Marked, change: impl FnOnce(&mut Vec<u8>)) {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(marked.contacts.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, "Contact.csv", marked.contacts.as_bytes()).unwrap();
    let mut tar = tar.into_inner().unwrap();
    change(&mut tar);
    let mut packed = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    packed.write_all(&tar).unwrap();
    archive(marked, |bytes| *bytes = packed.finish().unwrap());
}

fn archive(marked: &Marked, change: impl FnOnce(&mut Vec<u8>)) {
    let path = marked.path(SET).join("WE_1.zip");
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

const LISTS: &[Refusal] = &[
    (Code::RequestListUnreadable, |m| list(m, "")),
    (Code::RequestListUnreadable, |m| fs::write(m.path("requests/erasure/2026.csv"), "").unwrap()),
    (Code::RequestListUnreadable, |m| fs::remove_file(m.path("requests/erasure/2026.csv")).unwrap()),
    (Code::RequestListUnreadable, |m| list(m, "@,a@example.org,,2026-11-01,\n")),
    (Code::RequestListUnreadable, |m| list(m, "E-0001,@x.example,,@,@\n")),
    (Code::RequestListUnreadable, |m| list(m, "E-0001,,,2026-11-01,@\n")),
    (Code::RequestListUnreadable, |m| list(m, "E-0001,\"@,,2026-11-01,\n")),
    (Code::RequestListUnreadable, |m| list(m, "E-0001,\"@\"@,,2026-11-01,\n")),
    (Code::RequestListUnreadable, |m| list(m, "E-0001,@,@\n")),
    (Code::RequestListUnreadable, |m| {
        let text = format!("Case,Mail,ContactId,RequestedAt\nE-0001,{},,2026-11-01\n", m.marks.text("list.malformed"));
        fs::write(m.path("requests/erasure/2026.csv"), text).unwrap();
    }),
    (Code::RequestListUnreadable, |m| {
        list(m, "E-0001,@,,2026-11-01,\n");
        let mut bytes = fs::read(m.path("requests/erasure/2026.csv")).unwrap();
        bytes.extend(b"E-0002,\xff,,2026-11-01,\n");
        fs::write(m.path("requests/erasure/2026.csv"), bytes).unwrap();
    }),
];

const SURROUNDINGS: &[Refusal] = &[
    (Code::KeyDiffers, |m| m.key("identity.key", &"5a6b".repeat(16))),
    (Code::KeyUnreadable, |m| {
        let text = m.marks.text("key");
        m.key("identity.key", &text);
    }),
    (Code::KeyUnreadable, |m| {
        let text = m.marks.text("key");
        m.key("identity.key", &format!("{text}{}", "0".repeat(48)));
    }),
    (Code::StateMissing, |m| fs::remove_dir_all(m.path("state")).unwrap()),
    (Code::SpecFindings, |m| {
        m.edit("jobs/contacts.toml", "from = \"Birthdate\", treat = \"year\"", "from = \"Birthdate\"")
    }),
    (Code::ObjectMissing, |m| fs::write(m.path("lake"), "a file").unwrap()),
    (Code::SpillFailed, |m| {
        fs::remove_dir(m.path("spill")).unwrap();
        fs::write(m.path("spill"), "a file").unwrap();
    }),
    (Code::TableApart, |m| {
        ended(&m.tamis(&["run", "contacts"]), 0, "");
        fs::remove_dir_all(m.path("lake")).unwrap();
    }),
];

/// Each refusal is run as text and as JSON; the second time some are refused for another reason.
fn refused(refusals: &[Refusal]) {
    for (number, (code, spoil)) in refusals.iter().enumerate() {
        let mut marked = Marked::ready();
        spoil(&mut marked);
        let mut said = vec![marked.tamis(&["run", "contacts"])];
        let told = |code: &Code| text(&said[0]).contains(&format!("error[{}]", code.name()));
        // What damaged bytes unpack to may be refused before their checksum is met.
        let garbled = [Code::RecordMalformed, Code::EncodingWrong];
        let refused = told(code) || (*code == Code::InputDamaged && garbled.iter().any(told));
        assert!(refused, "refusal {number} is not {code:?}: {}", text(&said[0]));
        ended(&said[0], code.kind().exit_code().into(), "");
        said.extend([&["run", "contacts", "--json"][..], &["plan", "contacts"], &["verify"]].map(|a| marked.tamis(a)));
        assert!(said.iter().all(|output| output.status.code() != Some(101)));
        if marked.path("spill").is_file() {
            fs::remove_file(marked.path("spill")).unwrap();
        }
        if marked.path("lake").is_file() {
            fs::remove_file(marked.path("lake")).unwrap();
        }
        let hits = written(&marked, &said);
        assert_eq!(hits, [], "refusal {number}: {}", text(&said[0]));
    }
}

#[test]
fn refused_exports_are_not_repeated() {
    refused(EXPORTS);
}

#[test]
fn broken_archives_are_not_repeated() {
    refused(ARCHIVES);
}

#[test]
fn unreadable_lists_are_not_repeated() {
    refused(LISTS);
}

#[test]
fn wrong_keys_specs_and_places_are_not_repeated() {
    refused(SURROUNDINGS);
}

fn call(folder: &Path, runtime: &tokio::runtime::Runtime) -> Call {
    Call {
        dir: folder.join("jobs"),
        roots: Vec::new(),
        job: "contacts".into(),
        as_of: Instant::parse(AS_OF),
        now: System.now(),
        threads: 2,
        memory_bytes: 0,
        spill: folder.join("spill"),
        block_bytes: 1 << 20,
        caller: Caller::at(System.now()),
        scheduled: false,
        stop: Stop::default(),
        project: None,
        demo: false,
        runtime: runtime.handle().clone(),
        wrap: None,
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Looks into the spill while it is there: its file has no name, so it is read as what this process has open.
struct Peek {
    sweep: &'static Sweep,
    spill: String,
    /// Bytes seen, and what was found in them.
    seen: Mutex<(usize, Vec<Hit>)>,
}

impl Monitor for Peek {
    fn event(&self, event: Event) {
        let Event::Stage { .. } = event else { return };
        for open in fs::read_dir("/proc/self/fd").unwrap().flatten() {
            let names_it = |to: &Path| to.to_string_lossy().starts_with(&self.spill);
            if fs::read_link(open.path()).is_ok_and(|to| names_it(&to)) {
                let bytes = fs::read(open.path()).unwrap();
                let mut seen = self.seen.lock().unwrap();
                seen.0 = seen.0.max(bytes.len());
                seen.1.extend(self.sweep.bytes("spill", &bytes));
            }
        }
    }
}

#[test]
fn spilled_rows_are_sealed_while_the_run_lasts() {
    let (marked, runtime) = (Marked::ready(), runtime());
    let spill = marked.path("spill").canonicalize().unwrap().display().to_string();
    let peek = Peek { sweep: &base().0, spill, seen: Mutex::default() };
    run::run(&call(marked.folder.path(), &runtime), &peek).unwrap_or_else(|e| panic!("{e}"));
    let (bytes, hits) = peek.seen.into_inner().unwrap();
    assert!(bytes > 1_000, "{bytes} bytes were spilled: nothing to look into");
    assert_eq!(hits, []);
    assert_eq!(fs::read_dir(marked.path("spill")).unwrap().count(), 0);
}

const CHILD: &str = "TAMIS_TEST_LEAK";

/// The child of the test below: dies at the store operation it is told.
#[test]
fn crash_child() {
    let Ok(order) = std::env::var(CHILD) else { return };
    let (at, folder) = order.split_once(' ').unwrap();
    let runtime = runtime();
    run::run(&faulty(Path::new(folder), &runtime, Fault::new(Mode::Abort, at.parse().unwrap(), false)), &Silent).ok();
}

fn faulty(folder: &Path, runtime: &tokio::runtime::Runtime, fault: Arc<Fault>) -> Call {
    let wrap = move |root: tamis::store::Root| root.with_store(FaultStore::new(root.raw("").0, fault.clone()));
    let call = call(folder, runtime);
    // As the command does it: the next one sees that this process has ended, and does not wait for its lease.
    let who = Claimant { process: process::this(), ended: process::ended, ..call.caller.who.clone() };
    Call { wrap: Some(Arc::new(wrap)), caller: Caller { who, ..call.caller }, ..call }
}

#[test]
fn what_a_crash_leaves_holds_nothing_raw() {
    let (counting, whole, runtime) = (Fault::counting(), Marked::ready(), runtime());
    run::run(&faulty(whole.folder.path(), &runtime, counting.clone()), &Silent).unwrap_or_else(|e| panic!("{e}"));
    let operations = counting.count();
    assert!(operations > 20, "{operations}");
    // The exports are read at the start, files and commit written at the end: both are cut in several places.
    for at in (1..=8).map(|part| operations * part / 8).chain([operations / 2 + 1, operations - 1]) {
        let marked = Marked::ready();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "leaks::crash_child", "--test-threads=1"])
            .env(CHILD, format!("{at} {}", marked.folder.path().display()))
            .current_dir(marked.path("home"))
            .output()
            .unwrap();
        assert_eq!(child.status.signal(), Some(6), "operation {at}: {}", text(&child));
        assert_eq!(written(&marked, std::slice::from_ref(&child)), [], "operation {at}");
        let again = marked.tamis(&["run", "contacts"]);
        ended(&again, 0, "published");
        assert_eq!(written(&marked, &[again]), [], "after operation {at}");
    }
}

const PANIC: &str = "TAMIS_TEST_PANIC";

/// The child of the test below: panics with a value in hand, in a thread and on its own.
#[test]
fn panic_child() {
    let Ok(value) = std::env::var(PANIC) else { return };
    tamis::cli::shield::raise();
    let (one, other) = (value.clone(), value.clone());
    assert!(std::thread::spawn(move || panic!("the row was {one}")).join().is_err());
    assert!(std::panic::catch_unwind(move || std::panic::panic_any(other)).is_err());
    assert!(std::panic::catch_unwind(|| value.parse::<u32>().unwrap()).is_err());
}

#[test]
fn a_panic_says_where_and_not_what() {
    let mut marks = Marks::default();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "leaks::panic_child", "--test-threads=1", "--nocapture"])
        .env(PANIC, marks.text("panic"))
        .env("RUST_BACKTRACE", "full")
        .output()
        .unwrap();
    ended(&child, 0, "internal fault at tests/it/leaks.rs:");
    assert_eq!(text(&child).matches("internal fault at").count(), 3);
    let sweep = Sweep::new(&marks.canaries);
    assert_eq!(sweep.bytes("said", &[child.stdout, child.stderr].concat()), []);
}

/// The program, waiting for a store that takes connections and never answers.
fn waiting(folder: &Path, ulimit: &str) -> (std::net::TcpListener, std::process::Child) {
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = deaf.local_addr().unwrap().port();
    let script = format!("ulimit -c {ulimit}; exec \"$0\" \"$@\"");
    let child = Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_tamis"), "--dir"])
        .arg(folder.join("jobs"))
        .args(["verify", "--root", "state=s3://deaf/state"])
        .current_dir(folder.join("home"))
        .env("AWS_ENDPOINT", format!("http://127.0.0.1:{port}"))
        .envs([("AWS_ALLOW_HTTP", "true"), ("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    (deaf, child)
}

#[test]
fn the_program_leaves_no_core_and_makes_files_for_its_user_only() {
    let marked = Marked::new();
    let (deaf, mut child) = waiting(marked.folder.path(), "unlimited");
    // Connected: the command is well under way, keys may be in memory.
    let _connection = deaf.accept().unwrap();
    let of = |name: &str| fs::read_to_string(format!("/proc/{}/{name}", child.id())).unwrap();
    assert!(of("status").contains("Umask:\t0077"), "{}", of("status"));
    let limits = of("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
    let killed = Command::new("kill").args(["-ABRT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let status = child.wait().unwrap();
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
    assert_eq!(fs::read_dir(marked.path("home")).unwrap().count(), 0);
}

/// A store that gives this answer, with the marker in its head and body, to whatever it is asked.
fn answering(status: &'static str, marker: String) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let body = format!("<Error><Code>{marker}</Code><Message>{marker}</Message></Error>");
            let head = format!("HTTP/1.1 {status}\r\nx-amz-request-id: {marker}\r\nLocation: http://{marker}/\r\n");
            let _ = stream.read(&mut [0; 8192]);
            let _ = write!(stream, "{head}Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    port
}

#[test]
fn what_a_store_answers_and_how_it_is_reached_is_not_repeated() {
    let marked = Marked::new();
    for status in ["403 Forbidden", "400 Bad Request", "404 Not Found", "301 Moved Permanently", "200 OK"] {
        let mut marks = Marks::default();
        let [answer, bucket, key, secret] = ["answer", "bucket", "key", "secret"].map(|name| marks.text(name));
        let port = answering(status, answer);
        for arguments in [&["verify"][..], &["verify", "--json"], &["run", "contacts"]] {
            let output = Command::new(env!("CARGO_BIN_EXE_tamis"))
                .arg("--dir")
                .arg(marked.path("jobs"))
                .args(arguments)
                .arg(format!("--root=state=s3://{}/state", bucket.to_lowercase()))
                .env("AWS_ENDPOINT", format!("http://127.0.0.1:{port}"))
                .envs([("AWS_ALLOW_HTTP", "true"), ("AWS_ACCESS_KEY_ID", &key), ("AWS_SECRET_ACCESS_KEY", &secret)])
                .env("RUST_LOG", "trace")
                .output()
                .unwrap();
            assert!(![Some(0), Some(101), None].contains(&output.status.code()), "{status}: {}", text(&output));
            assert!(!text(&output).contains("127.0.0.1"), "{status}: {}", text(&output));
            let sweep = Sweep::new(&marks.canaries);
            assert_eq!(sweep.bytes("said", text(&output).as_bytes()), [], "{status}: {}", text(&output));
        }
    }
}

#[test]
fn a_store_that_fails_for_good_leaves_nothing_raw() {
    let (counting, whole, runtime) = (Fault::counting(), Marked::ready(), runtime());
    run::run(&faulty(whole.folder.path(), &runtime, counting.clone()), &Silent).unwrap_or_else(|e| panic!("{e}"));
    let mut kinds = BTreeSet::new();
    for at in (1..=counting.count()).step_by(3).chain([counting.count()]) {
        for mode in [Mode::FailBefore, Mode::FailAfter] {
            let marked = Marked::ready();
            let outcome = run::run(&faulty(marked.folder.path(), &runtime, Fault::new(mode, at, true)), &Silent);
            let said = outcome.err().map_or(String::new(), |error| {
                kinds.insert(error.kind().exit_code());
                format!("{error}\n{}", error.help_text().unwrap_or_default())
            });
            assert_eq!(base().0.bytes("error", said.as_bytes()), [], "{mode:?} {at}: {said}");
            assert_eq!(written(&marked, &[]), [], "{mode:?} {at}");
        }
    }
    assert!(kinds.contains(&75), "{kinds:?}");
}

#[test]
fn what_is_read_is_full_of_what_is_looked_for() {
    let marked = Marked::ready();
    let names = |folder: &str| base().0.tree(&marked.path(folder)).into_iter().map(|hit| hit.canary);
    let keys: BTreeSet<String> = names("keys").collect();
    assert_eq!(keys.len(), 2, "{keys:?}");
    let cells: BTreeSet<String> = names("raw").chain(names("requests")).collect();
    assert!(cells.len() > 150, "markers in {} kinds of cell only", cells.len());
}
