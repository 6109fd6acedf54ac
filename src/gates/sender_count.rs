//! R64: a set has as many records as its sender says. Fewer or more mean that it is not the whole export, or not that one.

use super::judges::Judges;
use super::observed::Observed;
use super::veto::Veto;
use crate::error::Code;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The size of a set, compared with what its sender says (R64).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SenderCount {
    /// Records that were read.
    pub records: u64,
    /// Records that the sender says.
    pub said: u64,
}

impl Judges for SenderCount {
    const RULE: &'static str = "R64";
    const OF_ROWS_READ: bool = false;

    fn observe(run: &Observed<'_>) -> Option<Self> {
        Some(SenderCount { records: run.reading.records, said: run.reading.said? })
    }

    fn veto(&self) -> Option<Veto> {
        let SenderCount { records, said } = self;
        (records != said).then(|| {
            Veto::final_one(
                Code::ExportCountDiffers,
                format!("the export has {records} records, and its sender says {said}"),
                "fetch the export again: records may be missing; if it is right, look at what complete.count names",
            )
        })
    }

    fn words(&self) -> String {
        format!("sender_count: {} records, {} as the sender says", self.records, self.said)
    }
}
