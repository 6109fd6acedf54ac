//! From text to a spec as written: syntax, unknown and missing keys, wrong types; every fault of a file, not only the
//! first. The parser's own messages print source lines and values, so none of them is passed on (a spec may hold a
//! secret in a wrong place).

use super::finding::Page;
use crate::near_miss::distance;
use serde::de::DeserializeOwned;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer, Error};

const MOST_FAULTS: usize = 100;

/// Reads a spec; `None` when the file has a fault, all of which are then findings.
pub(super) fn read<T: DeserializeOwned>(page: Page) -> Option<T> {
    let (mut table, errors) = DeTable::parse_recoverable(&page.file.text);
    if !errors.is_empty() {
        for error in &errors {
            syntax(page, error);
        }
        return None;
    }
    let root = table.span();
    let mut gone = Vec::new();
    for round in 0..MOST_FAULTS {
        let error = match T::deserialize(Deserializer::from(table.clone())) {
            Ok(spec) => return (round == 0).then_some(spec),
            Err(error) => error,
        };
        let span = error.span().unwrap_or(root.clone());
        let missing = quoted_after(error.message(), "missing field `");
        let ours = missing.is_some_and(|key| gone.iter().any(|(at, name)| *at == span && name == key));
        if !ours {
            report(page, &error, span.clone());
        }
        gone.push(take_out(table.get_mut(), &root, &span)?);
    }
    None
}

fn syntax(page: Page, error: &Error) {
    let span = error.span().unwrap_or(0..0);
    if error.message().starts_with("duplicate key") {
        return page.fault(span, "toml-syntax", "a key is written twice in one table", "keep one of the two");
    }
    let help = "check quotes, brackets and equal signs on this line and the one before";
    page.fault(span, "toml-syntax", "not valid TOML from here", help);
}

/// Removes the entry a finding is about, so that the rest can be looked at; returns the span of the table it was in
/// and its key. `None` when the whole file is meant.
fn take_out(table: &mut DeTable, own: &Range<usize>, span: &Range<usize>) -> Option<(Range<usize>, String)> {
    let hit = |key: &Spanned<_>, value: &Spanned<DeValue>| {
        key.span() == *span || value.span() == *span || holds(value.get_ref(), span)
    };
    if let Some(key) = table.iter().find(|(key, value)| hit(key, value)).map(|(key, _)| key.clone()) {
        table.remove(&key);
        return Some((own.clone(), key.into_inner().into_owned()));
    }
    table.iter_mut().find_map(|(_, value)| inside(value, span))
}

fn inside(value: &mut Spanned<DeValue>, span: &Range<usize>) -> Option<(Range<usize>, String)> {
    let own = value.span();
    match value.get_mut() {
        DeValue::Table(table) => take_out(table, &own, span),
        DeValue::Array(items) => items.iter_mut().find_map(|item| inside(item, span)),
        _ => None,
    }
}

/// Whether an item of this array is exactly what the span covers.
fn holds(value: &DeValue, span: &Range<usize>) -> bool {
    match value {
        DeValue::Array(items) => items.iter().any(|item| item.span() == *span || holds(item.get_ref(), span)),
        _ => false,
    }
}

fn report(page: Page, error: &Error, span: Range<usize>) {
    let message = error.message();
    if message.starts_with("unknown field `") {
        return unknown_key(page, message, span);
    }
    if let Some(key) = quoted_after(message, "missing field `") {
        return page.fault(span, "missing-key", format!("`{key}` is required here"), format!("add `{key}`"));
    }
    // What follows the last "expected" is written in this program's types; what stands before it may be a value.
    let expected = message.rfind("expected ").map_or("", |at| &message[at + "expected ".len()..]);
    if message.starts_with("unknown variant `") {
        let choices = expected.trim_start_matches("one of ").replace('`', "");
        return page.fault(span, "unknown-value", "not one of the values allowed here", format!("write {choices}"));
    }
    page.fault(span, "wrong-type", format!("{} is expected here", words(expected)), "see docs/spec.md for this key");
}

/// Names the key only when it looks like one: a secret pasted in its place must not end up in a log.
fn unknown_key(page: Page, message: &str, span: Range<usize>) {
    let known: Vec<&str> = match message.rfind("expected ") {
        Some(at) => message[at..].split('`').skip(1).step_by(2).collect(),
        None => Vec::new(),
    };
    let key = page.file.text.get(span.clone()).unwrap_or("");
    let plain =
        !key.is_empty() && key.len() <= 30 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    let text = if plain { format!("`{key}` is not a key of this table") } else { "not a key of this table".into() };
    let near = known.iter().map(|k| (distance(key, k), *k)).min().filter(|(d, _)| plain && *d <= 2);
    let help = match near {
        Some((_, near)) => format!("did you mean `{near}`?"),
        None => format!("keys here: {}", known.join(", ")),
    };
    page.fault(span, "unknown-key", text, help);
}

fn quoted_after<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message.strip_prefix(start)?.split('`').next()
}

fn words(expected: &str) -> &'static str {
    match expected.split([' ', '\n']).next().unwrap_or("") {
        "i64" | "u64" | "integer" => "a whole number",
        "a" if expected.starts_with("a string") => "text in quotes",
        "a" if expected.starts_with("a boolean") => "true or false",
        "a" if expected.starts_with("a sequence") => "a list in brackets",
        "a" if expected.starts_with("a map") => "a table",
        "struct" => "a table",
        "string" | "enum" | "variant" => "text in quotes",
        _ => "another kind of value",
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Findings, SpecFile};
    use super::super::{job_spec::JobSpec, policy_spec::PolicySpec};
    use super::*;
    use crate::error::Finding;

    fn faults<T: DeserializeOwned>(text: &str) -> Vec<Finding> {
        let file = SpecFile { path: "a.toml".into(), text: text.into() };
        let findings = Findings::default();
        let spec = read::<T>(Page { file: &file, findings: &findings });
        assert!(spec.is_none());
        findings.sorted()
    }

    #[test]
    fn a_secret_in_a_wrong_place_is_never_repeated() {
        let secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        for text in [
            format!("spec = \"{secret}\""),
            format!("{secret} = 1"),
            format!("spec = 1\n[purposes.p]\nlawful_basis = \"{secret}\""),
            format!("spec = 1\n{secret}"),
            format!("controller = \"{secret}\nspec = 1"),
            format!("{secret} = 1\n{secret} = 2"),
            format!("[roots]\nstate = [\"{secret}, expected one of\"]"),
        ] {
            let found = faults::<PolicySpec>(&text);
            assert!(!found.is_empty());
            for f in found {
                assert!(!format!("{} {}", f.message, f.help).contains("0123456789"), "{}", f.message);
            }
        }
    }

    #[test]
    fn every_fault_of_a_file_is_found_not_only_the_first() {
        let found = faults::<JobSpec>("spec = \"1\"\nnam = \"x\"\nsource = 3\n[gate]\nquasi = []\n");
        let codes: Vec<_> = found.iter().map(|f| (f.line, f.code)).collect();
        assert!(codes.contains(&(1, "wrong-type")) && codes.contains(&(2, "unknown-key")), "{codes:?}");
        assert!(codes.contains(&(3, "wrong-type")) && codes.contains(&(5, "unknown-key")), "{codes:?}");
    }

    #[test]
    fn near_misses_are_named() {
        let found = faults::<JobSpec>("spec = 1\nsorce = \"x\"\n");
        assert!(found.iter().any(|f| f.help == "did you mean `source`?"));
    }
}
