//! Who else could put a key in the place of ours: whoever owns its file or folder, or may write to a folder above it.
//! A planted identity key would be used for every stored request. Must not know what is in a key.

use crate::error::{Code, Error, Result};
use rustix::process::{getegid, geteuid};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const WRITABLE_BY_GROUP: u32 = 0o020;
const WRITABLE_BY_OTHERS: u32 = 0o002;
/// In such a folder nobody but its owner renames or removes what belongs to somebody else.
const STICKY: u32 = 0o1000;

/// Refuses a key file of another user than root or the one tamis runs as. Root may work with the keys of the user to
/// whom their folder belongs.
///
/// # Errors
/// A policy error that names the file or the folder.
pub(super) fn of_file(facts: &Metadata, folder: &Path, place: &str) -> Result<()> {
    let owner = facts.uid();
    if trusted(owner) || (geteuid().is_root() && look_at(folder)?.uid() == owner) {
        return Ok(());
    }
    Err(foreign(&format!("key {place}"), "file"))
}

/// Refuses a folder of keys that another user owns or may write to, and one below a folder that another user owns or in
/// which others could put another in its place. A group may write to a folder above when it is the group tamis runs as, or
/// root's: many systems give each user such a group.
///
/// # Errors
/// A policy error that names the folder.
pub(super) fn of_folder(folder: &Path) -> Result<()> {
    let place = folder.display();
    let facts = look_at(folder)?;
    if !trusted(facts.uid()) && !geteuid().is_root() {
        return Err(foreign(&format!("folder {place} of the keys"), "folder"));
    }
    if facts.mode() & (WRITABLE_BY_GROUP | WRITABLE_BY_OTHERS) != 0 {
        return Err(Error::new(Code::KeyExposed, format!("others may write to folder {place} of the keys"))
            .help(format!("chmod 700 {place}, and check whether somebody has put a key there")));
    }
    // A link on the way can be replaced where it lies, a folder where it really is.
    let given = std::path::absolute(named(folder)).map_err(|_| unseen(folder))?;
    let real = named(folder).canonicalize().map_err(|_| unseen(folder))?;
    for below in given.ancestors().chain(real.ancestors()).filter(|path| path.file_name().is_some()) {
        below.parent().map_or(Ok(()), |above| of_above(below, above, folder, facts.uid()))?;
    }
    Ok(())
}

/// Refuses `above` when another user owns it, or others could put something in the place of `below`, which is on the way to
/// the folder of keys that `owner` owns.
fn of_above(below: &Path, above: &Path, folder: &Path, owner: u32) -> Result<()> {
    let (allowed, place, above) = (look_at(above)?, folder.display(), above.display());
    let given_by_root = geteuid().is_root() && allowed.uid() == owner;
    if !trusted(allowed.uid()) && !given_by_root {
        return Err(foreign(&format!("{above}, above folder {place} of the keys,"), "folder"));
    }
    let below = below.symlink_metadata().map_err(|_| unseen(folder))?;
    if !replaceable(&below, &allowed) {
        return Ok(());
    }
    Err(Error::new(Code::KeyExposed, format!("others may write to {above}, above folder {place} of the keys"))
        .help(format!("chmod go-w {above}, or keep the keys elsewhere: who may write there can replace the folder")))
}

/// Says whether somebody else can put another folder in the place of `below`, by what the folder above it allows.
fn replaceable(below: &Metadata, above: &Metadata) -> bool {
    let ours = above.gid() == 0 || above.gid() == getegid().as_raw();
    let writable = WRITABLE_BY_OTHERS | if ours { 0 } else { WRITABLE_BY_GROUP };
    let sticky = above.mode() & STICKY != 0;
    above.mode() & writable != 0 && !(sticky && trusted(below.uid()))
}

fn trusted(owner: u32) -> bool {
    owner == 0 || owner == geteuid().as_raw()
}

fn look_at(folder: &Path) -> Result<Metadata> {
    named(folder).metadata().map_err(|_| unseen(folder))
}

/// The folder of a bare file name is the current one.
fn named(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

fn unseen(folder: &Path) -> Error {
    Error::new(Code::KeyUnreadable, format!("folder {} of the keys cannot be looked at", folder.display()))
        .help("check that it belongs to the user tamis runs as")
}

fn foreign(what: &str, kind: &str) -> Error {
    Error::new(Code::KeyExposed, format!("{what} belongs to another user")).help(format!(
        "run tamis as the user who owns it; if it should be yours, find out who made the {kind} and whether its key is \
         yours, then chown it"
    ))
}
