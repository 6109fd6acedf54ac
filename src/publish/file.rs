//! Cleared rows go to files by range of the subject token, each with its companion, streamed and hashed on the way.

#[cfg(test)]
use super::companion::CompanionRow;
use super::companion::{CompanionEncoder, CompanionShape, Companions};
use super::companion_group::first;
use super::data::Data;
use super::encode::{Encoder, FileShape};
use super::stretch::Stretch;
use super::table::{FileWritten, Target, Writing};
use crate::clock::Instant;
use crate::decide::Layout;
use crate::error::Result;
use crate::monitor::{Event, Monitor};
use crate::store::{Upload, Uploaded};
use crate::threads;
use arrow::array::ArrayRef;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Rows a file should not exceed; a power of two of files is cut accordingly.
const FILE_ROWS: u64 = 250_000;
/// Rows that go through all columns before the next ones do, so that they stay in the cache meanwhile.
const BLOCK_ROWS: usize = 512;
/// More files than this are of no use to anybody.
const MAX_FILES: usize = 1 << 16;

/// One row to publish.
#[cfg(test)]
pub(crate) struct PublishRow<'a> {
    /// What its companion holds.
    pub companion: CompanionRow<'a>,
    /// Treated values by the layout's fields; what its own `keep` has taken is already null.
    pub fields: &'a [Option<&'a [u8]>],
}

/// Rows that may be published: `decide`'s cleared rows, and what a sweep leaves of a version. Not public: from outside
/// only cleared rows can be written.
pub(crate) trait Publishable: Sync {
    /// Shape of the rows.
    fn layout(&self) -> &Layout;
    /// Fields with a `keep` of their own.
    fn field_untils(&self) -> usize;
    /// Whether rows rest on a consent.
    fn on_consent(&self) -> bool;
    /// Buckets, a power of two: ranges by the first bits of the subject token.
    fn buckets(&self) -> usize;
    /// Rows of all buckets.
    fn rows(&self) -> u64;
    /// The instant the rows were judged at.
    fn as_of(&self) -> Instant;
    /// Hands over the rows of one bucket, sorted by subject token, then by the whole row.
    ///
    /// # Errors
    /// Those of reading the bucket and those of `sink`.
    fn visit(&self, bucket: usize, sink: &mut Sink<'_>) -> Result<()>;
}

/// How many files hold so many rows: the least power of two with no more than 250,000 rows a file on average.
pub(super) fn file_count(rows: u64) -> usize {
    let least = rows.div_ceil(FILE_ROWS).max(1);
    usize::try_from(least.next_power_of_two()).unwrap_or(MAX_FILES).min(MAX_FILES)
}

/// Index of the range that a subject token with these first bits falls into; `files` is a power of two.
pub(super) fn range_of(first: u32, files: usize) -> usize {
    ((u64::from(first) * files as u64) >> 32) as usize
}

/// Name of a data file and of its companion.
pub(super) fn file_name(range: usize, run: &str, attempt: u32) -> String {
    format!("part-{range:05}-{run}-{attempt}.parquet")
}

/// Whether a name is one that `file_name` gives.
pub(super) fn is_file_name(name: &str) -> bool {
    range_in(name).is_some()
}

/// The range in a name that `file_name` gives.
pub(super) fn range_in(name: &str) -> Option<usize> {
    parts(name).map(|(range, ..)| range)
}

/// Run and attempt that wrote a file, by its name.
pub fn written_by(name: &str) -> Option<(&str, u32)> {
    parts(name).map(|(_, run, attempt)| (run, attempt))
}

fn parts(name: &str) -> Option<(usize, &str, u32)> {
    let rest = name.strip_prefix("part-")?.strip_suffix(".parquet")?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (range, rest) = rest.split_once('-')?;
    let (run, attempt) = rest.rsplit_once('-')?;
    let ours = range.len() >= 5 && digits(range) && !run.is_empty() && digits(attempt);
    if ours { Some((range.parse().ok()?, run, attempt.parse().ok()?)) } else { None }
}

/// What all workers share.
struct FileJob<'a> {
    rows: &'a dyn Publishable,
    target: &'a Target<'a>,
    writing: &'a Writing<'a>,
    files: usize,
    shape: FileShape,
    companion: CompanionShape,
    monitor: &'a dyn Monitor,
}

/// Writes all files; ranges without rows have none. Files come back in the order of their ranges.
pub(super) fn write_files(
    rows: &dyn Publishable,
    target: &Target<'_>,
    writing: &Writing<'_>,
    shape: FileShape,
    monitor: &dyn Monitor,
) -> Result<Vec<FileWritten>> {
    let layout = rows.layout();
    let companion = CompanionShape::new(layout.identities, rows.on_consent(), rows.field_untils(), layout.quasi);
    let job = FileJob { rows, target, writing, files: file_count(rows.rows()), shape, companion, monitor };
    let units = job.files.min(rows.buckets());
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = || -> Result<Vec<FileWritten>> {
        let mut written = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let unit = next.fetch_add(1, Ordering::Relaxed);
            if unit >= units {
                break;
            }
            let done = job.unit(unit, units).inspect_err(|_| stop.store(true, Ordering::Relaxed))?;
            written.extend(done);
        }
        Ok(written)
    };
    let mut files = Vec::new();
    for written in threads::side_by_side(writing.threads.clamp(1, units), work) {
        files.extend(written?);
    }
    files.sort_by(|a: &FileWritten, b| a.name.cmp(&b.name));
    Ok(files)
}

impl FileJob<'_> {
    /// A unit is the larger of a bucket and a file: whole files, whole buckets, in order.
    fn unit(&self, unit: usize, units: usize) -> Result<Vec<FileWritten>> {
        let per_unit = self.rows.buckets() / units;
        let mut sink = Sink { job: self, open: None, written: Vec::new() };
        for bucket in unit * per_unit..(unit + 1) * per_unit {
            self.monitor.proceed()?;
            self.rows.visit(bucket, &mut sink)?;
        }
        sink.close()?;
        Ok(sink.written)
    }
}

/// Opens and closes files as the rows pass from range to range.
pub(crate) struct Sink<'a> {
    job: &'a FileJob<'a>,
    open: Option<Open>,
    written: Vec<FileWritten>,
}

struct Open {
    range: usize,
    pair: Pair,
}

/// A data file and its companion while they are written.
pub(super) struct Pair {
    name: String,
    rows: u64,
    data: Encoder<Box<dyn Upload>>,
    companion: CompanionEncoder<Box<dyn Upload>>,
}

impl Sink<'_> {
    /// Takes rows in the order of their subjects.
    pub fn stretch(&mut self, mut rows: Stretch<'_>) -> Result<()> {
        let files = self.job.files;
        while let Some((range, mut rows)) = rows.take_alike(|subject| range_of(first(subject), files)) {
            let open = self.file(range)?;
            while let Some(block) = rows.take(BLOCK_ROWS) {
                open.extend(block)?;
            }
        }
        Ok(())
    }

    /// Takes the next row, in the order of the file.
    #[cfg(test)]
    pub fn row(&mut self, row: &PublishRow<'_>) -> Result<()> {
        let range = range_of(row.companion.first, self.job.files);
        self.file(range)?.push(row)
    }

    fn file(&mut self, range: usize) -> Result<&mut Pair> {
        if self.open.as_ref().is_none_or(|open| open.range != range) {
            self.close()?;
        }
        match &mut self.open {
            Some(open) => Ok(&mut open.pair),
            none => {
                let name = file_name(range, self.job.writing.run, self.job.writing.attempt);
                let pair = Pair::new(name, self.job.target, &self.job.shape, &self.job.companion)?;
                Ok(&mut none.insert(Open { range, pair }).pair)
            }
        }
    }

    fn close(&mut self) -> Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let file = open.pair.finish(self.job.target)?;
        self.job.monitor.event(Event::Advance { bytes: file.bytes });
        self.written.push(file);
        Ok(())
    }
}

impl Pair {
    /// Starts both files under `name`.
    pub fn new(name: String, target: &Target<'_>, shape: &FileShape, companion: &CompanionShape) -> Result<Pair> {
        let data = Encoder::new(shape, target.lake.upload(&target.file(&name))?)?;
        let companion = CompanionEncoder::new(companion, target.state.upload(&target.companion(&name))?)?;
        Ok(Pair { name, rows: 0, data, companion })
    }

    fn extend(&mut self, rows: Stretch<'_>) -> Result<()> {
        self.rows += rows.len() as u64;
        self.data.extend(rows.clone())?;
        self.companion.extend(rows)
    }

    /// Takes one row.
    #[cfg(test)]
    pub fn push(&mut self, row: &PublishRow<'_>) -> Result<()> {
        self.rows += 1;
        self.data.push(row.fields)?;
        self.companion.push(&row.companion)
    }

    /// Takes the next row group of a file as it is; it has so many rows.
    pub fn copy_data(&mut self, from: &mut Data, rows: usize) -> Result<()> {
        self.rows += rows as u64;
        from.copy(&mut self.data)
    }

    /// Takes the next row group of a companion as it is.
    pub fn copy_companion(&mut self, from: &mut Companions) -> Result<()> {
        self.companion.copy(from)
    }

    /// Takes a row group of the data file.
    pub fn data_group(&mut self, columns: &[ArrayRef]) -> Result<()> {
        self.rows += columns.first().map_or(0, |column| column.len() as u64);
        self.data.group(columns)
    }

    /// Takes a row group of the companion.
    pub fn companion_group(&mut self, columns: &[ArrayRef]) -> Result<()> {
        self.companion.group(columns)
    }

    /// The companion is there before its file, so no file is ever without one.
    pub fn finish(self, target: &Target<'_>) -> Result<FileWritten> {
        let companion = self.companion.finish()?.finish()?;
        let Uploaded { bytes, blake3 } = self.data.finish()?.finish()?;
        Ok(FileWritten {
            companion: target.companion(&self.name),
            name: self.name,
            rows: self.rows,
            bytes,
            blake3,
            companion_bytes: companion.bytes,
            companion_blake3: companion.blake3,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_a_power_of_two_of_ranges_of_the_token() {
        for (rows, files) in [(0, 1), (250_000, 1), (250_001, 2), (1_438_168, 8), (u64::MAX / 2, MAX_FILES)] {
            assert_eq!(file_count(rows), files, "{rows}");
        }
        let last = first(&[0xff; 16]);
        assert_eq!((range_of(last, 1), range_of(last, 8), range_of(last, MAX_FILES)), (0, 7, 65_535));
        let low = first(&[0x20; 16]);
        assert_eq!((range_of(low, 8), range_of(low, 4)), (1, 0));
    }

    #[test]
    fn names_are_known_again_and_others_are_not_ours() {
        assert!(is_file_name(&file_name(3, "crm-contacts-20261124T020000Z-1", 2)));
        assert_eq!(written_by(&file_name(3, "crm-20261124t020000z-1", 2)), Some(("crm-20261124t020000z-1", 2)));
        for other in
            ["part-00003.parquet", "part-00003-x.parquet", "part-3-run-1.parquet", "x.parquet", "part-00000--1.parquet"]
        {
            assert!(!is_file_name(other), "{other}");
        }
    }
}
