//! R38: a set has at least a share of the records of the set before it. Fewer mean that the export may be cut short.

use super::judges::Judges;
use super::observed::Observed;
use super::veto::Veto;
use crate::error::Code;
use crate::policy::Share;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The size of a set, compared with that of the set before it (R38).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MinRecords {
    /// Name of the set that was read.
    pub set: String,
    /// Records that are in the set.
    pub records: u64,
    /// Records of the set before it.
    pub before: u64,
    /// Share of them that there have to be, as written.
    pub min_records: Share,
}

impl Judges for MinRecords {
    const RULE: &'static str = "R38";
    const OF_ROWS_READ: bool = false;

    fn observe(run: &Observed<'_>) -> Option<Self> {
        let (before, min_records) = run.reading.before?;
        let set = run.reading.set.clone().unwrap_or_default();
        Some(MinRecords { set, records: run.reading.records, before, min_records })
    }

    fn veto(&self) -> Option<Veto> {
        let least = u128::from(self.before) * u128::from(self.min_records.0);
        let MinRecords { set, records, before, .. } = self;
        (u128::from(*records) * 1_000_000 < least).then(|| {
            Veto::final_one(
                Code::ExportShrank,
                format!("set {set} has {records} records, the set before it had {before}"),
                "the export may be cut short: export again; if persons really left, lower complete.min_records for this run",
            )
        })
    }

    fn words(&self) -> String {
        format!(
            "min_records: {} records, {} in the set before (at least {})",
            self.records, self.before, self.min_records
        )
    }
}
