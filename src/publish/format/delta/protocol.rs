//! A new table asks of its readers what it uses and no more. delta_kernel 0.30 makes every new table for readers of
//! version 3 and writers of version 7, also one without a feature, and readers that stop at version 1 refuse that. Here
//! the protocol of version 0 says 1 and 2, which is the same for such a table.

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, RecordBatch, StructArray, new_null_array};
use delta_kernel::committer::{CommitMetadata, CommitResponse, Committer, FileSystemCommitter, PublishMetadata};
use delta_kernel::engine::arrow_data::ArrowEngineData;
use delta_kernel::{Engine, FilteredEngineData, KernelError, KernelResult, KernelResultIterator};
use std::sync::Arc;

const READER: i32 = 1;
const WRITER: i32 = 2;

/// Writes version 0 as the kernel does, create-only, but for the versions that its protocol asks for.
pub(super) struct PlainCommitter;

impl Committer for PlainCommitter {
    fn commit(
        &self,
        engine: &dyn Engine,
        actions: KernelResultIterator<'_, FilteredEngineData>,
        metadata: CommitMetadata,
    ) -> KernelResult<CommitResponse> {
        let plain = actions.map(|batch| batch.and_then(lowered));
        FileSystemCommitter::new().commit(engine, Box::new(plain), metadata)
    }

    fn is_catalog_committer(&self) -> bool {
        false
    }

    fn publish(&self, engine: &dyn Engine, metadata: PublishMetadata) -> KernelResult<()> {
        FileSystemCommitter::new().publish(engine, metadata)
    }
}

/// A batch of actions; in one that has a protocol, that of a table without features.
fn lowered(batch: FilteredEngineData) -> KernelResult<FilteredEngineData> {
    let (data, selected) = batch.into_parts();
    let actions: RecordBatch = (*ArrowEngineData::try_from_engine_data(data)?).into();
    let Some((at, _)) = actions.schema().column_with_name("protocol") else {
        return FilteredEngineData::try_new(Box::new(ArrowEngineData::new(actions)), selected);
    };
    let mut columns = actions.columns().to_vec();
    columns[at] = plain(columns[at].as_struct())?;
    let actions = RecordBatch::try_new(actions.schema(), columns)?;
    FilteredEngineData::try_new(Box::new(ArrowEngineData::new(actions)), selected)
}

/// Null where there is no protocol; a feature that is asked for is never dropped.
fn plain(protocol: &StructArray) -> KernelResult<ArrayRef> {
    let version = |version: i32| -> ArrayRef { Arc::new(Int32Array::from(vec![version; protocol.len()])) };
    let mut columns = Vec::new();
    for (field, column) in protocol.fields().iter().zip(protocol.columns()) {
        columns.push(match field.name().as_str() {
            "minReaderVersion" => version(READER),
            "minWriterVersion" => version(WRITER),
            "readerFeatures" | "writerFeatures" if features(column) == 0 => {
                new_null_array(field.data_type(), protocol.len())
            }
            _ => return Err(KernelError::generic("a new table asks for a feature")),
        });
    }
    let plain = StructArray::try_new(protocol.fields().clone(), columns, protocol.nulls().cloned())?;
    Ok(Arc::new(plain))
}

fn features(column: &ArrayRef) -> usize {
    let lists = column.as_list::<i32>();
    (0..lists.len()).filter(|row| lists.is_valid(*row)).map(|row| lists.value(row).len()).sum()
}
