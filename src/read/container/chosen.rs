//! Which members of an archive are read.

use crate::policy::ReadFormat;

/// What of an archive is read.
pub(super) struct Chosen<E> {
    pub entries: Vec<E>,
    /// Files that macOS has put beside others, left out whatever the glob.
    pub of_macos: u64,
}

/// Whether a file of an archive is read.
pub(super) enum Wanted {
    Yes,
    No,
    /// macOS has put it beside others.
    OfMacos,
}

/// Says whether the source means a file, whose glob matches the full path or the base name; all files without one.
pub(super) fn wanted(format: &ReadFormat, name: &str) -> Wanted {
    let base = name.rsplit('/').next().unwrap_or_default();
    match format.member.as_ref().is_none_or(|glob| glob.is_match(name) || glob.is_match(base)) {
        false => Wanted::No,
        true if of_macos(base) => Wanted::OfMacos,
        true => Wanted::Yes,
    }
}

/// Whether it is what macOS puts beside a file: its attributes (`._NAME`), or a folder's look (`.DS_Store`).
fn of_macos(base: &str) -> bool {
    base.starts_with("._") || base == ".DS_Store"
}
