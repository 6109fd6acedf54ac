//! Object storage by URL: list, read pinned objects, create only, upload in parts. Synchronous on the outside.
//! The one seam to `object_store`; its errors print URLs and bodies, so they end here. Must not know what is stored.

use crate::clock::Instant;
use crate::error::Result;
use object_store::{ObjectStore, path::Path};
use std::io::{Read, Seek, Write};
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
#[derive(Clone)]
pub struct Root {
    /// Name in the policy.
    pub name: String,
    pub(crate) url: url::Url,
    pub(crate) prefix: Path,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) runtime: tokio::runtime::Handle,
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
    /// Opens a root. `url` is `file:///…`, a path, `s3://bucket/prefix`, `az://container/prefix` or `gs://…`; cloud
    /// credentials come from the environment as object_store documents them.
    ///
    /// # Errors
    /// A policy error for an unknown scheme or a bad URL.
    pub fn open(name: &str, url: &str, runtime: tokio::runtime::Handle) -> Result<Root> {
        let _ = (name, url, runtime);
        Err(crate::error::Error::storage("not built yet"))
    }
    /// The same root on another store, for wrappers that count or fail.
    pub fn with_store(&self, store: Arc<dyn ObjectStore>) -> Root {
        Root { store, ..self.clone() }
    }
    /// Objects below `prefix` (a path of whole segments, may be empty), in path order.
    pub fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        let _ = prefix;
        Err(crate::error::Error::storage("not built yet"))
    }
    /// Reads an object from its start; an object that is no longer the pinned one is an input error.
    pub fn open_object(&self, object: &Object) -> Result<Box<dyn Source>> {
        let _ = object;
        Err(crate::error::Error::storage("not built yet"))
    }
    /// Reads an object at any place (ranged reads, pinned).
    pub fn open_seek(&self, object: &Object) -> Result<Box<dyn SeekSource>> {
        let _ = object;
        Err(crate::error::Error::storage("not built yet"))
    }
    /// The whole of a small object; `None` when it is not there.
    pub fn get(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let _ = path;
        Err(crate::error::Error::storage("not built yet"))
    }
    /// Facts of one object; `None` when it is not there.
    pub fn head(&self, path: &str) -> Result<Option<Object>> {
        let _ = path;
        Err(crate::error::Error::storage("not built yet"))
    }
    /// Writes only when nothing is there. After an unclear answer it looks whether the bytes there are ours.
    pub fn create(&self, path: &str, bytes: Vec<u8>) -> Result<Created> {
        let _ = (path, bytes);
        Err(crate::error::Error::storage("not built yet"))
    }
    /// Writes, replacing.
    pub fn put(&self, path: &str, bytes: Vec<u8>) -> Result<()> {
        let _ = (path, bytes);
        Err(crate::error::Error::storage("not built yet"))
    }
    /// Deletes; no error when it is not there.
    pub fn delete(&self, path: &str) -> Result<()> {
        let _ = path;
        Err(crate::error::Error::storage("not built yet"))
    }
    /// Starts an upload in parts; memory is bounded by two parts of 8 MiB.
    pub fn upload(&self, path: &str) -> Result<Box<dyn Upload>> {
        let _ = path;
        Err(crate::error::Error::storage("not built yet"))
    }
    /// `ROOT:path` as users write it, for messages.
    pub fn display(&self, path: &str) -> String {
        format!("{}:{path}", self.name)
    }
    /// URL of a path below the root, for delta_kernel; never printed.
    pub fn url_of(&self, path: &str) -> url::Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/{path}", self.url.path().trim_end_matches('/')));
        url
    }
    /// The underlying store and the path in it, for delta_kernel.
    pub fn raw(&self, path: &str) -> (Arc<dyn ObjectStore>, Path) {
        (self.store.clone(), Path::from(format!("{}/{path}", self.prefix)))
    }
    /// The runtime that drives the store.
    pub fn runtime(&self) -> &tokio::runtime::Handle {
        &self.runtime
    }
}
