//! The program itself: arguments in, exit code, text or JSON out.

use super::place::{JOB, Place, at, tree};
use super::table::Table;
use crate::python::Python;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use tamis::error::Code;

const FIRST: &str = "2024-06-01T00:00:00Z";
const SECOND: &str = "2024-06-02T00:00:00Z";

fn tamis(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tamis")).current_dir(folder).args(arguments).output().unwrap()
}

struct Said {
    exit: i32,
    out: String,
    err: String,
}

/// Runs the program on the place's specs.
fn said(place: &Place, arguments: &[&str]) -> Said {
    let output = tamis(place.folder(), &[&["--dir", "specs"], arguments].concat());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { exit: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs it and expects an exit code.
fn ends(place: &Place, exit: i32, arguments: &[&str]) -> Said {
    let said = said(place, arguments);
    assert_eq!(said.exit, exit, "{arguments:?}\n{}{}", said.out, said.err);
    if exit == 0 {
        assert_eq!(said.err, "", "{arguments:?} is quiet when nobody watches");
    } else {
        let told = said.err.contains("error") || said.err.starts_with("{\"");
        assert!(told && said.err.contains("help"), "{arguments:?} says what to do: {}", said.err);
    }
    said
}

/// Runs it and expects an error.
fn refused(place: &Place, code: Code, arguments: &[&str]) -> Said {
    let said = ends(place, code.kind().exit_code().into(), arguments);
    assert!(said.err.starts_with(&format!("error[{}]: ", code.name())), "{arguments:?} {code:?}: {}", said.err);
    said
}

fn run_at(place: &Place, as_of: &str, exit: i32) -> Said {
    ends(place, exit, &["run", JOB, "--as-of", as_of])
}

#[test]
fn from_nothing_to_a_second_version_with_the_same_bytes() {
    let place = Place::bare("whole");
    let keys = place.path("keys");
    for (path, _) in tree(&keys) {
        fs::remove_file(path).unwrap();
    }
    ends(&place, 0, &["check"]);
    refused(&place, Code::KeyMissing, &["key", "check"]);
    run_at(&place, FIRST, 2);
    let made = ends(&place, 0, &["key", "new"]).out;
    assert_eq!(made.matches("made ").count(), 2, "{made}");
    let first = tree(&keys);
    for (path, bytes) in &first {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o7777, 0o600, "{}", path.display());
        assert!(bytes.len() >= 64);
    }
    let kept = said(&place, &["key", "new"]);
    assert!(!kept.out.contains("made "), "{}", kept.out);
    assert!(tree(&keys) == first, "a key is never overwritten");
    refused(&place, Code::StateMissing, &["run", JOB, "--as-of", FIRST]);
    ends(&place, 0, &["state", "create"]);
    refused(&place, Code::AlreadyThere, &["state", "create"]);
    let ids = ends(&place, 0, &["key", "check"]).out;
    let report = ends(&place, 0, &["run", JOB, "--as-of", FIRST, "--verbose"]).out;
    assert!(report.contains("delta_scan('lake/contacts')"), "the query that reads the result: {report}");
    assert!(report.contains("version 0") && report.contains("links: applied"), "{report}");
    for id in ids.split_whitespace().filter(|word| word.len() == 16) {
        assert!(report.contains(id), "{id} in {report}");
    }
    let one = Table::newest(&place.root("lake"), JOB).unwrap();
    run_at(&place, FIRST, 0);
    let two = Table::newest(&place.root("lake"), JOB).unwrap();
    assert_eq!((one.version, two.version), (0, 1));
    assert_eq!(one.digests(), two.digests());
    ends(&place, 0, &["verify"]);
    assert!(tree(&place.path("keys")) == first);
}

#[test]
fn a_version_has_the_same_numbers_as_text_as_json_and_as_a_page() {
    let place = Place::of("whole");
    ends(&place, 2, &["report", "job", JOB]);
    run_at(&place, FIRST, 0);
    run_at(&place, SECOND, 0);
    let json: Value = serde_json::from_str(&ends(&place, 0, &["report", "job", JOB, "--json"]).out).unwrap();
    let schema: Value = serde_json::from_str(&ends(&place, 0, &["schema", "job-report"]).out).unwrap();
    conforms(&schema, &schema, &json).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(json["versions"].as_array().unwrap().len(), 2);
    let m = &json["manifest"];
    let removed = m["removed"].as_array().unwrap().iter().map(|of| (of["reason"].as_str().unwrap(), &of["rows"]));
    let balance: Vec<_> = removed.filter(|(_, rows)| **rows != 0).chain([("published", &m["rows_out"])]).collect();
    assert!(balance.len() > 3, "{balance:?}");
    let text = ends(&place, 0, &["report", "job", JOB]).out;
    let page = ends(&place, 0, &["report", "job", JOB, "--format", "html"]).out;
    for (name, rows) in balance {
        assert!(
            text.lines().any(|line| line.split_whitespace().take(2).eq([name, &rows.to_string()])),
            "{name}: {text}"
        );
        assert!(page.contains(&format!("<td>{name}</td><td class=\"n\">{rows}</td>")), "{name}: {page}");
    }
    assert!(!page.contains("{{") && !page.contains("<script") && page.contains("default-src 'none'"));
    let first = format!("{JOB}-20240601t000000z-1");
    let earlier = ends(&place, 0, &["report", "job", JOB, "--run", &first]).out;
    assert!(earlier.contains("version 0") && earlier.contains(&first), "{earlier}");
}

#[test]
fn every_exit_code_says_what_to_do() {
    let place = Place::of("whole");
    let usage = said(&place, &["run"]);
    assert_eq!((usage.exit, usage.out.as_str()), (2, ""), "{}", usage.err);
    assert!(usage.err.contains("Usage"), "{}", usage.err);
    assert_eq!(said(&place, &["--help"]).exit, 0);
    assert!(refused(&place, Code::NameUnknown, &["run", "nothing"]).err.contains(JOB), "the jobs there are");
    refused(&place, Code::ArgumentWrong, &["run", JOB, "--as-of", "yesterday"]);
    refused(&place, Code::AsOfWrong, &["run", JOB, "--as-of", "2999-01-01T00:00:00Z"]);
    refused(&place, Code::ArgumentWrong, &["--root", "lake", "check"]);
    refused(&place, Code::SpecFindings, &["--root", "nowhere=x", "check"]);
    refused(&place, Code::ArgumentWrong, &["verify", "--head", "nonsense"]);
    refused(&place, Code::AcceptanceUnfit, &["accept", JOB, "0123456789abcdef", "--reason", "no run has said so"]);
    fs::write(place.path("file"), "").unwrap();
    let text = tamis(place.folder(), &["--dir", "file/specs", "init", "--example"]);
    assert!(String::from_utf8_lossy(&text.stderr).contains(Code::FileNotWritten.name()), "{text:?}");
    refused(&place, Code::ObjectMissing, &["--root", "lake=file/lake", "run", JOB, "--as-of", FIRST]);
    refused(&place, Code::SpillFailed, &["run", JOB, "--as-of", FIRST, "--spill", "file"]);
    let contacts = place.path("raw/2024-06-01/contacts.zip");
    let whole = fs::read(&contacts).unwrap();
    fs::write(&contacts, &whole[..whole.len() / 2]).unwrap();
    let first = ["run", JOB, "--as-of", FIRST];
    assert!(refused(&place, Code::InputDamaged, &first).err.contains("raw:2024-06-01/contacts.zip"));
    fs::write(&contacts, whole).unwrap();
    run_at(&place, FIRST, 0);
    let limits = fs::read_to_string(place.path("specs/job.toml")).unwrap();
    fs::write(place.path("specs/job.toml"), limits.replace("max_suppressed = \"50%\"", "max_suppressed = \"1%\""))
        .unwrap();
    let second = ["run", JOB, "--as-of", SECOND];
    refused(&place, Code::TooManySuppressed, &second);
    fs::remove_dir_all(place.path("lake")).unwrap();
    refused(&place, Code::TableApart, &second);
}

#[test]
fn json_is_what_the_schema_says_and_errors_are_json_too() {
    let place = Place::of("whole");
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let schema = json(&ends(&place, 0, &["schema", "report"]).out);
    for command in ["plan", "run"] {
        let report = json(&ends(&place, 0, &["--json", command, JOB, "--as-of", FIRST]).out);
        conforms(&schema, &schema, &report).unwrap_or_else(|fault| panic!("{command}: {fault}"));
        assert_eq!(report["schema"], "tamis-report/1");
        assert_eq!(report["manifest"]["rows_in"], 9, "{report}");
    }
    let text = ends(&place, 0, &["plan", JOB, "--as-of", SECOND]).out;
    let report = json(&ends(&place, 0, &["--json", "plan", JOB, "--as-of", SECOND]).out);
    for number in [&report["manifest"]["rows_in"], &report["manifest"]["rows_out"]] {
        assert!(text.contains(&format!(" {number} ")), "the same numbers in both: {number} in {text}");
    }
    assert!(text.contains(report["plan_digest"].as_str().unwrap()));
    let mut broken = report.clone();
    broken["manifest"]["rows_in"] = "many".into();
    assert!(conforms(&schema, &schema, &broken).is_err(), "the check can fail");
    broken = report;
    broken["manifest"].as_object_mut().unwrap().remove("rows_out");
    assert!(conforms(&schema, &schema, &broken).is_err(), "the check can fail");
    let error = json(&ends(&place, 2, &["--json", "run", "nothing"]).err);
    assert_eq!((&error["schema"], &error["exit"]), (&"tamis-error/1".into(), &2.into()));
    assert_eq!(error["code"], Code::NameUnknown.name());
    assert!(error["help"].is_string() && error["message"].is_string());
    for kind in ["policy", "source", "job"] {
        assert!(json(&ends(&place, 0, &["schema", kind]).out)["properties"]["spec"].is_object());
    }
    let schema = json(&ends(&place, 0, &["schema", "status"]).out);
    let status = json(&ends(&place, 0, &["--json", "status"]).out);
    conforms(&schema, &schema, &status).unwrap_or_else(|fault| panic!("status: {fault}"));
    assert!(status["time_zones"].is_string(), "{status}");
    assert!(status["jobs"][0]["sweep"]["due"] == true && status["requests"]["datasets"].is_array(), "{status}");
    let mut broken = status.clone();
    broken["jobs"][0]["sweep"].as_object_mut().unwrap().remove("overdue");
    assert!(conforms(&schema, &schema, &broken).is_err(), "the check can fail");
    let text = ends(&place, 0, &["status", "--verbose"]).out;
    assert!(text.contains("not swept yet, due now") && text.contains("requests\n"), "{text}");
    json(&ends(&place, 0, &["--json", "verify"]).out);
    json(&ends(&place, 0, &["--json", "check"]).out);
}

/// What a JSON Schema of ours can say: types, properties, required, items, alternatives, closed values, references.
fn conforms(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).ok_or(format!("no {reference}"))?;
        let Some(own) = schema["properties"].as_object() else { return conforms(root, target, value) };
        // The tag of an enum stands beside what its variant refers to: together they are all the properties there are.
        let mut whole = target.clone();
        whole["properties"].as_object_mut().unwrap().extend(own.clone());
        whole["required"].as_array_mut().unwrap().extend(schema["required"].as_array().into_iter().flatten().cloned());
        return conforms(root, &whole, value);
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    let kind = |kind: &&str| match *kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("type {other}"),
    };
    if !kinds.is_empty() && !kinds.iter().any(kind) {
        return Err(format!("{value} is not {kinds:?}"));
    }
    for alternatives in ["anyOf", "oneOf"].map(|key| schema[key].as_array()).into_iter().flatten() {
        if !alternatives.iter().any(|one| conforms(root, one, value).is_ok()) {
            return Err(format!("{value} is none of the alternatives"));
        }
    }
    let closed = schema["enum"].as_array().is_some_and(|values| !values.contains(value));
    if closed || schema.get("const").is_some_and(|only| only != value) {
        return Err(format!("{value} is not in {schema}"));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        value.get(name).ok_or(format!("{name} is missing"))?;
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(name) {
            Some(property) => conforms(root, property, value).map_err(|fault| format!("{name}: {fault}"))?,
            None if schema["properties"].is_object() => return Err(format!("{name} is not in the schema")),
            None => {}
        }
    }
    for item in value.as_array().into_iter().flatten().filter(|_| schema["items"].is_object()) {
        conforms(root, &schema["items"], item)?;
    }
    Ok(())
}

#[test]
fn check_shows_file_line_and_what_to_do() {
    let place = Place::bare("whole");
    let job = place.path("specs/job.toml");
    let text = fs::read_to_string(&job).unwrap().replace("treat = \"as-is\"", "treat = \"as_is\"");
    let line = 1 + text.lines().position(|line| line.contains("as_is")).unwrap();
    fs::write(&job, text).unwrap();
    let check = ends(&place, 2, &["check"]);
    assert!(check.err.contains(&format!("job.toml:{line}:")), "{}", check.err);
    assert_eq!(check.out, "");
    let error: Value = serde_json::from_str(&ends(&place, 2, &["--json", "check"]).err).unwrap();
    assert_eq!(error["findings"][0]["line"], line, "{error}");
    assert!(error["findings"][0]["help"].is_string() && error["findings"][0]["code"].is_string());
    run_at(&place, FIRST, 2);
}

#[test]
fn a_plan_writes_nothing_and_tells_the_digest_that_a_run_is_stopped_with() {
    let place = Place::of("brake");
    run_at(&place, FIRST, 0);
    place.put(Path::new("fixtures/cases/brake/fewer"), at(SECOND));
    let before = tree(place.folder());
    let plan = ends(&place, 0, &["plan", JOB, "--as-of", SECOND, "--exit-zero"]).out;
    let as_a_run = said(&place, &["plan", JOB, "--as-of", SECOND]);
    assert_eq!((as_a_run.exit, &as_a_run.out), (4, &plan));
    assert!(tree(place.folder()) == before, "a plan has written something");
    assert!(plan.contains("would stop: max_removed") && plan.contains("nothing was written"), "{plan}");
    let digest = plan.lines().find_map(|line| line.strip_prefix("plan digest ")).unwrap();
    assert!(run_at(&place, SECOND, 4).err.contains(digest), "a plan and a run of the same have one digest");
    let other = digest.chars().rev().collect::<String>();
    ends(&place, 2, &["accept", JOB, digest, "--reason", " "]);
    ends(&place, 2, &["accept", JOB, &other, "--reason", "mistyped"]);
    ends(&place, 0, &["accept", JOB, digest, "--reason", "moved", "--by", "data team"]);
    let accepted = ends(&place, 0, &["run", JOB]).out;
    assert!(accepted.contains(SECOND) && accepted.contains("accepted by"), "R28: its own instant: {accepted}");
    ends(&place, 2, &["accept", JOB, digest, "--reason", "again"]);
    let ledger: String =
        tree(&place.path("state/ledger")).into_iter().map(|(_, b)| String::from_utf8(b).unwrap()).collect();
    assert!(ledger.contains("moved") && ledger.contains("data team"), "{ledger}");
}

#[test]
fn the_first_line_says_how_it_stands_and_monitoring_can_ask_for_it() {
    let place = Place::of("whole");
    let first = |args: &[&str]| ends(&place, 0, args).out.lines().next().unwrap_or_default().to_owned();
    assert!(first(&["check"]).starts_with("OK  "));
    assert!(first(&["plan", JOB, "--as-of", FIRST]).starts_with("OK  plan of "), "{}", first(&["plan", JOB]));
    let run = run_at(&place, FIRST, 0).out;
    assert!(run.starts_with(&format!("OK  {JOB} version 0 published: ")), "{run}");
    assert!(!run.contains("treatment"), "details are behind --verbose: {run}");
    assert!(first(&["verify"]).starts_with("OK  the evidence holds: "));
    assert!(first(&["sweep"]).starts_with("OK  1 dataset swept: "));
    assert!(first(&["status", "--check"]).starts_with("OK  1 of 1 job published"), "{}", first(&["status"]));
    let (entry, _) = tree(&place.path("state/ledger")).pop().unwrap();
    fs::write(entry, "{}").unwrap();
    let said = said(&place, &["verify"]);
    assert!(said.exit == 6 && said.out.starts_with("FAULT  "), "{}", said.out);
}

#[test]
fn status_ends_with_1_only_for_monitoring_and_only_when_something_is_to_be_looked_at() {
    let place = Place::of("whole");
    run_at(&place, FIRST, 0);
    ends(&place, 0, &["sweep"]);
    ends(&place, 0, &["status", "--check"]);
    let more = "Case,RequestedAt,ContactId,Email\nE-NOBODY,2024-05-30,,nobody@nowhere.example\n";
    fs::write(place.path("requests/2025.csv"), more).unwrap();
    ends(&place, 0, &["sweep"]);
    let attention = said(&place, &["status", "--check"]);
    assert_eq!(attention.exit, 1, "{}{}", attention.out, attention.err);
    assert!(attention.out.starts_with("ATTENTION  ") && attention.out.contains("! E-NOBODY"), "{}", attention.out);
    ends(&place, 0, &["status"]);
}

/// Two versions, and the head after them.
fn verified() -> (Place, String) {
    let place = Place::of("whole");
    run_at(&place, FIRST, 0);
    run_at(&place, SECOND, 0);
    let out = ends(&place, 0, &["verify"]).out;
    assert!(out.contains("not proven: "), "verify says what it does not prove: {out}");
    let head = out.lines().find_map(|line| line.strip_prefix("head ")).unwrap().to_owned();
    ends(&place, 0, &["verify", "--head", &head]);
    (place, head)
}

#[test]
fn verify_finds_a_flipped_byte_anywhere() {
    let (place, _) = verified();
    // Of the table the current version counts; every file of the evidence does.
    let table = Table::newest(&place.root("lake"), JOB).unwrap();
    let current = table.files.keys().map(|name| place.path("lake").join(JOB).join(name));
    let evidence = ["ledger", "runs"].iter().flat_map(|name| tree(&place.path("state").join(name)));
    let newest = table.files.keys().next().unwrap().clone();
    let companions = tree(&place.path("state/companions")).into_iter().filter(|(path, _)| path.ends_with(&newest));
    let files: Vec<_> = evidence.chain(companions).map(|(path, _)| path).chain(current).collect();
    assert!(files.len() > 8, "{files:?}");
    for path in files {
        let bytes = fs::read(&path).unwrap();
        for place_of_byte in [0, bytes.len() / 2, bytes.len() - 2] {
            let mut flipped = bytes.clone();
            flipped[place_of_byte] ^= 1;
            fs::write(&path, flipped).unwrap();
            let said = said(&place, &["verify"]);
            let at = format!("{} byte {place_of_byte}", path.display());
            assert_eq!(said.exit, 6, "{at}: {}", said.out);
            assert!(said.out.contains("FAULT"), "{at}: {}", said.out);
        }
        fs::write(&path, bytes).unwrap();
    }
    ends(&place, 0, &["verify"]);
}

#[test]
fn verify_finds_dropped_reordered_and_cut_entries_and_missing_files() {
    let (place, head) = verified();
    let ledger = tree(&place.path("state/ledger"));
    assert!(ledger.len() >= 5);
    for (path, bytes) in &ledger[..ledger.len() - 1] {
        fs::remove_file(path).unwrap();
        ends(&place, 6, &["verify"]);
        fs::write(path, bytes).unwrap();
    }
    for pair in ledger.windows(2) {
        fs::write(&pair[0].0, &pair[1].1).unwrap();
        fs::write(&pair[1].0, &pair[0].1).unwrap();
        ends(&place, 6, &["verify"]);
        pair.iter().for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    }
    let table = Table::newest(&place.root("lake"), JOB).unwrap();
    let file = place.path("lake").join(JOB).join(table.files.keys().next().unwrap());
    let bytes = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    ends(&place, 6, &["verify"]);
    fs::write(&file, bytes).unwrap();
    ends(&place, 0, &["verify"]);
    // A tail is found by the head kept elsewhere, and by nothing else: the table, though, is then newer than the ledger.
    fs::remove_file(&ledger.last().unwrap().0).unwrap();
    ends(&place, 6, &["verify", "--head", &head]);
}

#[test]
fn the_quick_start_publishes_what_an_independent_computation_expects() {
    let Some(python) = Python::find() else { return };
    let as_of = "2026-11-22T02:00:00Z";
    let place = Place::new();
    for folder in
        ["jobs", "jobs/sources", "fixtures/quickstart/exports/2026-11-21", "fixtures/quickstart/requests/erasure"]
    {
        fs::create_dir_all(place.path(folder)).unwrap();
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()).filter(|e| e.path().is_file()) {
            fs::copy(entry.path(), place.path(folder).join(entry.file_name())).unwrap();
        }
    }
    let demo = || tamis(place.folder(), &["--json", "run", "crm-contacts", "--as-of", as_of, "--demo"]);
    let first = demo();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
    let report: Value = serde_json::from_slice(&first.stdout).unwrap();
    let [fixture, keys] =
        ["fixtures/quickstart", "target/quickstart/keys"].map(|path| place.path(path).display().to_string());
    let table = report["location"].as_str().unwrap();
    let expected: Value = serde_json::from_str(&python.run("quickstart.py", [&fixture, &keys, as_of, table])).unwrap();
    let m = &report["manifest"];
    assert_eq!((&m["rows_in"], &m["rows_out"]), (&expected["rows_in"], &expected["rows_out"]));
    let removed = m["removed"].as_array().unwrap().iter().filter(|r| r["rows"] != 0);
    let reasons: serde_json::Map<String, Value> =
        removed.map(|r| (r["reason"].as_str().unwrap().to_owned(), r["rows"].clone())).collect();
    assert_eq!(Value::Object(reasons), expected["reasons"]);
    let again: Value = serde_json::from_slice(&demo().stdout).unwrap();
    assert_eq!(again["manifest"]["output"]["version"], 1);
    let digests = |report: &Value| {
        let files = report["manifest"]["output"]["files"].as_array().unwrap().clone();
        files.iter().map(|file| file["blake3"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(digests(&report), digests(&again), "a second version with the same bytes");
}
