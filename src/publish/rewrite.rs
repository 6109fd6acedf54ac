//! What stays of a version is written again: only files of which a row or a value goes, each next to its companion,
//! through the same encoders as of a run. Row groups that lose nothing are copied. Must not know why rows go.

use super::column::TableColumn;
use super::companion::{CompanionGroup, CompanionRow, CompanionShape, Companions};
use super::data::Data;
use super::encode::FileShape;
use super::file::{Pair, PublishRow, file_name, range_in};
use super::schema::Planned;
use super::table::{CurrentTable, FileWritten, Rewritten, Target, Written};
use crate::decide::{Fate, Remaining, mark};
use crate::error::{Code, Error, Result};
use crate::monitor::{Event, Monitor};
use crate::threads;
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

/// A data file and its companion while they are read.
type Both<'a> = (&'a mut Data, &'a mut Companions);

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
        let mut data = Data::open(self.target, name, &self.how.current.columns, self.how.tokens)?;
        let mut companions = Companions::open(self.target.state, companion)?;
        if companions.rows() != fates.len() as u64 || data.rows() != companions.rows() {
            return Err(apart(&self.target.lake.display(name)));
        }
        let read = companions.bytes() + data.bytes();
        let mut pair = self.pair(name, &companions)?;
        let groups = companions.group_rows();
        // Groups that keep every row and value are copied; those of an earlier form of companions are all made anew.
        let copies = !companions.is_wide() && groups == data.group_rows();
        let mut from = 0;
        for rows in groups {
            let fates = &fates[from..from + rows];
            from += rows;
            if copies && fates.iter().all(|fate| *fate == Fate::Stays) {
                pair.copy(&mut data, &mut companions, rows)?;
                continue;
            }
            self.group(&mut pair, (&mut data, &mut companions), fates)?;
            if copies {
                pair.cut()?;
            }
        }
        Ok((Some(pair.finish(self.target)?), read))
    }

    /// Writes what stays of the next row group.
    fn group(&self, pair: &mut Pair, (data, companions): Both<'_>, fates: &[Fate]) -> Result<()> {
        let Some(group) = companions.next_group()? else { return Ok(()) };
        let mut held = HeldRow::new(&group);
        for (at, fate) in fates.iter().enumerate() {
            data.advance()?;
            if *fate != Fate::Goes {
                self.row(pair, data, &mut held, at)?;
            }
        }
        Ok(())
    }

    fn pair(&self, name: &str, companions: &Companions) -> Result<Pair> {
        let range = range_in(name).ok_or_else(|| apart(&self.target.lake.display(name)))?;
        let fits = |shape: &CompanionShape| shape.fits(self.how.keeps.len(), self.remaining.hashed());
        let companion = companions.shape().filter(fits).ok_or_else(|| apart(&self.target.lake.display(name)))?;
        Pair::new(file_name(range, self.how.run, self.how.attempt), self.target, &self.shape, &companion)
    }

    fn row(&self, pair: &mut Pair, data: &mut Data, held: &mut HeldRow<'_>, at: usize) -> Result<()> {
        held.read(at);
        let mut fields = data.fields()?;
        self.remaining.null(&held.field_until, &self.places, &mut fields, &mut held.quasi);
        pair.push(&PublishRow { companion: held.row(at), fields: &fields })
    }
}

/// One companion row at a time, as slices.
struct HeldRow<'a> {
    group: &'a CompanionGroup,
    identities: Vec<(u8, &'a [u8; 16])>,
    field_until: Vec<i64>,
    quasi: Vec<u64>,
}

const NOBODY: &[u8; 16] = &[0; 16];

impl<'a> HeldRow<'a> {
    fn new(group: &'a CompanionGroup) -> HeldRow<'a> {
        HeldRow { group, identities: Vec::new(), field_until: Vec::new(), quasi: Vec::new() }
    }

    fn read(&mut self, at: usize) {
        let group = self.group;
        let slot = |slot| group.identity(at, slot).map_or((mark::NONE, NOBODY), |id| (group.mark(at, slot), id));
        self.identities.clear();
        self.identities.extend((0..group.identities()).map(slot));
        self.field_until.clear();
        self.field_until.extend((0..group.field_untils()).map(|k| group.field_until(at, k)));
        self.quasi.clear();
        self.quasi.extend((0..group.quasis()).map(|q| group.quasi(at, q)));
    }

    fn row(&self, at: usize) -> CompanionRow<'_> {
        CompanionRow {
            first: self.group.first(at),
            keep_until: self.group.keep_until(at),
            since: self.group.since(at),
            consent_until: self.group.consent_until(at),
            field_until: &self.field_until,
            identities: &self.identities,
            quasi: &self.quasi,
        }
    }
}

fn apart(place: &str) -> Error {
    Error::new(Code::CompanionBroken, format!("{place} and its companion do not fit together"))
        .help("compare their hashes with the manifest: `tamis verify`")
}
