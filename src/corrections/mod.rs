//! Corrections of values in exports (Art. 16 GDPR, R80 to R82): read from files of the controller, laid over each record
//! before anything is treated. Their values are in these files and nowhere else. Must not know datasets, nor what is decided.

mod correction;
mod file;
mod lay;
mod right;
mod tally;

pub use correction::{Correction, CorrectionDecision, CorrectionReason};
pub use file::{CorrectionFile, CorrectionReading, ReadCorrections, files, read, without};
pub use lay::{CaseLaid, Corrections, NotLaid, Unjudged};
pub use right::RightValues;
pub use tally::CorrectionTally;
