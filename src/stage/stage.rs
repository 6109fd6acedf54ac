//! Takes rows from many workers at once and hands them out by bucket once all have come.
//! Must not know what decides about rows.

use super::bucket::{Control, RowBucket};
use super::record::{self, ControlRecords, FieldParts};
use super::spill_store::{HeldBytes, SEALED_EXTRA, Slot, SpillStore, Tail};
use crate::error::{Code, Error, Result};
use crate::minimize::{Layout, Rows, flag};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const LARGEST_CHUNK: usize = 128 * 1024;
const SMALLEST_CHUNK: usize = 8 * 1024;

/// Rows of one bucket that were written together; decisions read their controls only.
struct Chunk {
    rows: usize,
    /// Where control columns and fields are kept.
    parts: Slot<2>,
}

/// Takes rows, bucket by bucket.
pub struct Stage {
    layout: Layout,
    spill_store: SpillStore,
    bits: u32,
    chunk_bytes: usize,
    chunks: Vec<Mutex<Vec<Chunk>>>,
    open: AtomicUsize,
}

impl Stage {
    /// A stage of `buckets` buckets (rounded up to a power of two, at most 65,536) for rows of one layout.
    pub fn new(layout: Layout, buckets: usize, spill_store: SpillStore) -> Stage {
        let buckets = buckets.clamp(1, 1 << 16).next_power_of_two();
        Stage {
            layout,
            bits: buckets.trailing_zeros(),
            chunk_bytes: (spill_store.budget() / (16 * buckets)).clamp(SMALLEST_CHUNK, LARGEST_CHUNK),
            spill_store,
            chunks: (0..buckets).map(|_| Mutex::default()).collect(),
            open: AtomicUsize::new(0),
        }
    }

    /// A writer for one worker; its buffers count against the spill store's budget.
    pub fn writer(&self) -> Writer<'_> {
        self.open.fetch_add(1, Ordering::AcqRel);
        let buffers = (0..self.chunks.len()).map(|_| Buffer::default()).collect();
        // Vectors that grow by doubling may take twice what is in them.
        let share = self.spill_store.hold(2 * self.chunks.len() * self.chunk_bytes);
        Writer {
            stage: self,
            buffers,
            controls: ControlRecords::default(),
            parts: FieldParts::default(),
            order: Order::default(),
            tail: Tail::default(),
            _share: share,
        }
    }

    /// Ends the taking.
    ///
    /// # Errors
    /// When a writer was dropped without `finish`: its rows are missing.
    pub fn finish(self) -> Result<Staged> {
        if self.open.load(Ordering::Acquire) != 0 {
            return Err(Error::new(Code::RowsDoNotAddUp, "a worker ended before its rows were staged")
                .help("nothing was published"));
        }
        let chunks = self.chunks.into_iter().map(|c| c.into_inner().unwrap_or_else(|p| p.into_inner())).collect();
        Ok(Staged { layout: self.layout, spill_store: self.spill_store, chunks })
    }
}

#[derive(Default)]
struct Buffer {
    rows: usize,
    control: Vec<u8>,
    fields: Vec<u8>,
}

impl Buffer {
    fn bytes(&self) -> usize {
        self.control.len() + self.fields.len()
    }
}

/// Turns columns into records, one buffer per bucket.
pub struct Writer<'a> {
    stage: &'a Stage,
    buffers: Vec<Buffer>,
    controls: ControlRecords,
    parts: FieldParts,
    order: Order,
    tail: Tail,
    _share: HeldBytes,
}

impl Writer<'_> {
    /// Appends all rows of a batch.
    ///
    /// # Errors
    /// A storage error when the spill refuses.
    pub fn append(&mut self, rows: &Rows) -> Result<()> {
        let layout = &self.stage.layout;
        self.controls.fill(layout, rows);
        self.parts.fill(layout, rows);
        self.order.sort(rows, self.stage.bits);
        for bucket in 0..self.buffers.len() {
            for at in self.order.of(bucket) {
                let (r, published) = self.order.rows[at];
                let buffer = &mut self.buffers[bucket];
                buffer.control.extend_from_slice(self.controls.get(r as usize));
                if record::has_fields(rows.flags[r as usize]) {
                    buffer.fields.extend_from_slice(self.parts.get(published as usize));
                    record::write_text(&mut buffer.fields, rows, published as usize);
                }
                buffer.rows += 1;
                if buffer.bytes() >= self.stage.chunk_bytes {
                    self.flush(bucket)?;
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self, bucket: usize) -> Result<()> {
        let (spill_store, buffer) = (&self.stage.spill_store, &mut self.buffers[bucket]);
        if buffer.rows == 0 {
            return Ok(());
        }
        let Buffer { rows, control, fields } = buffer;
        let parts = spill_store.put_behind(&mut self.tail, [control, fields])?;
        let chunk = Chunk { rows: std::mem::take(rows), parts };
        self.stage.chunks[bucket].lock().unwrap_or_else(|p| p.into_inner()).push(chunk);
        Ok(())
    }

    /// Hands over what is still in the buffers.
    ///
    /// # Errors
    /// A storage error when the spill refuses.
    pub fn finish(mut self) -> Result<()> {
        for bucket in 0..self.buffers.len() {
            self.flush(bucket)?;
        }
        self.stage.spill_store.flush(&mut self.tail)?;
        self.stage.open.fetch_sub(1, Ordering::AcqRel);
        Ok(())
    }
}

/// The rows of a batch by bucket: those of one are written together, while its buffer is near. Reused from batch to batch.
#[derive(Default)]
struct Order {
    /// Each row, and how many before it in the batch have fields.
    rows: Vec<(u32, u32)>,
    /// Where the rows of each bucket end.
    ends: Vec<u32>,
}

impl Order {
    fn sort(&mut self, rows: &Rows, bits: u32) {
        // A row without a subject belongs to nobody and never leaves; spread, such rows weigh on no bucket.
        let nobody = |r: usize| rows.flags[r] & flag::NO_SUBJECT != 0;
        let bucket = |r: usize| if nobody(r) { r & ((1 << bits) - 1) } else { bucket_of(&rows.subject[r], bits) };
        self.ends.clear();
        self.ends.resize((1 << bits) + 1, 0);
        (0..rows.count).for_each(|r| self.ends[bucket(r) + 1] += 1);
        let mut sum = 0;
        for count in &mut self.ends {
            sum += *count;
            *count = sum;
        }
        // Here each holds where its bucket's rows begin, and after the loop where they end.
        self.rows.resize(rows.count, (0, 0));
        let mut published = 0;
        for r in 0..rows.count {
            let at = &mut self.ends[bucket(r)];
            self.rows[*at as usize] = (r as u32, published);
            *at += 1;
            published += u32::from(record::has_fields(rows.flags[r]));
        }
    }

    /// Places of a bucket's rows.
    fn of(&self, bucket: usize) -> std::ops::Range<usize> {
        let start = bucket.checked_sub(1).map_or(0, |before| self.ends[before]);
        start as usize..self.ends[bucket] as usize
    }
}

/// The first bits of the token, big-endian.
fn bucket_of(subject: &[u8; 16], bits: u32) -> usize {
    (u32::from_be_bytes([0, 0, subject[0], subject[1]]) >> (16 - bits)) as usize
}

/// All rows of a run, by bucket.
pub struct Staged {
    layout: Layout,
    spill_store: SpillStore,
    chunks: Vec<Vec<Chunk>>,
}

impl Staged {
    /// What rows look like.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Number of buckets, a power of two; bucket `b` has the tokens that begin with the bits of `b`. Rows without a
    /// subject are in any.
    pub fn buckets(&self) -> usize {
        self.chunks.len()
    }

    /// The spill store, for what later stages have to keep.
    pub fn spill_store(&self) -> &SpillStore {
        &self.spill_store
    }

    /// Rows staged, observed ones included.
    pub fn rows(&self) -> u64 {
        self.chunks.iter().flatten().map(|c| c.rows as u64).sum()
    }

    /// Controls of a bucket.
    ///
    /// # Errors
    /// A storage error when the spill cannot be read.
    pub fn control(&self, bucket: usize) -> Result<Control> {
        let [control] = self.read(bucket)?;
        Ok(Control::new(&self.layout, control))
    }

    /// Controls and fields of a bucket; row `i` is row `i` of `control`.
    ///
    /// # Errors
    /// A storage error when the spill cannot be read.
    pub fn load(&self, bucket: usize) -> Result<RowBucket> {
        let [control, fields] = self.read(bucket)?;
        let control = Control::new(&self.layout, control);
        RowBucket::new(&self.layout, control, fields).ok_or_else(|| {
            Error::new(Code::SpillFailed, format!("the rows of bucket {bucket} do not fit together"))
                .help("nothing was published; report this as a fault")
        })
    }

    /// The first parts of all chunks of a bucket.
    fn read<const N: usize>(&self, bucket: usize) -> Result<[Vec<u8>; N]> {
        let chunks = &self.chunks[bucket];
        let length = |part: usize| chunks.iter().map(|c| c.parts.lengths()[part]).sum::<usize>();
        let mut parts = std::array::from_fn(|part| Vec::with_capacity(length(part) + SEALED_EXTRA));
        for chunk in chunks {
            self.spill_store.read_parts(&chunk.parts, parts.each_mut())?;
        }
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::minimize::{FieldColumn, FieldKind, FieldLayout, Identities, NO_CLOCK, NULL_QUASI, RowVersion, mark};
    use proptest::prelude::*;

    fn layout() -> Layout {
        let field = |name: &str, kind| FieldLayout { name: name.to_string(), kind };
        let kinds = [FieldKind::Token, FieldKind::Text, FieldKind::Boolean, FieldKind::Decimal(2), FieldKind::Text];
        let mut fields: Vec<FieldLayout> = kinds.into_iter().map(|k| field("f", k)).collect();
        fields.extend((0..5).map(|_| field("n", FieldKind::Int32)));
        Layout { identities: 3, quasi: 2, fields }
    }

    /// Stands for the version of a row that has none.
    const NO_VERSION: RowVersion = RowVersion { order: i64::MIN, print: 0 };

    fn bytes(seed: u64, n: usize) -> Vec<u8> {
        let mut out = vec![0; n];
        blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut out);
        out
    }

    /// What goes into and comes out of a stage, for one row.
    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
    struct Row {
        subject: [u8; 16],
        numbers: (i64, i64, u16, u8),
        version: RowVersion,
        identities: Vec<(u8, [u8; 16])>,
        quasi: Vec<u64>,
        fields: Vec<Option<Vec<u8>>>,
    }

    fn row(seed: u64) -> Row {
        let b = bytes(seed, 64);
        let flags = [0, 0, 0, flag::NO_SUBJECT, flag::OBSERVED, flag::FIELDS_SKIPPED][usize::from(b[0] % 6)];
        let observed = flags == flag::OBSERVED;
        let subject = if flags == flag::NO_SUBJECT { [0; 16] } else { *bytes(seed % 9, 16).first_chunk().expect("16") };
        let marked = |s: usize| !(b[1 + s].is_multiple_of(3) || observed && s > 0);
        let identity =
            |s: usize| if marked(s) { *bytes(seed + 77, 48)[16 * s..].first_chunk().expect("16") } else { [0; 16] };
        let value = |f: usize, kind: FieldKind| {
            let text = usize::from(b[20 + f]) * usize::from(b[30 + f] % 4);
            let there = record::has_fields(flags) && !b[10 + f].is_multiple_of(3);
            there.then(|| bytes(seed * 31 + f as u64, kind.width().unwrap_or(text)))
        };
        Row {
            subject,
            numbers: (seed as i64 - 40, i64::MIN + seed as i64, flags, b[5]),
            version: if observed { NO_VERSION } else { RowVersion { order: seed as i64 - 9, print: seed << 50 } },
            identities: (0..3).map(|s| (if marked(s) { s as u8 + 1 } else { mark::NONE }, identity(s))).collect(),
            quasi: if record::has_fields(flags) { vec![seed, seed << 40] } else { vec![NULL_QUASI; 2] },
            fields: layout().fields.iter().enumerate().map(|(f, field)| value(f, field.kind)).collect(),
        }
    }

    /// Columns of one stream: observed rows have one identity, no quasi-identifiers and no fields.
    fn columns(rows: &[Row], observed: bool) -> Rows {
        let slot = |s: usize| Identities {
            bytes: rows.iter().map(|r| r.identities[s].1).collect(),
            marks: rows.iter().map(|r| r.identities[s].0).collect(),
        };
        let published = || rows.iter().filter(|r| record::has_fields(r.numbers.2));
        let field = |(f, field): (usize, &FieldLayout)| {
            let values = || published().map(|r| r.fields[f].clone());
            let valid = values().map(|v| v.is_some()).collect();
            match field.kind.width() {
                Some(width) => FieldColumn::Fixed {
                    width,
                    bytes: values().flat_map(|v| v.unwrap_or(vec![0; width])).collect(),
                    valid,
                },
                None => {
                    let end = |sum: &mut u32, v: Option<Vec<u8>>| {
                        *sum += v.map_or(0, |v| v.len() as u32);
                        Some(*sum)
                    };
                    let ends = values().scan(0, end).collect();
                    FieldColumn::Text { bytes: values().flatten().flatten().collect(), ends, valid }
                }
            }
        };
        Rows {
            count: rows.len(),
            subject: rows.iter().map(|r| r.subject).collect(),
            clock: rows.iter().map(|r| r.numbers.0).collect(),
            since: rows.iter().map(|r| r.numbers.1).collect(),
            flags: rows.iter().map(|r| r.numbers.2).collect(),
            exclude: rows.iter().map(|r| r.numbers.3).collect(),
            versions: rows.iter().filter(|_| !observed).map(|r| r.version).collect(),
            identities: (0..if observed { 1 } else { 3 }).map(slot).collect(),
            quasi: (0..if observed { 0 } else { 2 }).map(|q| published().map(|r| r.quasi[q]).collect()).collect(),
            fields: layout().fields.iter().enumerate().filter(|_| !observed).map(field).collect(),
        }
    }

    fn back(bucket: &RowBucket, i: usize) -> Row {
        let c = &bucket.control;
        let listed: Vec<_> = c.identities(i).map(|(m, id)| (m, *id)).collect();
        let identities: Vec<_> = (0..3).map(|s| c.slot(i, s)).map(|(m, id)| (m, *id)).collect();
        assert_eq!(listed, identities.iter().copied().filter(|(m, _)| *m != mark::NONE).collect::<Vec<_>>());
        Row {
            subject: *c.subject(i),
            numbers: (c.clock(i), c.since(i), c.flags(i), c.exclude(i)),
            version: c.version(i).unwrap_or(NO_VERSION),
            identities,
            quasi: (0..2).map(|q| c.quasi(i, q)).collect(),
            fields: (0..layout().fields.len()).map(|f| bucket.field(f).value(i).map(<[u8]>::to_vec)).collect(),
        }
    }

    fn through(rows: &[Row], buckets: usize, budget: usize, batch: usize) -> Staged {
        let dir = tempfile::tempdir().expect("a directory");
        let spill_store = SpillStore::new(budget, dir.path().to_path_buf(), [9; 32]).expect("a spill_store");
        let stage = Stage::new(layout(), buckets, spill_store);
        let (observed, main): (Vec<Row>, Vec<Row>) =
            rows.iter().cloned().partition(|r| r.numbers.2 & flag::OBSERVED != 0);
        std::thread::scope(|scope| {
            for (rows, observed) in [(main, false), (observed, true)] {
                let stage = &stage;
                scope.spawn(move || {
                    let mut writer = stage.writer();
                    for batch in rows.chunks(batch) {
                        writer.append(&columns(batch, observed)).expect("appended");
                    }
                    writer.finish().expect("finished");
                });
            }
        });
        stage.finish().expect("staged")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn every_row_comes_back_once_in_the_bucket_of_its_token(
            seeds in prop::collection::vec(0u64..500, 0..120),
            bits in 0u32..7, batch in 1usize..50, budget in prop_oneof![Just(0usize), Just(20_000), Just(1 << 24)],
        ) {
            let rows: Vec<Row> = seeds.into_iter().map(row).collect();
            let staged = through(&rows, 1 << bits, budget, batch);
            prop_assert_eq!(staged.rows(), rows.len() as u64);
            let mut all = Vec::new();
            for b in 0..staged.buckets() {
                let bucket = staged.load(b).expect("loaded");
                let control = staged.control(b).expect("controls");
                prop_assert_eq!(control.rows(), bucket.control.rows());
                for i in 0..control.rows() {
                    let row = back(&bucket, i);
                    let nobody = row.numbers.2 & flag::NO_SUBJECT != 0;
                    prop_assert!(nobody || usize::from(row.subject[0]) >> (8 - bits) == b);
                    prop_assert_eq!(control.subject(i), &row.subject);
                    let same = bucket.compare(i, 0).is_eq();
                    prop_assert_eq!(same, row == back(&bucket, 0));
                    prop_assert_eq!(bucket.compare(0, i), bucket.compare(i, 0).reverse());
                    all.push(row);
                }
            }
            let mut expected = rows;
            expected.sort();
            all.sort();
            prop_assert!(all == expected);
        }
    }

    #[test]
    fn r75_an_earlier_version_keeps_its_fields_and_links_and_loses_its_clock() {
        let staged = through(&(0..40).map(row).collect::<Vec<_>>(), 1, 1 << 20, 7);
        let (mut control, before) = (staged.control(0).expect("controls"), staged.load(0).expect("loaded"));
        (0..control.rows()).for_each(|i| control.supersede(i));
        for i in 0..control.rows() {
            let (of, row) = (&before.control, back(&before, i));
            assert_eq!((control.flags(i), control.clock(i)), (of.flags(i) | flag::SUPERSEDED, NO_CLOCK));
            assert_eq!((control.subject(i), control.version(i)), (&row.subject, of.version(i)));
            assert!(control.identities(i).eq(of.identities(i)));
            assert_eq!([control.quasi(i, 0), control.quasi(i, 1)], row.quasi[..]);
        }
    }

    #[test]
    fn rows_of_a_worker_that_gave_up_are_not_left_out() {
        let dir = tempfile::tempdir().expect("a directory");
        let spill_store = SpillStore::new(1 << 20, dir.path().to_path_buf(), [9; 32]).expect("a spill_store");
        let stage = Stage::new(layout(), 4, spill_store);
        let mut writer = stage.writer();
        writer.append(&columns(&[row(1)], false)).expect("appended");
        drop(writer);
        assert_eq!(stage.finish().err().map(|e| e.code()), Some(Code::RowsDoNotAddUp));
    }

    #[test]
    fn buffers_and_chunks_stay_within_the_budget() {
        let dir = tempfile::tempdir().expect("a directory");
        let budget = 1 << 20;
        let stage = Stage::new(
            layout(),
            16,
            SpillStore::new(budget, dir.path().to_path_buf(), [9; 32]).expect("a spill_store"),
        );
        let rows = columns(&(0..200).map(|s| row(s * 6)).collect::<Vec<_>>(), false);
        let mut writer = stage.writer();
        for _ in 0..60 {
            writer.append(&rows).expect("appended");
            assert!(stage.spill_store.held() <= budget);
            assert!(writer.buffers.iter().map(Buffer::bytes).max() < Some(stage.chunk_bytes));
        }
        writer.finish().expect("finished");
        assert!(stage.spill_store.spilled() > budget as u64, "{}", stage.spill_store.spilled());
    }
}
