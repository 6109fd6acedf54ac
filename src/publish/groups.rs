//! Reads a Parquet file of ours row group by row group: one ranged read and one group in memory at a time.
//! Must not know what the columns mean.

use crate::error::{Code, Error, Result};
use crate::store::{Object, Root, SeekSource, from_io};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::statistics::Statistics;
use std::io::SeekFrom;
use std::ops::Range;
use std::sync::Arc;

/// Rows per row group (performance.md, section 7: flat in speed, small enough for sweeps and memory).
pub(super) const GROUP_ROWS: usize = 16_384;

/// What to say of a file that does not decode; takes `ROOT:path`.
type Broken = fn(&str) -> Error;

/// An open file.
pub(super) struct Groups {
    source: Box<dyn SeekSource>,
    bytes: u64,
    place: String,
    metadata: ArrowReaderMetadata,
    broken: Broken,
}

impl Groups {
    /// Opens the file at `path` and reads its footer.
    ///
    /// # Errors
    /// An evidence error when it is missing, `broken` when it does not decode; a storage error when it cannot be read.
    pub fn open(root: &Root, path: &str, broken: Broken) -> Result<Groups> {
        let place = root.display(path);
        let object: Object = root.head(path)?.ok_or_else(|| {
            Error::new(Code::CompanionBroken, format!("{place} is missing")).help(
                "files and companions of a version live together: restore it, or run the job, whose new version \
                     does not need it",
            )
        })?;
        let mut source = root.open_seek(&object)?;
        let footer = footer(source.as_mut(), object.bytes, &place, broken)?;
        let metadata =
            ArrowReaderMetadata::try_new(Arc::new(footer), ArrowReaderOptions::new()).map_err(|_| broken(&place))?;
        Ok(Groups { source, bytes: object.bytes, place, metadata, broken })
    }

    /// `ROOT:path`.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Length of the file.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Columns and types.
    pub fn schema(&self) -> &SchemaRef {
        self.metadata.schema()
    }

    /// Row groups.
    pub fn len(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    /// Rows in all groups.
    pub fn rows(&self) -> u64 {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// Least and greatest value of the first column in a group, when it is 16 bytes wide.
    pub fn bounds(&self, group: usize) -> Option<([u8; 16], [u8; 16])> {
        let group = self.metadata.metadata().row_groups().get(group)?;
        let Some(Statistics::FixedLenByteArray(bounds)) = group.column(0).statistics() else { return None };
        Some((bounds.min_bytes_opt()?.try_into().ok()?, bounds.max_bytes_opt()?.try_into().ok()?))
    }

    /// Reads one group, whole or only its first column.
    ///
    /// # Errors
    /// A storage error when it cannot be read, `broken` when its bytes do not decode.
    pub fn read(&mut self, group: usize, first_only: bool) -> Result<RecordBatch> {
        let columns = self.metadata.metadata().row_group(group).columns();
        let columns = if first_only { &columns[..1] } else { columns };
        let start = columns.iter().map(|c| c.byte_range().0).min().unwrap_or(0);
        let end = columns.iter().map(|c| c.byte_range().0.saturating_add(c.byte_range().1)).max().unwrap_or(0);
        let window = Window::read(self.source.as_mut(), start..end, self.bytes, &self.place, self.broken)?;
        let schema = self.metadata.metadata().file_metadata().schema_descr();
        let mask = if first_only { ProjectionMask::roots(schema, [0]) } else { ProjectionMask::all() };
        let mut reader = ParquetRecordBatchReaderBuilder::new_with_metadata(window, self.metadata.clone())
            .with_projection(mask)
            .with_row_groups(vec![group])
            .with_batch_size(GROUP_ROWS)
            .build()
            .map_err(|_| (self.broken)(&self.place))?;
        reader.next().and_then(|batch| batch.ok()).ok_or_else(|| (self.broken)(&self.place))
    }
}

fn footer(source: &mut dyn SeekSource, bytes: u64, place: &str, broken: Broken) -> Result<ParquetMetaData> {
    let tail = Window::read(source, bytes.saturating_sub(8)..bytes, bytes, place, broken)?;
    let length = tail.bytes.first_chunk().map_or(0, |length| u64::from(u32::from_le_bytes(*length)));
    let window = Window::read(source, bytes.saturating_sub(8 + length)..bytes, bytes, place, broken)?;
    ParquetMetaDataReader::new().parse_and_finish(&window).map_err(|_| broken(place))
}

/// A stretch of a file in memory: one ranged read per row group.
struct Window {
    start: u64,
    bytes: Bytes,
    file: u64,
}

impl Window {
    fn read(source: &mut dyn SeekSource, range: Range<u64>, file: u64, place: &str, broken: Broken) -> Result<Window> {
        let length = range.end.min(file).checked_sub(range.start).and_then(|n| usize::try_from(n).ok());
        let mut bytes = vec![0; length.ok_or_else(|| broken(place))?];
        let read = source.seek(SeekFrom::Start(range.start)).and_then(|_| source.read_exact(&mut bytes));
        read.map_err(|e| from_io(place, e))?;
        Ok(Window { start: range.start, bytes: bytes.into(), file })
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
