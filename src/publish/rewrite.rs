//! What stays of a version is written again: only files of which a row or a value goes, each next to its companion,
//! through the same encoders, so that a sweep and a run give the same bytes. Must not know why rows go.

use super::companion::{CompanionGroup, CompanionRow, CompanionShape, Companions};
use super::data::Data;
use super::encode::Shape;
use super::file::{Pair, Row, file_name, range_in};
use super::schema::{Column, Planned};
use super::{Current, FileWritten, Target, Written};
use crate::decide::{NULL_QUASI, Remaining, mark};
use crate::error::{Code, Error, Result};
use crate::monitor::{Event, Monitor};
use crate::threads;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How a sweep writes what stays.
pub struct Rewriting<'a> {
    /// Run id: text without `/`.
    pub run: &'a str,
    /// Its attempt.
    pub attempt: u32,
    /// Threads to use.
    pub threads: usize,
    /// The version that is current now.
    pub current: &'a Current,
    /// Name and companion of each of its files, in the order that `Remaining` was made in.
    pub files: &'a [(String, String)],
    /// Columns that hold tokens.
    pub tokens: &'a [String],
    /// Of these, the subject's.
    pub subject: &'a str,
    /// Columns with a `keep` of their own, in the order of the companions' dates.
    pub keeps: &'a [String],
}

/// What a sweep wrote.
pub struct Rewritten {
    /// The new files.
    pub written: Written,
    /// Names of the files that they take the place of.
    pub gone: BTreeSet<String>,
    /// Bytes read: of each such file and its companion.
    pub read: u64,
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
    let job = Job { remaining, target, how, shape: shape(how)? };
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

fn shape(how: &Rewriting<'_>) -> Result<Shape> {
    let planned = |(index, column): (usize, &Column)| Planned {
        column: column.clone(),
        field: Some(index),
        token: how.tokens.contains(&column.name),
    };
    let planned: Vec<Planned> = how.current.columns.iter().enumerate().map(planned).collect();
    let subject = planned.iter().position(|p| p.column.name == how.subject);
    Shape::new(planned, subject.unwrap_or(usize::MAX))
}

struct Job<'a> {
    remaining: &'a Remaining,
    target: &'a Target<'a>,
    how: &'a Rewriting<'a>,
    shape: Shape,
}

impl Job<'_> {
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
        let stays = self.remaining.stays(file)?;
        let mut data = Data::open(self.target, name, &self.how.current.columns, self.how.tokens)?;
        let mut companions = Companions::open(self.target.state, companion)?;
        if companions.rows() != stays.len() as u64 || data.rows() != companions.rows() {
            return Err(apart(&self.target.lake.display(name)));
        }
        let read = companions.bytes() + data.bytes();
        let (mut pair, mut row) = (None, 0);
        while let Some(group) = companions.next_group()? {
            let pair = match &mut pair {
                Some(pair) => pair,
                None => pair.insert(self.pair(name, &group)?),
            };
            let mut held = Held::new(&group);
            for at in 0..group.rows() {
                data.advance()?;
                if stays[row] {
                    self.row(pair, &mut data, &mut held, at)?;
                }
                row += 1;
            }
        }
        let written = pair.map(|pair| pair.finish(self.target)).transpose()?;
        Ok((written, read))
    }

    fn pair(&self, name: &str, group: &CompanionGroup) -> Result<Pair> {
        let range = range_in(name).ok_or_else(|| apart(&self.target.lake.display(name)))?;
        let fits = group.field_untils() == self.how.keeps.len() && group.quasis() == self.remaining.quasi_keeps().len();
        if !fits {
            return Err(apart(&self.target.lake.display(name)));
        }
        let companion = CompanionShape::new(group.identities(), group.field_untils(), group.quasis());
        Pair::new(file_name(range, self.how.run, self.how.attempt), self.target, &self.shape, &companion)
    }

    /// A field whose own `keep` is over is null (R26), and so is its hash among the quasi-identifiers (R36).
    fn row(&self, pair: &mut Pair, data: &mut Data, held: &mut Held<'_>, at: usize) -> Result<()> {
        held.read(at);
        let over = |keep: usize| held.field_until[keep] <= self.remaining.as_of().0;
        for (q, keep) in self.remaining.quasi_keeps().iter().enumerate() {
            if keep.is_some_and(over) {
                held.quasi[q] = NULL_QUASI;
            }
        }
        let gone = |column: &Column| self.how.keeps.iter().position(|keep| *keep == column.name).is_some_and(over);
        let gone: Vec<bool> = self.how.current.columns.iter().map(gone).collect();
        let mut fields = data.fields()?;
        fields.iter_mut().zip(gone).filter(|(_, gone)| *gone).for_each(|(field, _)| *field = None);
        pair.push(&Row { companion: held.row(at), fields: &fields })
    }
}

/// One companion row at a time, as slices.
struct Held<'a> {
    group: &'a CompanionGroup,
    identities: Vec<(u8, &'a [u8; 32])>,
    field_until: Vec<i64>,
    quasi: Vec<u64>,
}

const NOBODY: &[u8; 32] = &[0; 32];

impl<'a> Held<'a> {
    fn new(group: &'a CompanionGroup) -> Held<'a> {
        Held { group, identities: Vec::new(), field_until: Vec::new(), quasi: Vec::new() }
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
            subject: self.group.subject(at),
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
