//! The footer of a Parquet file, before anything in it is believed.

use super::chunks::FileChunks;
use super::leaf::LeafKind;
use super::leaves::guarded;
use super::thrift::elements;
use crate::error::{Code, Error, Result};
use crate::read::container::damaged;
use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};

/// The longest footer, and most things in its lists: what is made of them takes a few hundred bytes each.
const MOST_FOOTER: u64 = 32 << 20;
const MOST_ELEMENTS: u64 = 2_000_000;
const END: u64 = 8;
const MARK: &[u8] = b"PAR1";
const SEALED: &[u8] = b"PARE";

/// What a file says of itself.
pub(super) struct Footer {
    pub meta: ParquetMetaData,
    /// Of each column its path.
    pub names: Vec<String>,
    /// And what its values are, or why they are not read.
    pub kinds: Vec<Result<LeafKind, &'static str>>,
}

impl Footer {
    /// Reads it.
    ///
    /// # Errors
    /// An input error for what is no Parquet file, is encrypted or contradicts itself; storage errors.
    pub fn read(file: &FileChunks, max_columns: usize) -> Result<Footer> {
        let place = &file.place;
        let end = file.length.checked_sub(END).filter(|end| *end >= MARK.len() as u64);
        let end = end.ok_or_else(|| damaged(place, "it is cut short"))?;
        let tail = file.bytes(end, END as usize)?;
        if tail.ends_with(SEALED) {
            return Err(Error::new(Code::FormatNotRead, format!("{place} is encrypted"))
                .help("have it written without encryption, and protect the place instead"));
        }
        if !tail.ends_with(MARK) || !file.bytes(0, MARK.len())?.starts_with(MARK) {
            return Err(damaged(place, "it does not begin and end as a Parquet file: it is cut short, or is none"));
        }
        let length = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
        let start = end.checked_sub(length).ok_or_else(|| damaged(place, "its footer is longer than the file"))?;
        let large = |what: &str| {
            Error::new(Code::InputTooLarge, format!("{place}: its footer {what}"))
                .help("have it written in larger row groups, or with fewer columns")
        };
        if length > MOST_FOOTER {
            return Err(large(&format!("is longer than {} MiB", MOST_FOOTER >> 20)));
        }
        let bytes = file.bytes(start, length as usize)?;
        match elements(&bytes) {
            None => return Err(damaged(place, "its footer makes no sense")),
            Some(count) if count > MOST_ELEMENTS => return Err(large("lists more than 2000000 things")),
            Some(_) => {}
        }
        let meta = guarded(place, || ParquetMetaDataReader::decode_metadata(&bytes))?;
        let columns = meta.file_metadata().schema_descr().columns();
        if columns.len() > max_columns {
            return Err(Error::new(
                Code::InputTooLarge,
                format!("{place}: it has {} columns, limits.max_columns is {max_columns}", columns.len()),
            )
            .help("raise limits.max_columns in the source"));
        }
        let names = columns.iter().map(|column| column.path().string()).collect();
        let kinds = columns.iter().map(|column| LeafKind::of(column)).collect();
        let footer = Footer { meta, names, kinds };
        footer.agrees().then_some(footer).ok_or_else(|| damaged(place, "its footer contradicts itself"))
    }

    fn agrees(&self) -> bool {
        let groups = self.meta.row_groups();
        let rows = groups.iter().try_fold(0_i64, |rows, group| {
            let whole = group.num_rows() >= 0 && group.columns().len() == self.names.len();
            rows.checked_add(group.num_rows()).filter(|_| whole)
        });
        rows == Some(self.meta.file_metadata().num_rows()) && !self.names.is_empty()
    }

    /// Makes sure that a column of a row group lies in the file and is compressed in a way that is read.
    ///
    /// # Errors
    /// An input error.
    pub fn column(file: &FileChunks, place: &str, column: &ColumnChunkMetaData) -> Result<()> {
        let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
        let (start, length) = (u64::try_from(start).ok(), u64::try_from(column.compressed_size()).ok());
        let within = start.zip(length).and_then(|(start, length)| start.checked_add(length));
        if within.is_none_or(|end| end > file.length) || column.data_page_offset() < 0 {
            return Err(damaged(place, "it lies outside of the file"));
        }
        let packed = match column.compression() {
            Compression::BROTLI(_) => "Brotli",
            Compression::LZO => "LZO",
            _ => return Ok(()),
        };
        Err(Error::new(Code::FormatNotRead, format!("{place} is compressed with {packed}, which is not read"))
            .help("have it written with zstd or snappy"))
    }
}
