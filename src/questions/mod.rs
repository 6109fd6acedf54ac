//! What only answers questions, and changes nothing but the note that it was asked: what is known of a person or a case,
//! why somebody is not in a dataset, how an export has drifted, how far requests have come, what a job has published, whether evidence holds.

pub mod access;
pub mod activities;
pub mod assessment;
pub mod breach;
pub mod case;
pub mod corrections;
pub mod drift;
pub mod explain;
mod figures;
pub mod find;
pub mod foreign;
mod keepers;
pub mod notices;
pub mod privacy_notice;
mod reach;
pub mod recipients;
pub mod request_status;
mod residual;
pub mod verify;
pub mod versions;

pub use activities::{ProcessingActivity, ProcessingRecord, RecordedField};
pub use assessment::{Assessment, AssessmentDesk, SignedRoleTold};
pub use case::{CaseDataset, CasePart, CaseReport};
pub use corrections::{CaseCorrection, CorrectionStatus};
pub use drift::{ColumnFate, DriftReport, DriftedColumn};
pub use explain::{ExplainedDataset, Explanation, Reaching};
pub use figures::{FigureBand, FigureCount, PublishedFigures};
pub use find::{InDataset, KnownPerson, OfRequest};
pub use foreign::ForeignTable;
pub use keepers::Keeper;
pub use notices::{CaseRecipient, OpenNotices, RecipientNotices};
pub use privacy_notice::{NoticeCategory, NoticePurpose, NoticeRecipient, PrivacyNotice};
pub use reach::{LinkBond, LinkTo, Reach};
pub use recipients::RecipientStatus;
pub use request_status::{DatasetStatus, IdleLift, OpenRequest, RequestStatuses};
pub use residual::ResidualRisk;
pub use versions::{JobReport, VersionRows};
