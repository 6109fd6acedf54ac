"""Types of what functions return: made from the schemas of the program by make_reports; not written by hand."""

from __future__ import annotations

from typing import Literal, NotRequired, TypeAlias, TypedDict


class CheckFinding(TypedDict):
    """
    A finding of `check`.
    """

    code: str
    """
    Name of the check, as in `docs/spec.md`.
    """
    column: int
    """
    Column, from 1, in characters.
    """
    file: str
    """
    Path of the spec file.
    """
    help: str
    """
    What to do about it.
    """
    hint: bool
    """
    Whether it stops no run.
    """
    line: int
    """
    Line, from 1.
    """
    message: str
    """
    What is wrong, in words without a value.
    """


Instant: TypeAlias = str


class LeftAside(TypedDict):
    """
    Files that a list or an input leaves aside though they look like what was meant.
    """

    files: int
    """
    How many files were left aside.
    """
    first: str
    """
    `ROOT:path` of the first.
    """
    of: str
    """
    `list NAME` or `input ROOT:GLOB`.
    """


class NextRun(TypedDict):
    """
    One scheduled time.
    """

    local: str
    """
    The same on the clocks of the schedule's zone.
    """
    utc: Instant
    """
    The instant.
    """


class NextRuns(TypedDict):
    """
    When a job runs next.
    """

    cron: str
    """
    Its schedule, as written.
    """
    job: str
    """
    Name of the job.
    """
    next: list[NextRun]
    """
    The next scheduled times, the nearest first.
    """
    suspended: bool
    """
    Whether the schedule is suspended.
    """
    timezone: str
    """
    The zone in which the schedule counts.
    """


class CheckReport(TypedDict):
    """
    What `check --json` prints of specs without faults.
    """

    aside: list[LeftAside]
    """
    What lists and inputs leave aside.
    """
    findings: list[CheckFinding]
    """
    The hints.
    """
    schedules: list[NextRuns]
    """
    When each job runs next.
    """
    schema: str
    """
    Name and version of this form.
    """
    time_zones: str
    """
    Version of the time zone data.
    """
    unseen: list[str]
    """
    What is meant and cannot be read, each with its place and why.
    """


class AsideCount(TypedDict):
    """
    Files that a list or an input left aside though they look like what was meant. Their names are in no evidence.
    """

    files: int
    """
    How many files were left aside.
    """
    of: str
    """
    `list NAME` or `input ROOT:GLOB`.
    """


class Balance(TypedDict):
    """
    The balance of a run (R33).
    """

    removed: int
    """
    Rows removed, for all reasons.
    """
    rows_in: int
    """
    Rows read, dropped bad records included.
    """
    rows_out: int
    """
    Rows that are in the version to be published.
    """


class Brake(TypedDict):
    """
    What the brake compared (R37).
    """

    accepted: NotRequired[str | None]
    """
    Digest by which a person let it through.
    """
    max_removed: str
    """
    Share allowed, as written.
    """
    of: int
    """
    Rows it compares with: of the version before, of a first version rows in.
    """
    removed: int
    """
    Rows less than that.
    """


CauseEffect: TypeAlias = Literal['rejected', 'untreated', 'raw']
"""
What became of values for one cause.
"""


class ClocksIgnored(TypedDict):
    """
    Clock values ignored (R24).
    """

    future: int
    """
    Values later than `max_future` allows.
    """
    sentinel: int
    """
    Dates that mean "no date".
    """


CorrectionState: TypeAlias = Literal['conflicts', 'contested', 'not-found', 'applied', 'source-agrees', 'not-used', 'refused']
"""
What came of a correction in a run.
"""


class CoveredColumns(TypedDict):
    """
    Columns that a source covers without a line of their own: by a pattern, or because nobody wants them.
    """

    by: str
    """
    The pattern, `read.ignore` or `read.deny`.
    """
    category: NotRequired[str | None]
    """
    Category that the pattern gives.
    """
    columns: list[str]
    """
    Names, sorted; empty for columns without one.
    """
    new: NotRequired[list[str]]
    """
    Of these, columns that the export of the run before did not have.
    """
    purposes: NotRequired[list[str]]
    """
    Purposes that the pattern lists.
    """


Diversity: TypeAlias = Literal['distinct', 'entropy']
"""
How tamis counts how much values differ.
"""


class Drift(TypedDict):
    """
    A column that the source does not list.
    """

    column: str
    """
    Its name; empty for columns without one.
    """
    columns: NotRequired[int | None]
    """
    How many columns of a file have that name, where it is more than one.
    """
    first_seen: Instant
    """
    `as_of` of the first run that saw it.
    """
    new: NotRequired[bool]
    """
    The export of the run before did not have it.
    """


class FewValues(TypedDict):
    """
    Pseudonymized columns without identifier (R21).
    """

    exceeded: NotRequired[list[str]]
    """
    In words, each field whose column has too few values to hide anything.
    """
    fields: int
    """
    Fields looked at: pseudonymized, of a column without identifier.
    """
    rows: int
    """
    Rows read; fewer than 1,000 say nothing.
    """


Field = TypedDict(
    'Field',
    {
        'counts': NotRequired[dict[str, int]],
        'data_type': str,
        'emptied': NotRequired[bool],
        'first_untreated': NotRequired[str | None],
        'from': NotRequired[str | None],
        'keep': NotRequired[str | None],
        'name': str,
        'other': NotRequired[int | None],
        'pattern': NotRequired[str | None],
        'raw_forms': int,
        'subject': NotRequired[bool],
        'treatment': str,
        'untreated': int,
        'values': int,
    },
)


class File(TypedDict):
    """
    A file of a version, or its companion.
    """

    blake3: str
    """
    BLAKE3 hex of its bytes.
    """
    bytes: int
    """
    Length of the file.
    """
    path: str
    """
    Path below its root.
    """
    rows: int
    """
    Rows that are in it.
    """


class FirstSeenKept(TypedDict):
    """
    Whether it is known when persons were first seen (R42).
    """

    known: int
    """
    Persons that runs before have read.
    """
    lost: NotRequired[str | None]
    """
    Why it is not known, when it is not.
    """


class ForeignCommit(TypedDict):
    """
    A commit of another program.
    """

    operation: str
    """
    What it did, as far as tamis knows the word.
    """
    version: int
    """
    Its version in the table's log.
    """


class Gate1(TypedDict):
    """
    k-anonymity over one set of quasi-identifiers (R36).
    """

    groups: int
    """
    Combinations that were found.
    """
    groups_below: int
    """
    Combinations that fewer than k subjects share.
    """
    k: int
    """
    Smallest number of subjects that may share a combination.
    """
    max_suppressed: str
    """
    Share of rows that may be suppressed, as written.
    """
    quasi_identifiers: list[str]
    """
    Names of the fields whose combination must be shared.
    """
    rows_suppressed: int
    """
    Rows suppressed: those of combinations below k, unless these refuse the run.
    """
    smallest: NotRequired[int | None]
    """
    Subjects of the smallest combination before any was suppressed; none without rows.
    """
    kind: Literal['k']


class Gate2(TypedDict):
    """
    l-diversity over the groups of k (R41).
    """

    groups: int
    """
    Combinations of quasi-identifiers found.
    """
    groups_below: int
    """
    Combinations below l in any of the fields.
    """
    l: int
    """
    How much they have to.
    """
    least_hundredths: NotRequired[int | None]
    """
    Hundredths of the least l that a combination had before any was suppressed; none without rows. With entropy, as
    many equally frequent values would have the same.
    """
    measure: Diversity
    """
    How that is counted: distinct values, or their entropy.
    """
    rows_suppressed: int
    """
    Rows suppressed: those of combinations below l, unless these refuse the run. A row of a combination below k too
    counts under both gates.
    """
    sensitive: list[str]
    """
    Fields whose values have to differ.
    """
    kind: Literal['l-diversity']


class Gate3(TypedDict):
    """
    The balance of a run (R33).
    """

    removed: int
    """
    Rows removed, for all reasons.
    """
    rows_in: int
    """
    Rows read, dropped bad records included.
    """
    rows_out: int
    """
    Rows that are in the version to be published.
    """
    kind: Literal['balance']


class Gate4(TypedDict):
    """
    The size of a set, compared with what its sender says (R64).
    """

    records: int
    """
    Records that were read.
    """
    said: int
    """
    Records that the sender says.
    """
    kind: Literal['sender-count']


class Gate5(TypedDict):
    """
    The size of a set, compared with that of the set before it (R38).
    """

    before: int
    """
    Records of the set before it.
    """
    min_records: str
    """
    Share of them that there have to be, as written.
    """
    records: int
    """
    Records that are in the set.
    """
    set: str
    """
    Name of the set that was read.
    """
    kind: Literal['min-records']


class Gate6(TypedDict):
    """
    Values that could not be treated (R37).
    """

    exceeded: NotRequired[list[str]]
    """
    In words, each field that exceeds its limit.
    """
    fields: int
    """
    Fields whose values were looked at.
    """
    untreated: int
    """
    Values that could not be treated, of all fields.
    """
    kind: Literal['max-untreated']


class Gate7(TypedDict):
    """
    Rows of persons who were not told of what the job does with their data (R85).
    """

    left_out: int
    """
    Rows that no notice covers: they are left out.
    """
    max_unnoticed: str
    """
    Share allowed of both together, as written.
    """
    nulled: int
    """
    Rows of which the notice does not name the category of some field: its value is null.
    """
    of: int
    """
    Rows read.
    """
    kind: Literal['max-unnoticed']


class Gate8(TypedDict):
    """
    Fill rates of fields against those of the run before (R37).
    """

    exceeded: NotRequired[list[str]]
    """
    In words, each field that lost more.
    """
    fields: int
    """
    Fields that can be compared.
    """
    max_emptied: str
    """
    Share of the filled cells that a field may lose, as written.
    """
    kind: Literal['max-emptied']


class Gate9(TypedDict):
    """
    Pseudonymized columns without identifier (R21).
    """

    exceeded: NotRequired[list[str]]
    """
    In words, each field whose column has too few values to hide anything.
    """
    fields: int
    """
    Fields looked at: pseudonymized, of a column without identifier.
    """
    rows: int
    """
    Rows read; fewer than 1,000 say nothing.
    """
    kind: Literal['few-values']


class Gate10(TypedDict):
    """
    Values hashed in their raw form, of columns with a `max_raw` (R37).
    """

    columns: int
    """
    Columns that have a limit.
    """
    exceeded: NotRequired[list[str]]
    """
    In words, each column that exceeds its limit.
    """
    raw: int
    """
    Values without a normal form, of all of them.
    """
    kind: Literal['max-raw']


class Gate11(TypedDict):
    """
    Rows suppressed by gates over groups (R37).
    """

    max_suppressed: str
    """
    Share allowed, as written.
    """
    of: int
    """
    Rows left before any was suppressed.
    """
    suppressed: int
    """
    Rows left out because their group is too small.
    """
    kind: Literal['max-suppressed']


class Gate12(TypedDict):
    """
    Refuses a version that loses more rows than the job allows (R37).
    """

    max_removed: str
    """
    Share allowed, as written.
    """
    of: int
    """
    Rows it compares with: of the version before, of a first version rows in.
    """
    removed: int
    """
    Rows less than that.
    """
    with_previous: bool
    """
    Whether it compares with the version before.
    """
    kind: Literal['max-removed']


class Gate13(TypedDict):
    """
    Rows left to publish (R37).
    """

    allow_empty: bool
    """
    Whether there may be none.
    """
    rows: int
    """
    Rows that are left to be published.
    """
    kind: Literal['not-empty']


class Gate14(TypedDict):
    """
    Bad records dropped while reading (R37).
    """

    dropped: int
    """
    Records that were left out because they cannot be read.
    """
    max_rejected: str
    """
    Share allowed, as written.
    """
    of: int
    """
    Rows read, dropped ones included.
    """
    kind: Literal['max-rejected']


class Gate15(TypedDict):
    """
    Whether the set is the one to publish (R38).
    """

    doubt: NotRequired[str | None]
    """
    What is odd about it.
    """
    set: str
    """
    Name of the set that was read.
    """
    kind: Literal['known-set']


class Gate16(TypedDict):
    """
    Whether it is known when persons were first seen (R42).
    """

    known: int
    """
    Persons that runs before have read.
    """
    lost: NotRequired[str | None]
    """
    Why it is not known, when it is not.
    """
    kind: Literal['first-seen']


class Gate17(TypedDict):
    """
    Whether the recipient's review is still to come (R71).
    """

    past: bool
    """
    Whether that day has passed.
    """
    recipient: str
    """
    Name of the recipient.
    """
    review_by: str
    """
    The last day on which it may be published for without a new review.
    """
    kind: Literal['review']


class Gate18(TypedDict):
    """
    Whether the controller has signed what is published (R76).
    """

    profile: NotRequired[str | None]
    """
    Digest of what was signed.
    """
    raised: list[str]
    """
    What has changed since and raises the risk, in words of the specs.
    """
    signed: NotRequired[str | None]
    """
    When it was signed last; none when it never was.
    """
    kind: Literal['sign-off']


class Head(TypedDict):
    """
    The last entry: its number and the digest of its bytes. Written `SEQ:DIGEST`; kept elsewhere, it shows a cut tail.
    """

    digest: str
    """
    BLAKE3 hex of its bytes; [`GENESIS`] of an empty ledger.
    """
    seq: int
    """
    Number of the last entry; 0 of an empty ledger.
    """


class KAnonymity(TypedDict):
    """
    k-anonymity over one set of quasi-identifiers (R36).
    """

    groups: int
    """
    Combinations that were found.
    """
    groups_below: int
    """
    Combinations that fewer than k subjects share.
    """
    k: int
    """
    Smallest number of subjects that may share a combination.
    """
    max_suppressed: str
    """
    Share of rows that may be suppressed, as written.
    """
    quasi_identifiers: list[str]
    """
    Names of the fields whose combination must be shared.
    """
    rows_suppressed: int
    """
    Rows suppressed: those of combinations below k, unless these refuse the run.
    """
    smallest: NotRequired[int | None]
    """
    Subjects of the smallest combination before any was suppressed; none without rows.
    """


class Keys(TypedDict):
    """
    Ids of keys; nothing of the keys.
    """

    epoch: str
    """
    Name of the token key's epoch.
    """
    identity: str
    """
    Of the identity key.
    """
    token: str
    """
    Of the token key.
    """


Kind: TypeAlias = Literal['run', 'sweep']
"""
Kind of a version.
"""


class KnownSet(TypedDict):
    """
    Whether the set is the one to publish (R38).
    """

    doubt: NotRequired[str | None]
    """
    What is odd about it.
    """
    set: str
    """
    Name of the set that was read.
    """


class LDiversity(TypedDict):
    """
    l-diversity over the groups of k (R41).
    """

    groups: int
    """
    Combinations of quasi-identifiers found.
    """
    groups_below: int
    """
    Combinations below l in any of the fields.
    """
    l: int
    """
    How much they have to.
    """
    least_hundredths: NotRequired[int | None]
    """
    Hundredths of the least l that a combination had before any was suppressed; none without rows. With entropy, as
    many equally frequent values would have the same.
    """
    measure: Diversity
    """
    How that is counted: distinct values, or their entropy.
    """
    rows_suppressed: int
    """
    Rows suppressed: those of combinations below l, unless these refuse the run. A row of a combination below k too
    counts under both gates.
    """
    sensitive: list[str]
    """
    Fields whose values have to differ.
    """


class ListApplied(TypedDict):
    """
    A list as applied.
    """

    effect: str
    """
    What its requests ask for.
    """
    entries: int
    """
    Entries in force at `as_of`.
    """
    learned: int
    """
    Identities that entries have learned by links in this run (R18).
    """
    lifts_nothing: NotRequired[int]
    """
    Lifts that end nothing (R30).
    """
    name: str
    """
    Its name, or the effect for commands.
    """
    needs_review: int
    """
    Entries that a person has to look at (R13, R15).
    """
    not_binding: NotRequired[str | None]
    """
    Why it does not bind here (R29), when it does not.
    """
    reached: int
    """
    Entries that a row read is reached by.
    """
    signal: NotRequired[str | None]
    """
    The preference signal that they are of (11 CCR §7025).
    """
    unusable: NotRequired[int]
    """
    Entries in force that name no value with a normal form: only the same spelling is found (R4).
    """


class Lost(TypedDict):
    """
    A column that the source lists.
    """

    column: str
    """
    Name of the column in the header.
    """
    files: NotRequired[int | None]
    """
    In how many files it is not, where others have it.
    """
    first_seen: Instant
    """
    `as_of` of the first run that missed it.
    """


class MaxEmptied(TypedDict):
    """
    Fill rates of fields against those of the run before (R37).
    """

    exceeded: NotRequired[list[str]]
    """
    In words, each field that lost more.
    """
    fields: int
    """
    Fields that can be compared.
    """
    max_emptied: str
    """
    Share of the filled cells that a field may lose, as written.
    """


class MaxRawForms(TypedDict):
    """
    Values hashed in their raw form, of columns with a `max_raw` (R37).
    """

    columns: int
    """
    Columns that have a limit.
    """
    exceeded: NotRequired[list[str]]
    """
    In words, each column that exceeds its limit.
    """
    raw: int
    """
    Values without a normal form, of all of them.
    """


class MaxRejected(TypedDict):
    """
    Bad records dropped while reading (R37).
    """

    dropped: int
    """
    Records that were left out because they cannot be read.
    """
    max_rejected: str
    """
    Share allowed, as written.
    """
    of: int
    """
    Rows read, dropped ones included.
    """


class MaxRemoved(TypedDict):
    """
    Refuses a version that loses more rows than the job allows (R37).
    """

    max_removed: str
    """
    Share allowed, as written.
    """
    of: int
    """
    Rows it compares with: of the version before, of a first version rows in.
    """
    removed: int
    """
    Rows less than that.
    """
    with_previous: bool
    """
    Whether it compares with the version before.
    """


class MaxSuppressed(TypedDict):
    """
    Rows suppressed by gates over groups (R37).
    """

    max_suppressed: str
    """
    Share allowed, as written.
    """
    of: int
    """
    Rows left before any was suppressed.
    """
    suppressed: int
    """
    Rows left out because their group is too small.
    """


class MaxUnnoticed(TypedDict):
    """
    Rows of persons who were not told of what the job does with their data (R85).
    """

    left_out: int
    """
    Rows that no notice covers: they are left out.
    """
    max_unnoticed: str
    """
    Share allowed of both together, as written.
    """
    nulled: int
    """
    Rows of which the notice does not name the category of some field: its value is null.
    """
    of: int
    """
    Rows read.
    """


class MaxUntreatedValues(TypedDict):
    """
    Values that could not be treated (R37).
    """

    exceeded: NotRequired[list[str]]
    """
    In words, each field that exceeds its limit.
    """
    fields: int
    """
    Fields whose values were looked at.
    """
    untreated: int
    """
    Values that could not be treated, of all fields.
    """


class Member(TypedDict):
    """
    A file in an object.
    """

    blake3: str
    """
    BLAKE3 hex of the object's bytes; of a member of an archive, of its bytes after decompression.
    """
    blank: NotRequired[int]
    """
    Of these, records of blank cells only; they have no subject.
    """
    dropped: int
    """
    Of these, bad records dropped (`on_bad_record = "drop"`).
    """
    encoding: str
    """
    Encoding it was read in.
    """
    name: NotRequired[str | None]
    """
    Its name in the archive.
    """
    records: int
    """
    Records read, the header not among them.
    """


class MinRecords(TypedDict):
    """
    The size of a set, compared with that of the set before it (R38).
    """

    before: int
    """
    Records of the set before it.
    """
    min_records: str
    """
    Share of them that there have to be, as written.
    """
    records: int
    """
    Records that are in the set.
    """
    set: str
    """
    Name of the set that was read.
    """


class NotEmpty(TypedDict):
    """
    Rows left to publish (R37).
    """

    allow_empty: bool
    """
    Whether there may be none.
    """
    rows: int
    """
    Rows that are left to be published.
    """


class OtherRows(TypedDict):
    """
    Another person that rows may have.
    """

    name: str
    """
    Name of the person in the source.
    """
    rows: int
    """
    Rows without the cells that are about them.
    """


Outcome: TypeAlias = Literal['published', 'planned']
"""
What came of a call.
"""


class Output(TypedDict):
    """
    The published version: its table, files and companions.
    """

    companions: list[File]
    """
    Their companions, paths below the state root, in the same order.
    """
    dataset: str
    """
    `ROOT:path` of the table.
    """
    files: list[File]
    """
    All files of the version, paths below the root of the dataset, in path order.
    """
    first_seen: NotRequired[File | None]
    """
    When persons were first seen, where retention counts from then; its path is below the state root, its rows are persons.
    """
    version: int
    """
    Its number in the table's history.
    """


class Previous(TypedDict):
    """
    The version that was current before.
    """

    rows: int
    """
    Rows that were published in it.
    """
    run: str
    """
    The run that made it.
    """
    version: int
    """
    Version of the table.
    """


class RawCause(TypedDict):
    """
    Why values have no normal form.
    """

    cause: str
    """
    Why they have no normal form.
    """
    values: int
    """
    How many values this is true of.
    """


class RecipientReview(TypedDict):
    """
    Whether the recipient's review is still to come (R71).
    """

    past: bool
    """
    Whether that day has passed.
    """
    recipient: str
    """
    Name of the recipient.
    """
    review_by: str
    """
    The last day on which it may be published for without a new review.
    """


class Rejected(TypedDict):
    """
    Why rows were `rejected`.
    """

    clock_unreadable: int
    """
    A clock value that cannot be read (R25).
    """
    exclude_unreadable: int
    """
    An exclude on a boolean column met another value (R22).
    """
    first_clock_unreadable: NotRequired[str | None]
    """
    Object and record of the first of these.
    """
    no_subject: int
    """
    No subject token (R11).
    """


class Removed(TypedDict):
    """
    Rows removed for one reason.
    """

    reason: str
    """
    Why they were removed, as R33 names it.
    """
    rows: int
    """
    How many rows were removed for it.
    """


Renamed = TypedDict(
    'Renamed',
    {
        'alike': int,
        'from': str,
        'to': str,
    },
)


class SenderCount(TypedDict):
    """
    The size of a set, compared with what its sender says (R64).
    """

    records: int
    """
    Records that were read.
    """
    said: int
    """
    Records that the sender says.
    """


class SharedValues(TypedDict):
    """
    Values of one column that more persons share than a link may lead to.
    """

    more_than: int
    """
    Each is carried by more persons than this (R13, R15).
    """
    most: int
    """
    Persons that carry the one of them that most carry.
    """
    values: int
    """
    How many values are shared by so many.
    """


class SignOff(TypedDict):
    """
    Whether the controller has signed what is published (R76).
    """

    profile: NotRequired[str | None]
    """
    Digest of what was signed.
    """
    raised: list[str]
    """
    What has changed since and raises the risk, in words of the specs.
    """
    signed: NotRequired[str | None]
    """
    When it was signed last; none when it never was.
    """


class UndatedEvidence(TypedDict):
    """
    How rows are kept that say no date (R42).
    """

    clock: str
    """
    `first-seen`, `export-date` or `until-absent`.
    """
    export_date: NotRequired[Instant | None]
    """
    The date of the export.
    """
    new: NotRequired[int | None]
    """
    Of these, persons whose time began with this run.
    """
    persons: NotRequired[int | None]
    """
    Persons that this run read.
    """
    reason: NotRequired[str | None]
    """
    Why, as the job says it.
    """


class Witness(TypedDict):
    """
    What was there already when something was written, so that it can be missed later. A crash never makes it untrue:
    it only speaks of what was written before.
    """

    ledger: Head
    """
    The last entry of the ledger.
    """
    segment: int
    """
    Number of the newest segment of stored requests.
    """


class AuditStanding(TypedDict):
    """
    How audits by schedule stand.
    """

    due: NotRequired[Instant | None]
    """
    The scheduled time that is due now.
    """
    errors: int
    """
    What did not hold then.
    """
    found: list[str]
    """
    Names of the checks that found something.
    """
    last: NotRequired[Instant | None]
    """
    When everything was audited last.
    """
    not_checked: int
    """
    Checks that could not be made.
    """
    overdue: bool
    """
    Whether that is hours ago.
    """
    warnings: int
    """
    What somebody should look at.
    """


class CorrectionStanding(TypedDict):
    """
    What a person has to know of the corrections in one dataset.
    """

    case: str
    """
    The first of their cases.
    """
    corrections: int
    """
    How many.
    """
    dataset: str
    """
    The table, as `ROOT:path`.
    """
    state: CorrectionState
    """
    What came of them.
    """
    to_do: NotRequired[str | None]
    """
    What somebody has to do.
    """


class DriftAge(TypedDict):
    """
    A column in which export and source differ.
    """

    column: str
    """
    Its name; empty for columns without one.
    """
    days: int
    """
    Whole days that have passed since then.
    """
    first_seen: Instant
    """
    When it was first seen.
    """


class ForeignTable(TypedDict):
    """
    A table that another program has written to.
    """

    commits: list[ForeignCommit]
    """
    Commits of other programs after the newest of tamis, the oldest first.
    """
    dataset: str
    """
    `ROOT:path` of the table.
    """
    harmless: bool
    """
    Whether all of them change nothing, so that runs and sweeps go on past them.
    """
    to_do: NotRequired[str | None]
    """
    What to do when not.
    """


class IdleLift(TypedDict):
    """
    A lift that ends nothing.
    """

    lifts: str
    """
    The id of the request that it names.
    """
    list: str
    """
    The list it came by; `command` for commands.
    """
    received: Instant
    """
    When it was received.
    """
    request: str
    """
    Id of the request.
    """
    why: str
    """
    Why it ends nothing.
    """


class Keeper(TypedDict):
    """
    A request that keeps bytes.
    """

    effect: str
    """
    What keeps the bytes: `hold` or `restrict`.
    """
    ground: NotRequired[str | None]
    """
    The letter of Art. 18(1) GDPR that a restriction rests on.
    """
    list: str
    """
    The list it came by; `command` for commands.
    """
    received: Instant
    """
    When it was received.
    """
    request: str
    """
    Id of the request.
    """
    review_by: NotRequired[Instant | None]
    """
    By when somebody has to look at it again.
    """
    review_overdue: bool
    """
    Whether that has passed.
    """
    until: NotRequired[Instant | None]
    """
    When it ends by itself.
    """
    waiting: list[str]
    """
    Erasures whose person shares a file with one that it keeps: they are not removed as long as it is in force.
    """


class NoJob(TypedDict):
    """
    A table that is published and that no job of the specs serves.
    """

    applied: NotRequired[Instant | None]
    """
    Requests taken in up to then are applied to it; none after that.
    """
    cause: str
    """
    What is wrong with it, in one sentence.
    """
    code: str
    """
    Name of the error that says so (`docs/errors.md`).
    """
    dataset: str
    """
    `ROOT:path` of the table.
    """
    job: str
    """
    The job that it was of.
    """
    to_do: str
    """
    The two ways to put it right.
    """
    version: NotRequired[int | None]
    """
    The version that was published last.
    """


class OpenNotices(TypedDict):
    """
    Notices to one recipient that nobody has answered.
    """

    due: NotRequired[Instant | None]
    """
    When the first of them is due.
    """
    overdue: bool
    """
    Whether that has passed.
    """
    tokens: int
    """
    Tokens in these notices.
    """
    told: bool
    """
    Whether all of them were written out, to be sent.
    """
    up_to: int
    """
    Number of the last one.
    """


class RecipientStanding(TypedDict):
    """
    How a recipient stands.
    """

    country: NotRequired[str | None]
    """
    ISO 3166 code of its country.
    """
    days_left: NotRequired[int | None]
    """
    Whole days until the review; negative once its day has passed.
    """
    jobs: list[str]
    """
    Jobs that publish for it. They are refused once the day has passed.
    """
    kind: str
    """
    What it is: within the controller, processor or third party.
    """
    notices: NotRequired[OpenNotices | None]
    """
    Notices that it has not answered (R72); none for one within the controller.
    """
    recipient: str
    """
    Name of the recipient.
    """
    review_by: NotRequired[str | None]
    """
    By when it is to be looked at again.
    """
    transfer: NotRequired[str | None]
    """
    What allows the transfer to that country.
    """


class Refused(TypedDict):
    """
    A refusal and its way out.
    """

    as_of: Instant
    """
    Instant of the run.
    """
    at: Instant
    """
    When the refusal was written down.
    """
    cause: str
    """
    What stopped it, without a value of the data.
    """
    code: NotRequired[str | None]
    """
    Name of the error (`docs/errors.md`); refusals that an earlier build wrote down have none.
    """
    exit: int
    """
    Exit code of the refused run or sweep.
    """
    to_do: str
    """
    What an operator does about it.
    """


RequestStatus: TypeAlias = Literal['needs-review', 'received', 'applied', 'awaiting-lifecycle', 'removed', 'unmatched', 'not-binding', 'refused', 'ended', 'ends-nothing']
"""
What reports say of a request. The order is that of attention: of several, the first one stands for all.
"""


class Sweeps(TypedDict):
    """
    How the sweeps of a dataset stand.
    """

    due: bool
    """
    Whether the next call of `run --due` sweeps it.
    """
    last: NotRequired[Instant | None]
    """
    When the dataset was last swept to the end.
    """
    overdue: bool
    """
    Whether a sweep was refused, or has not been for too long.
    """
    refused: NotRequired[Refused | None]
    """
    What stopped the last attempt.
    """
    request_overdue: bool
    """
    Whether a request is past its deadline and, as of the last sweep, not done here.
    """


class UntoldRefusal(TypedDict):
    """
    A refusal of which the person was not told.
    """

    due: Instant
    """
    By when the person has to be told (Art. 12(4) GDPR).
    """
    overdue: bool
    """
    Whether that has passed.
    """
    request: str
    """
    Id of the request.
    """
    right: str
    """
    What was asked for.
    """


class Version(TypedDict):
    """
    The version that readers see.
    """

    as_of: Instant
    """
    Instant the rules were applied at.
    """
    at: NotRequired[Instant | None]
    """
    When it was published.
    """
    rows: int
    """
    Rows that are published in it.
    """
    rows_before: NotRequired[int | None]
    """
    Rows of the version before it, when there was one.
    """
    run: str
    """
    The run that made it.
    """
    version: int
    """
    Version of the table.
    """


class RawExports(TypedDict):
    """
    Raw exports that are there, and what went.
    """

    bytes: int
    """
    Length of these exports together.
    """
    corrections: int
    """
    Rows of erased persons that were taken out of files of corrections.
    """
    held: int
    """
    Objects that are due and that a hold, or a restriction that keeps bytes, keeps, or a list of these that could not
    be read.
    """
    remaining: int
    """
    Objects that lie there, after the pass.
    """
    removed: int
    """
    Raw exports that were removed.
    """
    unseen: int
    """
    What lies there and cannot be read, so that nobody can say whether it is due, nor remove it.
    """


class Removal(TypedDict):
    """
    What a pass came to.
    """

    bytes: int
    """
    Length of these files together.
    """
    held: int
    """
    Files that a hold, or a restriction that keeps bytes, keeps.
    """
    held_by: dict[str, int]
    """
    Of these, how many `hold` and `restriction` keep; of the others nobody can tell whom they have, so all of these do.
    """
    next: NotRequired[Instant | None]
    """
    When the next of them may go.
    """
    objects: dict[str, int]
    """
    Objects removed, by what they were.
    """
    protected: int
    """
    Versions that the store protects.
    """
    unseen: int
    """
    Files that may be of attempts that came to nothing, and that cannot be read: nobody can say whom they hold.
    """
    waiting: int
    """
    Files that wait for the end of `grace` or of an attempt that may be under way.
    """
    watermark: NotRequired[Instant | None]
    """
    Requests applied up to then are in no byte that tamis could verify.
    """
    withheld: bool
    """
    Whether nothing was removed because a list of legal holds could not be read (R34).
    """


class VerifyReport(TypedDict):
    """
    What `verify` has looked at and found.
    """

    companions: int
    """
    Companions that are there, byte for byte.
    """
    datasets: int
    """
    Current versions whose files were looked at.
    """
    entries: int
    """
    Entries whose chain holds.
    """
    faults: list[str]
    """
    What does not agree; each names an entry or a file.
    """
    files: int
    """
    Published files with the length and digest of their manifest.
    """
    head: NotRequired[Head | None]
    """
    The last entry; keep it elsewhere and give it to the next verification.
    """
    history: int
    """
    Files of the logs of tables with the digest that was recorded.
    """
    not_proven: list[str]
    """
    What this does not prove, in words.
    """
    notes: list[str]
    """
    Things to look at that are no faults: runs without an end, records without an entry.
    """
    own_digests: int
    """
    Records of the state with the digest that they have of themselves.
    """
    proven: list[str]
    """
    What holds, in words.
    """
    records: int
    """
    Records (intents, manifests) that agree with the ledger.
    """
    replaced: int
    """
    Files and companions of replaced versions that are there still, byte for byte.
    """
    segments: int
    """
    Files of stored requests with the digest that was recorded.
    """


class Cause(TypedDict):
    """
    Why values of one column were lost.
    """

    column: str
    """
    The column; of an observed source with its name before it.
    """
    effect: CauseEffect
    """
    What became of them.
    """
    first: NotRequired[str | None]
    """
    Object and record of the first of them; of raw values that of any cause.
    """
    values: int
    """
    How many values were lost.
    """
    why: str
    """
    Why they were lost, in words.
    """


class CorrectionEvidence(TypedDict):
    """
    A correction of a value of the export (Art. 16 GDPR). No value is in it.
    """

    case: str
    """
    Id of the request.
    """
    cells: int
    """
    Cells of the export that it is about.
    """
    column: str
    """
    The column of the export.
    """
    id: str
    """
    Keyed hash of list, case, record and column.
    """
    list: str
    """
    Name of its list in the policy.
    """
    reason: str
    """
    Why the value is wrong: `changed`, `never-theirs`, `wrong` or `incomplete`.
    """
    received: Instant
    """
    When the request was received.
    """
    since: NotRequired[int | None]
    """
    The first version without the wrong value, as every later one is.
    """
    state: CorrectionState
    """
    What came of it.
    """
    why: NotRequired[str | None]
    """
    Why it is refused, when it is.
    """


Gate: TypeAlias = Gate1 | Gate2 | Gate3 | Gate4 | Gate5 | Gate6 | Gate7 | Gate8 | Gate9 | Gate10 | Gate11 | Gate12 | Gate13 | Gate14 | Gate15 | Gate16 | Gate17 | Gate18 | KAnonymity
"""
Gates with what they have observed (docs/evidence.md has the table).
"""


class Identifiers(TypedDict):
    """
    A column that identities are made of.
    """

    column: str
    """
    Name of the column in the export.
    """
    first_partial: NotRequired[str | None]
    """
    Object and record of the first of these.
    """
    first_raw: NotRequired[str | None]
    """
    Object and record of the first of these.
    """
    kind: str
    """
    Kind of its identities (R4).
    """
    max_raw: NotRequired[str | None]
    """
    Share of raw values that is allowed, as written; none = any.
    """
    normal: int
    """
    Of these, values with a normal form.
    """
    partial: NotRequired[int]
    """
    Of a column put together of parts, rows that have some of them and not all: they have no value (R51).
    """
    raw: int
    """
    Of these, values without one: they link nobody, and only requests in the same spelling find them (R16).
    """
    shared: NotRequired[SharedValues | None]
    """
    Of a column that links, values that very many persons share; none where no value is.
    """
    source: str
    """
    Name of the source that has the column.
    """
    unseen: int
    """
    Values with characters that nobody sees, which were dropped (R5).
    """
    uses: list[str]
    """
    What it is for: `key`, `strong`, `weak`, `published`.
    """
    values: int
    """
    Values read that are not null.
    """
    why: list[RawCause]
    """
    Why they have none.
    """


class Input(TypedDict):
    """
    An object that was read.
    """

    bytes: int
    """
    Length of the object as it was read.
    """
    etag: NotRequired[str | None]
    """
    Entity tag it was pinned by.
    """
    members: list[Member]
    """
    What was in it; of a plain file one member without name.
    """
    object: str
    """
    Where it was read, as `ROOT:path`.
    """
    of_macos: NotRequired[int]
    """
    Of an archive: files that macOS puts beside others (`._NAME`, `.DS_Store`), left out.
    """
    source: str
    """
    The source it was read as.
    """
    version: NotRequired[str | None]
    """
    Version it was pinned by.
    """


class Manifest(TypedDict):
    """
    What one version was made of; the file is `runs/<run>/manifest.json`.
    """

    about_nobody: NotRequired[str | None]
    """
    Why no row is about a person, where the source says so (R61).
    """
    absent: NotRequired[int | None]
    """
    Rows of the version before that no export brought back (R35); outside the balance.
    """
    as_of: Instant
    """
    Instant the rules were applied at.
    """
    aside: NotRequired[list[AsideCount]]
    """
    How many files lists and inputs left aside though they look like what is meant; nothing of a sweep.
    """
    attempt: int
    """
    Its attempt, from 1.
    """
    brake: NotRequired[Brake | None]
    """
    Numbers of the brake.
    """
    causes: NotRequired[list[Cause]]
    """
    Where values and rows were lost, by column and cause.
    """
    clocks_ignored: ClocksIgnored
    """
    Clock values ignored (R24).
    """
    corrections: NotRequired[list[CorrectionEvidence]]
    """
    Corrections of the source's values, and what came of each; of a sweep those of the version before (R80).
    """
    covered: NotRequired[list[CoveredColumns]]
    """
    Columns of the export that the source covers without a line of their own.
    """
    drift: list[Drift]
    """
    Columns of the export that the source says nothing of: dropped.
    """
    emptied: NotRequired[list[str]]
    """
    Declared columns that had values in the first records of the run before and have none there now.
    """
    fields: list[Field]
    """
    What was done to each published field.
    """
    foreign: NotRequired[list[ForeignCommit]]
    """
    Commits of other programs since then that this version went on past: they changed nothing, or the table was taken
    back from them.
    """
    gates: list[Gate]
    """
    Gates that it passed, each with its kind and its counts; of a sweep, the gates over groups.
    """
    identifiers: NotRequired[list[Identifiers]]
    """
    Columns that identities are made of, those of observed sources after the job's own; of a sweep what the run counted
    that it goes back to.
    """
    inputs: list[Input]
    """
    Objects read, in path order, observed ones after the job's own.
    """
    job: str
    """
    Name of the job that ran.
    """
    keep: str
    """
    Retention period, as written.
    """
    keys: Keys
    """
    Which keys were used.
    """
    kind: Kind
    """
    A run with an export, or a sweep.
    """
    largest_person: NotRequired[int]
    """
    Rows of the person that has most, when these are ten or more.
    """
    lawful_basis: str
    """
    Its lawful basis, as the policy spells it.
    """
    links: str
    """
    `applied`: requests were followed along links (R13 to R18).
    """
    lists: list[ListApplied]
    """
    Lists that were applied.
    """
    lost: NotRequired[list[Lost]]
    """
    Columns that the source lists and the export has not, or not in all of its files.
    """
    no_clock: int
    """
    Rows whose reason was `expired` because no clock could be used (R25).
    """
    not_published: list[str]
    """
    Columns that the source lists and the job does not publish, in name order.
    """
    nulled: NotRequired[int]
    """
    Of a sweep: values made null because their field's own `keep` is over.
    """
    others: NotRequired[list[OtherRows]]
    """
    Other persons that rows may have, in the order of the source, with the rows that stay without the cells that are about
    them because of a request (R68); of a sweep, those that it took cells from.
    """
    output: Output
    """
    What the version consists of.
    """
    plan: str
    """
    Digest of the specs as written.
    """
    policy: str
    """
    Digest of the policy.
    """
    previous: NotRequired[Previous | None]
    """
    The version that was replaced.
    """
    purpose: str
    """
    Name of the purpose it is published for.
    """
    recipient: NotRequired[str | None]
    """
    Name of the recipient, where the policy has one.
    """
    rejected: NotRequired[Rejected]
    """
    Why rows were `rejected`; one row may count under several.
    """
    removed: list[Removed]
    """
    Rows removed, by reason, in the order of R33; `rows_in` = `rows_out` + their sum.
    """
    renamed: NotRequired[list[Renamed]]
    """
    Columns of the run before that are called otherwise now, by their values.
    """
    rows_in: int
    """
    Rows read (of a sweep: rows of the version before).
    """
    rows_out: int
    """
    Rows that are published in the version.
    """
    run: str
    """
    Id of the run that published.
    """
    schema: int
    """
    Version of this form, always [`SCHEMA`].
    """
    scope: str
    """
    Whose clocks count: `person` or `row`.
    """
    set: NotRequired[str | None]
    """
    The set that was read, when the input has sets.
    """
    tamis: str
    """
    Version of tamis that wrote it.
    """
    time_zones: NotRequired[str | None]
    """
    Version of the time zone data; none in manifests of before they were bundled.
    """
    undated: NotRequired[UndatedEvidence | None]
    """
    What stands in for a clock where rows have no date (R42).
    """
    witness: NotRequired[Witness | None]
    """
    What ledger and stored requests were like before the commit; none of a plan, or from an older tamis.
    """


class Report(TypedDict):
    """
    What `run` and `plan` say, in text and as JSON.
    """

    aside: list[LeftAside]
    """
    What lists and inputs left aside though it looks like what is meant.
    """
    exit: int
    """
    Exit code that a run would have, as far as a plan can tell; of a run 0.
    """
    hints: list[str]
    """
    What would help the gate.
    """
    ledger_head: NotRequired[str | None]
    """
    Last entry of the ledger; none of a plan.
    """
    location: str
    """
    Where the table is, as a URL or path.
    """
    manifest: Manifest
    """
    All numbers; of a plan the files are missing.
    """
    observed: int
    """
    Rows of observed sources that name a person.
    """
    outcome: Outcome
    """
    What came of it.
    """
    plan_digest: str
    """
    Digest that `tamis accept` takes.
    """
    schema: str
    """
    Version of this schema.
    """
    stops: list[str]
    """
    What stands against publishing; only of a plan.
    """


class DatasetStanding(TypedDict):
    """
    Where a dataset stands.
    """

    applied: NotRequired[Instant | None]
    """
    Time up to which the requests that were taken in are applied to the current version.
    """
    dataset: str
    """
    The job's table, as `ROOT:path`.
    """
    drift: list[DriftAge]
    """
    Columns of the export that the source does not list, oldest first, and for how many days.
    """
    epoch: str
    """
    Epoch of its tokens.
    """
    held: bool
    """
    Whether a hold, or a restriction that keeps bytes, is in force that may keep files of it (R34, R69).
    """
    job: str
    """
    Name of the job.
    """
    kept_until: NotRequired[Instant | None]
    """
    Until when the store keeps deleted bytes, when it says so.
    """
    lost: list[DriftAge]
    """
    Columns that the source lists and the last export did not have, oldest first, and for how many days.
    """
    no_job: bool
    """
    Whether the job is gone from the specs: no run and no sweep looks at the dataset any more.
    """
    raw: list[Identifiers]
    """
    Columns of which more than one value in a hundred has no normal form: requests find these in one spelling only.
    """
    removed: NotRequired[Instant | None]
    """
    Time up to which applied requests are removed: no byte of their persons is left that tamis could verify. A request
    that leads to further persons later is applied again then.
    """
    waiting: int
    """
    Files of earlier versions that wait for removal.
    """


class JobStatus(TypedDict):
    """
    What `status` says of one job.
    """

    cron: NotRequired[str | None]
    """
    The five fields; none for a job that runs by hand.
    """
    due: NotRequired[Instant | None]
    """
    The scheduled time that is due now.
    """
    job: str
    """
    Name of the job, as its spec has it.
    """
    next: NotRequired[Instant | None]
    """
    The next scheduled time.
    """
    next_local: NotRequired[str | None]
    """
    The same by the clock of its zone.
    """
    overdue: bool
    """
    Whether the newest instant that should have been applied has not been.
    """
    refused: NotRequired[Refused | None]
    """
    The last refusal, when nothing was published since.
    """
    running: NotRequired[str | None]
    """
    Who runs it just now.
    """
    suspended: bool
    """
    Whether the schedule is suspended.
    """
    sweep: Sweeps
    """
    How sweeps of its dataset went.
    """
    timezone: NotRequired[str | None]
    """
    The zone that the schedule is written in.
    """
    version: NotRequired[Version | None]
    """
    The last good version.
    """


class OpenRequest(TypedDict):
    """
    A request that is not done.
    """

    days_left: int
    """
    Whole days until then; negative when that has passed.
    """
    due: Instant
    """
    When it is due.
    """
    effect: str
    """
    What the request asks for.
    """
    list: str
    """
    The list it came by; `command` for commands.
    """
    note: NotRequired[str | None]
    """
    A remark on the values that it names, if some can only be found in the same spelling.
    """
    received: Instant
    """
    When it was received.
    """
    request: str
    """
    Id of the request.
    """
    state: RequestStatus
    """
    How far it has come over all datasets.
    """
    states: dict[str, RequestStatus]
    """
    How far it has come, by job.
    """


class Standings(TypedDict):
    """
    What `status` says of requests and datasets.
    """

    counts: dict[str, int]
    """
    Requests by how far they have come.
    """
    datasets: list[DatasetStanding]
    """
    One per dataset that is published.
    """
    idle_lifts: list[IdleLift]
    """
    Lifts that end nothing (R30).
    """
    keepers: list[Keeper]
    """
    What keeps bytes from being removed for good (R34, R69, R70).
    """
    more: int
    """
    How many more there are than shown.
    """
    open: list[OpenRequest]
    """
    Requests that are not done, those with the next deadline first.
    """
    overdue: int
    """
    Requests that are past their deadline and not done in a dataset, or matched nobody anywhere; those that only wait
    for the store are not in it.
    """
    shared_ids: list[str]
    """
    Ids under which requests of several persons are stored, as far as is known: a lift ends none of them (R54).
    """


class Status(TypedDict):
    """
    The whole answer, as `--json` gives it.
    """

    aside: list[LeftAside]
    """
    What lists and inputs leave aside though it looks like what is meant.
    """
    audit: NotRequired[AuditStanding | None]
    """
    How audits by schedule stand; none without a schedule.
    """
    corrections: list[CorrectionStanding]
    """
    Corrections in each dataset, those first that somebody has to look at.
    """
    foreign: list[ForeignTable]
    """
    Tables that another program has written to.
    """
    jobs: list[JobStatus]
    """
    How each job stands, by name.
    """
    no_job: list[NoJob]
    """
    Tables that are published and that no job serves.
    """
    recipients: list[RecipientStanding]
    """
    Recipients of the policy, by name.
    """
    requests: NotRequired[Standings | None]
    """
    How far requests have come; none without the identity key.
    """
    requests_stop: NotRequired[str | None]
    """
    Why that cannot be told.
    """
    schema: str
    """
    Version of this schema.
    """
    time_zones: str
    """
    Version of the bundled time zone data that schedules and dates are read by.
    """
    unseen: list[str]
    """
    What lists and inputs mean and cannot read.
    """
    untold_refusals: list[UntoldRefusal]
    """
    Refused requests of which nobody has told the person (Art. 12(4) GDPR).
    """


class DatasetSwept(TypedDict):
    """
    What a sweep did to one dataset.
    """

    bytes_read: int
    """
    Bytes read of files that were rewritten, companions included.
    """
    bytes_written: int
    """
    Length of all files that were written.
    """
    dataset: str
    """
    The job's table, as `ROOT:path`.
    """
    files: int
    """
    Files in the version.
    """
    job: str
    """
    Name of the job.
    """
    nulled: int
    """
    Values made null because their field's `keep` is over.
    """
    removal: Removal
    """
    What was removed for good.
    """
    removed: list[Removed]
    """
    Rows removed, by reason; reasons without rows are left out.
    """
    rewritten: int
    """
    Of these, files written anew.
    """
    rows_in: int
    """
    Rows of the version before the sweep.
    """
    rows_out: int
    """
    Rows of the version after the sweep.
    """
    version: NotRequired[int | None]
    """
    The version that readers see now; none before the first.
    """


class SweepReport(TypedDict):
    """
    What `sweep` says, in text and as JSON.
    """

    aside: list[LeftAside]
    """
    What lists left aside though it looks like what is meant.
    """
    datasets: list[DatasetSwept]
    """
    One per job, by name.
    """
    ledger_head: str
    """
    Last entry of the ledger.
    """
    raw: RawExports
    """
    What happened to the raw exports.
    """
    schema: str
    """
    Version of this schema.
    """
    stops: list[str]
    """
    What stopped something, in the order met; empty when all is done.
    """


Answer: TypeAlias = CheckReport | Report | Status | SweepReport | VerifyReport
