//! The codes of errors: `docs/errors.md` is what their table says, each is used, and each is asserted by a test.

use crate::tidy::collect;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use tamis::error::{Code, Kind};

const PAGE: &str = "docs/errors.md";

/// What stands above this line in the page is written by hand, what stands below it by this test.
const MARK: &str = "<!-- generated: TAMIS_BLESS=1 cargo test --test it errors -->\n";

/// Codes that no test provokes, each with the reason.
const UNPROVOKED: &[(Code, &str)] = &[(
    Code::StoreProtects,
    "the servers of the tests keep no object from removal, as a bucket with a retention lock does",
)];

/// Returns the heading of a kind: its exit code, and what it asks for.
fn heading(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Policy => ("Policy, arguments, keys, state", "Fix what the message names, then start the command again."),
        Kind::Input => {
            ("Input refused", "Look at the export or the list that the message names. Nothing of it was published.")
        }
        Kind::Gate => (
            "Gate or brake",
            "Look at the plan (`tamis plan`), then change the job or the export, or accept the plan (`tamis accept`).",
        ),
        Kind::Unknown => ("Outcome unknown", "Run again: the next call finds out whether the version was committed."),
        Kind::Evidence => {
            ("Evidence", "Ledger, manifest or published bytes do not agree. Find out why before you continue.")
        }
        Kind::Fault => ("Fault inside tamis", "A bug: report it as SECURITY.md says."),
        Kind::Storage => {
            ("Storage, or try again", "Nothing is wrong with specs or data. Try again, or make the store reachable.")
        }
    }
}

#[test]
fn the_page_of_errors_is_what_the_table_says() {
    let old = fs::read_to_string(PAGE).unwrap();
    let (by_hand, _) = old.split_once(MARK).unwrap_or_else(|| panic!("{PAGE} has lost its mark"));
    let mut page = format!("{by_hand}{MARK}");
    for kind in Kind::ALL {
        let (title, what) = heading(kind);
        let _ = write!(page, "\n## Exit {}: {title}\n\n{what}\n\n", kind.exit_code());
        page.push_str("| code | what it means | what to do |\n|---|---|---|\n");
        for code in Code::ALL.iter().filter(|code| code.kind() == kind) {
            let _ = writeln!(page, "| `{}` | {} | {} |", code.name(), code.meaning(), code.help());
        }
    }
    if std::env::var_os("TAMIS_BLESS").is_some() {
        fs::write(PAGE, &page).unwrap();
    }
    assert!(fs::read_to_string(PAGE).unwrap() == page, "{PAGE} is old: TAMIS_BLESS=1 cargo test --test it errors");
}

/// Returns the text of all files of the program without their tests, and the text of all tests.
fn program_and_tests() -> (String, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut sources, mut others) = (Vec::new(), Vec::new());
    collect(&root.join("src"), &mut sources);
    collect(&root.join("tests"), &mut others);
    let (mut program, mut tests) = (String::new(), String::new());
    for file in sources.iter().filter(|file| !file.ends_with("error/code.rs")) {
        let text = fs::read_to_string(file).unwrap();
        let ours = if file.ends_with("tests.rs") { 0 } else { text.find("#[cfg(test)]").unwrap_or(text.len()) };
        program.push_str(&text[..ours]);
        tests.push_str(&text[ours..]);
    }
    for file in others.iter().filter(|file| !file.ends_with("errors.rs")).chain(&expectations(root)) {
        tests.push_str(&fs::read_to_string(file).unwrap());
    }
    (program, tests)
}

/// Returns what the folders of cases expect.
fn expectations(root: &Path) -> Vec<PathBuf> {
    let cases = fs::read_dir(root.join("fixtures/cases")).unwrap();
    cases.map(|case| case.unwrap().path().join("expected.txt")).filter(|file| file.is_file()).collect()
}

fn names(text: &str, code: Code) -> bool {
    let variant = format!("Code::{code:?}");
    let whole = |(at, _): (usize, &str)| !text[at + variant.len()..].starts_with(char::is_alphanumeric);
    text.match_indices(&variant).any(whole) || text.contains(&format!("error[{}]", code.name()))
}

#[test]
fn every_code_is_used_and_asserted() {
    let (program, tests) = program_and_tests();
    let unused: Vec<&str> = Code::ALL.iter().filter(|code| !names(&program, **code)).map(|code| code.name()).collect();
    assert_eq!(unused, [""; 0], "no error has these codes");
    let excused = |code: Code| UNPROVOKED.iter().any(|(unprovoked, _)| *unprovoked == code);
    let unasserted = Code::ALL.iter().filter(|code| !names(&tests, **code) && !excused(**code));
    assert_eq!(unasserted.map(|code| code.name()).collect::<Vec<_>>(), [""; 0], "no test asserts these codes");
    let idle = UNPROVOKED.iter().filter(|(code, _)| names(&tests, *code)).map(|(code, _)| code.name());
    assert_eq!(idle.collect::<Vec<_>>(), [""; 0], "a test asserts these: they need no reason any more");
}
