//! Holds the shape of the code: which module may name which, that no file imports a file that imports it, how long files
//! and functions get, where `unsafe` is. `ARCHITECTURE.md` says why.

mod source;

use source::{Crate, Source, cycles};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Module -> what it may name of the crate: a module, or one item of a module. An arrow that is not here fails.
/// `lib.rs` declares the modules and names nothing; the floor is `error` to `store`.
const ARROWS: &[(&str, &[&str])] = &[
    ("plain", &[]),
    ("error", &["plain"]),
    ("monitor", &["error"]),
    ("threads", &["error"]),
    ("clock", &["error"]),
    ("invisible", &[]),
    ("same_name", &["invisible"]),
    ("near_miss", &["invisible", "same_name"]),
    ("cell", &["error", "clock", "invisible"]),
    ("treatments", &["error", "clock", "invisible", "cell"]),
    (
        "policy",
        &[
            "error",
            "clock",
            "cell",
            "treatments",
            "near_miss",
            "same_name",
            "store::PathGlob",
            "store::inside",
            "store::local_folder",
            "store::settle",
        ],
    ),
    ("key", &["error", "policy::KeySource", "policy::KeyFrom", "store"]),
    ("store", &["error", "clock"]),
    ("read", &["error", "clock", "near_miss", "same_name", "invisible", "monitor", "store", "policy"]),
    (
        "minimize",
        &[
            "error",
            "clock",
            "invisible",
            "cell",
            "treatments",
            "policy",
            "key",
            "corrections",
            "read::RawBatch",
            "read::Values",
        ],
    ),
    // What is right in place of values of an export: files read like lists of requests, laid over batches of records.
    (
        "corrections",
        &[
            "error",
            "clock",
            "invisible",
            "cell",
            "store",
            "policy",
            "key",
            "read::Container",
            "read::KnownColumns",
            "read::Member",
            "read::RawBatch",
            "read::Records",
            "read::members",
            "requests::ListDates",
            "requests::Maker",
            "requests::RequestIds",
        ],
    ),
    (
        "requests",
        &[
            "error",
            "clock",
            "invisible",
            "near_miss",
            "same_name",
            "monitor",
            "store",
            "policy",
            "key",
            "evidence", // the ledger says which segments there are, and their digests
            "read::Broken",
            "read::Container",
            "read::KnownColumns",
            "read::InputPaths", // which export set a list's object is of
            "read::date_in",
            "read::Member",
            "read::RawBatch",
            "read::Records",
            "read::members",
            "read::survey",
        ],
    ),
    // A first look at exports, before there are specs: it reads, and says which forms a value has.
    ("init", &["plain", "error", "clock", "cell", "store", "policy", "read", "minimize::formed"]),
    // Made-up people and specs with mistakes, and a score of them: it reads specs and nothing else.
    ("practice", &["error", "clock", "treatments", "policy"]),
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
    // What an export has that nobody declares is guessed as at the first look.
    ("questions", &[BELOW, "job", "sweep", "run", "init"]),
    ("by_hand", &[BELOW, "job", "sweep", "run", "same_name"]),
    // Looks at what is published by code of its own: nothing of `publish`, `decide`, `minimize` or `job`.
    ("audit", &["error", "clock", "monitor", "store", "treatments", "policy", "key", "requests", "evidence", "state"]),
    (
        "daemon",
        &[
            "error", "clock", "monitor", "threads", "store", "policy", "state", "evidence", "job", "sweep", "run",
            "audit",
        ],
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
            "practice",
            "job",
            "sweep",
            "run",
            "questions",
            "by_hand",
            "audit",
            "daemon",
        ],
    ),
    ("main", &["cli"]),
    // The package for Python: only what is made for programs that have tamis as a library.
    ("python", &["cli::embedded", "cli::shield", "error", "job::Stop", "monitor"]),
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
    "RowVersion",
    "mark",
    "flag",
    "NO_CLOCK",
    "NO_SINCE",
    "NULL_QUASI",
];
const BELOW_JOB: &[&str] = &[
    "error",
    "clock",
    "invisible",
    "monitor",
    "threads",
    "store",
    "treatments",
    "policy",
    "gates",
    "key",
    "read",
    "minimize",
    "corrections",
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
const UNSAFE: &[&str] = &["src/read/format/csv/scan.rs", "src/minimize/simd.rs", "src/key/command.rs"];
const MAX_FILE: usize = 800;
const MAX_FUNCTION: usize = 60;
const BANNED: &[&str] = &["util", "utils", "helper", "helpers", "manager", "common", "misc"];

#[test]
fn the_sources_have_the_shape_of_the_architecture() {
    let mut faults = Vec::new();
    for source in SOURCES.iter() {
        faults.extend(look(source));
    }
    assert!(UNSAFE.len() <= 3);
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// A file uses another one when it names a type, function or constant that is defined there, however it is reached; what
/// it only hands on (`pub use`) it does not use. A module and the modules inside of it are files like any others: who
/// takes something from its parent points up, and the parent that uses it points down, which together are a cycle.
#[test]
fn no_file_imports_a_file_that_imports_it() {
    let sources = sources();
    let arrows = arrows(&sources);
    let told: Vec<String> = cycles(&arrows).iter().map(|group| cycle_told(group, &arrows)).collect();
    assert!(told.is_empty(), "{} cycles:\n{}", told.len(), told.join("\n"));
}

/// Who reads a name knows what it means, whichever file it is in. Types of tests do not count.
#[test]
fn a_type_name_means_one_thing_in_the_crate() {
    let sources = sources();
    let twice = types(&sources).into_iter().filter(|(_, files)| files.len() > 1);
    let told: Vec<String> = twice.map(|(name, files)| format!("{name}: {}", files.join(", "))).collect();
    assert!(told.is_empty(), "defined more than once:\n{}", told.join("\n"));
}

/// `cargo test --test it tidy:: -- --nocapture` shows them.
#[test]
fn figures_can_be_told() {
    let sources = sources();
    let mut functions: Vec<usize> =
        sources.iter().flat_map(|source| &source.functions).map(|(_, length)| *length).collect();
    functions.sort_unstable();
    let at = |share: usize| functions[(functions.len() - 1) * share / 100];
    let docs: Vec<&str> = sources.iter().flat_map(|source| &source.docs).map(|(_, doc)| doc.as_str()).collect();
    let short = docs.iter().filter(|doc| doc.split_whitespace().count() <= 3).count();
    eprintln!(
        "{} files, {} functions of {} lines in the median, {} at the 90th percentile, {} at most; {} cycles of files; \
         {} type names, {} defined more than once; {} doc comments, {short} of three words or fewer",
        sources.len(),
        functions.len(),
        at(50),
        at(90),
        at(100),
        cycles(&arrows(&sources)).len(),
        types(&sources).len(),
        types(&sources).values().filter(|files| files.len() > 1).count(),
        docs.len(),
    );
    assert!(functions.len() > 1000, "the sources are not read");
}

/// Every file of the crate, and of the package for Python.
static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "python/src"] {
        let before = files.len();
        collect(&root.join(folder), &mut files);
        assert!(files.len() > before, "the sources are not where they are looked for");
    }
    let parsed = |file: &PathBuf| {
        let name = file.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        Source::parse(&name, &std::fs::read_to_string(file).unwrap())
    };
    files.iter().map(parsed).collect()
});

/// Those that are not only tests.
fn sources() -> Vec<&'static Source> {
    SOURCES.iter().filter(|source| !source.name.ends_with("/tests.rs")).collect()
}

fn arrows(sources: &[&Source]) -> BTreeMap<String, BTreeSet<String>> {
    let all = Crate::new(sources);
    sources.iter().map(|source| (source.name.clone(), all.uses(source))).collect()
}

fn cycle_told(group: &BTreeSet<String>, arrows: &BTreeMap<String, BTreeSet<String>>) -> String {
    let told = |file: &String| {
        let to: Vec<&str> = arrows[file].intersection(group).map(String::as_str).collect();
        format!("  {file} uses {}", to.join(", "))
    };
    group.iter().map(told).collect::<Vec<_>>().join("\n")
}

/// Each type name, and the files that define a type of that name.
fn types<'a>(sources: &[&'a Source]) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut types: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for source in sources {
        source.types.iter().for_each(|name| types.entry(name.as_str()).or_default().push(source.name.as_str()));
    }
    types
}

/// The only folder that knows the format of published tables, and the tests beside it.
const TABLE_FORMAT: [&str; 2] = ["src/publish/format/delta/", "src/publish/tests.rs"];
const TABLE_FORMAT_WORDS: [&str; 4] = ["_delta_log", "delta_kernel", "delta_scan", "_last_checkpoint"];

/// What the rest knows of a table is versions, files, a commit, the history and removal: `src/publish/format/seam.rs`.
#[test]
fn only_one_folder_knows_the_format_of_tables() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let elsewhere = SOURCES.iter().filter(|source| !TABLE_FORMAT.iter().any(|place| source.name.starts_with(place)));
    let mut faults = Vec::new();
    for source in elsewhere {
        let text = std::fs::read_to_string(root.join(&source.name)).unwrap();
        let said = TABLE_FORMAT_WORDS.iter().filter(|word| text.contains(**word));
        faults.extend(said.map(|word| format!("{} says {word}", source.name)));
    }
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

/// Everything wrong with one file.
fn look(source: &Source) -> Vec<String> {
    let name = source.name.as_str();
    let path: Vec<&str> = name.trim_start_matches("src/").trim_end_matches(".rs").split('/').collect();
    let in_tests = path.last() == Some(&"tests");
    let mut faults = Vec::new();
    let mut fault = |what: String| faults.push(format!("{name}: {what}"));
    // Crate roots are left to rustc's missing_docs, files of tests to their readers.
    if !source.described && !in_tests && path != ["main"] {
        fault("does not open with what it is for (//!)".into());
    }
    if source.lines > MAX_FILE {
        fault(format!("has {} lines, more than {MAX_FILE}", source.lines));
    }
    if let Some(bad) = path.iter().find(|part| BANNED.contains(part)) {
        fault(format!("a module called {bad} says nothing about what is in it"));
    }
    if path == ["lib"] || in_tests {
        return faults;
    }
    if source.unsafe_code && !UNSAFE.contains(&name) {
        fault("has unsafe code and is not one of the files that may".into());
    }
    for (function, length) in source.functions.iter().filter(|(_, length)| *length > MAX_FUNCTION) {
        fault(format!("fn {function} has {length} lines, more than {MAX_FUNCTION}"));
    }
    match ARROWS.iter().find(|(module, _)| *module == path[0]) {
        None => fault(format!("the module {} is not in the table of arrows", path[0])),
        Some((module, allowed)) => {
            for (target, item) in named(source).into_iter().filter(|(target, _)| target != module) {
                if !permits(allowed, &target, &item) {
                    fault(format!("{module} may not name {target}{}{item}", if item.is_empty() { "" } else { "::" }));
                }
            }
        }
    }
    faults
}

/// What a file names of the crate: a module, and an item of it or nothing.
fn named(source: &Source) -> BTreeSet<(String, String)> {
    let imported = source.imports.iter().map(|import| import.path.clone());
    let written = source.paths.iter().filter_map(|path| source.absolute(path));
    let mut parts = imported.chain(written).map(IntoIterator::into_iter).collect::<Vec<_>>();
    let both = parts.iter_mut().filter_map(|parts| Some((parts.next()?, parts.next().unwrap_or_default())));
    both.collect()
}

fn permits(allowed: &[&str], target: &str, item: &str) -> bool {
    allowed.iter().any(|rule| match rule.split_once("::") {
        None => *rule == target,
        Some(("below", _)) => permits(BELOW_JOB, target, item),
        Some((module, "rows")) => module == target && (item == "rows" || ROWS_ITEMS.contains(&item)),
        Some((module, only)) => module == target && only == item,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(name: &str, code: &str) -> String {
        look(&Source::parse(name, &format!("//! A file.\n{code}"))).join("\n")
    }

    #[test]
    fn arrows_that_go_up_or_sideways_are_found() {
        for (file, code, told) in [
            ("src/stage/spill_store.rs", "use crate::policy::Plan;", "stage may not name policy::Plan"),
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
            ("python/src/lib.rs", "use tamis::run;", "python may not name run"),
            ("python/src/rows.rs", "fn f() { tamis::cli::main() }", "python may not name cli::main"),
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
            ("src/stage/spill_store.rs", "use super::Slot;\nuse crate::stage::Bucket;\npub(crate) fn f() {}"),
            ("src/stage/mod.rs", "#[cfg(test)]\nmod tests { use crate::policy::Plan; fn g() { \"}\"; } }"),
            (
                "src/stage/mod.rs",
                "// use crate::key;\n/// as [`crate::key`]\nconst A: &str = r#\"use crate::key; \"unsafe\"#; const B: char = '\"';",
            ),
            ("python/src/lib.rs", "use pyo3::prelude::*;\nuse tamis::cli::embedded::answer;"),
            ("src/run.rs", "use crate::{read::Reader, publish::{self, write}, key::Keyring};"),
        ] {
            assert_eq!(faults(file, code), "", "{file}: {code}");
        }
    }

    #[test]
    fn paths_count_wherever_they_are_written() {
        for code in [
            "fn f() { let x = format!(\"{}\", crate::policy::load()); }",
            "fn f(x: &crate::policy::Plan) {}",
            "use crate::policy as specs;\nfn f() { specs::load() }",
            "mod inner { fn f() { super::super::super::policy::load() } }",
            "impl From<crate::policy::Plan> for Rows {}",
        ] {
            assert!(faults("src/stage/spill_store.rs", code).contains("stage may not name policy"), "{code}");
        }
    }

    #[test]
    fn cycles_are_found_over_others_through_parents_and_through_what_is_handed_on() {
        let told = |files: &[(&str, &str)]| {
            let sources: Vec<Source> = files.iter().map(|(name, code)| Source::parse(name, code)).collect();
            cycles(&arrows(&sources.iter().collect::<Vec<_>>()))
                .iter()
                .map(|group| group.iter().cloned().collect::<Vec<_>>().join(" "))
                .collect::<Vec<_>>()
        };
        let parent = ("src/a/mod.rs", "mod b;\nmod c;\npub use b::B;\npub use c::C;\npub struct A;");
        let over =
            [parent, ("src/a/b.rs", "use super::C;\npub struct B;"), ("src/a/c.rs", "pub struct C(super::b::B);")];
        assert_eq!(told(&over), ["src/a/b.rs src/a/c.rs"]);
        let up = [parent, ("src/a/b.rs", "use super::A;\npub struct B(A);"), ("src/a/c.rs", "pub struct C;")];
        assert!(told(&up).is_empty(), "the parent only hands on: {:?}", told(&up));
        let used = ("src/a/mod.rs", "mod b;\nmod c;\npub use b::B;\npub struct A;\nfn f() { vec![B] }");
        assert_eq!(told(&[used, up[1], up[2]]), ["src/a/b.rs src/a/mod.rs"]);
        let tests = ("src/a/c.rs", "pub struct C;\n#[cfg(test)]\nmod tests { use crate::a::B; }");
        assert!(told(&[parent, ("src/a/b.rs", "use super::C;\npub struct B;"), tests]).is_empty());
        let long = [
            parent,
            ("src/a/b.rs", "pub struct B;\nimpl super::A {}"),
            ("src/a/c.rs", "use super::b;\nfn c(_: b::B) {}"),
        ];
        let down = ("src/a/mod.rs", "mod b;\nmod c;\nuse c::C;\npub struct A(C);");
        assert_eq!(told(&[down, long[1], long[2]]), ["src/a/b.rs src/a/c.rs src/a/mod.rs"]);
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
        assert!(look(&Source::parse("src/clock.rs", "use std::fmt;")).join("").contains("//!"));
    }

    #[test]
    fn type_names_are_found_wherever_they_are_defined_and_not_in_tests() {
        let source = Source::parse(
            "src/a.rs",
            "struct A;\nmod inner { enum B {} }\nfn f() { struct C; }\ntrait D { type E; }\ntype F = u8;\n\
             #[cfg(test)]\nmod tests { struct G; }",
        );
        assert_eq!(source.types, ["A", "B", "C", "D", "F"]);
        let (one, other) = (Source::parse("src/b.rs", "struct A;"), Source::parse("src/c.rs", "struct Z;"));
        let twice = types(&[&source, &one, &other]).into_iter().filter(|(_, files)| files.len() > 1);
        assert_eq!(twice.collect::<Vec<_>>(), [("A", vec!["src/a.rs", "src/b.rs"])]);
    }
}
