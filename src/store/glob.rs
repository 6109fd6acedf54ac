//! What a glob means of the paths there are: which it matches, which folders it enters, and which it leaves aside
//! though they look like what was meant.

use globset::GlobBuilder;
use regex::bytes::Regex;
use std::sync::LazyLock;

/// `{set}` of an input stands for any text of one path segment.
const SET: &str = "{set}";
/// Ends that make another file of one that is meant: what is beside it by right.
const BESIDE: [&str; 14] =
    ["md5", "sha1", "sha256", "sha512", "crc", "sum", "sig", "asc", "ok", "done", "json", "meta", "xml", "log"];
/// Longest end that is looked behind.
const LONGEST_END: usize = 12;

/// A glob of an input or a list, for paths that are bytes.
pub struct PathGlob {
    whole: Regex,
    any_case: Regex,
    /// One per folder that something it matches may lie in; none when that cannot be told.
    above: Option<Vec<Regex>>,
    folder: String,
    exact: Option<String>,
    /// Whether what it matches has an end to its name, such as `.csv`.
    ends: bool,
}

impl PathGlob {
    /// Of a path of the specs; none when it is no glob.
    pub fn new(path: &str) -> Option<PathGlob> {
        let wild = path.find(['*', '?', '[', '{', '\\']);
        let folder = path[..wild.unwrap_or(path.len())].rsplit_once('/').map_or("", |(folder, _)| folder);
        let glob = path.replace(SET, "*");
        let segments = segments(&glob);
        let above = segments.map(|segments| {
            let last = segments.len() - usize::from(segments.last() != Some(&"**"));
            (1..=last).map(|n| regex(&segments[..n].join("/"), false)).collect::<Option<Vec<Regex>>>()
        });
        Some(PathGlob {
            whole: regex(&glob, false)?,
            any_case: regex(&glob, true)?,
            above: above.flatten(),
            folder: folder.into(),
            exact: wild.is_none().then(|| path.into()),
            ends: path.rsplit('/').next().is_some_and(|name| name.contains('.')),
        })
    }

    /// The folder below which everything is that it matches.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// The whole path, when it is one.
    pub fn exact(&self) -> Option<&str> {
        self.exact.as_deref()
    }

    /// Whether it matches a path.
    pub fn matches(&self, path: &[u8]) -> bool {
        self.whole.is_match(path)
    }

    /// Whether it does not match a path, and would match it one folder higher.
    pub fn matches_above(&self, path: &str) -> bool {
        let Some((folder, name)) = path.rsplit_once('/') else { return false };
        let above = folder.rsplit_once('/').map_or(name.to_owned(), |(above, _)| format!("{above}/{name}"));
        self.matches(above.as_bytes()) && !self.matches(path.as_bytes())
    }

    /// Whether it may match something below a folder.
    pub fn enters(&self, folder: &[u8]) -> bool {
        let inside = |above: &Vec<Regex>| above.iter().any(|above| above.is_match(folder));
        folder.is_empty() || self.folder.as_bytes() == folder || self.above.as_ref().is_none_or(inside)
    }

    /// Whether a path that it does not match looks like one that was meant: in another case, with an end that editors,
    /// downloads and archives give, with a number that copies get, behind a slash too many, or in a folder that is called
    /// like a file, as programs make one that write in parts.
    pub fn nearly_matches(&self, path: &str) -> bool {
        let like = |path: &str| self.any_case.is_match(path.as_bytes());
        let in_one = || self.ends && path.match_indices('/').any(|(at, _)| like(&path[..at]));
        !self.matches(path.as_bytes()) && (variants(path).iter().any(|path| like(path)) || in_one())
    }
}

/// What a path may have been before something was done to it.
fn variants(path: &str) -> Vec<String> {
    let whole: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let path = whole.join("/");
    let mut found = vec![path.clone(), format!("{path}.gz"), format!("{path}.zip")];
    let mut rest = path.as_str();
    // An end behind an end: `list.csv.gz.part`.
    for _ in 0..2 {
        let Some(shorter) = without_end(rest) else { break };
        found.push(shorter.to_string());
        rest = shorter;
    }
    let single: Vec<String> = found.iter().filter_map(|path| without_copy(path)).collect();
    found.extend(single);
    found
}

fn without_end(path: &str) -> Option<&str> {
    let trimmed = path.trim_end_matches(['~', ' ', '.']);
    if trimmed.len() < path.len() {
        return Some(trimmed);
    }
    let (rest, end) = path.rsplit_once(['.', '#']).filter(|(rest, end)| !rest.is_empty() && !end.contains('/'))?;
    let plain = end.len() <= LONGEST_END && end.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-~".contains(&b));
    (plain && !BESIDE.contains(&end.to_ascii_lowercase().as_str())).then_some(rest)
}

/// Without what a second copy of a file is called by: ` (1)`, ` - Copy`, `Copy of `.
fn without_copy(path: &str) -> Option<String> {
    // Compiled once: it is asked of every name in a folder.
    static COPY: LazyLock<Option<regex::Regex>> = LazyLock::new(|| {
        let copy = r"(?i)^(?:(?:copy of|kopie von) |\.|~\$)?(.*?)(?:[ _-]*\([0-9]+\)|[ _-]+(?:copy|kopie)(?:[ _-]*\(?[0-9]+\)?)?)*\s*$";
        regex::Regex::new(copy).ok()
    });
    let (folder, name) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
    let (stem, end) = name.split_once('.').map_or((name, ""), |(stem, end)| (stem, end));
    let stem = COPY.as_ref()?.captures(stem)?.get(1)?.as_str().to_string();
    let name = if end.is_empty() { stem } else { format!("{stem}.{end}") };
    let changed = if folder.is_empty() { name } else { format!("{folder}/{name}") };
    (changed != path).then_some(changed)
}

fn regex(glob: &str, any_case: bool) -> Option<Regex> {
    let glob = GlobBuilder::new(glob).literal_separator(true).case_insensitive(any_case).build().ok()?;
    Regex::new(glob.regex()).ok()
}

/// The parts of a glob between its slashes; none where a slash is inside a choice, so that parts are no globs.
fn segments(glob: &str) -> Option<Vec<&str>> {
    let (mut depth, mut class, mut escaped) = (0usize, false, false);
    for c in glob.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            '{' if !class => depth += 1,
            '}' if !class => depth = depth.saturating_sub(1),
            '/' if class || depth > 0 => return None,
            _ => {}
        }
    }
    Some(glob.split('/').collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(path: &str) -> PathGlob {
        PathGlob::new(path).expect("a glob")
    }

    #[test]
    fn a_glob_enters_only_folders_that_it_may_match_something_in() {
        for (path, enters, not) in [
            ("*.csv", vec![""], vec!["old", "lost+found"]),
            ("erasure/*.csv", vec!["", "erasure"], vec!["erasure/loop", "holds"]),
            ("**/*.csv", vec!["", "old", "a/b/c"], vec![]),
            ("**", vec!["old", "a/b"], vec![]),
            ("in/**", vec!["in", "in/a/b"], vec!["out"]),
            ("{set}/x/*.csv", vec!["2026-01-01", "2026-01-01/x"], vec!["2026-01-01/y", "a/x/y"]),
            ("{a,b/c}/*.csv", vec!["a", "b", "z"], vec![]),
            ("list.csv", vec![""], vec!["list"]),
        ] {
            for folder in enters {
                assert!(glob(path).enters(folder.as_bytes()), "{path} {folder}");
            }
            for folder in not {
                assert!(!glob(path).enters(folder.as_bytes()), "{path} {folder}");
            }
        }
    }

    #[test]
    fn paths_of_any_bytes_are_matched() {
        assert!(glob("*.csv").matches(b"tab\tx.csv") && glob("*.csv").matches(b"\xff.csv"));
        assert!(!glob("*.csv").matches(b"/c.csv") && glob("**/*.csv").matches(b"old//x.csv"));
        assert!(glob("{set}.csv").matches(b"2026.csv") && !glob("{set}.csv").matches(b"2026/x.csv"));
    }

    #[test]
    fn what_looks_like_what_was_meant_is_told_from_what_does_not() {
        for (path, near) in [
            (
                "*.csv",
                vec!["a.CSV", "list.csv~", "list.csv.gz", "list.csv.part", "x.csv.tmp", "a.csv.gz.part", "/c.csv"],
            ),
            ("*.csv", vec!["list.csv#12", "list.csv.bak", "list.csv ", "list.csv.crdownload", "list.Csv.txt"]),
            ("list.csv", vec!["List.csv", "list (1).csv", "list - Copy.csv", "Copy of list.csv", "LIST (2).CSV.part"]),
            ("in/list-*.csv.gz", vec!["in/list-1.csv", "IN/list-1.CSV.GZ", "in//list-1.csv.gz"]),
            ("in/*.csv", vec!["in/list.csv/part-0000.csv", "in/list.CSV/x"]),
            ("{set}/c.csv", vec!["2026/C.csv", "2026/c (1).csv"]),
        ] {
            for name in near {
                assert!(glob(path).nearly_matches(name), "{path} {name}");
            }
        }
        for name in ["_DONE", "notes.txt", "a.csv", "a.csv.md5", "a.csv.ok", "old/a.csv", "README"] {
            assert!(!glob("*.csv").nearly_matches(name), "{name}");
        }
    }
}
