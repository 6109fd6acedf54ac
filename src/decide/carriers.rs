//! What links are followed over: rows of all buckets, each a subject token and marked identities.

use crate::error::Result;
use crate::stage::{Control, SpillStore, Staged, flag};

/// Rows by bucket. A bucket may be gone through several times and gives the same rows in the same order each time.
pub trait Carriers: Sync {
    /// Some rows of a bucket.
    type Group: Carrier;
    /// Number of buckets; any split will do.
    fn buckets(&self) -> usize;
    /// The most identities a row has.
    fn slots(&self) -> usize;
    /// Where more can wait than memory has room for, if there is such a place.
    fn spill_store(&self) -> Option<&SpillStore> {
        None
    }
    /// Calls `each` with all rows of a bucket, in one group or several.
    ///
    /// # Errors
    /// What reading the rows can meet, and what `each` returns.
    fn groups(&self, bucket: usize, each: &mut dyn FnMut(&Self::Group) -> Result<()>) -> Result<()>;
}

/// Rows with their identities, wherever they are kept.
pub trait Carrier {
    /// Returns how many rows these are.
    fn rows(&self) -> usize;
    /// What tells its subject from others: the token, or the identity that it is made of; none for a row without one.
    fn subject(&self, row: usize) -> Option<&[u8; 16]>;
    /// The identities of the row's own person with their `mark`, empty slots left out.
    fn identities(&self, row: usize) -> impl Iterator<Item = (u8, &[u8; 16])>;
    /// Those of other persons of the row (R68): requests that name one reach cells of it, and nothing links through them.
    fn others(&self, row: usize) -> impl Iterator<Item = &[u8; 16]>;
}

impl Carriers for Staged {
    type Group = Control;

    fn buckets(&self) -> usize {
        Staged::buckets(self)
    }

    fn slots(&self) -> usize {
        self.layout().identities
    }

    fn spill_store(&self) -> Option<&SpillStore> {
        Some(Staged::spill_store(self))
    }

    fn groups(&self, bucket: usize, each: &mut dyn FnMut(&Control) -> Result<()>) -> Result<()> {
        each(&self.control(bucket)?)
    }
}

impl Carrier for Control {
    fn rows(&self) -> usize {
        Control::rows(self)
    }

    fn subject(&self, row: usize) -> Option<&[u8; 16]> {
        (self.flags(row) & flag::NO_SUBJECT == 0).then(|| Control::subject(self, row))
    }

    fn identities(&self, row: usize) -> impl Iterator<Item = (u8, &[u8; 16])> {
        Control::identities(self, row)
    }

    fn others(&self, row: usize) -> impl Iterator<Item = &[u8; 16]> {
        Control::others(self, row).map(|(_, identity)| identity)
    }
}
