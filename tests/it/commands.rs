//! The command reference: what docs/commands.md says of each command is what `--help` says now.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

const PAGE: &str = "docs/commands.md";

/// What stands above this line in the page is written by hand, what stands below it by this test.
const MARK: &str = "<!-- generated: TAMIS_BLESS=1 cargo test --test it commands -->\n";

/// Returns the help of a command, without the terminal's colours and width.
fn help(path: &[String]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tamis"));
    let said = command.args(path).arg("--help").env("COLUMNS", "100").output().unwrap();
    assert!(said.status.success(), "{path:?}");
    String::from_utf8(said.stdout).unwrap()
}

/// Returns the names below "Commands:", without clap's own `help`.
fn commands(help: &str) -> Vec<String> {
    let below = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A description that goes on in the next line stands further in than a name.
    let names = below.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// Writes a command and all commands below it.
fn write(page: &mut String, path: &[String]) {
    let help = help(path);
    let title = std::iter::once("tamis").chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
    // Trailing blanks and the exit codes, which the page has as a table, would only be noise here.
    let lines = help.lines().map(str::trim_end).take_while(|line| !line.starts_with("Exit codes:"));
    let text = lines.collect::<Vec<_>>().join("\n");
    let _ =
        write!(page, "\n{} `{title}`\n\n```text\n{}\n```\n", if path.len() < 2 { "##" } else { "###" }, text.trim());
    for name in commands(&help) {
        write(page, &[path, &[name]].concat());
    }
}

#[test]
fn command_reference_is_what_help_says() {
    let old = fs::read_to_string(PAGE).unwrap();
    let (by_hand, _) = old.split_once(MARK).unwrap_or_else(|| panic!("{PAGE} has lost its mark"));
    let mut page = format!("{by_hand}{MARK}");
    write(&mut page, &[]);
    if std::env::var_os("TAMIS_BLESS").is_some() {
        fs::write(PAGE, &page).unwrap();
    }
    for name in ["tamis run", "tamis report job", "tamis dataset adopt", "tamis status"] {
        assert!(page.contains(&format!("# `{name}`\n")), "{name}");
    }
    assert!(fs::read_to_string(PAGE).unwrap() == page, "{PAGE} is old: TAMIS_BLESS=1 cargo test --test it commands");
}

/// The table of exit codes is written by hand; it has every code that the program's help names, and no other.
#[test]
fn command_reference_has_every_exit_code() {
    let page = fs::read_to_string(PAGE).unwrap();
    let help = help(&[]).split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, codes) = help.split_once("Exit codes: ").unwrap();
    let told: Vec<&str> = codes.split(", ").filter_map(|code| code.split(' ').next()).collect();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next());
    let listed: Vec<&str> = rows.filter(|code| code.parse::<u8>().is_ok()).collect();
    assert!(listed.len() >= 9 && listed == told, "{listed:?} {told:?}");
}
