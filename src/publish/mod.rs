//! Cleared rows become Parquet files, companions and one Delta commit. The only place that knows Delta.
//! Must not know policy, keys or lists.
