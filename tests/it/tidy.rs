//! Holds the shape of the code: which module may name which, how long files and functions get, where `unsafe` is.
//! `ARCHITECTURE.md` says why. It reads the sources as text, with comments, strings and test modules taken out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Module -> what it may name of the crate: a module, or one item of a module. An arrow that is not here fails.
/// `lib.rs` declares the modules and names nothing; the floor is `error` to `store`.
const ARROWS: &[(&str, &[&str])] = &[
    ("plain", &[]),
    ("error", &["plain"]),
    ("monitor", &["error"]),
    ("threads", &["error"]),
    ("clock", &["error"]),
    ("unseen", &[]),
    ("cell", &["error", "clock", "unseen"]),
    ("treatments", &["error", "clock", "unseen", "cell"]),
    (
        "policy",
        &[
            "error",
            "clock",
            "cell",
            "treatments",
            "store::PathGlob",
            "store::inside",
            "store::local_folder",
            "store::settle",
        ],
    ),
    ("key", &["error", "policy::KeySource", "policy::KeyFrom", "store"]),
    ("store", &["error", "clock"]),
    ("read", &["error", "clock", "unseen", "monitor", "store", "policy"]),
    (
        "minimize",
        &["error", "clock", "unseen", "cell", "treatments", "policy", "key", "read::RawBatch", "read::Values"],
    ),
    (
        "requests",
        &[
            "error",
            "clock",
            "unseen",
            "monitor",
            "store",
            "policy",
            "key",
            "evidence", // the ledger says which segments there are, and their digests
            "read::Broken",
            "read::Container",
            "read::Member",
            "read::RawBatch",
            "read::Records",
            "read::members",
            "read::survey",
        ],
    ),
    // A first look at exports, before there are specs: it reads, and says which forms a value has.
    ("init", &["plain", "error", "clock", "cell", "store", "policy", "read", "minimize::formed"]),
    ("stage", &["error", ROWS]),
    ("gates", &["error", "policy"]),
    ("decide", &["error", "clock", "monitor", "threads", "policy", "gates", ROWS, "stage"]),
    (
        "publish",
        &[
            "error",
            "clock",
            "monitor",
            "threads",
            "store",
            "stage",
            "decide::rows",
            "decide::Cleared",
            "decide::KeptBucket",
            "decide::Consent",
            "decide::Remaining",
            "decide::Fate",
        ],
    ),
    ("evidence", &["error", "clock", "store", "treatments::Treat", "gates::Gate"]),
    ("state", &["error", "clock", "store", "key", "evidence"]),
    ("job", BELOW_JOB),
    ("sweep", &[BELOW, "job"]),
    ("run", &[BELOW, "job", "sweep"]),
    ("questions", &[BELOW, "job", "sweep", "run"]),
    ("by_hand", &[BELOW, "job", "sweep", "run"]),
    (
        "daemon",
        &["error", "clock", "monitor", "threads", "store", "policy", "state", "evidence", "job", "sweep", "run"],
    ),
    (
        "cli",
        &[
            "plain",
            "error",
            "clock",
            "monitor",
            "threads",
            "store",
            "policy",
            "gates::Gate",
            "key",
            "requests::RequestStatus",
            "state",
            "evidence",
            "init",
            "job",
            "sweep",
            "run",
            "questions",
            "by_hand",
            "daemon",
        ],
    ),
    ("main", &["cli"]),
];

/// `rows` stands for the items of `minimize::rows`: the layout travels with the rows, re-exported, to the encoder.
const ROWS: &str = "minimize::rows";
const ROWS_ITEMS: &[&str] = &[
    "Rows",
    "Layout",
    "FieldLayout",
    "FieldKind",
    "FieldColumn",
    "Identities",
    "mark",
    "flag",
    "NO_CLOCK",
    "NO_SINCE",
    "NULL_QUASI",
];
const BELOW_JOB: &[&str] = &[
    "error",
    "clock",
    "unseen",
    "monitor",
    "threads",
    "store",
    "treatments",
    "policy",
    "gates",
    "key",
    "read",
    "minimize",
    "requests",
    "stage",
    "decide",
    "publish",
    "evidence",
    "state",
];
/// Stands for all that `job` may name.
const BELOW: &str = "below::job";

/// The only files with `unsafe`, each arguing for it: at most three.
const UNSAFE: &[&str] = &["src/read/format/csv/scan.rs", "src/minimize/lanes.rs", "src/key/command.rs"];
const MAX_FILE: usize = 800;
const MAX_FUNCTION: usize = 60;
const BANNED: &[&str] = &["util", "utils", "helper", "helpers", "manager", "common", "misc"];

#[test]
fn the_sources_have_the_shape_of_the_architecture() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut faults = Vec::new();
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    assert!(files.len() > 20, "the sources are not where they are looked for");
    for file in files {
        let name = file.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        faults.extend(look(&name, &std::fs::read_to_string(&file).unwrap()));
    }
    assert!(UNSAFE.len() <= 3);
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Files of `cli` that make text for people do so by `Lines::line`, which writes out what names could forge.
#[test]
fn text_for_people_is_made_line_by_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli");
    let mut files = Vec::new();
    collect(&folder, &mut files);
    for file in files
        .iter()
        .filter(|file| !["lines.rs", "progress.rs", "serve.rs", "shield.rs"].iter().any(|n| file.ends_with(n)))
    {
        let source = std::fs::read_to_string(file).unwrap();
        assert!(!source.contains("writeln!(out"), "{} writes a line on its own", file.display());
    }
}

pub fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// Everything wrong with one file; `name` is like `src/read/scan.rs`.
fn look(name: &str, source: &str) -> Vec<String> {
    let path: Vec<&str> = name.trim_start_matches("src/").trim_end_matches(".rs").split('/').collect();
    let in_tests = path.last() == Some(&"tests");
    let mut faults = Vec::new();
    let mut fault = |what: String| faults.push(format!("{name}: {what}"));
    // Crate roots are left to rustc's missing_docs, files of tests to their readers.
    if !source.starts_with("//!") && !in_tests && path != ["main"] {
        fault("does not open with what it is for (//!)".into());
    }
    let lines = source.lines().count();
    if lines > MAX_FILE {
        fault(format!("has {lines} lines, more than {MAX_FILE}"));
    }
    if let Some(bad) = path.iter().find(|part| BANNED.contains(part)) {
        fault(format!("a module called {bad} says nothing about what is in it"));
    }
    if path == ["lib"] || in_tests {
        return faults;
    }
    let code = without_tests(&blank(source));
    if words(&code).any(|(_, word)| word == "unsafe") && !UNSAFE.contains(&name) {
        fault("has unsafe code and is not one of the files that may".into());
    }
    for (function, length) in functions(&code).into_iter().filter(|(_, length)| *length > MAX_FUNCTION) {
        fault(format!("fn {function} has {length} lines, more than {MAX_FUNCTION}"));
    }
    match ARROWS.iter().find(|(module, _)| *module == path[0]) {
        None => fault(format!("the module {} is not in the table of arrows", path[0])),
        Some((module, allowed)) => {
            for (target, item) in named(&code, &path).into_iter().filter(|(t, _)| t != module) {
                if !permits(allowed, &target, &item) {
                    fault(format!("{module} may not name {target}{}{item}", if item.is_empty() { "" } else { "::" }));
                }
            }
        }
    }
    faults
}

fn permits(allowed: &[&str], target: &str, item: &str) -> bool {
    allowed.iter().any(|rule| match rule.split_once("::") {
        None => *rule == target,
        Some(("below", _)) => permits(BELOW_JOB, target, item),
        Some((module, "rows")) => module == target && (item == "rows" || ROWS_ITEMS.contains(&item)),
        Some((module, only)) => module == target && only == item,
    })
}

/// The source with comments, strings and character literals replaced by blanks, line for line.
fn blank(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < bytes.len() {
        let skipped = literal(&source[at..]);
        if skipped == 0 {
            let c = source[at..].chars().next().unwrap();
            out.push(c);
            at += c.len_utf8();
            // A word is taken whole, so that the r of `for` never starts a raw string.
            while c.is_alphanumeric() && source[at..].starts_with(|c: char| c.is_alphanumeric() || c == '_') {
                let next = source[at..].chars().next().unwrap();
                out.push(next);
                at += next.len_utf8();
            }
        } else {
            out.extend(source[at..at + skipped].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            at += skipped;
        }
    }
    out
}

/// Length of the comment, string or character at the start of `text`; 0 when there is none.
fn literal(text: &str) -> usize {
    let until = |end: &str, from: usize| text[from..].find(end).map_or(text.len(), |at| from + at + end.len());
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return until("*/", 2);
    }
    let prefix = ["br", "b", "r", ""].into_iter().find(|p| text.starts_with(p)).unwrap_or("");
    let rest = &text[prefix.len()..];
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    if prefix.ends_with('r') && rest[hashes..].starts_with('"') {
        return until(&format!("\"{}", "#".repeat(hashes)), prefix.len() + hashes + 1);
    }
    if prefix != "r" && prefix != "br" && rest.starts_with('"') {
        return prefix.len() + quoted(rest, '"');
    }
    let mut chars = rest.chars();
    if chars.next() == Some('\'') && !prefix.ends_with('r') {
        let (one, two) = (chars.next(), chars.next());
        if one == Some('\\') || two == Some('\'') {
            return prefix.len() + quoted(rest, '\'');
        }
    }
    0
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Blanks every item under `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let mut code = code.to_owned();
    while let Some(start) = code.find("#[cfg(test)]") {
        let from = start + "#[cfg(test)]".len();
        let open = code[from..].find(['{', ';']).map_or(code.len(), |at| from + at);
        let end = if code[open..].starts_with('{') { block_end(&code, open) } else { (open + 1).min(code.len()) };
        let blanks: String = code[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        code.replace_range(start..end, &blanks);
    }
    code
}

/// Position after the brace that closes the one at `open`.
fn block_end(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return at + 1,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + code[at..].find(is_word)?;
        at = code[start..].find(|c| !is_word(c)).map_or(code.len(), |end| start + end);
        Some((start, &code[start..at]))
    })
}

/// Every function with a body and its number of lines, braces included.
fn functions(code: &str) -> Vec<(String, usize)> {
    let all: Vec<_> = words(code).collect();
    let mut functions = Vec::new();
    for pair in all.windows(2).filter(|pair| pair[0].1 == "fn") {
        let (start, name) = pair[1];
        let mut depth = 0;
        let open = code.bytes().enumerate().skip(start).find(|(_, byte)| {
            depth += i32::from(matches!(byte, b'(' | b'[')) - i32::from(matches!(byte, b')' | b']'));
            depth <= 0 && matches!(byte, b'{' | b';')
        });
        if let Some((open, b'{')) = open {
            functions.push((name.to_owned(), code[start..block_end(code, open)].lines().count()));
        }
    }
    functions
}

/// What the file names of the crate: (module, item or nothing), through `crate::`, `super::` chains that reach the
/// root, and `tamis::` in the binary.
fn named(code: &str, path: &[&str]) -> BTreeSet<(String, String)> {
    let depth = if path.last() == Some(&"mod") { path.len() - 1 } else { path.len() };
    let mut out = BTreeSet::new();
    let mut climbed = 0;
    for (start, word) in words(code) {
        let after = start + word.len();
        let path_goes_on = code[after..].starts_with("::");
        climbed = if word == "super" && path_goes_on { climbed + 1 } else { 0 };
        let root = word == "crate" || (word == "tamis" && path == ["main"]) || (climbed > 0 && climbed == depth);
        if root && path_goes_on {
            for leaf in tree(&code[after + 2..]) {
                let mut parts = leaf.split("::").map(str::to_owned);
                let target = parts.next().unwrap_or_default();
                if target != "super" {
                    out.insert((target, parts.next().unwrap_or_default()));
                }
            }
        }
    }
    out
}

/// The leaves of a use tree: `a::{b, c::d}` gives `a::b` and `a::c::d`; `self` is left out.
fn tree(text: &str) -> Vec<String> {
    let text = text.trim_start();
    let Some(inside) = text.strip_prefix('{') else {
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let below = rest.strip_prefix("::").map(tree).filter(|leaves| !leaves.is_empty());
        return match below {
            Some(leaves) => leaves
                .into_iter()
                .map(|leaf| if leaf == "self" || leaf.is_empty() { name.to_owned() } else { format!("{name}::{leaf}") })
                .collect(),
            None => vec![name.to_owned()],
        };
    };
    let group = &inside[..block_end(text, 0) - 2];
    let mut depth = 0;
    let parts = group.split(|c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    parts.filter(|part| !part.trim().is_empty()).flat_map(tree).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(name: &str, code: &str) -> String {
        look(name, &format!("//! A file.\n{code}")).join("\n")
    }

    #[test]
    fn arrows_that_go_up_or_sideways_are_found() {
        for (file, code, told) in [
            ("src/stage/vault.rs", "use crate::policy::Plan;", "stage may not name policy::Plan"),
            ("src/read/scan.rs", "fn f() { crate::key::random() }", "read may not name key::random"),
            ("src/publish/encode.rs", "use crate::decide::{Layout, Judged};", "publish may not name decide::Judged"),
            ("src/publish/encode.rs", "use crate::{error::Result, requests};", "publish may not name requests"),
            ("src/decide/mod.rs", "use crate::minimize::{Rows, Minimizer};", "decide may not name minimize::Minimizer"),
            ("src/minimize/mod.rs", "use crate::read::{RawBatch, select};", "minimize may not name read::select"),
            ("src/stage/a/b.rs", "use super::super::super::key;", "stage may not name key"),
            ("src/stage/mod.rs", "use super::key::{self};", "stage may not name key"),
            ("src/evidence/mod.rs", "use crate :: nothing;\nuse crate::stage::*;", "evidence may not name stage"),
            ("src/main.rs", "fn main() { tamis::read::select() }", "main may not name read::select"),
            ("src/clock.rs", "use crate::policy;", "clock may not name policy"),
            ("src/new.rs", "", "not in the table"),
        ] {
            assert!(faults(file, code).contains(told), "{file}: {:?} lacks {told:?}", faults(file, code));
        }
    }

    #[test]
    fn allowed_arrows_tests_comments_and_strings_are_no_fault() {
        for (file, code) in [
            (
                "src/stage/mod.rs",
                "use crate::minimize::{Layout, mark};\nuse crate::minimize::rows::Rows;\nuse super::error::Error;",
            ),
            ("src/stage/vault.rs", "use super::Slot;\nuse crate::stage::Bucket;\npub(crate) fn f() {}"),
            ("src/stage/mod.rs", "#[cfg(test)]\nmod tests { use crate::policy::Plan; fn g() { \"}\"; } }"),
            (
                "src/stage/mod.rs",
                "// use crate::key;\n/// as [`crate::key`]\nconst A: &str = r#\"use crate::key; \"unsafe\"#; const B: char = '\"';",
            ),
            ("src/run.rs", "use crate::{read::Reader, publish::{self, write}, key::Keyring};"),
        ] {
            assert_eq!(faults(file, code), "", "{file}: {code}");
        }
    }

    #[test]
    fn length_unsafe_names_and_missing_heads_are_found() {
        let long = format!("fn short() {{}}\nfn long(a: [u8; 3]) -> u8 {{\n{}1\n}}\n", "f();\n".repeat(MAX_FUNCTION));
        assert!(faults("src/clock.rs", &long).contains("fn long has 63 lines"));
        assert!(!faults("src/clock.rs", &long).contains("short"));
        assert!(faults("src/clock.rs", &"\n".repeat(MAX_FILE)).contains("more than 800"));
        assert!(faults("src/clock.rs", "unsafe fn f() {}").contains("unsafe"));
        assert_eq!(faults("src/read/format/csv/scan.rs", "#![allow(unsafe_code)]\nunsafe fn f() {}"), "");
        assert!(faults("src/read/util.rs", "").contains("says nothing"));
        assert!(look("src/clock.rs", "use std::fmt;").join("").contains("//!"));
    }
}
