//! What our commits say of themselves in the table's log, and how to read it back.

use super::foreign::Foreign;
use crate::error::{Code, Error, Result};
use crate::store::Root;

const RUN: &str = "tamis.run";
const ATTEMPT: &str = "tamis.attempt";
const MANIFEST: &str = "tamis.manifest";

/// Who made a commit: carried as operation parameters of its `commitInfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommitMark {
    pub run: String,
    pub attempt: u32,
    pub manifest: String,
}

#[derive(serde::Deserialize)]
struct Action {
    #[serde(rename = "commitInfo")]
    commit_info: Option<CommitInfo>,
}

#[derive(serde::Deserialize)]
struct CommitInfo {
    #[serde(rename = "operationParameters", default)]
    parameters: Option<serde_json::Map<String, serde_json::Value>>,
}

impl CommitMark {
    /// As operation parameters; `mode` is what readers' histories show.
    pub fn parameters(&self) -> [(&'static str, Option<String>); 4] {
        [
            ("mode", Some("Overwrite".into())),
            (RUN, Some(self.run.clone())),
            (ATTEMPT, Some(self.attempt.to_string())),
            (MANIFEST, Some(self.manifest.clone())),
        ]
    }

    /// The mark in a log entry; none when it is not one of ours.
    fn parse(entry: &[u8]) -> Option<CommitMark> {
        let lines = entry.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let info = lines.map(serde_json::from_slice::<Action>).find_map(|action| action.ok()?.commit_info)?;
        let parameters = info.parameters?;
        let text = |key: &str| parameters.get(key)?.as_str().map(str::to_owned);
        Some(CommitMark { run: text(RUN)?, attempt: text(ATTEMPT)?.parse().ok()?, manifest: text(MANIFEST)? })
    }
}

/// A log entry as found.
pub(super) enum LogEntry {
    Absent,
    Ours(CommitMark),
    Foreign(Foreign),
}

/// Folder of the log below the lake's root.
pub(super) fn folder(path: &str) -> String {
    format!("{path}/_delta_log")
}

/// Returns where the entry of a version lies, below the lake's root.
pub(super) fn entry_path(path: &str, version: u64) -> String {
    format!("{}/{version:020}.json", folder(path))
}

/// Reads the entry of a version.
pub(super) fn read(lake: &Root, path: &str, version: u64) -> Result<LogEntry> {
    let entry = lake.get(&entry_path(path, version))?;
    Ok(match entry {
        None => LogEntry::Absent,
        Some(entry) => CommitMark::parse(&entry).map_or_else(|| LogEntry::Foreign(Foreign::of(&entry)), LogEntry::Ours),
    })
}

/// The newest entry that is ours, and commits of other programs after it, the oldest first.
pub(super) struct Newest {
    /// Version and mark; none when what there is of the log ends before.
    pub own: Option<(u64, CommitMark)>,
    /// What other programs did since.
    pub foreign: Vec<(u64, Foreign)>,
}

impl Newest {
    /// Looks from version `tip` back.
    ///
    /// # Errors
    /// Storage errors.
    pub fn find(lake: &Root, path: &str, tip: u64) -> Result<Newest> {
        let mut foreign = Vec::new();
        for version in (0..=tip).rev() {
            match read(lake, path, version)? {
                LogEntry::Ours(mark) => {
                    foreign.reverse();
                    return Ok(Newest { own: Some((version, mark)), foreign });
                }
                LogEntry::Foreign(found) => foreign.push((version, found)),
                LogEntry::Absent => break,
            }
        }
        foreign.reverse();
        Ok(Newest { own: None, foreign })
    }
}

/// The version that a table of ours is at.
pub(super) struct Own {
    pub version: u64,
    pub mark: CommitMark,
    /// What other programs did since.
    pub foreign: Vec<(u64, Foreign)>,
}

/// The newest entry that is ours; commits of other programs after it must change nothing.
///
/// # Errors
/// An evidence error when one of them changes something, or ours is gone.
pub(super) fn ours(lake: &Root, path: &str, tip: u64) -> Result<Own> {
    let Newest { own, foreign } = Newest::find(lake, path, tip)?;
    if let Some((version, _)) = foreign.iter().find(|(_, foreign)| !foreign.harmless) {
        return Err(self::foreign(lake, path, *version));
    }
    let (version, mark) = own.ok_or_else(|| {
        let first = foreign.first().map_or(tip, |(version, _)| version.saturating_sub(1));
        Error::new(Code::TableLogBroken, format!("{}: the log entry of version {first} is gone", lake.display(path)))
            .help("tamis keeps the entry of the current version: find out who removed it")
    })?;
    Ok(Own { version, mark, foreign })
}

/// Number of the newest entry; none without any.
///
/// # Errors
/// Storage errors.
pub(super) fn tip(lake: &Root, path: &str) -> Result<Option<u64>> {
    let prefix = format!("{}/", folder(path));
    let number = |path: &str| path.strip_prefix(&prefix)?.strip_suffix(".json")?.parse().ok();
    Ok(lake.list(&folder(path))?.iter().filter_map(|object| number(&object.path)).max())
}

/// The newest entry of a run, from `version` back as far as the log goes.
pub(super) fn find(lake: &Root, path: &str, version: u64, run: &str) -> Result<Option<(u64, CommitMark)>> {
    for version in (0..=version).rev() {
        match read(lake, path, version)? {
            LogEntry::Ours(mark) if mark.run == run => return Ok(Some((version, mark))),
            LogEntry::Absent => return Ok(None),
            _ => {}
        }
    }
    Ok(None)
}

/// Another run or sweep of tamis has published a version meanwhile.
pub(super) fn overtaken(lake: &Root, path: &str, version: u64) -> Error {
    let place = lake.display(path);
    Error::new(Code::Overtaken, format!("{place}: another run or sweep of tamis published version {version} meanwhile"))
        .help("nothing of this one was published; start it again: it continues from that version")
}

/// Somebody else wrote to the table.
pub(super) fn foreign(lake: &Root, path: &str, version: u64) -> Error {
    Error::new(Code::TableIsForeign, format!("{}: version {version} was committed by another program", lake.display(path))).help(
        "tamis must be the only writer of its tables: stop the other writer, look at what it did, then take the table back \
         with `tamis dataset adopt JOB --reason …`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_mark_makes_an_entry_ours() {
        let mark = CommitMark { run: "r-1".into(), attempt: 2, manifest: "ab".into() };
        let entry = |parameters: serde_json::Value| {
            let info = serde_json::json!({"commitInfo": {"operation": "WRITE", "operationParameters": parameters}});
            format!("{{\"txn\":{{\"appId\":\"x\",\"version\":1}}}}\n{info}\n").into_bytes()
        };
        let whole: serde_json::Map<_, _> =
            mark.parameters().into_iter().map(|(k, v)| (k.to_owned(), v.into())).collect();
        assert_eq!(CommitMark::parse(&entry(whole.clone().into())), Some(mark));
        let mut part = whole;
        part.remove(MANIFEST);
        assert_eq!(CommitMark::parse(&entry(part.into())), None);
        assert_eq!(CommitMark::parse(b"{\"commitInfo\":{\"operation\":\"WRITE\"}}\n{\"add\":{}}"), None);
        assert_eq!(CommitMark::parse(b"not json"), None);
    }
}
