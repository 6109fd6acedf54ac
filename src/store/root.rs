//! A root of the policy: a store and a prefix in it; what one object is asked for, and what is written. Must not know what
//! is stored.

use super::answer::{failed, from_io, unusable};
use super::bucket::S3Bucket;
use crate::clock::Instant;
use crate::error::Result;

use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload, path::Path};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

/// One object as listed: pinned by what the store says of it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Object {
    /// Path below the root.
    pub path: String,
    /// Length of the object when it was listed.
    pub bytes: u64,
    /// Entity tag, where the store has any.
    pub etag: Option<String>,
    /// Version, on versioned buckets.
    pub version: Option<String>,
    /// When the object was last changed.
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
    pub(super) direct: bool,
    pub(super) lister: Lister,
    /// What asks an S3 bucket for versions and uploads.
    pub(super) bucket: Option<Arc<S3Bucket>>,
}

/// Who lists a root.
#[derive(Clone, Copy)]
pub(super) enum Lister {
    /// The folder is walked.
    Folder,
    /// The bucket of S3 is asked for its keys.
    Bucket,
    /// The store, which shows only what it can address itself.
    Store,
}

/// Reads an object from its start; fails when the object is no longer the pinned one.
pub trait ObjectSource: Read + Send {}
impl<T: Read + Send> ObjectSource for T {}

/// Reads an object at any place, for archives.
pub trait SeekSource: Read + Seek + Send {}
impl<T: Read + Seek + Send> SeekSource for T {}

/// Outcome of a create-only write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// The object was made by this call.
    New,
    /// Somebody's is already there; nothing was written.
    Exists,
}

/// An upload under way; nothing is visible before `finish`, and nothing stays after `drop` without it.
pub trait Upload: Write + Send {
    /// Makes the object visible; says what it is.
    fn finish(self: Box<Self>) -> Result<Uploaded>;
}

/// What has been uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// Length of the object.
    pub bytes: u64,
    /// BLAKE3, in hexadecimal digits.
    pub blake3: String,
}

impl Root {
    /// Returns where another root lies, when it is below this one.
    pub fn path_of(&self, other: &Root) -> Option<String> {
        let ends_open = |root: &Root| format!("{}/", root.url.as_str().trim_end_matches('/'));
        let (own, other) = (ends_open(self), ends_open(other));
        let below = other.strip_prefix(&own)?.trim_end_matches('/');
        (!below.is_empty()).then(|| below.to_owned())
    }

    /// The same root on another store, for wrappers that count or fail.
    pub fn with_store(&self, store: Arc<dyn ObjectStore>) -> Root {
        Root { store, direct: false, lister: Lister::Store, ..self.clone() }
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
            Ok(bytes) => Ok(Some(bytes.into())),
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

    /// Writes anew what a user has made: a link stays one, and a file of a local root keeps its mode, and its owner where the user
    /// of tamis may give files away.
    ///
    /// # Errors
    /// As [`Root::put`], and for a link that leads out of the root.
    pub fn rewrite(&self, path: &str, bytes: Vec<u8>) -> Result<()> {
        let Some(folder) = self.folder() else { return self.put(path, bytes) };
        let place = self.display(path);
        let failed = |error| from_io(&place, error);
        let (root, real) = (folder.canonicalize().map_err(failed)?, folder.join(path).canonicalize().map_err(failed)?);
        let below = real.strip_prefix(&root).ok().and_then(|below| below.to_str());
        let before = real.metadata().map_err(failed)?;
        self.put(below.ok_or_else(|| unusable(&place))?, bytes)?;
        std::fs::set_permissions(&real, before.permissions()).map_err(failed)?;
        // Only root may give a file away; for others the owner of the folder is left with it.
        let _ = std::os::unix::fs::chown(&real, Some(before.uid()), Some(before.gid()));
        Ok(())
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

    /// `ROOT:path` as users write it, for messages.
    pub fn display(&self, path: &str) -> String {
        format!("{}:{path}", self.name)
    }

    /// URL of a path below the root; never printed.
    pub fn url_of(&self, path: &str) -> url::Url {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        url
    }

    /// The underlying store and the path in it, for libraries that bring no store of their own.
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
    pub(super) fn at(&self, path: &str) -> Result<Path> {
        let joined = format!("{}/{path}", self.prefix);
        Path::parse(joined.trim_matches('/')).map_err(|_| unusable(&self.display(path)))
    }

    /// The path below the root that a listing ended at.
    pub(super) fn named(&self, error: &object_store::path::Error, prefix: &str) -> Vec<u8> {
        use object_store::path::Error as E;
        let key = match error {
            E::EmptySegment { path } | E::BadSegment { path, .. } => path.strip_prefix(self.prefix.as_ref()),
            _ => None,
        };
        key.map_or(prefix, |key| key.strip_prefix('/').unwrap_or(key)).as_bytes().to_vec()
    }

    pub(super) fn object(&self, meta: ObjectMeta) -> Option<Object> {
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
