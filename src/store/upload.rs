//! Uploads in parts: one part fills while the one before is on its way; local ones are written at once. Nothing is
//! visible before `finish`; dropping without it takes back what was sent.

use super::answer::{failed, to_io};
use super::root::{Created, Root, Upload, Uploaded};
use crate::error::{Code, Error, Result};
use bytes::BytesMut;
use futures::FutureExt;
use object_store::{MultipartUpload, ObjectStoreExt};
use std::io::{self, Write};
use tokio::task::JoinHandle;

/// Stores take no parts below 5 MiB but the last, and at most 10,000 of them.
const PART: usize = 8 * 1024 * 1024;
/// Local files take any, and small ones are still in the cache when they are written.
const LOCAL_PART: usize = 256 * 1024;

pub(super) struct PartUpload {
    root: Root,
    path: String,
    part: usize,
    filling: BytesMut,
    sent: u64,
    /// Of what was sent: a part at a time, since whole blocks are hashed many at once.
    hasher: blake3::Hasher,
    upload: Option<Box<dyn MultipartUpload>>,
    on_its_way: Option<JoinHandle<object_store::Result<()>>>,
}

impl PartUpload {
    pub(super) fn new(root: Root, path: &str) -> PartUpload {
        let part = if root.direct { LOCAL_PART } else { PART };
        PartUpload {
            root,
            path: path.into(),
            part,
            filling: BytesMut::new(),
            sent: 0,
            hasher: blake3::Hasher::new(),
            upload: None,
            on_its_way: None,
        }
    }

    fn send(&mut self) -> Result<()> {
        self.wait()?;
        let mut upload = match self.upload.take() {
            Some(upload) => upload,
            None => self.start()?,
        };
        let part = self.filling.split().freeze();
        self.sent += part.len() as u64;
        self.hasher.update(&part);
        let outcome = if self.root.direct {
            // Outside of the runtime it is this very thread that writes, and its cache that holds the part.
            let mut sending = upload.put_part(part.into());
            let sent = (&mut sending).now_or_never().unwrap_or_else(|| self.root.runtime.block_on(sending));
            sent.map_err(|e| self.lost(&e))
        } else {
            // Parts of some stores start on the runtime when they are made, not when they are polled.
            let _entered = self.root.runtime.enter();
            self.on_its_way = Some(self.root.runtime.spawn(upload.put_part(part.into())));
            Ok(())
        };
        self.upload = Some(upload);
        outcome
    }

    /// Uploads in parts cannot be create-only, so what is already there is looked for first; names are unique per
    /// attempt, so nobody else writes this one.
    fn start(&self) -> Result<Box<dyn MultipartUpload>> {
        if self.root.head(&self.path)?.is_some() {
            return Err(taken(&self.root.display(&self.path)));
        }
        let path = self.root.at(&self.path)?;
        self.root.runtime.block_on(self.root.store.put_multipart(&path)).map_err(|e| self.lost(&e))
    }

    fn wait(&mut self) -> Result<()> {
        let Some(task) = self.on_its_way.take() else { return Ok(()) };
        match self.root.runtime.block_on(task) {
            Ok(sent) => sent.map_err(|e| self.lost(&e)),
            Err(_) => {
                Err(Error::new(Code::StoreAway, format!("writing {} was cut short", self.root.display(&self.path))))
            }
        }
    }

    fn lost(&self, error: &object_store::Error) -> Error {
        failed("writing", &self.root.display(&self.path), error)
    }

    fn complete(&mut self, upload: &mut dyn MultipartUpload) -> Result<Uploaded> {
        match self.root.runtime.block_on(upload.complete()) {
            Ok(_) => Ok(self.uploaded()),
            // The answer may be lost though the object is there; the name is ours alone, so its length decides.
            Err(error) => match self.root.head(&self.path) {
                Ok(Some(object)) if object.bytes == self.sent => Ok(self.uploaded()),
                _ => Err(self.lost(&error)),
            },
        }
    }

    fn uploaded(&self) -> Uploaded {
        Uploaded { bytes: self.sent, blake3: self.hasher.finalize().to_hex().to_string() }
    }

    fn small(&mut self) -> Result<Uploaded> {
        let bytes = Vec::from(self.filling.split());
        self.sent += bytes.len() as u64;
        self.hasher.update(&bytes);
        match self.root.create(&self.path, bytes)? {
            Created::New => Ok(self.uploaded()),
            Created::Exists => Err(taken(&self.root.display(&self.path))),
        }
    }
}

fn taken(place: &str) -> Error {
    Error::new(Code::Overtaken, format!("writing {place}: something else is already there"))
        .help("run again: names change per attempt")
}

impl Write for PartUpload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.part - self.filling.len());
        if self.filling.is_empty() {
            self.filling.reserve(self.part);
        }
        self.filling.extend_from_slice(&bytes[..count]);
        if self.filling.len() == self.part {
            to_io(self.send())?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Upload for PartUpload {
    fn finish(mut self: Box<Self>) -> Result<Uploaded> {
        if self.upload.is_none() {
            return self.small();
        }
        if !self.filling.is_empty() {
            self.send()?;
        }
        self.wait()?;
        let Some(mut upload) = self.upload.take() else { return Ok(self.uploaded()) };
        let done = self.complete(upload.as_mut());
        if done.is_err() {
            self.upload = Some(upload);
        }
        done
    }
}

impl Drop for PartUpload {
    fn drop(&mut self) {
        let task = self.on_its_way.take();
        let Some(mut upload) = self.upload.take() else { return };
        let take_back = async move {
            if let Some(task) = task {
                let _ = task.await;
            }
            let _ = upload.abort().await;
        };
        match tokio::runtime::Handle::try_current() {
            Ok(_) => drop(self.root.runtime.spawn(take_back)),
            Err(_) => self.root.runtime.block_on(take_back),
        }
    }
}

impl Root {
    /// Starts an upload; memory is bounded by two parts of 8 MiB; local files take far less. Nothing that is already there is
    /// replaced.
    ///
    /// # Errors
    /// A policy error for an unusable path; everything else shows while writing or in `finish`.
    pub fn upload(&self, path: &str) -> Result<Box<dyn Upload>> {
        self.at(path)?;
        Ok(Box::new(PartUpload::new(self.clone(), path)))
    }
}
