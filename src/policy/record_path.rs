//! Where records are in JSON, and paths into them, which are the names of its columns: `properties.email`,
//! `emails[0].value`, `emails[primary=true].value`, and `data?`, which says whether there is something.

use std::fmt::Write;

/// How records lie in a JSON file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonFormat {
    /// One record stands in each line.
    Lines,
    /// In arrays: of the file, or of its pages.
    Arrays {
        /// Keys that lead from a page to its array; none where the array is all there is.
        path: Vec<String>,
    },
}

/// A path as the name of a column says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordPath {
    /// From the record inwards, at least one; the first is a key.
    pub steps: Vec<PathStep>,
}

/// One step into an object or array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathStep {
    /// To the value of a key.
    Key(String),
    /// To an element of an array.
    Element(ElementChoice),
    /// At the end: whether there is something else than null.
    Present,
}

/// Which element of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElementChoice {
    /// By its place, from 0.
    At(usize),
    /// The only object in which a key has a value.
    Where {
        /// Key that the element has.
        key: String,
        /// Its value, as written, of a text without its quotes.
        equals: String,
    },
}

/// What has a meaning of its own in a path, and needs a backslash where it is part of a key.
const MARKS: [char; 5] = ['.', '[', ']', '?', '\\'];

impl RecordPath {
    /// Reads a path; else says what is wrong with it.
    ///
    /// # Errors
    /// What is no path.
    pub fn read(text: &str) -> Result<RecordPath, &'static str> {
        let (mut steps, mut letters) = (Vec::new(), text.chars().peekable());
        loop {
            let (key, end) = word(&mut letters, &['.', '[', '?'])?;
            if key.is_empty() {
                return Err("a key without a name");
            }
            steps.push(PathStep::Key(key));
            let mut end = end;
            while end == Some('[') {
                steps.push(PathStep::Element(choice(&mut letters)?));
                end = letters.next();
            }
            match end {
                None => return Ok(RecordPath { steps }),
                Some('.') => {}
                Some('?') if letters.peek().is_none() => {
                    steps.push(PathStep::Present);
                    return Ok(RecordPath { steps });
                }
                Some('?') => return Err("something after a `?`"),
                Some(_) => return Err("something other than `.`, `[` or `?` after a `]`"),
            }
        }
    }

    /// Returns the keys of a path that goes through objects only.
    pub fn keys(self) -> Option<Vec<String>> {
        let key = |step| match step {
            PathStep::Key(key) => Some(key),
            PathStep::Element(_) | PathStep::Present => None,
        };
        self.steps.into_iter().map(key).collect()
    }
}

/// Appends a key to the name of what it is in, written so that [`RecordPath::read`] finds it again.
pub fn push_key(name: &mut String, key: &str) {
    if !name.is_empty() {
        name.push('.');
    }
    for letter in key.chars() {
        if MARKS.contains(&letter) {
            name.push('\\');
        }
        // Writing to a text cannot fail.
        let _ = name.write_char(letter);
    }
}

type Letters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Reads up to one of the ends; a backslash makes the letter after it part of the word.
fn word(letters: &mut Letters<'_>, ends: &[char]) -> Result<(String, Option<char>), &'static str> {
    let mut word = String::new();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => word.push(letters.next().ok_or("a backslash at its end")?),
            end if ends.contains(&end) => return Ok((word, Some(end))),
            ']' => return Err("a `]` without a `[`"),
            letter => word.push(letter),
        }
    }
    Ok((word, None))
}

/// Reads what stands between `[` and `]`.
fn choice(letters: &mut Letters<'_>) -> Result<ElementChoice, &'static str> {
    let (first, end) = word(letters, &['=', ']']).map_err(|_| "a `[` without a `]`")?;
    match end {
        Some(']') => {
            let plain = first.len() < 7 && (first == "0" || !first.starts_with('0'));
            let at = first.parse().ok().filter(|_| plain && first.bytes().all(|byte| byte.is_ascii_digit()));
            at.map(ElementChoice::At).ok_or("neither a number nor key=value between `[` and `]`")
        }
        Some(_) => match word(letters, &[']'])? {
            (_, None) => Err("a `[` without a `]`"),
            (equals, Some(_)) if !first.is_empty() && !equals.is_empty() => {
                Ok(ElementChoice::Where { key: first, equals })
            }
            _ => Err("neither a number nor key=value between `[` and `]`"),
        },
        None => Err("a `[` without a `]`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(key: &str) -> PathStep {
        PathStep::Key(key.into())
    }

    #[test]
    fn paths_go_through_keys_and_chosen_elements() {
        let read = |text| RecordPath::read(text).map(|path| path.steps);
        assert_eq!(read("Id"), Ok(vec![key("Id")]));
        assert_eq!(read("properties.e-mail 2"), Ok(vec![key("properties"), key("e-mail 2")]));
        let at = |at| PathStep::Element(ElementChoice::At(at));
        assert_eq!(read("a[0][12].b"), Ok(vec![key("a"), at(0), at(12), key("b")]));
        let primary = ElementChoice::Where { key: "primary".into(), equals: "true".into() };
        assert_eq!(read("emails[primary=true].value"), {
            Ok(vec![key("emails"), PathStep::Element(primary), key("value")])
        });
        assert_eq!(read(r"a\.b.c\[0\]"), Ok(vec![key("a.b"), key("c[0]")]));
        assert_eq!(read(r"a[0]?"), Ok(vec![key("a"), at(0), PathStep::Present]));
        assert_eq!(read(r"why\??"), Ok(vec![key("why?"), PathStep::Present]));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in [
            "", ".a", "a.", "a..b", "a[", "a[]", "a[x]", "a[01]", "a[=1]", "a[k=]", "a]", "a[0]b", "?", "a?b", "a??",
            "[0]", "a\\",
        ] {
            assert!(RecordPath::read(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_key_can_be_written(outer in ".{1,8}", inner in ".{1,8}") {
            let mut name = String::new();
            push_key(&mut name, &outer);
            push_key(&mut name, &inner);
            prop_assert_eq!(RecordPath::read(&name).map(|path| path.steps), Ok(vec![key(&outer), key(&inner)]));
        }
    }
}
