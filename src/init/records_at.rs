//! Where the records of a JSON file are, by its first bytes: one in each line, in an array, or in pages that have one. Must
//! not know what records hold.

use crate::policy::push_key;

/// Where the records are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RecordsAt {
    /// Each line is a record.
    pub lines: bool,
    /// Keys that lead to the array of records, as a source writes them; empty where the file is the array.
    pub path: String,
    /// What somebody has to look at.
    pub doubt: Option<String>,
}

/// Names that arrays of records have in answers of CRMs.
const USUAL: [&str; 24] = [
    "records",
    "results",
    "value",
    "items",
    "data",
    "users",
    "contacts",
    "people",
    "persons",
    "leads",
    "accounts",
    "companies",
    "customers",
    "members",
    "subscribers",
    "tickets",
    "organizations",
    "organisations",
    "rows",
    "entities",
    "list",
    "objects",
    "deals",
    "audience",
];

/// What stands around the place that is read.
struct Around {
    object: bool,
    /// The key whose value comes next, or is being read.
    key: String,
}

/// An array of objects that only objects are around.
struct ArrayFound {
    path: Vec<String>,
    start: usize,
    length: usize,
}

/// What the beginning of a text has.
#[derive(Default)]
struct TextScan {
    arrays: Vec<ArrayFound>,
    /// Where each value at the top begins and ends; of the last one, that is cut, only where it begins.
    values: Vec<(usize, Option<usize>)>,
}

/// Tells where records are; none where no array of objects and no line with one is seen.
pub(super) fn find(text: &str) -> Option<RecordsAt> {
    let scanned = scan(text);
    let first = *scanned.values.first()?;
    let at = |lines, path: &[String], doubt| {
        let mut written = String::new();
        path.iter().for_each(|key| push_key(&mut written, key));
        Some(RecordsAt { lines, path: written, doubt })
    };
    if text.as_bytes().get(first.0) == Some(&b'[') {
        return at(false, &[], None);
    }
    let in_a_line = |(start, end): (usize, Option<usize>)| !text[start..end.unwrap_or(text.len())].contains('\n');
    let lines = in_a_line(first) && (first.1.is_some() || scanned.values.len() > 1);
    let usual = |array: &&ArrayFound| array.path.last().is_some_and(|key| USUAL.contains(&key.to_lowercase().as_str()));
    let rank = |array: &&ArrayFound| (usual(array), std::cmp::Reverse(array.path.len()), array.length);
    let Some(best) = scanned.arrays.iter().max_by_key(rank) else {
        return if lines { at(true, &[], None) } else { None };
    };
    let (start, end) = first;
    let whole = end.unwrap_or(text.len()) - start;
    let within: usize = scanned
        .arrays
        .iter()
        .filter(|array| array.path == best.path && array.start < start + whole)
        .map(|array| array.length)
        .sum();
    // A page is hardly more than its records; a record has other things than one list.
    let page = within * 2 > whole;
    match (lines, page || usual(&best)) {
        (false, _) => at(false, &best.path, None),
        (true, true) if page && usual(&best) => at(false, &best.path, None),
        (true, false) => at(true, &[], None),
        (true, true) => {
            let pages = page && scanned.values.len() == 1;
            let path = if pages { best.path.as_slice() } else { &[] };
            let said = "each line could be a record, or a page with an array of them: look at format and records";
            at(!pages, path, Some(said.into()))
        }
    }
}

/// Goes through a text that may be cut anywhere, and through what is no JSON as far as it makes sense.
fn scan(text: &str) -> TextScan {
    let (mut found, mut around): (TextScan, Vec<Around>) = (TextScan::default(), Vec::new());
    let (bytes, mut at, mut naming, mut open) = (text.as_bytes(), 0, false, Vec::new());
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                let end = text_end(bytes, at + 1);
                if let Some(here) = around.last_mut().filter(|here| here.object && naming) {
                    here.key = serde_json::from_str(&text[at..end.min(text.len())]).unwrap_or_default();
                    naming = false;
                }
                at = end;
                continue;
            }
            bracket @ (b'{' | b'[') => {
                if around.is_empty() {
                    found.values.push((at, None));
                }
                let of_objects = text[at + 1..].trim_start().starts_with('{');
                let mut array = None;
                if bracket == b'[' && of_objects && around.iter().all(|here| here.object) {
                    let path = around.iter().map(|here| here.key.clone()).collect();
                    found.arrays.push(ArrayFound { path, start: at, length: bytes.len() - at });
                    array = Some(found.arrays.len() - 1);
                }
                open.push(array);
                naming = bracket == b'{';
                around.push(Around { object: naming, key: String::new() });
            }
            b'}' | b']' => {
                around.pop();
                if let Some(array) = open.pop().flatten() {
                    let array = &mut found.arrays[array];
                    array.length = at + 1 - array.start;
                }
                if around.is_empty()
                    && let Some(value) = found.values.last_mut()
                {
                    value.1.get_or_insert(at + 1);
                }
                naming = false;
            }
            b',' => naming = around.last().is_some_and(|here| here.object),
            _ => {}
        }
        at += 1;
    }
    found
}

/// Where a text ends, after its closing quote.
fn text_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        match bytes[at] {
            b'"' => return at + 1,
            _ => at += 2,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<(bool, String, bool)> {
        find(text).map(|at| (at.lines, at.path, at.doubt.is_some()))
    }

    #[test]
    fn records_are_found_in_lines_arrays_and_pages() {
        let person = r#"{"id":1,"email":"ada@example.com","tags":["a"],"phones":[{"n":"1"}],"note":"a rather long text of a record"}"#;
        for (text, expected) in [
            (format!("{person}\n{person}\n"), Some((true, "", false))),
            (format!("\u{feff} {person}"), Some((true, "", false))),
            (format!("[{person}]"), Some((false, "", false))),
            ("[]".into(), Some((false, "", false))),
            (format!("{{\"records\":[{person},{person}]}}"), Some((false, "records", false))),
            (
                format!(
                    "{{\"users\":[{person},{person}],\"next_page\":null,\"count\":2}}\n{{\"users\":[{person},{person}]}}"
                ),
                Some((false, "users", false)),
            ),
            (
                format!("{{\n \"meta\": {{\"x\": []}},\n \"data\": {{\"it.ems\": [\n  {person}]}}}}"),
                Some((false, "data.it\\.ems", false)),
            ),
            (format!("{{\"odd\":[{person},{person}]}}"), Some((false, "odd", true))),
            ("{\n \"id\": 1\n}".into(), None),
            ("".into(), None),
        ] {
            let expected = expected.map(|(lines, path, doubt): (bool, &str, bool)| (lines, path.to_owned(), doubt));
            assert_eq!(told(&text), expected, "{text}");
        }
    }

    #[test]
    fn a_text_that_is_cut_anywhere_says_the_same_or_nothing() {
        let text =
            "{\"done\": true, \"records\": [{\"Id\": \"a\\\"b\", \"Owner\": {\"Name\": \"x\"}}, {\"Id\": \"c\"}]}\n";
        for end in 0..text.len() {
            let path = told(&text[..end]).filter(|found| !found.0).map(|found| found.1);
            assert!(path.is_none() || path.as_deref() == Some("records"), "{}", &text[..end]);
        }
        assert_eq!(told(text), Some((false, "records".into(), false)));
    }
}
