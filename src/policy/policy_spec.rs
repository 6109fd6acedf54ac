//! `policy.toml` as written: the privacy officer's file. Doc comments here are the descriptions in the JSON Schema.

use super::effect::{GivenBy, Ground, ListEffect, OptOutSignal};
use super::plan::{Basis, Undated};
use super::source_spec::Format;
use super::spec::{At, Category, Named};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `policy.toml`: roots, keys, purposes, recipients, lists and terms of removal.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicySpec {
    /// Version of the file's format: 1.
    pub spec: At<i64>,
    /// Name of the controller (Art. 4(7) GDPR).
    pub controller: At<String>,
    /// Whom people can write to: printed on what they are given. Default: nobody is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactSpec>,
    /// Security measures in words, for the register (Art. 30(1)(g), 32 GDPR). Default: not stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security: Option<At<Vec<At<String>>>>,
    /// Controllers for whom all of this is done by a processor, with how to reach them (Art. 30(2) GDPR). Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<At<Vec<At<String>>>>,
    /// Named places: a URL (s3, az, gs, file) or a path relative to this file. `state` must be there.
    pub roots: At<Named<At<String>>>,
    /// Where keys come from and which token key is in use.
    pub keys: At<KeysSpec>,
    /// What data may be used for, by name.
    pub purposes: Named<PurposeSpec>,
    /// Who receives datasets, by name.
    pub recipients: Named<RecipientSpec>,
    /// Lists of requests of data subjects, by name.
    pub lists: Option<Named<ListSpec>>,
    /// What people were told, and since when, by name (Art. 13 and 14 GDPR, 11 CCR §7012).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notices: Option<Named<NoticeSpec>>,
    /// Whose data are sold only after an opt-in (Civ. Code §1798.120(c)).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minors: Option<MinorsSpec>,
    /// How long files wait before they are removed.
    pub removal: Option<RemovalSpec>,
    /// When everything that is published is audited. Default: by hand alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditSpec>,
    /// Fan-out limits of links (R13, R15).
    pub links: Option<LinksSpec>,
}

/// `[contact]`: what a person who asks has to be told (Art. 13(1)(a), (b), (2)(d) and 15(1)(f) GDPR).
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactSpec {
    /// Where people write to about their data.
    pub privacy: Option<At<String>>,
    /// The data protection officer.
    pub dpo: Option<At<String>>,
    /// The supervisory authority that takes complaints.
    pub authority: Option<At<String>>,
    /// The representative in the Union (Art. 27 GDPR).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub representative: Option<At<String>>,
}

/// `[keys]`: exactly one of `dir`, `credential` and `command`, and the epoch.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeysSpec {
    /// Directory of `identity.key` and `token-<epoch>.key`, relative to this file.
    pub dir: Option<At<String>>,
    /// Name of a systemd credential.
    pub credential: Option<At<String>>,
    /// Program and arguments that print a key.
    pub command: Option<At<Vec<String>>>,
    /// Name of the token key in use.
    pub epoch: At<String>,
}

/// What `[purposes.P]` can say.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PurposeSpec {
    /// What the purpose is, for the record of processing (Art. 30 GDPR).
    pub description: At<String>,
    /// Lawful basis (Art. 6(1) GDPR).
    pub lawful_basis: At<Basis>,
    /// Where the assessment or the law behind the purpose is filed.
    pub reference: At<String>,
    /// Whether it is direct marketing: an objection then binds on every basis (Art. 21(2) and (3) GDPR). Default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direct_marketing: Option<At<bool>>,
    /// Condition of Art. 9(2) GDPR; needed to allow category special.
    pub condition: Option<At<String>>,
    /// Longest retention period, ISO 8601.
    pub max_keep: At<String>,
    /// Ways in which jobs of the purpose may keep rows without a date: first-seen, export-date, until-absent. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undated: Option<At<Vec<At<Undated>>>>,
    /// Smallest number of data subjects per group.
    pub min_k: At<i64>,
    /// Categories that may serve the purpose; nothing else does.
    pub categories: At<Vec<At<Category>>>,
    /// Names of the recipients that may receive its datasets.
    pub recipients: At<Vec<At<String>>>,
    /// Whose data they are, in words: customers, contacts of suppliers (Art. 30(1)(c) GDPR). Default: not stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people: Option<At<Vec<At<String>>>>,
    /// Who decides on the purpose together with the controller (Art. 26 GDPR). Default nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joint_controllers: Option<At<Vec<At<String>>>>,
    /// The assessment of what the processing means for people (Art. 35 GDPR).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpia: Option<DpiaSpec>,
}

/// `[purposes.P.dpia]`: what a person has to write, because no program can know it.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DpiaSpec {
    /// Whether a job of the purpose publishes only what the controller has signed (R76). Default false.
    pub required: Option<At<bool>>,
    /// Why the processing is necessary and proportionate (Art. 35(7)(b) GDPR).
    pub necessity: Option<At<String>>,
    /// What may happen to people, how likely and how bad it is (Art. 35(7)(c) GDPR).
    pub risks: Option<At<String>>,
    /// What is done about these risks beside what tamis does (Art. 35(7)(d) GDPR).
    pub measures: Option<At<String>>,
    /// What data subjects or their representatives say, or why nobody asked them (Art. 35(9) GDPR).
    pub views: Option<At<String>>,
    /// Whether the authority was consulted, or why it need not be (Art. 36 GDPR).
    pub prior_consultation: Option<At<String>>,
    /// Date of the next review, YYYY-MM-DD (Art. 35(11) GDPR).
    pub review_by: Option<At<String>>,
}

/// Says what a recipient is to the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RecipientKind {
    /// A part of the controller itself.
    Internal,
    /// A processor, Art. 28 GDPR.
    Processor,
    /// Anybody else, who is a controller of their own.
    ThirdParty,
}

impl RecipientKind {
    /// Returns what it is in words.
    pub fn said(self) -> &'static str {
        match self {
            RecipientKind::Internal => "within the controller",
            RecipientKind::Processor => "processor",
            RecipientKind::ThirdParty => "third party",
        }
    }
}

/// What `[recipients.R]` can say.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecipientSpec {
    /// internal, processor or third-party.
    pub kind: At<RecipientKind>,
    /// Third party: whether the transfer is a sale (CCPA); if so, opt-outs bind.
    pub sale: Option<At<bool>>,
    /// Processor and third party: the contract (Art. 28(3) GDPR).
    pub contract: Option<At<String>>,
    /// Processor and third party: ISO 3166 code of the country in which the data are.
    pub country: Option<At<String>>,
    /// Date of the next review, YYYY-MM-DD; required of a third party. After that day its jobs are refused.
    pub review_by: Option<At<String>>,
    /// What allows the transfer to a country outside of the European Economic Area (Chapter V GDPR).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<At<TransferSpec>>,
}

/// `transfer` of a recipient.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferSpec {
    /// adequacy (Art. 45), scc (Art. 46(2)(c)), bcr (Art. 47), art49, or none where the GDPR does not apply.
    pub mechanism: At<Mechanism>,
    /// Where it is filed: the decision, the contract, or for none the reason.
    pub reference: At<String>,
    /// When the transfer was assessed last, YYYY-MM-DD.
    pub assessed: At<String>,
}

/// What allows a transfer (Chapter V GDPR).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mechanism {
    /// Art. 45: the Commission has decided that the country protects enough.
    Adequacy,
    /// Art. 46(2)(c): standard clauses.
    Scc,
    /// Art. 47: rules of a group of companies.
    Bcr,
    /// Art. 49: a derogation.
    Art49,
    /// The GDPR does not apply to it.
    None,
}

impl Mechanism {
    /// Returns what it is in words.
    pub fn said(self) -> &'static str {
        match self {
            Mechanism::Adequacy => "adequacy decision (Art. 45 GDPR)",
            Mechanism::Scc => "standard contractual clauses (Art. 46(2)(c) GDPR)",
            Mechanism::Bcr => "binding corporate rules (Art. 47 GDPR)",
            Mechanism::Art49 => "derogation (Art. 49 GDPR)",
            Mechanism::None => "none: the GDPR does not apply",
        }
    }
}

/// `[lists.L]`: requests of data subjects.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListSpec {
    /// ROOT:glob of the list's objects.
    pub input: At<String>,
    /// What the rows ask for; rectify = what is right in place of values of an export (Art. 16 GDPR).
    pub effect: At<ListEffect>,
    /// Format of the files. Default csv.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<At<Format>>,
    /// Workbooks: name of the sheet. Default: the only one that is not hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<At<String>>,
    /// Workbooks: number of the row with the names of the columns. Default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<At<i64>>,
    /// JSON in pages: the keys that lead to the array of rows, such as "results". Default: the file is the array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<At<String>>,
    /// Glob of the members of archives that hold the rows. Default: every object, and every member of an archive.
    pub member: Option<At<String>>,
    /// Which rows are requests, for exports that say it in a column. Default all.
    pub when: Option<At<WhenSpec>>,
    /// Column -> identifier kind: email, phone, salesforce-id, guid, text or name@scope; the last two may end in
    /// /any-case. Not for lift.
    pub r#match: Option<At<Named<At<String>>>>,
    /// For a name in `match`, the columns that make up its values, in the order of the source's `parts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<At<Named<ColumnNames>>>,
    /// Column of the opaque request id.
    pub request: At<String>,
    /// Regular expression the whole request id must match. Default `[A-Za-z0-9-]{1,40}`.
    pub request_pattern: Option<At<String>>,
    /// Column of the date or time received. Required, unless `input` has {set}: then a row without it is of the set's date.
    pub received: Option<At<String>>,
    /// How sets are named, where `input` has {set}: a strftime format. Default: read from the names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_format: Option<At<String>>,
    /// strftime formats of the list's dates and times. Default: YYYY-MM-DD, RFC 3339, and YYYY-MM-DD HH:MM with or
    /// without seconds, T, UTC or an offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formats: Option<At<Vec<At<String>>>>,
    /// IANA zone of dates, and of times without one. Default UTC.
    pub zone: Option<At<String>>,
    /// Purposes the list is limited to; required for object. Default all.
    pub purposes: Option<At<Vec<At<String>>>>,
    /// Restriction: letter of Art. 18(1) GDPR it rests on. With b and c the person's bytes are kept (R69).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ground: Option<At<Ground>>,
    /// Hold: column of the day on which it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<At<String>>,
    /// Hold: column of the day by which somebody has to look at it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review_by: Option<At<String>>,
    /// Lift: column of the day on which the person was told that a restriction ends (Art. 18(3) GDPR).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub informed: Option<At<String>>,
    /// Consent: column of its start.
    pub from: Option<At<String>>,
    /// Consent: column of its end, exclusive.
    pub to: Option<At<String>>,
    /// Lift: column with the id of the request that it ends.
    pub lifts: Option<At<String>>,
    /// Lift: whether an erasure may be ended. Default false.
    pub lift_erase: Option<At<bool>>,
    /// Opt-out: the preference signal that its rows are of, gpc. Such a list is no snapshot: a signal that is gone is no
    /// consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<At<OptOutSignal>>,
    /// Consent: who gives it, person or guardian; for the sale of data of minors. Default person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_by: Option<At<GivenBy>>,
    /// Corrections: name of the source whose records they correct.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<At<String>>,
    /// Corrections: column with the name of the export's column that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<At<String>>,
    /// Corrections: column with the value that the export has, as it is written there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<At<String>>,
    /// Corrections: column with the value that is right, written as the export would write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<At<String>>,
    /// Corrections: column that says why: changed, never-theirs, wrong or incomplete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<At<String>>,
    /// Corrections: column that says accepted (or nothing), contested, or refused:REASON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<At<String>>,
    /// ISO 3166 code for phone columns whose numbers lack `+`.
    pub region: Option<At<String>>,
    /// WHATWG encoding label. Default utf-8.
    pub encoding: Option<At<String>>,
    /// One ASCII character. Default `,`.
    pub delimiter: Option<At<String>>,
    /// Whether the list is one file that names everyone who is meant now; a missing request is lifted. Default false.
    pub snapshot: Option<At<bool>>,
    /// Share of entries a snapshot may lift at once. Default 0%.
    pub max_lifted: Option<At<String>>,
    /// Whether the list may have no object, an empty file or only a header (R31). Default false.
    pub may_be_empty: Option<At<bool>>,
}

/// Names of columns, in their order.
pub type ColumnNames = At<Vec<At<String>>>;

/// `when` of a list.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhenSpec {
    /// Name of the column in the list.
    pub column: At<String>,
    /// Values that make a row a request; compared after trim, NFC and case folding.
    pub equals: At<Vec<At<String>>>,
}

/// `[notices.N]`: what people were told when their data were collected.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeSpec {
    /// The day from whose first moment it was given, YYYY-MM-DD.
    pub valid_from: At<String>,
    /// IANA zone of that day. Default UTC.
    pub zone: Option<At<String>>,
    /// Purposes that it names.
    pub purposes: At<Vec<At<String>>>,
    /// Categories of data that it names.
    pub categories: At<Vec<At<Category>>>,
    /// Recipients that it names. Default all: it names kinds of recipients.
    pub recipients: Option<At<Vec<At<String>>>>,
    /// Whether it says that data are sold. Default false.
    pub sale: Option<At<bool>>,
    /// How long it says that data are kept at most.
    pub keep: Option<At<String>>,
    /// The law it was written for, such as GDPR or CCPA.
    pub regime: Option<At<String>>,
    /// Where it was given.
    pub channel: Option<At<String>>,
    /// The language that the notice is written in.
    pub language: Option<At<String>>,
    /// Digest of its text, so that a later change of the text is seen.
    pub text: Option<At<String>>,
}

/// `[minors]`: whose data are sold only after an opt-in (Civ. Code §1798.120(c), 11 CCR §7070 and §7071).
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MinorsSpec {
    /// Age in completed years from which no opt-in is needed. Default 16.
    pub under: Option<At<i64>>,
    /// Age in completed years from which the person gives it, and no guardian. Default 13.
    pub guardian_under: Option<At<i64>>,
    /// What is done with rows of unknown age: not-sold, as those of a child, or sold. Default not-sold.
    pub unknown: Option<At<UnknownAge>>,
    /// Name of a source -> its column with the date or the year of birth.
    pub birth: At<Named<At<String>>>,
}

/// What is done with rows of which nobody knows the person's age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownAge {
    /// They are sold only after the opt-in of a guardian.
    NotSold,
    /// They are sold.
    Sold,
}

/// What `[removal]` can say.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemovalSpec {
    /// How long replaced files stay for readers. Default PT24H.
    pub grace: Option<At<String>>,
    /// Age at which raw exports are removed. Default never.
    pub raw_keep: Option<At<String>>,
    /// How long requests are kept at least; not shorter than raw_keep. Nothing is deleted after it. Default P10Y.
    pub entry_keep: Option<At<String>>,
    /// How long after `received` a request is due. Default P1M (Art. 12(3) GDPR).
    pub due: Option<At<String>>,
}

/// What `[audit]` can say.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditSpec {
    /// Five fields: minute, hour, day of month, month, day of week.
    pub cron: At<String>,
    /// IANA zone of the schedule.
    pub zone: At<String>,
}

/// What `[links]` can say.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinksSpec {
    /// Most subjects that may share a weak value that still links (R15). Default 5.
    pub max_alias_fanout: Option<At<i64>>,
    /// Most subjects that one request may reach by strong links (R13). Default 50.
    pub max_strong_fanout: Option<At<i64>>,
    /// Kinds of identifier that are no longer in use, although stored requests may name them. Default none.
    pub retired: Option<At<Vec<At<String>>>>,
}
