//! R64: how many records a set has, as its sender says in an object beside it.

use crate::error::{Code, Error, Result};
use crate::policy::SaidCount;
use crate::store::Root;
use serde_json::Value;

/// More than any such object has.
const MOST_BYTES: u64 = 16 << 20;

/// Returns the number that objects beside a set say together.
///
/// # Errors
/// An input error when one does not say it; storage errors.
pub fn said_count(root: &Root, paths: &[String], count: &SaidCount) -> Result<u64> {
    paths.iter().try_fold(0u64, |sum, path| {
        let said = said(root, path, count)?;
        said.and_then(|said| sum.checked_add(said)).ok_or_else(|| {
            let place = root.display(path);
            Error::new(Code::ExportCountDiffers, format!("{place} does not say how many records the export has"))
                .help("look at it, and set [complete] count in the source as it is: `file`, and `at` where it is JSON")
        })
    })
}

fn said(root: &Root, path: &str, count: &SaidCount) -> Result<Option<u64>> {
    let Some(object) = root.head(path)?.filter(|object| object.bytes <= MOST_BYTES) else { return Ok(None) };
    let Some(bytes) = root.get(&object.path)? else { return Ok(None) };
    let Ok(text) = std::str::from_utf8(&bytes) else { return Ok(None) };
    let text = text.trim_start_matches('\u{feff}').trim();
    if count.at.is_empty() {
        return Ok(whole(text));
    }
    let Ok(value) = serde_json::from_str(text) else { return Ok(None) };
    Ok(sum(&value, &count.at))
}

fn whole(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The sum of the numbers at a path; none when there is none, or one of them is no whole number.
fn sum(value: &Value, path: &[String]) -> Option<u64> {
    let Some((key, rest)) = path.split_first() else {
        return value.as_u64().or_else(|| whole(value.as_str()?));
    };
    let below: Vec<&Value> = match (value, key.as_str()) {
        (Value::Array(items), "*") => items.iter().collect(),
        (Value::Object(items), "*") => items.values().collect(),
        (Value::Object(items), key) => items.get(key).into_iter().collect(),
        _ => Vec::new(),
    };
    let numbers = below.iter().map(|value| sum(value, rest)).collect::<Option<Vec<u64>>>()?;
    numbers.iter().try_fold(0u64, |sum, number| sum.checked_add(*number)).filter(|_| !numbers.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(json: &str, path: &str) -> Option<u64> {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        sum(&serde_json::from_str(json).expect("JSON"), &path)
    }

    #[test]
    fn r64_numbers_are_found_by_keys_and_added_up() {
        assert_eq!(at(r#"{"state":"JobComplete","numberRecordsProcessed":500}"#, "numberRecordsProcessed"), Some(500));
        assert_eq!(at(r#"{"entries":[{"meta":{"n":2}},{"meta":{"n":"3"}}]}"#, "entries.*.meta.n"), Some(5));
        for (json, path) in [
            (r#"{"n":-1}"#, "n"),
            (r#"{"n":1.5}"#, "n"),
            (r#"{"n":null}"#, "n"),
            (r#"{"entries":[]}"#, "entries.*.n"),
            (r#"{"entries":[{"n":1},{}]}"#, "entries.*.n"),
            (r#"{"n":"1e3"}"#, "n"),
            (r#"[18446744073709551615,1]"#, "*"),
        ] {
            assert_eq!(at(json, path), None, "{json}");
        }
        assert_eq!((whole("12"), whole(""), whole("1 2")), (Some(12), None, None));
    }
}
