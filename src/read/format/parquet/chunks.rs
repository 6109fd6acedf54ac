//! The bytes of a Parquet file as its decoder asks for them, with caps: what a page says it unpacks to is judged before
//! anybody makes room for it.

use super::thrift::page_head;
use crate::error::{Code, Error, Result};
use crate::read::container::{Caps, damaged};
use crate::store::{SeekSource, from_io};
use bytes::Bytes;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

/// The largest page, unpacked.
const MOST_PAGE: u64 = 128 << 20;
/// The longest header of a page: it can hold the least and the greatest value.
const MOST_HEAD: usize = 1 << 20;
/// What is read at once, where a header is looked for.
const WINDOW: usize = 64 * 1024;

/// Where the bytes of one file are.
pub(super) enum ChunkHome {
    Object(Mutex<Box<dyn SeekSource>>),
    /// Unpacked, since a decoder goes to and fro.
    Held(Bytes),
}

/// One file, shared by its columns.
pub(super) struct FileChunks {
    pub home: ChunkHome,
    pub length: u64,
    pub place: String,
}

impl FileChunks {
    /// Reads so many bytes.
    ///
    /// # Errors
    /// An input error where the file has no such place; storage errors.
    pub fn bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(damaged(&self.place, "it refers to a place after its end"));
        }
        match &self.home {
            ChunkHome::Held(bytes) => Ok(bytes.slice(start as usize..start as usize + length)),
            ChunkHome::Object(source) => {
                let mut source = source.lock().unwrap_or_else(PoisonError::into_inner);
                let mut bytes = vec![0; length];
                let read = source.seek(SeekFrom::Start(start)).and_then(|_| source.read_exact(&mut bytes));
                read.map_err(|e| from_io(&self.place, e))?;
                Ok(bytes.into())
            }
        }
    }
}

/// What pages have come to.
#[derive(Default)]
pub(super) struct PageTally {
    packed: u64,
    unpacked: u64,
    told: u64,
}

impl PageTally {
    /// Gives out how many bytes have been taken since it was asked.
    pub fn taken(&mut self) -> u64 {
        let taken = self.packed - self.told;
        self.told = self.packed;
        taken
    }
}

/// The bytes of one column in one row group.
pub(super) struct ColumnChunks {
    pub file: Arc<FileChunks>,
    /// For messages: file, row group and column.
    pub place: String,
    pub caps: Caps,
    pub tally: Arc<Mutex<PageTally>>,
    /// Where what was read last begins.
    pub window: Mutex<(u64, Bytes)>,
}

impl ColumnChunks {
    /// Reads on from a place, at most so many bytes.
    fn some(&self, start: u64, most: usize) -> Result<Bytes> {
        let left = self.file.length.saturating_sub(start);
        self.file.bytes(start, usize::try_from(left).unwrap_or(usize::MAX).min(most))
    }

    fn head(&self, start: u64) -> Result<Bytes> {
        let bytes = self.some(start, WINDOW)?;
        let (bytes, head) = match page_head(&bytes) {
            None if bytes.len() == WINDOW => {
                let bytes = self.some(start, MOST_HEAD)?;
                let head = page_head(&bytes);
                (bytes, head)
            }
            head => (bytes, head),
        };
        let head = head.ok_or_else(|| damaged(&self.place, "the header of a page makes no sense"))?;
        if head.unpacked > MOST_PAGE || head.packed > MOST_PAGE {
            let what = format!("{}: a page says that it holds more than {} MiB", self.place, MOST_PAGE >> 20);
            return Err(Error::new(Code::InputTooLarge, what).help("have it written with smaller pages"));
        }
        let unpacked = {
            let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.packed += head.packed + head.length as u64;
            tally.unpacked += head.unpacked;
            tally.unpacked
        };
        self.caps.hold(&self.file.place, unpacked, Some(self.file.length))?;
        Ok(bytes)
    }
}

impl Length for ColumnChunks {
    fn len(&self) -> u64 {
        self.file.length
    }
}

impl ChunkReader for ColumnChunks {
    type T = Cursor<Bytes>;

    /// The decoder asks so for the header of each page.
    fn get_read(&self, start: u64) -> ParquetResult<Cursor<Bytes>> {
        let bytes = self.head(start).map_err(ours)?;
        *self.window.lock().unwrap_or_else(PoisonError::into_inner) = (start, bytes.clone());
        Ok(Cursor::new(bytes))
    }

    /// And so for what the page holds.
    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        {
            let window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
            let from = start.checked_sub(window.0).and_then(|from| usize::try_from(from).ok());
            let within = from.filter(|from| from.saturating_add(length) <= window.1.len());
            if let Some(from) = within {
                return Ok(window.1.slice(from..from + length));
            }
        }
        self.file.bytes(start, length).map_err(ours)
    }
}

fn ours(error: Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

/// Returns what broke a decoder: our error where it is one, else none, since its own may hold a value.
pub(super) fn of_ours(error: ParquetError) -> Option<Error> {
    match error {
        ParquetError::External(inner) => inner.downcast::<Error>().ok().map(|error| *error),
        _ => None,
    }
}
