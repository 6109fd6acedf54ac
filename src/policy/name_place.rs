//! Where the names of an export's columns are.

/// Where the names of columns are, in formats that have them in a header (R59).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamesFrom {
    /// In the header of each file.
    Header,
    /// In the source, in the order of the cells.
    Given(Vec<String>),
    /// In a file beside the export.
    Model(ModelFile),
}

/// A file with the names of columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFile {
    /// Name of the file, without a folder.
    pub name: String,
    /// The entity whose columns they are.
    pub entity: String,
}
