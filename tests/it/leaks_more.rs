//! The sweep for leaks on more commands and keys of specs: lists in JSON beside notices, minors and other persons of a row; a
//! practice, records that are renewed, tables that end.

use crate::leaks::{ended, text, written};
use crate::marked::Marked;
use std::fs;
use std::process::Output;
use tamis::error::Code;

const POLICY: &str = r#"[notices.first]
valid_from = "2020-01-01"
purposes = ["reporting"]
categories = ["identity", "contact", "location", "demographic", "business"]

[minors]
unknown = "sold"
birth = { contact = "Birthdate" }

[recipients.bi-team]
kind = "third-party"
sale = true
contract = "C-1"
country = "FR"
review_by = "2999-01-01"

[lists.opt-in]
input = "requests:opt-in/*.json"
format = "json"
records = "results"
effect = "consent"
purposes = ["reporting"]
match = { "person.email" = "email" }
request = "case"
received = "at"

[lists.stopped]
input = "requests:stopped/*.ndjson"
format = "ndjson"
effect = "erase"
match = { email = "email" }
request = "case"
received = "at"
"#;

const OTHERS: &str = r#"[[others]]
name = "assistant"
by = ["Grown__c"]
columns = ["Segment"]

[limits]
"#;

/// The usual job with everything that its specs may say besides, and two lists in JSON.
fn told_more() -> Marked {
    let mut marked = Marked::ready();
    marked.edit("jobs/policy.toml", "[recipients.bi-team]\nkind = \"internal\"\n", POLICY);
    marked.edit("jobs/sources/contact.toml", "[limits]\n", OTHERS);
    let assistant = "Grown__c = { identifier = \"assistant@acme\", category = \"contact\" }\nName = { category";
    marked.edit("jobs/sources/contact.toml", "Name = { category", assistant);
    marked.edit(
        "jobs/contacts.toml",
        "[fields]\n",
        "[notice]\ncollected = \"Created\"\nmax_unnoticed = \"90%\"\n\n[fields]\n",
    );
    let [key, comment, comment_2] = [(); 3].map(|()| marked.marks.text("list.json"));
    let [opted_in, stopped] = [(); 2].map(|()| format!("{}@example.org", marked.marks.text("list.email")));
    let row = format!(
        "{{\"results\":[{{\"case\":\"O-1\",\"at\":\"2026-11-01\",\"person\":{{\"email\":\"{opted_in}\"}},\"{key}\":\"{comment}\"}}]}}"
    );
    let line = format!("{{\"case\":\"S-1\",\"at\":\"2026-11-01\",\"email\":\"{stopped}\",\"note\":\"{comment_2}\"}}\n");
    for (file, text) in [("opt-in/a.json", row), ("stopped/a.ndjson", line)] {
        let path = marked.path("requests").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    marked
}

/// Carries commands out, each with what it is told and how it has to end.
fn carried_out(marked: &Marked, told: &str, commands: &[(&[&str], i32)]) -> Vec<Output> {
    let mut said = Vec::new();
    for (arguments, exit) in commands {
        let output = marked.tamis_told(arguments, told);
        ended(&output, *exit, "");
        said.push(output);
    }
    said
}

#[test]
fn lists_in_json_that_cannot_be_read_are_not_repeated() {
    for (file, content) in [
        ("stopped/a.ndjson", "{\"case\":\"MARK\",\"at\":\"MARK\",\"email\":\"MARK\"}\n"),
        ("stopped/a.ndjson", "{\"case\":\"S-1\",\"at\":\"2026-11-01\",\"email\":\"MARK\n"),
        ("stopped/a.ndjson", "{\"case\":\"S-1\",\"at\":\"2026-11-01\",\"email\":{\"MARK\":\"MARK\"}}\n"),
        ("opt-in/a.json", "{\"results\":[{\"MARK\":1}]}"),
        ("opt-in/a.json", "{\"MARK\":[{\"case\":\"O-1\"}]}"),
        ("opt-in/a.json", "{\"results\":[{\"case\":\"O-1\",\"at\":\"MARK\",\"person\":{\"email\":\"MARK\"}}]} MARK"),
    ] {
        let mut marked = told_more();
        let mark = marked.marks.text("list.broken");
        fs::write(marked.path("requests").join(file), content.replace("MARK", &mark)).unwrap();
        let said = carried_out(&marked, "", &[(&["run", "contacts"], 3), (&["sweep", "--json"], 3), (&["status"], 0)]);
        assert!(text(&said[0]).contains(file), "{}", text(&said[0]));
        assert_eq!(written(&marked, &said), [], "{file}");
    }
}

/// Records that are lost are made up for, and a table ends; what was accepted stays without a value.
#[test]
fn nothing_raw_is_in_what_is_told_when_records_are_renewed_and_a_table_ends() {
    let marked = Marked::ready();
    ended(&marked.tamis(&["run", "contacts"]), 0, "published");
    ended(&marked.tamis(&["sweep"]), 0, "swept");
    fs::remove_dir_all(marked.path("state/sweeps")).unwrap();
    // The search has to find something where the table was.
    fs::write(marked.path("lake/notes.txt"), "of somebody else").unwrap();
    let lost = Code::StatePartOlder.name();
    let mut said = carried_out(
        &marked,
        "",
        &[
            (&["verify"], 6),
            (&["sweep"], 6),
            (&["run", "contacts", "--json"], 6),
            (&["state", "renew", "contacts", "--reason", " "], 2),
            (&["state", "renew", "contacts", "--reason", "no copy is left", "--by", "it"], 0),
            (&["state", "renew", "contacts", "--reason", "no copy is left"], 2),
            (&["verify"], 0),
            (&["dataset", "adopt", "contacts", "--reason", "a test"], 2),
            (&["practice", "../practice"], 0),
            (&["practice", "check", "../practice"], 0),
            (&["dataset", "retire", "contacts", "--reason", "a test", "--remove"], 0),
            (&["verify", "--json"], 0),
        ],
    );
    assert!(text(&said[1]).contains(lost) && text(&said[1]).contains("tamis state renew"), "{}", text(&said[1]));
    assert!(text(&said[4]).contains("state:sweeps/contacts: renewed"), "{}", text(&said[4]));
    said.push(marked.tamis(&["status", "--json"]));
    assert_eq!(written(&marked, &said), []);
}
