//! Readers of pinned objects: from the start in one stream, or at any place in ranges. A local file is read directly; a
//! cloud object chunk by chunk on the runtime.

use super::answer::{changed, failed, local, to_io};
use super::listing::still_a_file;
use super::root::{Object, ObjectSource, Root, SeekSource};
use crate::error::Result;
use futures::{StreamExt, stream::BoxStream};
use object_store::{GetOptions, GetRange, GetResultPayload};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::time::SystemTime;

const FIRST_RANGE: u64 = 64 * 1024;
const LAST_RANGE: u64 = 4 * 1024 * 1024;

type StreamChunk = Box<dyn AsRef<[u8]> + Send>;

fn stream(root: &Root, object: &Object) -> Result<Box<dyn ObjectSource>> {
    let place = root.display(&object.path);
    let result = root.get_pinned(object, None)?;
    match result.payload {
        GetResultPayload::File(file, _) => Ok(Box::new(WholeFile::new(file, object.bytes, place)?)),
        GetResultPayload::Stream(chunks) => {
            let chunks = chunks.map(|chunk| chunk.map(|bytes| Box::new(bytes) as StreamChunk)).boxed();
            let left = object.bytes;
            Ok(Box::new(Chunks { root: root.clone(), place, chunks, now: None, at: 0, left }))
        }
    }
}

fn seek(root: &Root, object: &Object) -> Result<Box<dyn SeekSource>> {
    if root.folder.is_some()
        && let GetResultPayload::File(file, _) = root.get_pinned(object, None)?.payload
    {
        return Ok(Box::new(BufReader::with_capacity(FIRST_RANGE as usize, file)));
    }
    Ok(Box::new(Ranges {
        root: root.clone(),
        object: object.clone(),
        at: 0,
        start: 0,
        held: Vec::new(),
        next: FIRST_RANGE,
    }))
}

/// A local file, checked at its end: a writer that changes it in place changes its length or its time.
struct WholeFile {
    file: File,
    left: u64,
    modified: Option<SystemTime>,
    place: String,
}

impl WholeFile {
    fn new(file: File, bytes: u64, place: String) -> Result<WholeFile> {
        let modified = file.metadata().map_err(|e| local("reading", &place, &e))?.modified().ok();
        Ok(WholeFile { file, left: bytes, modified, place })
    }
}

impl Read for WholeFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = match self.file.read(buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => return Err(e),
            other => to_io(other.map_err(|e| local("reading", &self.place, &e)))?,
        };
        if read as u64 > self.left {
            return to_io(Err(changed(&self.place)));
        }
        self.left -= read as u64;
        let now = if read == 0 { self.file.metadata().ok().and_then(|m| m.modified().ok()) } else { self.modified };
        if read == 0 && (self.left > 0 || now != self.modified) {
            return to_io(Err(changed(&self.place)));
        }
        Ok(read)
    }
}

struct Chunks {
    root: Root,
    place: String,
    chunks: BoxStream<'static, object_store::Result<StreamChunk>>,
    now: Option<StreamChunk>,
    at: usize,
    left: u64,
}

impl Chunks {
    /// The rest of the chunk under way, or the next one; empty at the end.
    fn rest(&mut self) -> Result<&[u8]> {
        while self.now.as_ref().is_none_or(|chunk| self.at == (**chunk).as_ref().len()) {
            let next = self.root.runtime.block_on(self.chunks.next());
            (self.now, self.at) = (next.transpose().map_err(|e| failed("reading", &self.place, &e))?, 0);
            if self.now.is_none() {
                return if self.left == 0 { Ok(&[]) } else { Err(changed(&self.place)) };
            }
        }
        Ok(self.now.as_ref().map_or(&[], |chunk| &(**chunk).as_ref()[self.at..]))
    }
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = to_io(self.rest())?;
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        self.left = match self.left.checked_sub(count as u64) {
            Some(left) => left,
            None => return to_io(Err(changed(&self.place))),
        };
        Ok(count)
    }
}

/// Ranged reads; a range grows while the reader goes straight on and starts small again after a jump.
struct Ranges {
    root: Root,
    object: Object,
    at: u64,
    start: u64,
    held: Vec<u8>,
    next: u64,
}

impl Ranges {
    fn fetch(&mut self) -> Result<()> {
        let straight = self.at == self.start + self.held.len() as u64;
        self.next = if straight { (self.next * 2).min(LAST_RANGE) } else { FIRST_RANGE };
        let end = (self.at + self.next).min(self.object.bytes);
        let place = self.root.display(&self.object.path);
        let result = self.root.get_pinned(&self.object, Some(GetRange::Bounded(self.at..end)))?;
        let bytes = self.root.runtime.block_on(result.bytes()).map_err(|e| failed("reading", &place, &e))?;
        if bytes.len() as u64 != end - self.at {
            return Err(changed(&place));
        }
        self.held.clear();
        self.held.extend_from_slice(&bytes);
        self.start = self.at;
        Ok(())
    }
}

impl Read for Ranges {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.object.bytes || buffer.is_empty() {
            return Ok(0);
        }
        if self.at < self.start || self.at >= self.start + self.held.len() as u64 {
            to_io(self.fetch())?;
        }
        let from = (self.at - self.start) as usize;
        let count = (self.held.len() - from).min(buffer.len());
        buffer[..count].copy_from_slice(&self.held[from..from + count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Ranges {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.object.bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl Root {
    /// Asks for an object, or a range of it, as it was when it was listed.
    fn get_pinned(&self, object: &Object, range: Option<GetRange>) -> Result<object_store::GetResult> {
        let place = self.display(&object.path);
        let options = GetOptions {
            if_match: object.etag.clone(),
            version: object.version.clone(),
            range,
            ..GetOptions::default()
        };
        let path = self.at(&object.path)?;
        still_a_file(self, &object.path)?;
        let result = self.runtime.block_on(self.store.get_opts(&path, options)).map_err(|e| match e {
            object_store::Error::NotFound { .. } => changed(&place),
            other => failed("reading", &place, &other),
        })?;
        let unpinned = object.etag.is_none() && object.version.is_none();
        let same = result.meta.size == object.bytes
            && (!unpinned || result.meta.last_modified.timestamp_micros() == object.modified.0);
        if same { Ok(result) } else { Err(changed(&place)) }
    }
}

impl Root {
    /// Reads an object from its start. Errors of the reader hold ours: [`super::from_io`] gets them back out.
    ///
    /// # Errors
    /// An input error when the object is no longer the pinned one, also later, while it is read.
    pub fn open_object(&self, object: &Object) -> Result<Box<dyn ObjectSource>> {
        stream(self, object)
    }

    /// Reads an object at any place (ranged reads, pinned).
    ///
    /// # Errors
    /// As [`Root::open_object`].
    pub fn open_seek(&self, object: &Object) -> Result<Box<dyn SeekSource>> {
        seek(self, object)
    }
}
