//! What a person who asks for their data is given, and what the privacy officer has to look at first.

use super::super::find::OfRequest;
use crate::clock::Instant;
use crate::policy::{ContactFacts, RecipientFacts};
use std::collections::BTreeMap;

/// Which right is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// Art. 15 GDPR; Civ. Code §1798.110.
    Access,
    /// Art. 20 GDPR: only what the person gave or did, on consent or contract.
    Portability,
}

impl Right {
    /// Returns its name, as in JSON and evidence.
    pub fn name(self) -> &'static str {
        match self {
            Right::Access => "access",
            Right::Portability => "portability",
        }
    }
}

/// Values by the name of their column; none for null.
pub type ShownValues = BTreeMap<String, Option<String>>;

/// Takes out the values that are not shown; blank ones are nothing to show to anybody.
pub(super) fn take_hidden(values: &mut ShownValues, hidden: impl Fn(&str) -> bool) -> ShownValues {
    values.extract_if(.., |column, _| hidden(column)).filter(|(_, value)| value.is_some()).collect()
}

/// What the person is given.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct AccessReport {
    /// Version of this schema.
    pub schema: &'static str,
    /// The right that is answered.
    pub right: Right,
    /// Name of the controller.
    pub controller: String,
    /// Whom to write to.
    pub contact: ContactFacts,
    /// Id of the request.
    pub request: String,
    /// When it was received.
    pub received: Instant,
    /// When it has to be answered.
    pub due: Instant,
    /// When this was made.
    pub answered: Instant,
    /// Whether any row or record of the person was found.
    pub processed: bool,
    /// What the search came to.
    pub outcome: AccessOutcome,
    /// Published datasets with rows of the person.
    pub datasets: Vec<AccessDataset>,
    /// Exports of the CRM that are still kept.
    pub raw_exports: RawAnswer,
    /// Requests that are known of the person.
    pub requests: Vec<OfRequest>,
    /// Corrections of the person's records, by dataset.
    pub corrections: Vec<PersonCorrection>,
    /// Recipients that had data of the person which the datasets above have no more.
    pub former_recipients: Vec<FormerRecipient>,
    /// What was left out of the above, and why.
    pub withheld: Vec<Withheld>,
    /// What else is kept that has the person in it, and is not shown here.
    pub also_kept: Vec<&'static str>,
}

/// What the search for the person came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccessOutcome {
    /// There are rows or records that are surely the person's.
    Found,
    /// There are rows or records that the values lead to, and none that is surely the person's: they have to be asked for more
    /// (Art. 12(6) GDPR).
    Unclear,
    /// The values lead to nothing.
    Nothing,
}

impl AccessOutcome {
    /// Says what a search came to that found rows or not, and doubtful ones or not.
    pub(super) fn of(processed: bool, doubtful: bool) -> AccessOutcome {
        match (processed, doubtful) {
            (true, _) => AccessOutcome::Found,
            (false, true) => AccessOutcome::Unclear,
            (false, false) => AccessOutcome::Nothing,
        }
    }
}

/// A correction of a record of the person. No value is in it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct PersonCorrection {
    /// Id of the request.
    pub case: String,
    /// The table, as `ROOT:path`.
    pub dataset: String,
    /// The column of the export.
    pub column: String,
    /// Why the value is wrong.
    pub reason: String,
    /// When the request was received.
    pub received: Instant,
    /// When it has to be done.
    pub due: Instant,
    /// How far it has come.
    pub state: String,
    /// Why it is refused, when it is (Art. 12(4) GDPR).
    pub why: Option<String>,
}

/// Somebody who had data of the person (Art. 15(1)(c) GDPR; C-154/21).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
pub struct FormerRecipient {
    /// Who it is.
    pub recipient: AccessRecipient,
    /// The table, as `ROOT:path`.
    pub dataset: String,
    /// The last version that had data of the person.
    pub last_version: u64,
    /// What the person asked for, of which the recipient is told.
    pub effect: String,
    /// When the notice for the recipient was written.
    pub noticed: Instant,
}

/// What one dataset holds of the person.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct AccessDataset {
    /// `ROOT:path` of the table.
    pub dataset: String,
    /// Number of the version that was read.
    pub version: u64,
    /// Name of the purpose.
    pub purpose: String,
    /// The purpose in words; none when the policy no longer has it.
    pub description: Option<String>,
    /// Lawful basis of the purpose.
    pub lawful_basis: String,
    /// Where the assessment or the law behind the purpose is filed.
    pub reference: Option<String>,
    /// Categories of the data.
    pub categories: Vec<&'static str>,
    /// Who receives the dataset.
    pub recipients: Vec<AccessRecipient>,
    /// Names of the exports that it is made of.
    pub sources: Vec<String>,
    /// How long rows are kept, as written in the job.
    pub keep: String,
    /// What was done with each field.
    pub fields: Vec<AccessField>,
    /// The person's rows, as they are published.
    pub rows: Vec<AccessRow>,
}

/// Who receives a dataset, or has received it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
pub struct AccessRecipient {
    /// Name of the recipient.
    pub name: String,
    /// What the recipient is to the controller, or that the policy has it no more.
    pub kind: &'static str,
    /// ISO 3166 code of their country, when the policy says it.
    pub country: Option<String>,
    /// What allows the transfer to that country (Art. 15(2) GDPR), when there is one.
    pub transfer: Option<String>,
    /// The contract, when the policy says it.
    pub contract: Option<String>,
    /// Whether the data are sold to them.
    pub sale: bool,
    /// The last version that was made for them, when later ones are for somebody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_version: Option<u64>,
}

impl AccessRecipient {
    /// Tells a recipient; one that the policy has no more is told by its name alone.
    pub fn of(name: &str, facts: Option<&RecipientFacts>) -> AccessRecipient {
        AccessRecipient {
            name: name.to_owned(),
            kind: facts.map_or("no longer in the policy", |facts| facts.kind.said()),
            country: facts.and_then(|facts| facts.country.clone()),
            transfer: facts.and_then(|facts| facts.transfer.clone()),
            contract: facts.and_then(|facts| facts.contract.clone()),
            sale: facts.is_some_and(|facts| facts.sale),
            last_version: None,
        }
    }
}

/// A field of a dataset.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct AccessField {
    /// Name of the field.
    pub name: String,
    /// The column of the export that it is made of.
    pub from: Option<String>,
    /// Category of that column.
    pub category: Option<&'static str>,
    /// What was done, with its settings.
    pub treatment: String,
    /// The same in words.
    pub means: &'static str,
    /// Whether the column holds what somebody has derived of the person, such as a score.
    pub derived: bool,
    /// How long its values are kept, where that is shorter than the row.
    pub keep: Option<String>,
}

/// A published row of the person.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct AccessRow {
    /// When it goes at the latest.
    pub keep_until: Instant,
    /// When values go at the latest that are kept shorter than the row, by field.
    pub until: BTreeMap<String, Instant>,
    /// Values of the row, by field.
    pub values: ShownValues,
}

/// What raw exports have of the person.
#[derive(Clone, Debug, Default, serde::Serialize, schemars::JsonSchema)]
pub struct RawAnswer {
    /// Why no export was searched, when none was.
    pub not_searched: Option<String>,
    /// Objects that could not be searched to their end, with the reason.
    pub unreadable: Vec<String>,
    /// Objects that were searched.
    pub objects: u64,
    /// How long exports are kept, as the policy says it; none when nobody has said that they go.
    pub keep: Option<String>,
    /// The person's records; those with the same values are told once.
    pub records: Vec<RawRecord>,
}

/// Records of one source with the same values.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct RawRecord {
    /// Name of the source.
    pub source: String,
    /// Object and record of each.
    pub places: Vec<String>,
    /// Its values as written.
    pub values: ShownValues,
    /// What is right in place of some of them, by corrections that are in force; null where nobody knows.
    pub corrected: ShownValues,
}

/// Something that is not shown to the person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
pub struct Withheld {
    /// The dataset or the source.
    pub of: String,
    /// The column; none for whole rows.
    pub column: Option<String>,
    /// Why they are withheld.
    pub why: Withholding,
    /// Rows or records that it concerns.
    pub rows: u64,
}

/// Why something is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Withholding {
    /// Only a weak value, such as a shared e-mail address, leads to the row (Art. 15(4) GDPR).
    PerhapsAnotherPerson,
    /// It may name another person (Art. 15(4) GDPR).
    OtherPersonsId,
    /// Text may tell of others (Art. 15(4) GDPR).
    FreeText,
    /// A password or the like (11 CCR §7024(d)).
    Secret,
    /// No source says what the column holds.
    Undescribed,
    /// The column is not marked as given by the person or observed (Art. 20(1) GDPR; WP242).
    NotProvided,
    /// It serves no purpose that rests on consent or contract (Art. 20(1)(a) GDPR).
    OtherBasis,
}

impl Withholding {
    /// Returns the reason in words.
    pub fn said(self) -> &'static str {
        match self {
            Withholding::PerhapsAnotherPerson => {
                "may be of another person: only a value that several people can share leads to it (Art. 15(4) GDPR)"
            }
            Withholding::OtherPersonsId => "may name another person (Art. 15(4) GDPR)",
            Withholding::FreeText => "free text may mention other people (Art. 15(4) GDPR)",
            Withholding::Secret => "a secret, such as a password, is not sent (11 CCR §7024(d))",
            Withholding::Undescribed => "nobody has described yet what this column holds",
            Withholding::NotProvided => {
                "was not provided by the person, or nobody has said that it was (Art. 20(1) GDPR)"
            }
            Withholding::OtherBasis => "is not processed on consent or contract (Art. 20(1)(a) GDPR)",
        }
    }
}

/// What the privacy officer looks at before anything is handed over. It is not for the person.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct OfficerSheet {
    /// Version of this schema.
    pub schema: &'static str,
    /// Id of the request.
    pub request: String,
    /// Values that were given.
    pub identities: usize,
    /// Of these, values without a normal form, which prove nothing.
    pub raw: usize,
    /// Why links were not followed, when they were not.
    pub doubt: Option<String>,
    /// Why doubtful rows are on the person's page, when they are.
    pub doubtful_included: Option<String>,
    /// Rows and records that may be of another person.
    pub doubtful: Vec<DoubtfulRow>,
    /// Withheld values of rows that are the person's.
    pub withheld: Vec<DoubtfulRow>,
}

/// A row or a record, or some values of one.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct DoubtfulRow {
    /// The dataset or the source.
    pub of: String,
    /// Root, path and record where it was found.
    pub place: String,
    /// Values of the record, by column.
    pub values: ShownValues,
}
