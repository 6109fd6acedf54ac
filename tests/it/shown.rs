//! Names of others that hold controls and marks of direction: no text of ours lets them act on a terminal, in a log or on
//! a page. They are planted in every name there is, and looked for in all that the commands print.

use crate::installation::Installation;
use std::io::Write;
use std::process::{Command, Stdio};

/// What a terminal obeys, and a line that is not ours.
const PLANTED: &str = "\u{1b}[31m\r\nforged\u{8}\u{7}\u{9b}\u{202e}\u{2066}\u{feff}";

/// The same for names of objects: stores have none with controls.
const TURNED: &str = "\u{202e}forged\u{2066}\u{feff}";

fn planted() -> Installation {
    let installation = Installation::new();
    installation.edit("jobs/policy.toml", "may_be_empty = true", "may_be_empty = true\nrequest_pattern = \"(?s).*\"");
    installation.edit("jobs/contacts.toml", "*.csv", "*.zip");
    let (name, date) = (PLANTED.replace("\r\n", "\n"), installation.date(-10));
    let header = format!("Id,Email,City,Active,\"extra {name}\"");
    let rows: String = (0..4).map(|n| format!("c{n},p{n}@example.org,Berlin,{date},x\n")).collect();
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file(format!("member {name}.csv"), zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(format!("{header}\n{rows}").as_bytes()).unwrap();
    let bytes = archive.finish().unwrap().into_inner();
    let set = format!("1 {TURNED}");
    std::fs::create_dir_all(installation.path(&format!("raw/{set}"))).unwrap();
    std::fs::write(installation.path(&format!("raw/{set}/object {TURNED}.zip")), bytes).unwrap();
    installation.write(&format!("raw/{set}/_DONE"), "");
    let request = format!("Case,At,Email,Id\n\"case {name}\",2026-10-01,p1@example.org,\n");
    installation.write(&format!("requests/erasure/list {TURNED}.csv"), &request);
    installation
}

/// Everything that a command says, on both streams.
fn said(installation: &Installation, arguments: &[&str], input: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tamis"));
    command.current_dir(installation.folder.path()).args(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[track_caller]
fn assert_harmless(what: &[&str], text: &str) {
    let acts = |letter: char| letter.is_control() && letter != '\n' || "\u{202e}\u{2066}\u{feff}".contains(letter);
    assert!(!text.contains(acts), "{what:?} lets a name act: {text:?}");
    assert!(!text.lines().any(|line| line.starts_with("forged")), "{what:?} prints a forged line: {text}");
}

#[test]
fn no_name_of_an_export_or_list_acts_on_what_shows_our_text() {
    let installation = planted();
    let mut met = String::new();
    let mut all = |arguments: &[&str], input: &str| {
        let text = said(&installation, arguments, input);
        assert_harmless(arguments, &text);
        met.push_str(&text);
    };
    let email = "email: p1@example.org";
    all(&["run", "contacts", "--demo"], "");
    all(&["plan", "contacts"], "");
    all(&["status", "--all"], "");
    all(&["check"], "");
    all(&["explain", "contacts"], email);
    all(&["subject", "find"], email);
    all(&["report", "job", "contacts"], "");
    all(&["report", "job", "contacts", "--format", "html"], "");
    all(&["report", "case", &format!("case {PLANTED}")], "");
    all(&["verify"], "");
    all(&["sweep"], "");
    installation.edit("jobs/sources/contact.toml", "format = \"csv\"", "format = \"csv\"\non_drift = \"refuse\"");
    all(&["run", "contacts"], "");
    all(&["status"], "");
    installation.edit("jobs/sources/contact.toml", "[columns]", "[columns]\nNickname = { category = \"identity\" }");
    installation.edit("jobs/sources/contact.toml", "City = {", "Town = {");
    installation.edit("jobs/contacts.toml", "from = \"City\"", "from = \"Town\"");
    all(&["run", "contacts"], "");
    // The names were there to be shown.
    for name in ["extra \\u{1b}[31m\\nforged", "member \\u{1b}[31m\\nforged", "case \\u{1b}[31m\\nforged"] {
        assert!(met.contains(name), "{name} is not shown: {met}");
    }
    for name in ["set 1 ", "object "] {
        assert!(met.contains(&format!("{name}\\u{{202e}}forged")), "{name} is not shown: {met}");
    }
}
