//! A published table as its log says: an own small reader of the log, and the Parquet reader of arrow.

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::Schema;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeMap;
use std::sync::Arc;
use tamis::store::Root;

/// One version of a table.
pub struct Table {
    pub version: u64,
    /// Files by name, with their bytes.
    pub files: BTreeMap<String, Bytes>,
}

impl Table {
    /// The newest version; none when there is no table.
    pub fn newest(lake: &Root, path: &str) -> Option<Table> {
        let versions = lake.list(&format!("{path}/_delta_log")).unwrap();
        let number = |path: &str| path.rsplit('/').next()?.strip_suffix(".json")?.parse::<u64>().ok();
        let newest = versions.iter().filter_map(|object| number(&object.path)).max()?;
        Some(Table::at(lake, path, newest))
    }

    /// A version: what the entries up to it have added and not removed. Every file must be there.
    pub fn at(lake: &Root, path: &str, version: u64) -> Table {
        let mut names: Vec<String> = Vec::new();
        for version in 0..=version {
            let entry = lake.get(&format!("{path}/_delta_log/{version:020}.json")).unwrap();
            let entry = String::from_utf8(entry.unwrap_or_else(|| panic!("no entry of version {version}"))).unwrap();
            for line in entry.lines() {
                let action: serde_json::Value = serde_json::from_str(line).unwrap();
                let name = |kind: &str| action[kind]["path"].as_str().map(str::to_owned);
                names.retain(|known| Some(known) != name("remove").as_ref());
                names.extend(name("add"));
            }
        }
        let read = |name: String| {
            let bytes = lake.get(&format!("{path}/{name}")).unwrap();
            (name.clone(), bytes.unwrap_or_else(|| panic!("version {version} names {name}, which is not there")).into())
        };
        Table { version, files: names.into_iter().map(read).collect() }
    }

    /// Digests of the files, which are ranges of the token, in their order.
    pub fn digests(&self) -> Vec<String> {
        self.files.values().map(|bytes| blake3::hash(bytes).to_hex().to_string()).collect()
    }

    pub fn batches(&self) -> Vec<RecordBatch> {
        let read = |bytes: &Bytes| {
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap().build().unwrap();
            reader.map(|batch| batch.unwrap()).collect::<Vec<_>>()
        };
        self.files.values().flat_map(read).collect()
    }

    /// Column names and types; none of a table without rows.
    pub fn schema(&self) -> Option<Arc<Schema>> {
        let first = self.files.values().next()?;
        Some(ParquetRecordBatchReaderBuilder::try_new(first.clone()).unwrap().schema().clone())
    }

    /// Every row as texts, in the order of the files; null is none.
    pub fn rows(&self) -> Vec<Vec<Option<String>>> {
        self.batches().iter().flat_map(|batch| (0..batch.num_rows()).map(|row| cells(batch, row))).collect()
    }
}

fn cells(batch: &RecordBatch, row: usize) -> Vec<Option<String>> {
    let options = FormatOptions::default();
    let text = |column: &Arc<dyn Array>| {
        let formatter = ArrayFormatter::try_new(column, &options).unwrap();
        (!column.is_null(row)).then(|| formatter.value(row).to_string())
    };
    batch.columns().iter().map(text).collect()
}
