//! Object storage by URL: list, read pinned objects, create only, upload in parts. Synchronous on the outside.
//! The one seam to `object_store`; its errors print URLs and bodies, so they end here. Must not know what is stored.

mod answer;
mod bucket;
mod glob;
mod keys;
mod leftover;
mod listing;
mod open;
mod root;
mod source;
#[cfg(test)]
mod tests;
mod upload;
mod versions;

pub use answer::from_io;
pub use glob::PathGlob;
pub use listing::{Aside, EntryShape, GlobListing, Listing, Unseen, printable};
pub(crate) use open::{inside, local_folder, settle};
pub use root::{Created, Object, ObjectSource, Root, SeekSource, Upload, Uploaded};
pub use versions::{Forgets, OpenUpload, PastVersion};
