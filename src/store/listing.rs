//! What lies below a place: the objects that can be read, and what lies there besides and cannot. object_store leaves
//! the second out of its listings of folders, and what is left out would be taken for absent. A folder is walked here.

use super::answer::{changed, denied, failed, local};
use super::glob::PathGlob;
use super::open::inside;
use super::root::{Lister, Object, Root};
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use futures::TryStreamExt;
use object_store::path::Path as Key;
use object_store::{ObjectMeta, ObjectStore};
use rustix::fs::{Access, AtFlags, CWD, accessat};
use std::fmt;
use std::fs::{FileType, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

/// What lies below a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// What can be read, in path order.
    pub objects: Vec<Object>,
    /// What lies there besides, in path order.
    pub unseen: Vec<Unseen>,
}

/// What a glob means of what lies in a root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GlobListing {
    /// What it matches and can be read, in path order.
    pub objects: Vec<Object>,
    /// What it matches, or may match something in, and cannot be read.
    pub unseen: Vec<Unseen>,
    /// What it leaves aside.
    pub aside: Aside,
    /// What it would match if it lay one folder higher.
    pub below: Vec<Object>,
}

/// Files that a glob leaves aside though they look like what was meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aside {
    /// How many files were left aside.
    pub files: u64,
    /// `ROOT:path` of the first, in path order.
    pub first: Option<String>,
}

impl Aside {
    /// Adds what was found elsewhere.
    pub fn add(&mut self, more: Aside) {
        self.files += more.files;
        self.first = self.first.take().or(more.first);
    }
}

/// Something that lies in a root and cannot be read as an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// Path below the root, as the file system or the store has it.
    pub path: Vec<u8>,
    /// What it is, as far as that can be told.
    pub shape: EntryShape,
    why: Why,
    root: String,
}

/// What an entry is, as far as that can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryShape {
    /// No folder: nothing lies below it.
    File,
    /// A folder: it is no file itself.
    Folder,
    /// One of the two.
    Either,
}

/// Why an entry cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Denied,
    Dangling,
    Loop,
    Special,
    Name,
    /// A folder where a file is looked for.
    Folder,
    /// A file where a folder is looked for.
    NoFolder,
}

impl Why {
    fn said(self) -> &'static str {
        match self {
            Why::Denied => "permission denied",
            Why::Dangling => "a link that leads nowhere",
            Why::Loop => "a link that leads back to where it is",
            Why::Special => "neither a file nor a folder, but a pipe, a socket or a device",
            Why::Name => "a name that cannot be asked for",
            Why::Folder => "a folder where a file belongs",
            Why::NoFolder => "a file where a folder belongs",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Why::Denied => {
                "let the user that runs tamis read the file and enter every folder above it (ls -ld, id), then run again"
            }
            Why::Dangling => "mount what it leads to, or remove the link, then run again",
            Why::Loop => "remove the link, then run again",
            Why::Special => "put a plain file there, then run again",
            Why::Name => {
                "rename it: no control characters, no empty, `.` or `..` parts, UTF-8, and in a folder no end such as #1"
            }
            Why::Folder => "move it away, then run again",
            Why::NoFolder => "check the root in the policy, or --root, and move the file away, then run again",
        }
    }
}

impl Unseen {
    pub(super) fn new(root: &Root, path: Vec<u8>, shape: EntryShape, why: Why) -> Unseen {
        Unseen { path, shape, why, root: root.name.clone() }
    }

    /// `ROOT:path`, with everything escaped that is no plain character.
    pub fn place(&self) -> String {
        format!("{}:{}", self.root, printable(&self.path))
    }

    /// What is wrong with it.
    pub fn said(&self) -> &'static str {
        self.why.said()
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        self.why.help()
    }

    /// The error of an input that it lies in: the input cannot be read whole.
    pub fn refused(&self) -> Error {
        Error::new(Code::InputNotReadable, self.to_string()).help(self.why.help())
    }

    /// The error of a place where nobody but tamis writes: what is there cannot be told from what is not.
    pub(super) fn unexpected(&self) -> Error {
        match self.why {
            Why::Denied => denied("looking at", &self.place(), true),
            Why::NoFolder => Error::new(Code::ObjectMissing, self.to_string()).help(self.why.help()),
            why => Error::new(Code::StateForeignObject, format!("{self}, where only tamis writes"))
                .help(format!("nothing was changed. Find out who put it there; {}", why.help())),
        }
    }
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place(), self.said())
    }
}

/// A path in words: bytes that are no UTF-8, and characters that do not print, are escaped.
pub fn printable(path: &[u8]) -> String {
    let mut out = String::new();
    for chunk in path.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                ' ' | '\'' | '"' | '\\' => out.push(c),
                c => out.extend(c.escape_debug()),
            }
        }
        out.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    out
}

/// Whether a store can be asked for this path and no other, and whether it can be said in a line.
pub(super) fn addressable(path: &str) -> bool {
    !path.chars().any(char::is_control) && Key::parse(path).is_ok_and(|key| key.as_ref() == path)
}

/// Whether the store stages a write under this name (`name#N`); it can neither list nor open one.
pub(super) fn is_staging(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split_once('#').is_some_and(|(_, n)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

impl Root {
    /// Objects below `prefix` (a path of whole segments, may be empty), in path order; none when nothing is there. For
    /// places where only tamis writes: what lies there and cannot be seen is an error. [`Root::look`] is for others.
    ///
    /// # Errors
    /// A storage error when the store is away or refuses; evidence, when something lies there that tamis does not write.
    pub fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        let found = match (&self.lister, &self.folder) {
            (Lister::Folder, Some(folder)) => self.walk(folder, prefix, true)?.0,
            (Lister::Bucket, _) => self.look(prefix)?,
            _ => return self.stored(prefix, &Unseen::unexpected),
        };
        found.unseen.first().map_or(Ok(found.objects), |unseen| Err(unseen.unexpected()))
    }

    /// The listing of the store itself. It ends at the first name that cannot be asked for, which is `refused`.
    fn stored(&self, prefix: &str, refused: &dyn Fn(&Unseen) -> Error) -> Result<Vec<Object>> {
        let below = self.at(prefix)?;
        let found: Vec<ObjectMeta> =
            self.runtime.block_on(self.store.list(Some(&below)).try_collect()).map_err(|e| match e {
                object_store::Error::InvalidPath { source } => {
                    refused(&self.unaddressable(self.named(&source, prefix)))
                }
                e => failed("listing", &self.display(prefix), &e),
            })?;
        let mut objects: Vec<Object> = found.into_iter().filter_map(|meta| self.object(meta)).collect();
        objects.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(objects)
    }

    /// What lies there that a glob means.
    ///
    /// # Errors
    /// As [`Root::look`].
    pub fn look_by(&self, glob: &PathGlob) -> Result<GlobListing> {
        let Listing { objects, unseen } = match glob.exact() {
            Some(path) => {
                let (mut found, beside) = (self.look_at(path)?, self.look_beside(glob.folder())?);
                found.objects.extend(beside.objects.into_iter().filter(|object| object.path != path));
                found.sorted()
            }
            None => self.look(glob.folder())?,
        };
        let near = |path: &[u8]| glob.nearly_matches(&String::from_utf8_lossy(path));
        let mut aside: Vec<&[u8]> = objects.iter().map(|object| object.path.as_bytes()).collect();
        aside.extend(unseen.iter().filter(|unseen| unseen.shape != EntryShape::Folder).map(|unseen| &unseen.path[..]));
        aside.retain(|path| near(path));
        let place = |path: &&[u8]| format!("{}:{}", self.name, printable(path));
        let aside = Aside { files: aside.len() as u64, first: aside.iter().min().map(place) };
        let below = objects.iter().filter(|object| glob.matches_above(&object.path)).cloned().collect();
        let mut meant = GlobListing { objects, unseen, aside, below };
        meant.objects.retain(|object| glob.matches(object.path.as_bytes()));
        meant.unseen.retain(|unseen| {
            // Of one path even a folder is something where the file belongs.
            let whole = unseen.shape != EntryShape::Folder || glob.exact().is_some();
            whole && glob.matches(&unseen.path) || unseen.shape != EntryShape::File && glob.enters(&unseen.path)
        });
        Ok(meant)
    }

    /// Everything below `prefix` (a path of whole segments, may be empty), for places that others write to.
    ///
    /// # Errors
    /// A storage error when the store is away or refuses.
    pub fn look(&self, prefix: &str) -> Result<Listing> {
        match (&self.lister, &self.folder) {
            (Lister::Folder, Some(folder)) => {
                let mut walk = FolderWalk::new(self, folder, true);
                walk.below(prefix)?;
                let staged = walk.staged.into_iter().map(|object| self.unaddressable(object.path.into_bytes()));
                walk.found.unseen.extend(staged);
                Ok(walk.found.sorted())
            }
            (Lister::Bucket, _) => Ok(self.keys(prefix)?.sorted()),
            _ => Ok(Listing { objects: self.stored(prefix, &Unseen::refused)?, unseen: Vec::new() }),
        }
    }

    /// What lies in one folder of a local root, without what is below it; nothing in other roots.
    ///
    /// # Errors
    /// As [`Root::look`].
    pub fn look_beside(&self, prefix: &str) -> Result<Listing> {
        let (Lister::Folder, Some(folder)) = (&self.lister, &self.folder) else { return Ok(Listing::default()) };
        let mut walk = FolderWalk { deep: false, ..FolderWalk::new(self, folder, true) };
        walk.below(prefix)?;
        walk.found.objects.append(&mut walk.staged);
        Ok(walk.found.sorted())
    }

    /// Objects that lie directly in a folder, as far as they can be read.
    ///
    /// # Errors
    /// As [`Root::look`]; also for a name that cannot be asked for.
    pub fn directly(&self, folder: &str) -> Result<Vec<Object>> {
        if self.folder.is_some() {
            return Ok(self.look_beside(folder)?.objects);
        }
        let at = self.at(folder)?;
        let found = self.runtime.block_on(self.store.list_with_delimiter(Some(&at)));
        let found = found.map_err(|e| failed("listing", &self.display(folder), &e))?;
        Ok(found.objects.into_iter().filter_map(|meta| self.object(meta)).collect())
    }

    /// One object, or why it cannot be read; nothing when nothing is there.
    ///
    /// # Errors
    /// As [`Root::look`].
    pub fn look_at(&self, path: &str) -> Result<Listing> {
        let mut found = Listing::default();
        if let (Lister::Folder, Some(folder)) = (&self.lister, &self.folder) {
            self.at(path)?;
            let at = inside(folder, path);
            let unseen = |shape, why| Unseen::new(self, path.as_bytes().to_vec(), shape, why);
            match entry(&at, None) {
                EntryFound::File(_) if is_staging(path) => found.unseen.push(unseen(EntryShape::File, Why::Name)),
                EntryFound::File(facts) => found.objects.push(object(path.into(), &facts)),
                EntryFound::Folder(_) => found.unseen.push(unseen(EntryShape::Folder, Why::Folder)),
                EntryFound::Unseen(shape, why) => found.unseen.push(unseen(shape, why)),
                EntryFound::Gone if hidden(&at) => found.unseen.push(unseen(EntryShape::Either, Why::Dangling)),
                EntryFound::Gone => {}
                EntryFound::Failed(error) => return Err(local("looking at", &self.display(path), &error)),
            }
        } else {
            found.objects.extend(self.head(path)?);
        }
        Ok(found)
    }

    /// As [`Root::look_at`], for a place where only tamis writes.
    pub(super) fn known(&self, path: &str) -> Result<Option<Object>> {
        let mut found = self.look_at(path)?;
        match found.unseen.pop() {
            Some(unseen) => Err(unseen.unexpected()),
            None => Ok(found.objects.pop()),
        }
    }

    /// Objects and staged writes below `prefix`, and what cannot be seen there. Links to folders are followed only with
    /// `links`.
    pub(super) fn walk(&self, folder: &Path, prefix: &str, links: bool) -> Result<(Listing, Vec<Object>)> {
        let mut walk = FolderWalk::new(self, folder, links);
        walk.below(prefix)?;
        Ok((walk.found.sorted(), walk.staged))
    }

    pub(super) fn unaddressable(&self, path: Vec<u8>) -> Unseen {
        Unseen::new(self, path, EntryShape::File, Why::Name)
    }
}

impl Listing {
    fn sorted(mut self) -> Listing {
        self.objects.sort_by(|a, b| a.path.cmp(&b.path));
        self.unseen.sort_by(|a, b| a.path.cmp(&b.path));
        self
    }
}

struct FolderWalk<'a> {
    root: &'a Root,
    folder: &'a Path,
    /// Whether links to folders are followed.
    links: bool,
    /// Whether folders are entered.
    deep: bool,
    /// Device and inode of the folders that are being walked.
    above: Vec<(u64, u64)>,
    found: Listing,
    staged: Vec<Object>,
}

impl<'a> FolderWalk<'a> {
    fn new(root: &'a Root, folder: &'a Path, links: bool) -> FolderWalk<'a> {
        FolderWalk { root, folder, links, deep: true, above: Vec::new(), found: Listing::default(), staged: Vec::new() }
    }

    fn below(&mut self, prefix: &str) -> Result<()> {
        self.root.at(prefix)?;
        let at = inside(self.folder, prefix);
        let path = prefix.as_bytes().to_vec();
        match entry(&at, None) {
            EntryFound::Folder(facts) => return self.enter(&at, path, &facts),
            EntryFound::File(_) => self.unseen(path, EntryShape::Folder, Why::NoFolder),
            EntryFound::Unseen(_, why) => self.unseen(path, EntryShape::Folder, why),
            EntryFound::Gone if hidden(&at) => self.unseen(path, EntryShape::Folder, Why::Dangling),
            EntryFound::Gone => {}
            EntryFound::Failed(error) => return Err(self.failed(&path, &error)),
        }
        Ok(())
    }

    fn enter(&mut self, at: &Path, path: Vec<u8>, facts: &Metadata) -> Result<()> {
        let this = (facts.dev(), facts.ino());
        if self.above.contains(&this) {
            self.unseen(path, EntryShape::Folder, Why::Loop);
            return Ok(());
        }
        let entries = match std::fs::read_dir(at) {
            Ok(entries) => entries,
            Err(e) if e.kind() == ErrorKind::PermissionDenied => {
                self.unseen(path, EntryShape::Folder, Why::Denied);
                return Ok(());
            }
            // It went away since it was looked at.
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(self.failed(&path, &e)),
        };
        self.above.push(this);
        for entry in entries {
            let entry = entry.map_err(|e| self.failed(&path, &e))?;
            let mut below = path.clone();
            if !below.is_empty() {
                below.push(b'/');
            }
            below.extend_from_slice(entry.file_name().as_bytes());
            self.entry(&entry.path(), below, entry.file_type().ok())?;
        }
        self.above.pop();
        Ok(())
    }

    fn entry(&mut self, at: &Path, path: Vec<u8>, kind: Option<FileType>) -> Result<()> {
        match entry(at, kind) {
            EntryFound::File(facts) => match String::from_utf8(path) {
                Ok(path) if is_staging(&path) && addressable(&path) => self.staged.push(object(path, &facts)),
                Ok(path) if addressable(&path) => self.found.objects.push(object(path, &facts)),
                Ok(path) => self.unseen(path.into_bytes(), EntryShape::File, Why::Name),
                Err(path) => self.unseen(path.into_bytes(), EntryShape::File, Why::Name),
            },
            EntryFound::Folder(_) if !self.deep || !self.links && kind.is_some_and(|kind| kind.is_symlink()) => {}
            EntryFound::Folder(facts) => return self.enter(at, path, &facts),
            EntryFound::Unseen(shape, why) => self.unseen(path, shape, why),
            EntryFound::Gone => {}
            EntryFound::Failed(error) => return Err(self.failed(&path, &error)),
        }
        Ok(())
    }

    fn unseen(&mut self, path: Vec<u8>, shape: EntryShape, why: Why) {
        self.found.unseen.push(Unseen::new(self.root, path, shape, why));
    }

    fn failed(&self, path: &[u8], error: &io::Error) -> Error {
        local("listing", &format!("{}:{}", self.root.name, printable(path)), error)
    }
}

enum EntryFound {
    File(Metadata),
    Folder(Metadata),
    Unseen(EntryShape, Why),
    Gone,
    Failed(io::Error),
}

/// Looks at one entry. `kind` is what its folder says of it: that is known also of what may not be looked at.
fn entry(at: &Path, kind: Option<FileType>) -> EntryFound {
    let error = match std::fs::metadata(at) {
        Ok(facts) if facts.is_dir() => return EntryFound::Folder(facts),
        Ok(facts) if !facts.is_file() => return EntryFound::Unseen(EntryShape::File, Why::Special),
        Ok(_) if !may_read(at) => return EntryFound::Unseen(EntryShape::File, Why::Denied),
        Ok(facts) => return EntryFound::File(facts),
        Err(error) => error,
    };
    let shape = match kind {
        Some(kind) if kind.is_dir() => EntryShape::Folder,
        Some(kind) if kind.is_symlink() => EntryShape::Either,
        Some(_) => EntryShape::File,
        None => EntryShape::Either,
    };
    match error.kind() {
        _ if error.raw_os_error() == Some(libc::ELOOP) => EntryFound::Unseen(EntryShape::Either, Why::Loop),
        ErrorKind::PermissionDenied => EntryFound::Unseen(shape, Why::Denied),
        ErrorKind::NotFound | ErrorKind::NotADirectory => match std::fs::symlink_metadata(at) {
            Ok(_) => EntryFound::Unseen(EntryShape::Either, Why::Dangling),
            Err(_) if error.kind() == ErrorKind::NotADirectory => EntryFound::Unseen(EntryShape::Either, Why::NoFolder),
            Err(_) => EntryFound::Gone,
        },
        _ => EntryFound::Failed(error),
    }
}

/// Whether something that is not there lies behind a link that leads nowhere.
fn hidden(at: &Path) -> bool {
    at.ancestors().skip(1).find(|above| std::fs::symlink_metadata(above).is_ok()).is_some_and(|above| !above.exists())
}

/// Only a clear no counts: whatever else keeps a file from being read is told when it is opened.
fn may_read(at: &Path) -> bool {
    !matches!(accessat(CWD, at, Access::READ_OK, AtFlags::EACCESS), Err(rustix::io::Errno::ACCESS))
}

/// A file as object_store would list it: entity tags of both are compared.
fn object(path: String, facts: &Metadata) -> Object {
    let since = facts.modified().ok().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    let tag = format!("\"{:x}-{:x}-{:x}\"", facts.ino(), since.unwrap_or_default().as_micros(), facts.len());
    let modified = Instant(facts.mtime().saturating_mul(1_000_000).saturating_add(facts.mtime_nsec() / 1000));
    Object { path, bytes: facts.len(), etag: Some(tag), version: None, modified }
}

/// A file that is about to be opened: one that is none would block, or show something else.
pub(super) fn still_a_file(root: &Root, path: &str) -> Result<()> {
    match (&root.lister, &root.folder) {
        (Lister::Folder, Some(folder)) => match std::fs::metadata(folder.join(path)) {
            Ok(facts) if !facts.is_file() => Err(changed(&root.display(path))),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use std::ffi::OsStr;
    use std::os::unix::fs::symlink;

    struct Place {
        folder: tempfile::TempDir,
        root: Root,
        _runtime: tokio::runtime::Runtime,
    }

    impl Place {
        fn new() -> Place {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let folder = tempfile::tempdir().unwrap();
            let root = Root::open("raw", folder.path().to_str().unwrap(), runtime.handle().clone()).unwrap();
            Place { folder, root, _runtime: runtime }
        }
        fn write(&self, name: &[u8]) {
            let path = self.folder.path().join(OsStr::from_bytes(name));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"x").unwrap();
        }
        fn link(&self, to: &str, name: &str) {
            symlink(to, self.folder.path().join(name)).unwrap();
        }
        fn pipe(&self, name: &str) {
            let (path, mode) = (self.folder.path().join(name), rustix::fs::Mode::RWXU);
            rustix::fs::mknodat(CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        }
        fn told(&self, glob: &str) -> (Vec<String>, Vec<String>) {
            let meant = self.root.look_by(&PathGlob::new(glob).unwrap()).unwrap();
            let paths = meant.objects.into_iter().map(|object| object.path).collect();
            (paths, meant.unseen.iter().map(Unseen::to_string).collect())
        }
    }

    #[test]
    fn everything_that_lies_there_is_seen_or_named() {
        let place = Place::new();
        for name in [&b"a.csv"[..], b"deep/b.csv", b"tab\tx.csv", b"\xff.csv", b"list.csv#12", b"50%~[1]{2}^`\\.csv"] {
            place.write(name);
        }
        place.link("/nowhere/at/all.csv", "gone.csv");
        place.link("gone.csv", "gone-too.csv");
        place.link("a.csv", "linked.csv");
        place.link("ring.csv", "ring.csv");
        place.link("..", "deep/up");
        place.link("deep", "shallow");
        place.pipe("pipe.csv");
        let Listing { objects, unseen } = place.root.look("").unwrap();
        let paths: Vec<&str> = objects.iter().map(|object| object.path.as_str()).collect();
        assert_eq!(paths, ["50%~[1]{2}^`\\.csv", "a.csv", "deep/b.csv", "linked.csv", "shallow/b.csv"]);
        let unseen: Vec<String> = unseen.iter().map(Unseen::to_string).collect();
        assert_eq!(
            unseen,
            [
                "raw:deep/up: a link that leads back to where it is",
                "raw:gone-too.csv: a link that leads nowhere",
                "raw:gone.csv: a link that leads nowhere",
                "raw:list.csv#12: a name that cannot be asked for",
                "raw:pipe.csv: neither a file nor a folder, but a pipe, a socket or a device",
                "raw:ring.csv: a link that leads back to where it is",
                "raw:shallow/up: a link that leads back to where it is",
                "raw:tab\\tx.csv: a name that cannot be asked for",
                "raw:\\xff.csv: a name that cannot be asked for",
            ]
        );
        let all = place.root.list("").unwrap_err();
        assert_eq!(all.code(), Code::StateForeignObject, "where only tamis writes");
        assert!(all.message().starts_with("raw:deep/up: "), "{all}");
        for object in objects {
            assert_eq!(place.root.head(&object.path).unwrap(), Some(object.clone()));
            assert_eq!(place.root.get(&object.path).unwrap().unwrap(), b"x");
            let mut read = Vec::new();
            std::io::Read::read_to_end(&mut place.root.open_object(&object).unwrap(), &mut read).unwrap();
        }
    }

    #[test]
    fn the_store_lists_what_the_walk_lists() {
        let place = Place::new();
        for name in [&b"a.csv"[..], b"deep/b.csv", b"deep/er/c", b"\xc3\xbc %41.csv"] {
            place.write(name);
        }
        place.link("deep", "link");
        assert_eq!(place.root.list("").unwrap(), place.root.stored("", &Unseen::refused).unwrap());
        assert_eq!(place.root.list("deep").unwrap(), place.root.stored("deep", &Unseen::refused).unwrap());
    }

    #[test]
    fn only_what_a_glob_means_counts() {
        let place = Place::new();
        for name in [&b"ok.csv"[..], b"old/tab\tx.txt", b"old/y.csv", b"A.CSV", b"list.csv~", b"list.csv.gz"] {
            place.write(name);
        }
        place.link(".", "loop");
        place.link("/nowhere", "lost");
        let none: [String; 0] = [];
        let (paths, unseen) = place.told("*.csv");
        assert_eq!((paths, unseen), (vec!["ok.csv".to_string()], none.to_vec()));
        let (paths, unseen) = place.told("**/*.csv");
        assert_eq!(paths, ["ok.csv", "old/y.csv"]);
        assert_eq!(
            unseen,
            ["raw:loop: a link that leads back to where it is", "raw:lost: a link that leads nowhere"],
            "both may lead to what it matches"
        );
        assert_eq!(place.told("old").1, ["raw:old: a folder where a file belongs"]);
        let (_, unseen) = place.told("old/*");
        assert_eq!(unseen, ["raw:old/tab\\tx.txt: a name that cannot be asked for"]);
        let (paths, unseen) = place.told("lost");
        assert_eq!((paths.len(), unseen), (0, vec!["raw:lost: a link that leads nowhere".to_string()]));
        let aside = place.root.look_by(&PathGlob::new("*.csv").unwrap()).unwrap().aside;
        assert_eq!(aside, Aside { files: 3, first: Some("raw:A.CSV".into()) });
        let aside = place.root.look_by(&PathGlob::new("list.csv").unwrap()).unwrap().aside;
        assert_eq!(aside, Aside { files: 2, first: Some("raw:list.csv.gz".into()) });
    }

    #[test]
    fn a_folder_that_is_none_and_one_that_is_behind_a_lost_link_are_not_empty() {
        let place = Place::new();
        place.write(b"requests");
        place.link("/nowhere", "mount");
        assert_eq!(place.told("requests/*.csv").1, ["raw:requests: a file where a folder belongs"]);
        assert_eq!(place.told("requests/deep/*.csv").1, ["raw:requests/deep: a file where a folder belongs"]);
        assert_eq!(place.told("mount/*.csv").1, ["raw:mount: a link that leads nowhere"]);
        assert_eq!(place.told("mount/deep/*.csv").1, ["raw:mount/deep: a link that leads nowhere"]);
        assert_eq!(place.told("mount/list.csv").1, ["raw:mount/list.csv: a link that leads nowhere"]);
        assert_eq!(place.told("absent/*.csv"), (vec![], vec![]));
        for (path, code) in [
            ("mount", Code::StateForeignObject),
            ("mount/x", Code::StateForeignObject),
            ("requests/x", Code::ObjectMissing),
        ] {
            assert_eq!(place.root.get(path).unwrap_err().code(), code, "{path}");
            assert_eq!(place.root.head(path).unwrap_err().code(), code, "{path}");
            assert_eq!(place.root.list(path).unwrap_err().code(), code, "{path}");
        }
        assert_eq!(place.root.get("absent/x").unwrap(), None);
        let whole = Root { folder: Some(place.folder.path().join("mount")), ..place.root.clone() };
        assert_eq!(whole.look("").unwrap().unseen[0].to_string(), "raw:: a link that leads nowhere");
        place.pipe("pipe");
        assert_eq!(
            place.root.get("pipe").unwrap_err().code(),
            Code::StateForeignObject,
            "and does not wait for a writer"
        );
    }

    #[test]
    fn names_are_printed_without_what_does_not_print() {
        assert_eq!(printable("a\nb\u{202e}c/ü 'x'\u{85}".as_bytes()), "a\\nb\\u{202e}c/ü 'x'\\u{85}");
        assert_eq!(printable(b"\xffa"), "\\xffa");
    }

    #[test]
    fn only_a_number_behind_the_only_hash_of_a_name_is_a_staged_write() {
        assert!(is_staging("t/part.parquet#1") && is_staging("x#12"));
        for path in ["a#b#12", "c#sharp", "#", "x#", "d#1/x", "x#1.csv"] {
            assert!(!is_staging(path), "{path}");
        }
    }
}
