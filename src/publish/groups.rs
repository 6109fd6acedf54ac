//! Reads a Parquet file of ours row group by row group: one ranged read and one group in memory at a time.

use crate::error::{Code, Error, Result};
use crate::store::{Object, Root, SeekSource, from_io};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::statistics::Statistics;
use std::io::SeekFrom;
use std::ops::Range;
use std::sync::Arc;

/// Rows per row group (performance.md, section 7: flat in speed, small enough for sweeps and memory).
pub(super) const GROUP_ROWS: usize = 16_384;

/// What to say of a file that does not decode; takes `ROOT:path`.
type BrokenFile = fn(&str) -> Error;

/// A file up to this size is held in memory while what it is named by is compared: thrice what one of ordinary rows has.
const HELD_BYTES: u64 = 48 << 20;
/// Bytes of a larger file that are hashed at once.
const HASHED_BYTES: u64 = 1 << 20;

/// Where the bytes of an open file come from.
enum GroupSource {
    Store(Box<dyn SeekSource>),
    /// The whole file in memory.
    Memory(Bytes),
}

pub(super) struct Groups {
    source: GroupSource,
    bytes: u64,
    place: String,
    metadata: ArrowReaderMetadata,
    broken: BrokenFile,
}

impl Groups {
    /// Opens the file at `path` and reads its footer.
    ///
    /// # Errors
    /// An evidence error when it is missing, `broken` when it does not decode; a storage error when it cannot be read.
    pub fn open(root: &Root, path: &str, broken: BrokenFile) -> Result<Groups> {
        let object = find(root, path)?;
        let source = GroupSource::Store(root.open_seek(&object)?);
        Self::of(source, object.bytes, root.display(path), broken)
    }

    /// Opens the file at `path` when its BLAKE3 is this one; none when it is another file. Nothing is decoded before that
    /// is known, and a file of ordinary size is read once and stays in memory meanwhile.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_named(root: &Root, path: &str, blake3: &str, broken: BrokenFile) -> Result<Option<Groups>> {
        Self::open_within(HELD_BYTES, root, path, blake3, broken)
    }

    /// As `open_named`, for files that are held up to a size.
    pub(super) fn open_within(
        held: u64,
        root: &Root,
        path: &str,
        blake3: &str,
        broken: BrokenFile,
    ) -> Result<Option<Groups>> {
        let (object, place) = (find(root, path)?, root.display(path));
        let mut source = root.open_seek(&object)?;
        let (mut hasher, most) = (blake3::Hasher::new(), object.bytes.min(held));
        let mut bytes = read(source.as_mut(), 0..most, &place)?;
        hasher.update(&bytes);
        let whole = most == object.bytes;
        let mut at = most;
        while at < object.bytes {
            let end = (at + HASHED_BYTES).min(object.bytes);
            bytes = read(source.as_mut(), at..end, &place)?;
            hasher.update(&bytes);
            at = end;
        }
        if hasher.finalize().to_hex().as_str() != blake3 {
            return Ok(None);
        }
        let source = if whole { GroupSource::Memory(bytes) } else { GroupSource::Store(source) };
        Self::of(source, object.bytes, place, broken).map(Some)
    }

    fn of(mut source: GroupSource, bytes: u64, place: String, broken: BrokenFile) -> Result<Groups> {
        let footer = footer(&mut source, bytes, &place, broken)?;
        let metadata =
            ArrowReaderMetadata::try_new(Arc::new(footer), ArrowReaderOptions::new()).map_err(|_| broken(&place))?;
        Ok(Groups { source, bytes, place, metadata, broken })
    }

    /// Returns where the file lies, as `ROOT:path`.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Length of the file.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the file's columns with their types.
    pub fn schema(&self) -> &SchemaRef {
        self.metadata.schema()
    }

    /// Returns how many row groups the file has.
    pub fn len(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    /// Rows of each group.
    pub fn group_rows(&self) -> Vec<usize> {
        let groups = self.metadata.metadata().row_groups().iter();
        groups.map(|group| usize::try_from(group.num_rows()).unwrap_or(0)).collect()
    }

    /// Rows in all groups.
    pub fn rows(&self) -> u64 {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// What the footer says of the values of the first column in a group.
    pub fn bounds(&self, group: usize) -> Option<&Statistics> {
        self.metadata.metadata().row_groups().get(group)?.column(0).statistics()
    }

    /// Reads some columns of one group, by their places in ascending order.
    ///
    /// # Errors
    /// A storage error when it cannot be read, `broken` when its bytes do not decode.
    pub fn read(&mut self, group: usize, columns: &[usize]) -> Result<RecordBatch> {
        let chunks = self.metadata.metadata().row_group(group).columns();
        let span = span(columns.iter().filter_map(|at| chunks.get(*at)));
        let window = Window::read(&mut self.source, span, self.bytes, &self.place, self.broken)?;
        let schema = self.metadata.metadata().file_metadata().schema_descr();
        let mask = ProjectionMask::roots(schema, columns.iter().copied());
        let mut reader = ParquetRecordBatchReaderBuilder::new_with_metadata(window, self.metadata.clone())
            .with_projection(mask)
            .with_row_groups(vec![group])
            .with_batch_size(GROUP_ROWS)
            .build()
            .map_err(|_| (self.broken)(&self.place))?;
        reader.next().and_then(|batch| batch.ok()).ok_or_else(|| (self.broken)(&self.place))
    }
}

impl Groups {
    /// Reads one group as it is: its bytes, and per column what a writer has to know of them.
    ///
    /// # Errors
    /// A storage error when it cannot be read.
    pub fn chunks(&mut self, group: usize) -> Result<(Window, Vec<ColumnCloseResult>)> {
        let group = self.metadata.metadata().row_group(group);
        let span = span(group.columns().iter());
        let window = Window::read(&mut self.source, span, self.bytes, &self.place, self.broken)?;
        let close = |column: &ColumnChunkMetaData| ColumnCloseResult {
            bytes_written: column.byte_range().1,
            rows_written: u64::try_from(group.num_rows()).unwrap_or(0),
            metadata: column.clone(),
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        Ok((window, group.columns().iter().map(close).collect()))
    }
}

/// Where some columns of a group lie.
fn span<'a>(columns: impl Iterator<Item = &'a ColumnChunkMetaData> + Clone) -> Range<u64> {
    let ranges = || columns.clone().map(ColumnChunkMetaData::byte_range);
    let end = ranges().map(|(start, length)| start.saturating_add(length)).max().unwrap_or(0);
    ranges().map(|(start, _)| start).min().unwrap_or(0)..end
}

fn find(root: &Root, path: &str) -> Result<Object> {
    root.head(path)?.ok_or_else(|| {
        Error::new(Code::CompanionBroken, format!("{} is missing", root.display(path))).help(
            "files and companions of a version live together: restore it, or run the job, whose new version does not \
             need it",
        )
    })
}

fn read(source: &mut dyn SeekSource, range: Range<u64>, place: &str) -> Result<Bytes> {
    let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap_or(usize::MAX)];
    let read = source.seek(SeekFrom::Start(range.start)).and_then(|_| source.read_exact(&mut bytes));
    read.map_err(|e| from_io(place, e))?;
    Ok(bytes.into())
}

fn footer(source: &mut GroupSource, bytes: u64, place: &str, broken: BrokenFile) -> Result<ParquetMetaData> {
    let tail = Window::read(source, bytes.saturating_sub(8)..bytes, bytes, place, broken)?;
    let length = tail.bytes.first_chunk().map_or(0, |length| u64::from(u32::from_le_bytes(*length)));
    let window = Window::read(source, bytes.saturating_sub(8 + length)..bytes, bytes, place, broken)?;
    ParquetMetaDataReader::new().parse_and_finish(&window).map_err(|_| broken(place))
}

/// A stretch of a file in memory: one ranged read per row group.
pub(super) struct Window {
    start: u64,
    bytes: Bytes,
    file: u64,
}

impl Window {
    fn read(source: &mut GroupSource, range: Range<u64>, file: u64, place: &str, broken: BrokenFile) -> Result<Window> {
        let Range { start, end } = range.start..range.end.min(file);
        if start > end {
            return Err(broken(place));
        }
        let bytes = match source {
            GroupSource::Store(source) => read(source.as_mut(), start..end, place)?,
            GroupSource::Memory(all) => all.slice(start as usize..end as usize),
        };
        Ok(Window { start, bytes, file })
    }

    fn slice(&self, start: u64, length: Option<usize>) -> parquet::errors::Result<Bytes> {
        let from = start.checked_sub(self.start).and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
        let to = length.map_or(Some(self.bytes.len()), |n| from.checked_add(n));
        match to {
            Some(to) if from <= to && to <= self.bytes.len() => Ok(self.bytes.slice(from..to)),
            _ => Err(parquet::errors::ParquetError::EOF("outside of the window".into())),
        }
    }
}

impl Length for Window {
    fn len(&self) -> u64 {
        self.file
    }
}

impl ChunkReader for Window {
    type T = std::io::Cursor<Bytes>;
    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        self.slice(start, None).map(std::io::Cursor::new)
    }
    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        self.slice(start, Some(length))
    }
}
