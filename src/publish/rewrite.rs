//! What stays of a version is written again: only files of which a row or a value goes, each next to its companion,
//! column by column. Row groups that lose nothing are copied.

use super::column::TableColumn;
use super::companion::{CompanionShape, Companions};
use super::data::Data;
use super::encode::FileShape;
use super::file::{Pair, file_name, range_in};
use super::schema::Planned;
use super::table::{CurrentTable, FileWritten, Rewritten, Target, Written};
use crate::decide::{Fate, Remaining};
use crate::error::{Code, Error, Result};
use crate::monitor::{Event, Monitor};
use crate::threads;
use arrow::buffer::BooleanBuffer;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How a sweep writes what stays.
pub struct Rewriting<'a> {
    /// Run id: text without `/`.
    pub run: &'a str,
    /// Number of the attempt, which is part of the names of files.
    pub attempt: u32,
    /// Threads that may be used at once.
    pub threads: usize,
    /// The version that is current now.
    pub current: &'a CurrentTable,
    /// Name and companion of each of its files, in the order that `Remaining` was made in.
    pub files: &'a [(String, String)],
    /// BLAKE3 of each of these files, as its manifest has it.
    pub digests: &'a [String],
    /// What to say of a file that has another; takes `ROOT:path`.
    pub changed: fn(&str) -> Error,
    /// Columns that hold tokens.
    pub tokens: &'a [String],
    /// Of these, the subject's; none where no row is about a person.
    pub subject: Option<&'a str>,
    /// Columns with a `keep` of their own, in the order of the companions' dates.
    pub keeps: &'a [String],
}

/// Writes what stays of every file that a sweep touches; a file of which nothing stays has no successor. Nothing refers
/// to the new files before `replace`.
///
/// # Errors
/// Evidence, when a file and its companion do not fit together; storage errors. Files already written stay behind as
/// orphans.
pub fn rewrite(
    remaining: &Remaining,
    target: &Target<'_>,
    how: &Rewriting<'_>,
    monitor: &dyn Monitor,
) -> Result<Rewritten> {
    monitor.event(Event::Stage { name: "rewrite", total_bytes: None });
    let place = |column: &TableColumn| how.keeps.iter().position(|keep| *keep == column.name);
    let places = how.current.columns.iter().map(place).collect();
    let job = RewriteJob { remaining, target, how, shape: shape(how)?, places };
    let touched: Vec<usize> = (0..remaining.files()).filter(|file| remaining.touched(*file)).collect();
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = || -> Result<Vec<(Option<FileWritten>, u64)>> {
        let mut done = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let Some(file) = touched.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
            let (written, read) = monitor
                .proceed()
                .and_then(|()| job.file(*file))
                .inspect_err(|_| stop.store(true, Ordering::Relaxed))?;
            monitor.event(Event::Advance { bytes: read });
            done.push((written, read));
        }
        Ok(done)
    };
    let threads = how.threads.clamp(1, touched.len().max(1));
    let results = threads::side_by_side(threads, work);
    let (mut files, mut read) = (Vec::new(), 0);
    for (written, bytes) in results.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten() {
        files.extend(written);
        read += bytes;
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let gone = touched.iter().map(|file| how.files[*file].0.clone()).collect();
    Ok(Rewritten { written: job.written(files), gone, read })
}

fn shape(how: &Rewriting<'_>) -> Result<FileShape> {
    let planned = |(index, column): (usize, &TableColumn)| Planned {
        column: column.clone(),
        field: Some(index),
        token: how.tokens.contains(&column.name),
    };
    let planned: Vec<Planned> = how.current.columns.iter().enumerate().map(planned).collect();
    // A name that no column has is refused: the order of rows would not be said.
    let at = |name: &str| planned.iter().position(|p| p.column.name == name).unwrap_or(usize::MAX);
    let subject = how.subject.map(at);
    FileShape::new(planned, subject)
}

struct RewriteJob<'a> {
    remaining: &'a Remaining,
    target: &'a Target<'a>,
    how: &'a Rewriting<'a>,
    shape: FileShape,
    /// Per column, its place among those with a `keep` of their own.
    places: Vec<Option<usize>>,
}

impl RewriteJob<'_> {
    fn written(&self, files: Vec<FileWritten>) -> Written {
        Written {
            run: self.how.run.to_owned(),
            attempt: self.how.attempt,
            as_of: self.remaining.as_of(),
            columns: self.how.current.columns.clone(),
            rows: files.iter().map(|f| f.rows).sum(),
            files,
        }
    }

    /// Rewrites one file; returns also the bytes read.
    fn file(&self, file: usize) -> Result<(Option<FileWritten>, u64)> {
        let (name, companion) = &self.how.files[file];
        if self.remaining.rows(file) == 0 {
            return Ok((None, 0));
        }
        let fates = self.remaining.fates(file)?;
        let data = Data::open(self.target, name, &self.how.current.columns, &self.how.digests[file])?;
        let place = || self.target.lake.display(&self.target.file(name));
        let mut data = data.ok_or_else(|| (self.how.changed)(&place()))?;
        let mut companions = Companions::open(self.target.state, companion)?;
        if companions.rows() != fates.len() as u64 || data.rows() != companions.rows() {
            return Err(apart(&self.target.lake.display(name)));
        }
        let read = companions.bytes() + data.bytes();
        let mut pair = self.pair(name, &companions)?;
        let (mut over, mut from) = (vec![Vec::with_capacity(fates.len()); self.how.keeps.len()], 0);
        for rows in companions.group_rows() {
            self.companion(&mut pair, &mut companions, ((file, from), &fates[from..from + rows]), &mut over)?;
            from += rows;
        }
        from = 0;
        for rows in data.group_rows() {
            let over = self.places.iter().map(|place| place.map(|place| &over[place][from..from + rows]));
            data_group(&mut pair, &mut data, &fates[from..from + rows], &over.collect::<Vec<_>>())?;
            from += rows;
        }
        Ok((Some(pair.finish(self.target)?), read))
    }

    /// Writes what stays of a companion's next row group, whose first row in the file is `from`. Per field with a `keep` of its own, row by row, `over` learns
    /// whether that is over; of a group that is copied nothing is: what is over was made null before.
    fn companion(
        &self,
        pair: &mut Pair,
        companions: &mut Companions,
        ((file, from), fates): ((usize, usize), &[Fate]),
        over: &mut [Vec<bool>],
    ) -> Result<()> {
        // What is of an earlier form is made anew.
        if all_stay(fates) && !companions.is_wide() {
            over.iter_mut().for_each(|over| over.resize(over.len() + fates.len(), false));
            return pair.copy_companion(companions);
        }
        let Some(group) = companions.next_group()? else { return Ok(()) };
        let untils = |place: usize| -> Vec<i64> {
            let rows = group.field_untils_of(place).iter().enumerate();
            rows.map(|(row, until)| self.remaining.until((file, from + row), place, *until)).collect()
        };
        let untils: Vec<Vec<i64>> = (0..over.len()).map(untils).collect();
        for (over, untils) in over.iter_mut().zip(&untils) {
            over.extend(untils.iter().map(|until| self.remaining.over(*until)));
        }
        let of_group = |place: usize| &over[place][over[place].len() - fates.len()..];
        let over_of_hash = |q: usize| self.remaining.place_of_hash(q).map(of_group);
        pair.companion_group(&group.kept(&stays(fates), over_of_hash, &untils)?)
    }

    fn pair(&self, name: &str, companions: &Companions) -> Result<Pair> {
        let range = range_in(name).ok_or_else(|| apart(&self.target.lake.display(name)))?;
        let fits = |shape: &CompanionShape| shape.fits(self.how.keeps.len(), self.remaining.hashed());
        let companion = companions.shape().filter(fits).ok_or_else(|| apart(&self.target.lake.display(name)))?;
        Pair::new(file_name(range, self.how.run, self.how.attempt), self.target, &self.shape, &companion)
    }
}

/// Writes what stays of a data file's next row group; `over` says by column and row which values go.
fn data_group(pair: &mut Pair, data: &mut Data, fates: &[Fate], over: &[Option<&[bool]>]) -> Result<()> {
    if all_stay(fates) {
        return pair.copy_data(data, fates.len());
    }
    let changes = fates.contains(&Fate::Changes);
    let columns = data.kept(&stays(fates), if changes { over } else { &[] })?;
    pair.data_group(&columns)
}

fn all_stay(fates: &[Fate]) -> bool {
    fates.iter().all(|fate| *fate == Fate::Stays)
}

fn stays(fates: &[Fate]) -> BooleanBuffer {
    BooleanBuffer::collect_bool(fates.len(), |row| fates[row] != Fate::Goes)
}

fn apart(place: &str) -> Error {
    Error::new(Code::CompanionBroken, format!("{place} and its companion do not fit together"))
        .help("compare their hashes with the manifest: `tamis verify`")
}
