//! The table as delta_kernel sees it, on our own object store: what is current, and one commit that puts new files in
//! the place of the old.

use super::foreign::Foreign;
use super::log::{self, CommitMark, LogEntry, Own};
use super::protocol::PlainCommitter;
use crate::error::{Code, Error, Kind, Result};
use crate::publish::column::{ColumnType, TableColumn};
use crate::publish::format::seam::{Change, Commit};
use crate::publish::table::{CurrentFile, CurrentTable, Passed, Receipt, Target, Written};
use crate::store::Root;
use arrow::array::{ArrayRef, Int64Array, StructArray};
use arrow::datatypes::{DataType as ArrowType, Field};
use delta_kernel::committer::FileSystemCommitter;
use delta_kernel::scan::state::ScanFile;
use delta_kernel::schema::{DataType, PrimitiveType, StructField, StructType};
use delta_kernel::table_features::ColumnMappingMode;
use delta_kernel::transaction::create_table::create_table;
use delta_kernel::transaction::{CommitResult, Transaction, UpdateTableOperation};
use delta_kernel::{FileMeta, FilteredEngineData, KernelError, KernelResult, Snapshot, SnapshotRef};
use delta_kernel_default_engine::executor::tokio::TokioMultiThreadExecutor;
use delta_kernel_default_engine::parquet::DataFileMetadata;
use delta_kernel_default_engine::{DefaultEngine, DefaultEngineBuilder, build_add_file_metadata};
use std::collections::BTreeSet;
use std::sync::Arc;
use url::Url;

const ENGINE: &str = "tamis/1";
/// A commit that is neither there nor refused is tried this often.
const TRIES: usize = 3;
/// How many versions there are from one checkpoint to the next.
const CHECKPOINT: u64 = 10;

type Engine = DefaultEngine<TokioMultiThreadExecutor>;

/// A table as the kernel sees it.
struct KernelTable<'a> {
    lake: &'a Root,
    path: &'a str,
    url: Url,
    engine: Engine,
}

/// The current version with the snapshot it was read from.
struct OpenedTable {
    snapshot: SnapshotRef,
    current: CurrentTable,
}

/// As [`super::super::current`].
pub(super) fn current(lake: &Root, path: &str) -> Result<Option<CurrentTable>> {
    Ok(KernelTable::new(lake, path)?.open(Others::Harmless)?.map(|opened| opened.current))
}

/// As [`super::super::commit`].
pub(super) fn commit(change: &Change<'_>, target: &Target<'_>, commit: &Commit<'_>) -> Result<Receipt> {
    put(change, Others::Harmless, target, commit)
}

/// Writes a checkpoint of the newest version; that of tamis must be `version`. Gives the version that the checkpoint is of.
///
/// # Errors
/// Evidence, when the table is at another version; storage errors.
pub(super) fn checkpoint(lake: &Root, path: &str, version: u64) -> Result<u64> {
    let table = KernelTable::new(lake, path)?;
    let opened = table.open(Others::Harmless)?.filter(|opened| opened.current.version == version).ok_or_else(|| {
        Error::new(Code::TableApart, format!("{}: the table is at another version than state says", table.place()))
            .help("another run was faster: sweep again")
    })?;
    // The log has just been read: what fails now is the store.
    table.checkpoint().map_err(|e| match e.kind() {
        Kind::Evidence => Error::new(Code::StoreAway, format!("{}: a checkpoint could not be written", table.place())),
        _ => e,
    })?;
    Ok(opened.current.tip())
}

/// Takes a table back from another program: one commit after which it has `written`'s files and no others, of which those
/// that are current stay as they are. `expected` is the newest version, whoever made it.
///
/// # Errors
/// As [`commit`]; policy, when the other program has changed columns.
pub(super) fn adopt(written: &Written, target: &Target<'_>, commit: &Commit<'_>, expected: u64) -> Result<Receipt> {
    let table = KernelTable::new(target.lake, target.path)?;
    let Some(OpenedTable { current, .. }) = table.open(Others::All)? else {
        return Err(Error::new(Code::TableApart, format!("{}: the table is gone", table.place()))
            .help("close it: `tamis dataset retire`"));
    };
    if current.tip() > expected {
        return Err(log::overtaken(target.lake, target.path, current.tip()));
    }
    let own = |name: &str| written.files.iter().any(|file| file.name == name);
    let there: BTreeSet<&str> = current.files.iter().map(|file| file.name.as_str()).collect();
    let gone: BTreeSet<String> = there.iter().filter(|name| !own(name)).map(|name| (*name).to_owned()).collect();
    let files = written.files.iter().filter(|file| !there.contains(file.name.as_str())).cloned().collect();
    let written = Written { files, ..written.clone() };
    let change = Change { written: &written, gone: Some(&gone) };
    put(&change, Others::All, target, &Commit { expected: Some(&current), ..*commit })
}

/// Which commits of other programs after the newest of tamis a table may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    /// Those that change nothing.
    Harmless,
    /// All: the table is being taken back.
    All,
}

fn put(change: &Change<'_>, over: Others, target: &Target<'_>, commit: &Commit<'_>) -> Result<Receipt> {
    let written = change.written;
    let table = KernelTable::new(target.lake, target.path)?;
    let opened = table.open(over)?;
    if let Some(opened) = &opened
        && table.sequence(opened, commit.app)?.is_some_and(|last| last >= commit.sequence)
    {
        return table.earlier(opened.current.tip(), &written.run);
    }
    let (there, expected) = (opened.as_ref().map(|opened| &opened.current), commit.expected);
    // The newest entry of all, or the table could not be opened.
    if let Some(newer) = there.filter(|newer| expected.is_none_or(|expected| newer.tip() > expected.tip())) {
        return Err(log::overtaken(target.lake, target.path, newer.tip()));
    }
    if !match (there, expected) {
        (Some(there), Some(expected)) => there.is_same(expected) && there.tip() == expected.tip(),
        (there, expected) => there.is_none() && expected.is_none(),
    } {
        return Err(Error::new(
            Code::TableChanged,
            format!("{}: the table changed while this run was working", table.place()),
        )
        .help(
            "nothing of this one was published. The table was put back to an older version, or is gone: \
             `tamis verify` compares it with the ledger",
        ));
    }
    let receipt = table.put(opened.as_ref(), change, commit)?;
    if receipt.version > 0 && receipt.version.is_multiple_of(CHECKPOINT) {
        // Readers only get quicker by it, and the next one makes up for it.
        let _ = table.checkpoint();
    }
    Ok(receipt)
}

impl<'a> KernelTable<'a> {
    fn new(lake: &'a Root, path: &'a str) -> Result<KernelTable<'a>> {
        let (store, at) = lake.raw(path);
        // The kernel takes listings as sorted, unless the host looks like a directory bucket of S3: then it sorts them
        // itself. Folders of a file system are not sorted either.
        let url = Url::parse("tamis://table--x-s3/").ok().and_then(|mut url| {
            url.path_segments_mut().ok()?.pop_if_empty().extend(at.parts().map(|p| p.as_ref().to_owned())).push("");
            Some(url)
        });
        let url =
            url.ok_or_else(|| Error::new(Code::PlaceUnusable, format!("{} is not a usable path", lake.display(path))))?;
        let executor = Arc::new(TokioMultiThreadExecutor::new(lake.runtime().clone()));
        let engine = DefaultEngineBuilder::new(store).with_task_executor(executor).build();
        Ok(KernelTable { lake, path, url, engine })
    }

    fn place(&self) -> String {
        self.lake.display(self.path)
    }

    /// The kernel's errors print URLs and values: only what an operator must do is passed on.
    fn refused(&self, doing: &str, error: &KernelError) -> Error {
        match unwrapped(error) {
            e if of_storage(e) => Error::new(Code::StoreAway, format!("{}: {doing} failed", self.place())),
            KernelError::Unsupported(_) => self.feature("a table feature that tamis does not know"),
            _ => Error::new(
                Code::TableLogBroken,
                format!("{}: {doing} failed: the log is not as tamis left it", self.place()),
            )
            .help("compare the table with the ledger: `tamis verify`"),
        }
    }

    fn feature(&self, what: &str) -> Error {
        Error::new(Code::TableUnsupported, format!("{} uses {what}", self.place()))
            .help("somebody changed the table; tamis does not write to it any more: publish to a new output")
    }

    fn open(&self, others: Others) -> Result<Option<OpenedTable>> {
        if self.lake.list(&log::folder(self.path))?.is_empty() {
            return Ok(None);
        }
        let snapshot = self.snapshot()?;
        let (version, mark, passed) = self.newest(&snapshot, others)?;
        self.check_features(&snapshot)?;
        let files = self.files(&snapshot)?;
        let columns = self.columns(&snapshot)?;
        let CommitMark { run, attempt, manifest } = mark;
        Ok(Some(OpenedTable {
            snapshot,
            current: CurrentTable { version, passed, run, attempt, manifest, files, columns },
        }))
    }

    /// The newest version of ours and commits of other programs after it. One that writes properties anew leaves the
    /// columns as they were; what it says of features is looked at by `check_features`.
    fn newest(&self, snapshot: &SnapshotRef, others: Others) -> Result<(u64, CommitMark, Vec<Passed>)> {
        let tip = snapshot.version();
        let Own { version, mark, foreign } = match others {
            Others::Harmless => log::ours(self.lake, self.path, tip)?,
            // Nothing of the versions before counts: the log may no longer name one of ours.
            Others::All => {
                let mark = CommitMark { run: String::new(), attempt: 0, manifest: String::new() };
                Own { version: tip, mark, foreign: Vec::new() }
            }
        };
        if let Some((changed, _)) = foreign.iter().find(|(_, foreign)| foreign.metadata) {
            let before = Snapshot::builder_for(&self.url).at_version(version).build(&self.engine);
            let before = before.map_err(|e| self.refused("reading the table's log", &e))?;
            if before.schema() != snapshot.schema() {
                return Err(log::foreign(self.lake, self.path, *changed));
            }
        }
        let passed = |(version, foreign): (u64, Foreign)| Passed { version, operation: foreign.operation.into() };
        Ok((version, mark, foreign.into_iter().map(passed).collect()))
    }

    fn snapshot(&self) -> Result<SnapshotRef> {
        let snapshot = Snapshot::builder_for(&self.url).build(&self.engine);
        snapshot.map_err(|e| self.refused("reading the table's log", &e))
    }

    fn check_features(&self, snapshot: &Snapshot) -> Result<()> {
        let properties = snapshot.table_properties();
        if properties.enable_change_data_feed == Some(true) {
            return Err(self.feature("the change data feed, which keeps removed rows"));
        }
        if properties.enable_deletion_vectors == Some(true) {
            return Err(self.feature("deletion vectors, which leave removed rows in place"));
        }
        if properties.append_only == Some(true) {
            return Err(self.feature("a rule that no row may be removed (delta.appendOnly)"));
        }
        if properties.column_mapping_mode.is_some_and(|mode| mode != ColumnMappingMode::None) {
            return Err(self.feature("column mapping"));
        }
        Ok(())
    }

    fn columns(&self, snapshot: &Snapshot) -> Result<Vec<TableColumn>> {
        let schema = snapshot.schema();
        let column = |field: &StructField| {
            let kind = column_type(field.data_type())
                .ok_or_else(|| self.feature("a column type that tamis does not write"))?;
            Ok(TableColumn { name: field.name().clone(), kind })
        };
        schema.fields().map(column).collect()
    }

    fn files(&self, snapshot: &SnapshotRef) -> Result<Vec<CurrentFile>> {
        #[derive(Default)]
        struct SeenLog {
            files: Vec<CurrentFile>,
            uncounted: bool,
            vectors: bool,
            partitions: bool,
        }
        fn take(seen: &mut SeenLog, file: ScanFile) {
            seen.vectors |= file.dv_info.has_vector();
            seen.partitions |= !file.partition_values.is_empty();
            seen.uncounted |= file.stats.is_none();
            let rows = file.stats.map_or(0, |stats| stats.num_records);
            seen.files.push(CurrentFile { name: file.path, rows, bytes: u64::try_from(file.size).unwrap_or(0) });
        }
        let visit = || -> KernelResult<SeenLog> {
            let scan = snapshot.clone().scan_builder().build()?;
            scan.scan_metadata(&self.engine)?
                .try_fold(SeenLog::default(), |seen, found| found?.visit_scan_files(seen, take))
        };
        let mut seen = visit().map_err(|e| self.refused("reading the table's log", &e))?;
        if seen.vectors {
            return Err(self.feature("deletion vectors, which leave removed rows in place"));
        }
        if seen.partitions {
            return Err(self.feature("partitions"));
        }
        if seen.uncounted {
            return Err(self.feature("files without a number of rows"));
        }
        seen.files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(seen.files)
    }

    fn sequence(&self, opened: &OpenedTable, app: &str) -> Result<Option<i64>> {
        let last = opened.snapshot.get_app_id_version(app, &self.engine);
        last.map_err(|e| self.refused("reading the table's log", &e))
    }

    /// The run's sequence number is in the log already: then its commit must be too.
    fn earlier(&self, version: u64, run: &str) -> Result<Receipt> {
        match log::find(self.lake, self.path, version, run)? {
            Some((version, mark)) => Ok(receipt(version, mark, true)),
            None => Err(log::overtaken(self.lake, self.path, version)),
        }
    }

    /// Puts version `expected + 1` and finds out what became of it.
    fn put(&self, opened: Option<&OpenedTable>, change: &Change<'_>, commit: &Commit<'_>) -> Result<Receipt> {
        let version = opened.map_or(0, |opened| opened.current.tip() + 1);
        let (run, attempt) = (change.written.run.clone(), change.written.attempt);
        let mark = &CommitMark { run, attempt, manifest: commit.manifest.to_owned() };
        let txn = (commit.app, commit.sequence);
        for tried in 0..TRIES {
            // What was sent before may still be on its way.
            (commit.may)().map_err(|error| if tried == 0 { error } else { self.outcome_unknown(version) })?;
            let sent = match opened {
                Some(opened) => self.overwrite(opened, change, mark, txn)?,
                None => self.create(change.written, mark, txn)?,
            };
            let Err(failure) = sent else { return Ok(receipt(version, mark.clone(), false)) };
            match log::read(self.lake, self.path, version).map_err(|_| self.outcome_unknown(version))? {
                LogEntry::Ours(found) if found.run == mark.run => return Ok(receipt(version, found, true)),
                LogEntry::Ours(_) => return Err(log::overtaken(self.lake, self.path, version)),
                LogEntry::Foreign(_) => return Err(log::foreign(self.lake, self.path, version)),
                LogEntry::Absent => {}
            }
            if let Some(fault) = failure.filter(|e| !of_storage(unwrapped(e))) {
                return Err(self.refused("the commit", &fault));
            }
        }
        Err(self.outcome_unknown(version))
    }

    fn outcome_unknown(&self, version: u64) -> Error {
        Error::new(
            Code::CommitUnknown,
            format!("{}: the commit of version {version} was sent and not confirmed", self.place()),
        )
        .help("run again: tamis finds out whether the version is there, and commits it once")
    }

    /// The outer error: nothing was sent. The inner: it may have been; none for a conflict.
    fn create(&self, written: &Written, mark: &CommitMark, (app, sequence): (&str, i64)) -> Result<Sent> {
        let fields = written.columns.iter().map(field).collect::<KernelResult<Vec<_>>>();
        let schema = fields.and_then(StructType::try_new).map_err(|e| self.refused("making the table", &e))?;
        let transaction = create_table(&self.url, Arc::new(schema), ENGINE, true)
            .with_table_properties([("delta.dataSkippingNumIndexedCols", "0")])
            .with_operation_parameters(mark.parameters())
            .with_transaction_id(app, sequence)
            .build(&self.engine, Box::new(PlainCommitter));
        let mut transaction = match transaction {
            Ok(transaction) => transaction,
            // Another run made the table after this one had looked: a conflict, as if it had been found by the commit.
            Err(_) if !self.lake.list(&log::folder(self.path))?.is_empty() => return Ok(Err(None)),
            Err(e) => return Err(self.refused("making the table", &e)),
        };
        self.add(&mut transaction, written)?;
        Ok(sent(transaction.commit(&self.engine)))
    }

    fn overwrite(
        &self,
        opened: &OpenedTable,
        change: &Change<'_>,
        mark: &CommitMark,
        (app, sequence): (&str, i64),
    ) -> Result<Sent> {
        let written = change.written;
        let builder = opened
            .snapshot
            .clone()
            .update_table(UpdateTableOperation::Write, ENGINE, true)
            .with_operation_parameters(mark.parameters())
            .with_transaction_id(app, sequence);
        let new = written.columns.iter().filter(|column| !opened.current.columns.contains(column));
        let builder = new.map(field).try_fold(builder, |builder, field| Ok(builder.add_column(field?)));
        let transaction = builder.and_then(|b| b.build(&self.engine, Box::new(FileSystemCommitter::new())));
        let mut transaction = transaction.map_err(|e| self.refused("changing the table", &e))?;
        if !transaction.logical_partition_columns().is_empty() {
            return Err(self.feature("partitions"));
        }
        self.add(&mut transaction, written)?;
        for files in self.removed(opened, change.gone)? {
            transaction.remove_files(files);
        }
        Ok(sent(transaction.commit(&self.engine)))
    }

    /// The files that go, as the kernel wants them: rows of what a scan would read, the others left out.
    fn removed(&self, opened: &OpenedTable, gone: Option<&BTreeSet<String>>) -> Result<Vec<FilteredEngineData>> {
        fn take(names: &mut Vec<String>, file: ScanFile) {
            names.push(file.path);
        }
        let mut left = gone.map_or(0, BTreeSet::len);
        let mut choose = || -> KernelResult<Vec<FilteredEngineData>> {
            let mut chosen = Vec::new();
            for found in opened.snapshot.clone().scan_builder().build()?.scan_metadata(&self.engine)? {
                let found = found?;
                let Some(gone) = gone else {
                    chosen.push(found.scan_files);
                    continue;
                };
                let mut names = found.visit_scan_files(Vec::new(), take)?.into_iter();
                let (data, mut selected) = found.scan_files.into_parts();
                selected.resize(data.len(), true);
                for row in selected.iter_mut().filter(|row| **row) {
                    *row = names.next().is_some_and(|name| gone.contains(&name));
                    left -= usize::from(*row);
                }
                if selected.contains(&true) {
                    chosen.push(FilteredEngineData::try_new(data, selected)?);
                }
            }
            Ok(chosen)
        };
        let chosen = choose().map_err(|e| self.refused("reading the table's log", &e))?;
        if left > 0 {
            return Err(Error::new(
                Code::RowsDoNotAddUp,
                format!("{}: a file to be replaced is not in the table", self.place()),
            )
            .help("compare the table with the ledger: `tamis verify`"));
        }
        Ok(chosen)
    }

    /// Stages the new files. Of their statistics only the number of rows enters the log.
    fn add<S>(&self, transaction: &mut Transaction<S>, written: &Written) -> Result<()> {
        let mut stage = || -> KernelResult<()> {
            let context = transaction.write_state()?.write_context_builder().build()?;
            for file in &written.files {
                let rows: ArrayRef = Arc::new(Int64Array::from(vec![i64::try_from(file.rows).unwrap_or(i64::MAX)]));
                let stats = StructArray::from(vec![(Arc::new(Field::new("numRecords", ArrowType::Int64, true)), rows)]);
                let meta = FileMeta::new(self.url.join(&file.name)?, written.as_of.0.div_euclid(1000), file.bytes);
                transaction.add_files(build_add_file_metadata(DataFileMetadata::new(meta, stats), &context)?);
            }
            Ok(())
        };
        stage().map_err(|e| self.refused("the commit", &e))
    }

    fn checkpoint(&self) -> Result<()> {
        let done = self.snapshot()?.checkpoint(&self.engine, None);
        done.map(|_| ()).map_err(|e| self.refused("the checkpoint", &e))
    }
}

/// A commit was answered: it is there, or it is not certain (with the error, none for a conflict).
type Sent = std::result::Result<(), Option<KernelError>>;

fn sent<S>(answer: KernelResult<CommitResult<S>>) -> Sent {
    match answer {
        Ok(CommitResult::Committed(_)) => Ok(()),
        Ok(CommitResult::Conflicted(_)) => Err(None),
        Ok(CommitResult::Retryable(retry)) => Err(Some(retry.error)),
        Err(error) => Err(Some(error)),
    }
}

fn receipt(version: u64, mark: CommitMark, found: bool) -> Receipt {
    Receipt { version, attempt: mark.attempt, manifest: mark.manifest, found }
}

fn unwrapped(error: &KernelError) -> &KernelError {
    match error {
        KernelError::Backtraced { source, .. } => unwrapped(source),
        other => other,
    }
}

fn of_storage(error: &KernelError) -> bool {
    use KernelError as E;
    matches!(
        error,
        E::ObjectStore(_)
            | E::ObjectStorePath(_)
            | E::Reqwest(_)
            | E::IOError(_)
            | E::FileNotFound(_)
            | E::JoinFailure(_)
    )
}

fn field(column: &TableColumn) -> KernelResult<StructField> {
    let kind = match column.kind {
        ColumnType::Text => DataType::STRING,
        ColumnType::Binary => DataType::BINARY,
        ColumnType::Int32 => DataType::INTEGER,
        ColumnType::Int64 => DataType::LONG,
        ColumnType::Float64 => DataType::DOUBLE,
        ColumnType::Decimal(scale) => DataType::decimal(38, scale)?,
        ColumnType::Boolean => DataType::BOOLEAN,
        ColumnType::Date => DataType::DATE,
        ColumnType::Timestamp => DataType::TIMESTAMP,
    };
    Ok(StructField::nullable(&column.name, kind))
}

fn column_type(kind: &DataType) -> Option<ColumnType> {
    let DataType::Primitive(kind) = kind else { return None };
    Some(match kind {
        PrimitiveType::String => ColumnType::Text,
        PrimitiveType::Binary => ColumnType::Binary,
        PrimitiveType::Integer => ColumnType::Int32,
        PrimitiveType::Long => ColumnType::Int64,
        PrimitiveType::Double => ColumnType::Float64,
        PrimitiveType::Decimal(decimal) if decimal.precision() == 38 => ColumnType::Decimal(decimal.scale()),
        PrimitiveType::Boolean => ColumnType::Boolean,
        PrimitiveType::Date => ColumnType::Date,
        PrimitiveType::Timestamp => ColumnType::Timestamp,
        _ => return None,
    })
}
