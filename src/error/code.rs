//! Every error that an operator can act on has a code; what it means and what to do about it stands in one table, which
//! `docs/errors.md` is made of. Must not know who says it.

/// What an operator has to do about an error; each kind is one exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Fix a spec, an argument, a key or the state (exit 2).
    Policy,
    /// Look at the input named: it was refused (exit 3).
    Input,
    /// A gate or the brake said no: look at the plan, then change it or `accept` (exit 4).
    Gate,
    /// The outcome of a commit could not be learned: run again to find out (exit 5).
    Unknown,
    /// Ledger, manifest or published bytes do not agree (exit 6).
    Evidence,
    /// A fault of tamis itself: report it (exit 70, `EX_SOFTWARE` of sysexits.h).
    Fault,
    /// A store is away or refuses: try again (exit 75).
    Storage,
}

impl Kind {
    /// Every kind, by its exit code.
    pub const ALL: [Kind; 7] =
        [Kind::Policy, Kind::Input, Kind::Gate, Kind::Unknown, Kind::Evidence, Kind::Fault, Kind::Storage];

    /// Returns the process's exit code (design section 8).
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Policy => 2,
            Kind::Input => 3,
            Kind::Gate => 4,
            Kind::Unknown => 5,
            Kind::Evidence => 6,
            Kind::Fault => 70,
            Kind::Storage => 75,
        }
    }

    /// Returns whether a commit may have been sent whose outcome nobody knows: the next call finds out.
    pub fn leaves_open(self) -> bool {
        matches!(self, Kind::Unknown | Kind::Fault)
    }
}

/// Makes the enum of codes and what is asked of them from one row for each code: variant, name, kind, what it means,
/// what to do.
macro_rules! codes {
    ($($code:ident $name:literal $kind:ident $meaning:literal $help:literal)*) => {
        /// Which error it is. The name is stable: scripts and alerts may compare it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $(#[doc = $meaning] $code,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &[Code] = &[$(Code::$code),*];

            /// Returns the code as it is written, such as `column-missing`.
            pub fn name(self) -> &'static str {
                match self { $(Code::$code => $name,)* }
            }

            /// Returns its kind, which decides the exit code.
            pub fn kind(self) -> Kind {
                match self { $(Code::$code => Kind::$kind,)* }
            }

            /// Returns what it means, as a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Code::$code => $meaning,)* }
            }

            /// Returns what to do about it.
            pub fn help(self) -> &'static str {
                match self { $(Code::$code => $help,)* }
            }
        }
    };
}

codes! {
    AcceptanceUnfit "acceptance-unfit" Policy
        "No refused run has the digest that was to be accepted, or a run has used this acceptance already."
        "Run `tamis plan` again and accept the digest that it prints, with its `--as-of`."
    AlreadyThere "already-there" Policy
        "The command should make a policy, a state or a key that is there already. tamis never overwrites any of them."
        "Use what is there, or name another place."
    ArgumentWrong "argument-wrong" Policy
        "An argument, or a file that an argument names, cannot be used."
        "Write it as the message says; `tamis COMMAND --help` has all arguments."
    AsOfWrong "as-of-wrong" Policy
        "The time of `--as-of` is in the future, or before the one that the job was last evaluated for."
        "Leave `--as-of` out, or give a time between the last one and now (R28)."
    ClockBehind "clock-behind" Policy
        "The clock of this machine is earlier than the last entry of the ledger, so retention cannot be evaluated."
        "Set the clock and keep it synchronised, then run again."
    ColumnUnfit "column-unfit" Policy
        "A published field has another type than in the published table, or a name that a Delta table cannot have."
        "Give the field another name, or publish to a new output."
    EpochReused "epoch-reused" Policy
        "The token key named in the policy is of an epoch that came before the one in use."
        "Name an epoch that has not been used for this job."
    FileNotWritten "file-not-written" Policy
        "A spec, a key or an answer to a person could not be written."
        "Check who owns the folder, whether it is there and whether the file system has room."
    IdentifierGone "identifier-gone" Policy
        "No job reads a column with this identifier any more, so stored requests that name it would reach nobody."
        "Give the column its identifier back; if it is gone for good, add it to `retired` in `[links]`."
    KeyCommandFailed "key-command-failed" Policy
        "The program that `[keys] command` names gave no key."
        "Call the program by hand as the user that tamis runs as. It must print the key and nothing else, within a minute."
    KeyDiffers "key-differs" Policy
        "A key is not the one that the state was made with."
        "Restore the old key from a copy. With another key no request would match any more."
    KeyExposed "key-exposed" Policy
        "Other users may read or change a key or its folder, or the key lies inside a root of the policy."
        "Set owner and mode as the message says, and check whether somebody may have read the key already."
    KeyMissing "key-missing" Policy
        "A key is not where the policy says."
        "For a new installation or a new epoch, make the key with `tamis key new`. Otherwise restore it from a copy."
    KeyUnreadable "key-unreadable" Policy
        "A key cannot be read, is no plain file, or does not hold 64 hex digits."
        "Put the key file itself there, owned by the user that tamis runs as; `tamis key new` makes one."
    NameUnknown "name-unknown" Policy
        "There is no job, table, version, request or root of this name."
        "Compare it with the specs and with what `tamis status` shows."
    NothingPublished "nothing-published" Policy
        "The command needs a published version, or a table that another program has changed, and there is none."
        "Run the job first, or leave the command out."
    OutputChanged "output-changed" Policy
        "A job publishes to another place than before, or a table has no job any more, so that nothing would sweep it."
        "Bring the output or the job back, or end the old table with `tamis dataset retire`."
    PlaceOverlaps "place-overlaps" Policy
        "Two places in the specs are the same, or one lies inside the other, when symbolic links are followed."
        "Give each a place of its own."
    PlaceUnusable "place-unusable" Policy
        "A root or a path cannot be used."
        "Correct the root's URL, or the path: no empty, `.` or `..` segments and no control characters."
    RequestWrong "request-wrong" Policy
        "The input or the options for a request are not complete, or contradict each other."
        "Give one `kind: value` a line on standard input, and the options that the message names."
    SpecFindings "spec-findings" Policy
        "`tamis check` finds faults in the specs; each has a code of its own."
        "Correct them: [the findings](spec.md#findings) say how."
    SpecUnusable "spec-unusable" Policy
        "A spec names something that cannot be used: an encoding, a time zone, a date format, an input, a column."
        "Run `tamis check`, and correct what the message names."
    SpecsChanged "specs-changed" Policy
        "The specs have changed since an unfinished run began, so tamis cannot resume this run."
        "Run the job by hand, or wait for the next scheduled time."
    StateBeyond "state-beyond" Policy
        "The state has a format, or a size, that this version of tamis cannot handle."
        "Use the version of tamis that wrote it, or a newer one."
    StateMissing "state-missing" Policy
        "The state was never created, or the root `state` leads elsewhere."
        "Check the root `state`; for a new installation run `tamis state create`."
    StoreIncapable "store-incapable" Policy
        "The store lacks an operation that tamis needs, such as writing an object only if it is not there yet."
        "Use a store with create-only writes; for S3 unset `AWS_CONDITIONAL_PUT`."
    TableNotEmpty "table-not-empty" Policy
        "The table should be gone, but some of its objects are still there."
        "Remove them, or retire the table again."
    TableUnsupported "table-unsupported" Policy
        "The table uses a feature of Delta that tamis does not write."
        "Publish to a new output, or turn the feature off in the other program."

    ArchiveMembers "archive-members" Input
        "An archive has no member that the source or the list means, or more of them than allowed."
        "Compare `member` in the spec with the names of the files in the archive."
    CellWithoutValue "cell-without-value" Input
        "A cell of a workbook in a column that the job reads has no value: an error, a formula, cells that are merged."
        "Correct the cell that the message names, or have it exported as CSV."
    ColumnMissing "column-missing" Input
        "The export lacks a column that the job needs."
        "Have the column exported again, or take the field out of the job."
    ColumnTwice "column-twice" Input
        "Two columns of the header have the same name, apart from case."
        "Have one of the columns renamed or left out of the export."
    ColumnUnlisted "column-unlisted" Input
        "The export has columns that the source does not list."
        "Declare each of them in the source, or have it left out of the export."
    CorrectionsUnreadable "corrections-unreadable" Input
        "A file of corrections, or a row of one, could not be read, so that a value that is known to be wrong might be published."
        "Correct the row or the file named; nothing is published until every correction can be read (R80)."
    DateAmbiguous "date-ambiguous" Input
        "Two formats of a column read the same value as different dates."
        "Leave one of the formats out of the source."
    EncodingWrong "encoding-wrong" Input
        "The bytes are not text in the declared encoding, or an earlier conversion has lost characters."
        "Correct `read.encoding` in the source, or have the file exported again in its original encoding."
    ExportChangedSince "export-changed-since" Input
        "The export has changed since an unfinished run began, so tamis cannot resume this run."
        "Run the job by hand, or wait for the next scheduled time."
    ExportChangedWhileRead "export-changed-while-read" Input
        "An object changed or went away while it was being read."
        "Let the export finish before the run, then run again."
    ExportCountDiffers "export-count-differs" Input
        "The export has another number of records than the exporting system says, or that number cannot be read."
        "Fetch the export again: records may be missing. If the export is right, look at the file that `complete.count` names."
    ExportDateUnknown "export-date-unknown" Input
        "The job keeps rows by the date of the export, but the name of the set does not say a date (R42)."
        "Set `complete.set_format` in the source, or keep rows by another clock."
    ExportNotWhole "export-not-whole" Input
        "No set of the export is complete yet, or the set that is needed is not complete."
        "Wait for the export to finish, or check `[complete]` in the source."
    ExportShrank "export-shrank" Input
        "The set has far fewer records than the set before it."
        "Have the export made again; if it is right, change `complete.min_records` in the source."
    FormatNotRead "format-not-read" Input
        "tamis does not read files of this kind: a document, an encrypted member, a member packed in another way, a link."
        "Do what the message says, for instance have it exported as CSV: plain, compressed or in an archive, without a password."
    HeaderMissing "header-missing" Input
        "A file is empty or ends before its header, or it has no header and nothing names its columns."
        "Have the file exported again, or check `header`, `names`, `model` and `entity` in `[read]` of the source."
    InputDamaged "input-damaged" Input
        "A packed file is cut short, or its lengths or checksums do not fit its contents."
        "Have the file exported or transferred again."
    InputMissing "input-missing" Input
        "Nothing matches the input."
        "Check the job's input against the paths in that root, and whether the export has arrived."
    InputNotReadable "input-not-readable" Input
        "Something in the place of an input cannot be read: a file without the right to read it, a link, a pipe, a bad name."
        "Do what the message says. tamis never reads an input in part while it cannot see all of it."
    InputTooLarge "input-too-large" Input
        "The input is larger than a limit allows: bytes unpacked, members, columns, text of one block."
        "Raise the limit that the message names if the export is right."
    PersonUnknown "person-unknown" Input
        "A row without a subject leaves out a person, by an exclude with `scope = \"person\"`, or ends a record, by `deleted` of `[newest]`. Nobody knows which."
        "Correct the record in the export. Leave `scope` out of the exclude if it is meant for single rows."
    RecordMalformed "record-malformed" Input
        "A record is not written as the source declares it: quotes, line ends, number of cells, length."
        "Have the file exported again. For a wrong number of cells, you can also set `limits.on_bad_record = \"drop\"` in the job."
    RequestListChanged "request-list-changed" Input
        "A file of requests changed or went away while it was being read. Every request that was read is stored and in force."
        "Let the program or person that writes the list finish, then run again; nothing is published until every list can be read (R31)."
    RequestListUnreadable "request-list-unreadable" Input
        "A list of requests, or a part of it, could not be read. Every readable request is stored and in force."
        "Correct the record or the file named; nothing is published until every list can be read (R31)."
    SetDatedAhead "set-dated-ahead" Input
        "The newest set is named after a day in the future, so it would stay the newest and hide every later export."
        "Rename it or move it away. If your exports are named after a day in the future, set `complete.max_ahead` in the source."
    SetOrderUnknown "set-order-unknown" Input
        "The names of two sets do not say which of them is the newer one."
        "Move away everything that is not a set of this export, or set `complete.set_format` in the source."
    SheetUnclear "sheet-unclear" Input
        "A workbook does not have the sheet that the source names, or has several that it could mean."
        "Set `read.sheet` in the source to the name of the sheet with the records."
    TooManyValues "too-many-values" Input
        "A cell has more values than the column's `several` allows."
        "Look at the record. If it is right, raise `most` of `several` in the source."

    Brake "brake" Gate
        "More rows would be dropped than `max_removed` allows, or none would be left."
        "Look at the plan. If so many rows should really be dropped, accept its digest."
    FieldEmptied "field-emptied" Gate
        "A field lost more of its values since the run before than `max_emptied` allows."
        "Find out whether the export lost or renamed the column. If the values are really gone from the CRM, accept the plan's digest."
    FirstSeenLost "first-seen-lost" Gate
        "Retention counts from when persons were first seen, and these times are lost (R42)."
        "Bring the state back from a copy. If the times of all persons should begin anew, accept the plan."
    GateK "gate-k" Gate
        "Some groups of persons with the same quasi-identifiers have fewer than k persons."
        "Coarsen or leave out a quasi-identifier, or suppress small groups. This cannot be accepted."
    GateL "gate-l" Gate
        "The values of a sensitive field differ too little within some groups of persons with the same quasi-identifiers (R41)."
        "Coarsen or leave out a quasi-identifier or the sensitive field, or suppress such groups. This cannot be accepted."
    LegalHold "legal-hold" Gate
        "A legal hold, or a restriction that keeps bytes, keeps what the command should remove."
        "Wait until it is lifted (R34, R69)."
    OutOfTime "out-of-time" Gate
        "The run did not finish within its time; the version before is unchanged."
        "Raise the job's `timeout`, or give the run more memory and threads."
    PlanNotAccepted "plan-not-accepted" Gate
        "The plan has to be accepted, and nobody has accepted it, or another run has used the acceptance."
        "Look at the plan and accept its digest: `tamis accept`."
    ReviewPast "review-past" Gate
        "The day has passed by which somebody had to review the recipient (R71)."
        "Review its contract, country and transfer, and write the day of the next review into `review_by`; or accept the plan once."
    SetChanged "set-changed" Gate
        "The set was published before, and its bytes have changed since."
        "Compare both exports. If the new one is right, accept the plan."
    SetOlder "set-older" Gate
        "The set is older than the one published last, or nobody can tell which of them is newer."
        "Bring the newer set back or wait for the next one; accept the plan if this is the set to publish."
    SignOffMissing "sign-off-missing" Gate
        "The purpose asks for a signature of the controller, and what the job does now was not signed (R76)."
        "Look at `tamis report dpia JOB`, then sign it with `tamis sign-off`. You cannot accept this."
    TooFewValues "too-few-values" Gate
        "A column with few distinct values is pseudonymized, which hides nothing (R21)."
        "Publish the column with `map` or `bucket`, or leave it out."
    TooManyRaw "too-many-raw" Gate
        "Too many values of an identifier have no normal form, so requests would miss these rows (R37)."
        "Have the column exported without changes to its values, or raise its `max_raw` in the source."
    TooManyRejected "too-many-rejected" Gate
        "More bad records would have to be dropped than `max_rejected` allows."
        "Have the export made again. If the records are really bad and may be dropped, accept the plan's digest."
    TooManySuppressed "too-many-suppressed" Gate
        "The gate would suppress more rows than `max_suppressed` allows."
        "Coarsen or leave out a quasi-identifier. If so many rows should really be suppressed, accept the plan's digest."
    TooManyUnnoticed "too-many-unnoticed" Gate
        "Too many rows are not covered by the notice that was in force when their data were collected (R85)."
        "Look at `collected` in the job and at `[notices]` in the policy, or give a new notice and say when persons got it."
    TooManyUntreated "too-many-untreated" Gate
        "Too many values of a field could not be treated (R37)."
        "Correct the source's types or formats, or raise the field's `max_untreated`."

    CommitUnknown "commit-unknown" Unknown
        "The commit was sent, but the store did not confirm it."
        "Run again: tamis finds out whether the version is there, and commits it only if it is not."

    AuditNotChecked "audit-not-checked" Evidence
        "`tamis audit` found nothing wrong, but could not look at everything."
        "The report says what it could not look at, and why. Bring the key, the file or the part of the state back, and audit again."
    AuditNotHeld "audit-not-held" Evidence
        "A published table does not comply with the policy of today."
        "Each finding of the report says what to do. Run or sweep, then audit again."
    CompanionBroken "companion-broken" Evidence
        "A companion, or the published file that it belongs to, is gone, cannot be read, or does not fit the other."
        "Run the job: that writes a whole version in its place. `tamis verify` says whether other parts do not agree either."
    EvidenceBroken "evidence-broken" Evidence
        "`tamis verify` found parts of the evidence that do not agree."
        "Compare with a copy of the state, and find out who wrote there. Nothing was changed."
    KeyOfVersionDiffers "key-of-version-differs" Evidence
        "A published version was made with another token key than its epoch has now."
        "Restore the key of that epoch from a copy."
    PublishedFileChanged "published-file-changed" Evidence
        "A data file or companion of a published version has other bytes than were published. tamis did not use it."
        "Bring the file back from a copy, or run the job: that publishes a new version with new files."
    RowsDoNotAddUp "rows-do-not-add-up" Evidence
        "Rows were counted or kept in a way that contradicts itself; nothing was published."
        "Run again; report it if it happens again."
    RunCutShort "run-cut-short" Evidence
        "The last run was cut short before its evidence was complete, so a plan would not be true."
        "Run the job: that completes the evidence first."
    StateForeignObject "state-foreign-object" Evidence
        "Something lies where only tamis writes, and tamis did not write it."
        "Find out who put it there, then move it away. Nothing was changed."
    StatePartChanged "state-part-changed" Evidence
        "A part of the state has changed since tamis wrote it."
        "Run `tamis verify`, and bring the part back from a copy of the state."
    StatePartMissing "state-part-missing" Evidence
        "A part of the state is gone."
        "Bring it back from the newest copy of the state."
    StatePartOlder "state-part-older" Evidence
        "A part of the state, or a table, was restored from an older copy than the rest. A run could publish erased persons."
        "Restore the newest copy of this part, and no older copy of anything else."
    StatePartUnreadable "state-part-unreadable" Evidence
        "A part of the state cannot be read, because its contents are not what they should be."
        "Use the newest tamis that wrote there; if that cannot read it either, bring the part back from a copy."
    TableApart "table-apart" Evidence
        "The table and the state do not agree on version or files, or the table is gone or was restored."
        "Run or sweep again. If that does not help, compare table and state with `tamis verify`, and bring the newest table back."
    TableChanged "table-changed" Evidence
        "The table was restored or deleted while a run was working. Nothing of this run was published."
        "Compare the table with the ledger: `tamis verify`."
    TableIsForeign "table-is-foreign" Evidence
        "Another program has committed to the table."
        "Find out which program it was, then take the table back with `tamis dataset adopt` or publish to a new output."
    TableLogBroken "table-log-broken" Evidence
        "The table's log is not as tamis left it."
        "Compare the table with the ledger: `tamis verify`."

    InternalFault "internal-fault" Fault
        "tamis itself has a fault. A run that breaks off publishes nothing in part."
        "Call the command again: it completes or clears away what it had begun. Report the fault as SECURITY.md says, without any data."

    DiskFailed "disk-failed" Storage
        "A file or folder could not be read or written."
        "Look at the folder and its file system, then run again."
    DiskFull "disk-full" Storage
        "The disk, or a quota on it, is full."
        "Make room, then run again."
    EvidenceIncomplete "evidence-incomplete" Storage
        "A version was published, but the steps after it could not be completed."
        "Run or sweep again: that completes it before anything else."
    LeaseHeld "lease-held" Storage
        "Another run or sweep is at work on the same job."
        "Wait until it is done, then start again."
    LeaseLost "lease-lost" Storage
        "This process was suspended, or worked, for so long that another process may have taken over. It published nothing."
        "Start it again: it continues from what the other one left."
    ObjectMissing "object-missing" Storage
        "An object, a bucket or the folder of a root is not there."
        "Check the root's URL in the policy, or `--root`, and whether the disk is mounted."
    OutputCannotBeWritten "output-cannot-be-written" Storage
        "The command has done its work, but its answer could not be written."
        "Make room in the place where the answer is written, then ask again with `tamis status` or `tamis report job`."
    Overtaken "overtaken" Storage
        "Another process wrote to the same place meanwhile."
        "Start it again: it continues from what the other one wrote."
    SpillFailed "spill-failed" Storage
        "Rows could not be kept in the spill directory, or did not come back as they were written."
        "Look at the directory that `--spill` names and its file system, then run again."
    Stopped "stopped" Storage
        "The work was stopped by a signal before its commit."
        "Start it again when it may run again."
    StoreAway "store-away" Storage
        "The store does not answer, broke off its answer, or gave an answer that makes no sense."
        "Check the network, the endpoint and its settings in the environment, then run again."
    StoreDenied "store-denied" Storage
        "The store, or the file system, does not permit the operation."
        "Check the credentials and their rights, or who owns the folders, then run again."
    StoreProtects "store-protects" Storage
        "The store protects versions of objects from removal until a time."
        "Call the command again after that time; everything else is removed."
    SystemLimit "system-limit" Storage
        "The system gives too few threads, too little memory, or no signals."
        "Raise the limit that the message names, or set `--threads` lower."
}

#[cfg(test)]
mod tests {
    use super::{Code, Kind};

    /// Returns a variant's name as it is written for people.
    fn kebab(variant: &str) -> String {
        let mut out = String::new();
        for letter in variant.chars() {
            if letter.is_uppercase() && !out.is_empty() {
                out.push('-');
            }
            out.extend(letter.to_lowercase());
        }
        out
    }

    #[test]
    fn names_are_those_of_the_variants_and_sorted_within_their_kind() {
        let names: Vec<_> = Code::ALL.iter().map(|code| (code.kind(), code.name())).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        for code in Code::ALL {
            assert_eq!(code.name(), kebab(&format!("{code:?}")));
            assert!(code.meaning().ends_with('.') && code.help().ends_with('.'), "{code:?}");
        }
    }

    #[test]
    fn every_kind_has_an_exit_code_of_its_own() {
        let exits: Vec<u8> = Kind::ALL.iter().map(|kind| kind.exit_code()).collect();
        assert!(exits.is_sorted_by(|a, b| a < b), "{exits:?}");
        assert!(Kind::ALL.iter().all(|kind| Code::ALL.iter().any(|code| code.kind() == *kind)));
    }
}
