//! The bytes of one member of a tar archive. Where the archive is compressed, a member is reached by unpacking what
//! stands before it; so the stream is kept for the member that comes next, and all of them together unpack the archive
//! once.

use super::packed::{PackedStream, Packing};
use super::tar::TarEntry;
use crate::error::Result;
use crate::store::{Object, Root, from_io};
use std::io::{self, Read, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

/// How the archive of a member is kept.
#[derive(Clone, Default)]
pub(super) struct TarHome {
    pub packing: Option<Packing>,
    /// A stream that nobody reads, and its position; shared by the members of one archive.
    kept: Arc<Mutex<Option<(u64, PackedStream)>>>,
}

impl std::fmt::Debug for TarHome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.packing.fmt(f)
    }
}

impl TarHome {
    pub fn new(packing: Option<Packing>) -> TarHome {
        TarHome { packing, kept: Arc::default() }
    }

    /// Opens a member of the archive to be read.
    pub fn part(&self, root: &Root, object: &Object, entry: &TarEntry) -> Result<Box<dyn Read + Send>> {
        let place = root.display(&object.path);
        let Some(packing) = self.packing else {
            let mut source = root.open_seek(object)?;
            source.seek(SeekFrom::Start(entry.start)).map_err(|e| from_io(&place, e))?;
            return Ok(Box::new(source.take(entry.size)));
        };
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (at, stream) = match kept.filter(|(at, _)| *at <= entry.start) {
            Some(kept) => kept,
            None => (0, PackedStream::open(root, object, packing, &place, blake3::Hasher::new())?),
        };
        let home = (!entry.last).then(|| self.clone());
        Ok(Box::new(PackedPart { stream: Some(stream), at, start: entry.start, end: entry.start + entry.size, home }))
    }
}

struct PackedPart {
    /// None once it has failed.
    stream: Option<PackedStream>,
    at: u64,
    start: u64,
    end: u64,
    /// Where the stream goes for the next member.
    home: Option<TarHome>,
}

impl PackedPart {
    fn on(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(stream) = &mut self.stream else { return Err(io::ErrorKind::UnexpectedEof.into()) };
        let read = stream.read(buffer);
        match &read {
            Ok(count) => self.at += *count as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => self.stream = None,
        }
        read
    }
}

impl Read for PackedPart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut passed = Vec::new();
        while self.at < self.start {
            passed.resize((self.start - self.at).min(1 << 16) as usize, 0);
            if self.on(&mut passed)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let most = buffer.len().min(usize::try_from(self.end - self.at).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        match self.on(&mut buffer[..most])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => Ok(count),
        }
    }
}

impl Drop for PackedPart {
    fn drop(&mut self) {
        if let (Some(home), Some(stream)) = (&self.home, self.stream.take()) {
            *home.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some((self.at, stream));
        }
    }
}
