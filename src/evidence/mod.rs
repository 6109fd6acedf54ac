//! What is said afterwards: ledger, manifest, verification. Plain structs of its own.
//! Must not know batches, keys or values.
