//! Batches that a caller holds, minimized row by row with what runs minimize with: tokens and treatments, and nothing else.
//! No request, retention, correction or gate is applied, and no state is read or written. Must not know argv, nor who calls.

use crate::clock::Instant;
use crate::corrections::Corrections;
use crate::error::{Code, Error, Result};
use crate::job::{as_of_given, data_roots};
use crate::key::{KeyIds, Keyring};
use crate::minimize::{FieldColumn, Minimizer, RowClock, Rows, Stream};
use crate::policy::{self, Basis, Plan, Project, RecordFormat, Source, TokenFormat};
use crate::publish::{FieldValues, MemoryColumns};
use crate::read::{ReadRequest, Structures, each_block};
use arrow::record_batch::RecordBatch;
use std::path::Path;

/// Bytes of text that are minimized at a time.
const BLOCK_BYTES: usize = 1 << 18;
/// What messages call the batch.
const PLACE: &str = "the batch";
/// What is said of the columns that come out, under a key of their schema.
const ABOUT: (&str, &str) = ("tamis", "minimized only: no request, retention, correction or gate was applied");

/// Minimizes batches as a run of one job does, and decides nothing about them.
pub struct RowMinimizer {
    project: Project,
    job: String,
    /// The job's source; a batch lies as a Parquet file does.
    source: Source,
    minimizer: Minimizer,
    key_ids: KeyIds,
}

impl RowMinimizer {
    /// Makes a job of a folder of specs ready. Ages and the like are judged at `as_of`, else now.
    ///
    /// # Errors
    /// A policy error for specs, keys or a time that cannot be used, and for a job that decides by more than a row.
    pub fn new(
        dir: &Path,
        roots: &[(String, String)],
        job: &str,
        (as_of, now): (Option<Instant>, Instant),
    ) -> Result<RowMinimizer> {
        let project = policy::load(dir, roots)?;
        let plan = project.job(job)?;
        policy::apart(&project)?;
        decides_by_rows(plan)?;
        let keys = Keyring::load(&project.keys, &data_roots(&project))?;
        let minimizer = Minimizer::new(plan, &keys, as_of_given(as_of, now)?, Stream::Main)?.keeping_past();
        let mut source = plan.source.clone();
        source.read.records = RecordFormat::Parquet;
        Ok(RowMinimizer { source, minimizer, key_ids: keys.ids(), job: job.to_owned(), project })
    }

    /// Returns the ids of the keys in use, to be compared with those in a manifest.
    pub fn key_ids(&self) -> &KeyIds {
        &self.key_ids
    }

    /// Returns the published fields of the rows that the job does not leave out for what they are by themselves: without a
    /// subject, with a clock or an exclude that cannot be read, or excluded.
    ///
    /// # Errors
    /// Those of reading and minimizing an export; they name the record of the batch, from 1.
    pub fn minimize(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let plan = &self.project.jobs[&self.job];
        let columns = plan.read_columns();
        let request = ReadRequest {
            source: &self.source,
            columns,
            required: &(0..columns.len()).collect::<Vec<_>>(),
            structures: Structures::Refuse,
            drop_bad_records: false,
            block_bytes: BLOCK_BYTES,
        };
        let (nobody, uncorrected) = (|_: &[u8; 32]| false, Corrections::default());
        let mut worker = self.minimizer.worker(&nobody, RowClock::OfColumns, &uncorrected);
        let binary = plan.token_format == TokenFormat::Binary;
        let mut out = MemoryColumns::new(&Minimizer::layout(plan), binary, ABOUT)?;
        each_block(batch, &request, PLACE, &mut |block| {
            let rows = worker.minimize(block).map_err(|error| error.within(PLACE))?;
            out.extend(&RowsWithFields(rows))
        })?;
        out.finish()
    }
}

/// Refuses a job whose rules ask more than a row can say.
fn decides_by_rows(plan: &Plan) -> Result<()> {
    let controls = &plan.controls;
    let why = if plan.purpose.basis == Basis::Consent {
        "its purpose rests on consent, and lists say who has withdrawn it"
    } else if controls.minors.is_some() {
        "its recipient is a sale, and lists say which minors have opted in"
    } else if controls.notice.is_some() {
        "it has a [notice], whose limit counts all rows"
    } else if controls.newest.is_some() {
        "its source has records in several versions, of which the newest counts (R75)"
    } else if controls.excludes.iter().any(|exclude| exclude.person) {
        "an exclude has scope = \"person\", which leaves out rows for what other rows say"
    } else {
        return Ok(());
    };
    Err(Error::new(Code::SpecUnusable, format!("job {} cannot be minimized row by row: {why}", plan.job))
        .help("run the job, and read the table that it publishes"))
}

/// The rows of a minimized batch that have fields.
struct RowsWithFields<'a>(&'a Rows);

impl FieldValues for RowsWithFields<'_> {
    fn count(&self) -> usize {
        self.0.fields.first().map_or(0, |column| column.valid().len())
    }

    fn fixed<const N: usize>(&self, field: usize, mut each: impl FnMut(bool, &[u8; N])) {
        let FieldColumn::Fixed { bytes, valid, .. } = &self.0.fields[field] else { return };
        valid.iter().zip(bytes.as_chunks().0).for_each(|(valid, value)| each(*valid, value));
    }

    fn text(&self, field: usize, mut each: impl FnMut(Option<&[u8]>)) {
        let FieldColumn::Text { bytes, ends, valid } = &self.0.fields[field] else { return };
        let mut start = 0;
        for (end, valid) in ends.iter().zip(valid) {
            each(valid.then(|| &bytes[start..*end as usize]));
            start = *end as usize;
        }
    }
}
