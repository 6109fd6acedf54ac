//! Object storage by URL: list, read pinned objects, create only, upload in parts. Synchronous on the outside.
//! The one seam to `object_store`; its errors print URLs and bodies, so they end here. Must not know what is stored.

mod answer;
mod glob;
mod keys;
mod leftover;
mod listing;
mod open;
mod source;
#[cfg(test)]
mod tests;
mod upload;
mod versions;

pub use answer::from_io;
pub use glob::PathGlob;
pub use listing::{Aside, Listing, Meant, Shape, Unseen, printable};
pub(crate) use open::{inside, local_folder, settle};
pub use versions::{Forgets, OpenUpload, PastVersion};

use crate::clock::Instant;
use crate::error::{Error, Result};
use answer::{failed, unusable};
use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload, path::Path};
use std::io::{Read, Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;

/// One object as listed: pinned by what the store says of it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Object {
    /// Path below the root.
    pub path: String,
    /// Length.
    pub bytes: u64,
    /// Entity tag.
    pub etag: Option<String>,
    /// Version, on versioned buckets.
    pub version: Option<String>,
    /// Last change.
    pub modified: Instant,
}

/// A root of the policy: a store and a prefix in it.
///
/// Its functions wait for the store, so they belong on plain threads (or blocking ones of tokio), never inside a task.
#[derive(Clone)]
pub struct Root {
    /// Name in the policy.
    pub name: String,
    pub(crate) url: url::Url,
    pub(crate) prefix: Path,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) runtime: tokio::runtime::Handle,
    /// The folder of a local root.
    pub(crate) folder: Option<PathBuf>,
    /// Whether the store is the file system itself, which can be called without the runtime.
    direct: bool,
    lister: Lister,
    /// What asks an S3 bucket for versions and uploads.
    bucket: Option<Arc<versions::Bucket>>,
}

/// Who lists a root.
#[derive(Clone, Copy)]
enum Lister {
    /// The folder is walked.
    Folder,
    /// The bucket of S3 is asked for its keys.
    Bucket,
    /// The store, which shows only what it can address itself.
    Store,
}

/// Reads an object from its start; fails when the object is no longer the pinned one.
pub trait Source: Read + Send {}
impl<T: Read + Send> Source for T {}

/// Reads an object at any place, for archives.
pub trait SeekSource: Read + Seek + Send {}
impl<T: Read + Seek + Send> SeekSource for T {}

/// Outcome of a create-only write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is ours.
    New,
    /// Somebody's is already there; nothing was written.
    Exists,
}

/// An upload under way; nothing is visible before `finish`, and nothing stays after `drop` without it.
pub trait Upload: Write + Send {
    /// Makes the object visible; returns its length.
    fn finish(self: Box<Self>) -> Result<u64>;
}

impl Root {
    /// The same root on another store, for wrappers that count or fail.
    pub fn with_store(&self, store: Arc<dyn ObjectStore>) -> Root {
        Root { store, direct: false, lister: Lister::Store, ..self.clone() }
    }

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

    /// Reads an object from its start. Errors of the reader hold ours: [`from_io`] gets them back out.
    ///
    /// # Errors
    /// An input error when the object is no longer the pinned one, also later, while it is read.
    pub fn open_object(&self, object: &Object) -> Result<Box<dyn Source>> {
        source::stream(self, object)
    }

    /// Reads an object at any place (ranged reads, pinned).
    ///
    /// # Errors
    /// As [`Root::open_object`].
    pub fn open_seek(&self, object: &Object) -> Result<Box<dyn SeekSource>> {
        source::seek(self, object)
    }

    /// The whole of a small object; `None` when it is not there.
    ///
    /// # Errors
    /// A storage error when the store is away or refuses; evidence, for what is there and is no plain file.
    pub fn get(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let at = self.at(path)?;
        if matches!(self.lister, Lister::Folder) && self.known(path)?.is_none() {
            return Ok(None);
        }
        let bytes = self.runtime.block_on(async { self.store.get(&at).await?.bytes().await });
        match bytes {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(failed("reading", &self.display(path), &e)),
        }
    }

    /// Whether a listing may lack what is there: it is the store's own, not one of a local folder.
    pub fn may_lag(&self) -> bool {
        !matches!(self.lister, Lister::Folder)
    }

    /// Facts of one object; `None` when it is not there.
    ///
    /// # Errors
    /// As [`Root::get`].
    pub fn head(&self, path: &str) -> Result<Option<Object>> {
        if matches!(self.lister, Lister::Folder) {
            return self.known(path);
        }
        let at = self.at(path)?;
        match self.runtime.block_on(self.store.head(&at)) {
            Ok(meta) => Ok(self.object(meta)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(failed("looking at", &self.display(path), &e)),
        }
    }

    /// Writes only when nothing is there. `New` means: these very bytes are there now, whether this call wrote them,
    /// an earlier one whose answer was lost, or somebody else with the same bytes. `Exists` means that other bytes are
    /// there. A writer who must know that nobody else was first puts something unique in the bytes.
    ///
    /// # Errors
    /// A storage error when the outcome could not be learned or the store is away; calling again is safe.
    pub fn create(&self, path: &str, bytes: Vec<u8>) -> Result<Created> {
        let at = self.at(path)?;
        let payload = PutPayload::from(bytes.clone());
        // S3 also says "already there" on a conflict of two requests of which none has landed: then it is tried again.
        for tries_left in (0..3).rev() {
            let put = self.store.put_opts(&at, payload.clone(), PutMode::Create.into());
            let Err(error) = self.runtime.block_on(put) else { return Ok(Created::New) };
            let conflict = matches!(error, object_store::Error::AlreadyExists { .. });
            match self.get(path) {
                Ok(Some(there)) if there == bytes => return Ok(Created::New),
                Ok(Some(_)) => return Ok(Created::Exists),
                Ok(None) if conflict && tries_left > 0 => {}
                Ok(None) | Err(_) => return Err(failed("writing", &self.display(path), &error)),
            }
        }
        Ok(Created::Exists)
    }

    /// Writes, replacing.
    ///
    /// # Errors
    /// A storage error; the old or the new bytes are there, never a mixture.
    pub fn put(&self, path: &str, bytes: Vec<u8>) -> Result<()> {
        let at = self.at(path)?;
        let put = self.runtime.block_on(self.store.put(&at, bytes.into()));
        put.map(|_| ()).map_err(|e| failed("writing", &self.display(path), &e))
    }

    /// Deletes; no error when it is not there.
    ///
    /// # Errors
    /// A storage error when the store is away or refuses.
    pub fn delete(&self, path: &str) -> Result<()> {
        let at = self.at(path)?;
        match self.runtime.block_on(self.store.delete(&at)) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(failed("deleting", &self.display(path), &e)),
        }
    }

    /// Starts an upload; memory is bounded by two parts of 8 MiB; local files take far less. Nothing that is already there is
    /// replaced.
    ///
    /// # Errors
    /// A policy error for an unusable path; everything else shows while writing or in `finish`.
    pub fn upload(&self, path: &str) -> Result<Box<dyn Upload>> {
        self.at(path)?;
        Ok(Box::new(upload::Parts::new(self.clone(), path)))
    }

    /// `ROOT:path` as users write it, for messages.
    pub fn display(&self, path: &str) -> String {
        format!("{}:{path}", self.name)
    }

    /// URL of a path below the root, for delta_kernel; never printed.
    pub fn url_of(&self, path: &str) -> url::Url {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        url
    }

    /// The underlying store and the path in it, for delta_kernel.
    pub fn raw(&self, path: &str) -> (Arc<dyn ObjectStore>, Path) {
        let at = self.at(path).unwrap_or_else(|_| Path::from(format!("{}/{path}", self.prefix)));
        (self.store.clone(), at)
    }

    /// The runtime that drives the store.
    pub fn runtime(&self) -> &tokio::runtime::Handle {
        &self.runtime
    }

    /// The folder of a local root; none for a cloud root.
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_deref()
    }

    /// Where a path below the root is in the store.
    fn at(&self, path: &str) -> Result<Path> {
        let joined = format!("{}/{path}", self.prefix);
        Path::parse(joined.trim_matches('/')).map_err(|_| unusable(&self.display(path)))
    }

    /// The path below the root that a listing ended at.
    fn named(&self, error: &object_store::path::Error, prefix: &str) -> Vec<u8> {
        use object_store::path::Error as E;
        let key = match error {
            E::EmptySegment { path } | E::BadSegment { path, .. } => path.strip_prefix(self.prefix.as_ref()),
            _ => None,
        };
        key.map_or(prefix, |key| key.strip_prefix('/').unwrap_or(key)).as_bytes().to_vec()
    }

    fn object(&self, meta: ObjectMeta) -> Option<Object> {
        let path = meta.location.as_ref().strip_prefix(self.prefix.as_ref())?.trim_start_matches('/').to_string();
        let modified = Instant(meta.last_modified.timestamp_micros());
        (!path.is_empty()).then_some(Object {
            path,
            bytes: meta.size,
            etag: meta.e_tag,
            version: meta.version,
            modified,
        })
    }
}
