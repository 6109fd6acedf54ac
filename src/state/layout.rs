//! What belongs below the root `state`, by name: whatever else lies there is nobody's.

use crate::error::Result;
use crate::evidence::segments::SegmentName;
use crate::store::{Object, Root};

/// The record that makes a folder a state.
pub(super) const FILE: &str = "tamis.json";

/// Folders that tamis alone writes to, companions apart.
const FOLDERS: [&str; 14] = [
    "accepts",
    "audits",
    "breaches",
    "datasets",
    "keys",
    "kinds",
    "leases",
    "ledger",
    "recipients",
    "requests/segments",
    "runs",
    "schedules",
    "sign-offs",
    "sweeps",
];

/// Lists the objects that have no place in a state. Roots of the policy may lie in it: what is in one of `others` is not meant.
///
/// # Errors
/// Storage errors; evidence, for something that cannot be read.
pub(super) fn unknown<'r>(state: &Root, others: impl IntoIterator<Item = &'r Root>) -> Result<Vec<Object>> {
    let inside: Vec<String> = others.into_iter().filter_map(|other| state.path_of(other)).collect();
    let of_others = |path: &str| inside.iter().any(|other| path.strip_prefix(other.as_str()).is_some_and(is_below));
    // A listing does not show names such as `rows.csv#1`, under which the store stages its writes.
    let objects = state.list("")?.into_iter().chain(state.staging_leftovers("")?.0);
    let becomes = |path: &str| path.rsplit_once('#').map_or(path, |(becomes, _)| becomes).to_owned();
    Ok(objects.filter(|object| !has_place(&becomes(&object.path)) && !of_others(&object.path)).collect())
}

fn is_below(rest: &str) -> bool {
    rest.starts_with('/')
}

/// Whether tamis writes a path of the state, companions apart; request files of others may lie in it too.
pub fn is_own(path: &str) -> bool {
    let inside = |folder: &&str| path.strip_prefix(*folder).is_some_and(is_below);
    path.strip_prefix(FILE).is_some_and(|rest| !rest.contains('/')) || FOLDERS.iter().any(inside)
}

/// Whether a path is one of those that `docs/evidence.md` has.
fn has_place(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        [file] => file == FILE,
        ["keys", file] => file == "identity.json" || within(file, "token-", ".json"),
        ["kinds", file] => file.strip_suffix(".json").is_some_and(|digest| is_hex(digest) && digest.len() == 16),
        ["audits", file] => numbered(file, 20),
        ["breaches", file] => numbered(file, 6),
        ["sign-offs", _, file] => file.strip_suffix(".json").is_some_and(is_hex),
        ["ledger", file] | ["leases" | "datasets" | "schedules" | "sweeps", _, file] => numbered(file, 12),
        ["accepts", _, file] => {
            file.strip_suffix(".json").is_some_and(|plan| is_hex(plan.strip_suffix(".used").unwrap_or(plan)))
        }
        ["runs", _, "intent.json" | "manifest.json"] => true,
        ["runs", _, file] => within(file, "manifest-", ".json"),
        ["runs", _, "attempts", file] => numbered(file, 6),
        ["companions", _, file] => within(file, "part-", ".parquet") || within(file, "seen-", ".bin"),
        ["requests", "segments", file] => SegmentName::parse(file).is_some(),
        ["recipients", _, "notices", file] => numbered(file, 10),
        ["recipients", _, "former", _, _, version, file] => is_number(version) && within(file, "part-", ".tokens"),
        _ => false,
    }
}

fn within(file: &str, begin: &str, end: &str) -> bool {
    file.len() > begin.len() + end.len() && file.starts_with(begin) && file.ends_with(end)
}

fn numbered(file: &str, digits: usize) -> bool {
    file.strip_suffix(".json").is_some_and(|number| number.len() >= digits && is_number(number))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tamis_writes_has_a_place_and_nothing_else() {
        for path in [
            "tamis.json",
            "keys/identity.json",
            "keys/token-2026a.json",
            "kinds/0123456789abcdef.json",
            "ledger/000000000001.json",
            "audits/00001795478400000000.json",
            "breaches/000001.json",
            "sign-offs/contacts/0123abcd.json",
            "leases/contacts/000000000001.json",
            "accepts/contacts/0123abcd.used.json",
            "runs/contacts-20261124t010000z-1/intent.json",
            "runs/contacts-20261124t010000z-1/manifest-2.json",
            "runs/contacts-20261124t010000z-1/attempts/000001.json",
            "companions/contacts/part-00000-contacts-20261124t010000z-1-1.parquet",
            "companions/contacts/seen-contacts-20261124t010000z-1-1.bin",
            "requests/segments/0000000001-0000000001-0000.seg",
            "recipients/team/notices/0000000001.json",
            "recipients/team/former/contacts/2026a/0/part-00000-run-1.parquet.tokens",
        ] {
            assert!(has_place(path), "{path}");
        }
        for path in [
            "dump.json",
            "ledger/dump.json",
            "ledger/000000000001.json.bak",
            "datasets/contacts/copy.csv",
            "runs/contacts-20261124t010000z-1/rows.json",
            "requests/segments/rows.csv",
            "companions/contacts/rows.csv",
            "companions/rows.parquet",
            "recipients/team/rows.json",
        ] {
            assert!(!has_place(path), "{path}");
        }
    }
}
