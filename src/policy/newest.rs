//! Which version of a record counts, ready to be read. Must not know rows.

/// Exports that keep earlier versions of records, as `[newest]` of a source says (R75). Both are indexes into
/// `Plan::columns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewestRules {
    /// Column by which versions of a record are ordered.
    pub version: usize,
    /// Column that says that the record has ended.
    pub deleted: Option<usize>,
}
