//! Judges the rows of one bucket: every rule in turn, one reason per removed row, and a record of each that stays.
//! Must not know other buckets.

use super::absent::{PreviousVersion, absent};
use super::basis::binding;
use super::cleared::KeptShape;
use super::consent::{self, PersonConsent};
use super::exclude::{self, PersonExclude};
use super::field_keep::FieldKeeps;
use super::frame::{PersonColumns, Persons, persons};
use super::groups::{self, Counter};
use super::lists::{EffectSet, Entries, reach};
use super::newest;
use super::others::{self, TAKEN};
use super::people::People;
use super::reasons::{Reason, RowFacts, reason};
use super::retention::{Until, past};
use super::row_effects::ReachedEffects;
use super::rules::Rules;
use super::shared::Sharing;
use super::verdict::VersionCounts;
use crate::error::{Code, Error, Result};
use crate::policy::Effect;
use crate::stage::{Control, NO_CLOCK, Slot, Staged, flag};

/// What all buckets are judged with.
pub(super) struct BucketJudge<'a> {
    pub rules: &'a Rules,
    pub staged: &'a Staged,
    pub entries: &'a dyn Entries,
    pub previous: Option<&'a dyn PreviousVersion>,
    /// Counts of combinations: of all quasi-identifiers first, then, for hints, without each one in turn.
    pub counters: Vec<Counter>,
    /// Counts of shared values of links, when they are asked for.
    pub sharing: Option<Sharing<'a>>,
    pub shape: KeptShape,
    binds: [bool; Effect::ALL.len()],
    keeps: FieldKeeps,
}

/// What one thread carries from bucket to bucket.
pub(super) struct ThreadCalendars {
    keep: Until,
    fields: Vec<Until>,
}

/// Counts of some rows; they add up.
#[derive(Clone, Default)]
pub(super) struct DecideTally {
    pub rows_in: u64,
    pub rows_kept: u64,
    pub observed: u64,
    /// Records of which earlier versions were read (R75).
    pub versions: VersionCounts,
    /// By place of the reason.
    pub reasons: Vec<u64>,
    pub no_clock: u64,
    pub absent: u64,
    /// The most rows of one person, when these are ten or more.
    pub largest_person: u64,
    /// By place in [`Effect::ALL`].
    pub not_binding: [u64; Effect::ALL.len()],
    /// By number of the other person: rows that stay without the cells that are about them (R68).
    pub others: Vec<u64>,
    /// Persons of rows that no erasure takes out, with when they were first seen; once for each row.
    pub seen: Vec<([u8; 16], i64)>,
}

impl DecideTally {
    fn new(labels: usize, others: usize) -> DecideTally {
        DecideTally { reasons: vec![0; labels], others: vec![0; others], ..DecideTally::default() }
    }

    fn without_others(&mut self, gone: u16) {
        self.others.iter_mut().enumerate().for_each(|(number, rows)| *rows += u64::from(gone >> number & 1));
    }

    fn aside(&mut self, flags: u16) {
        self.observed += u64::from(flags & flag::OBSERVED != 0);
        self.versions.superseded += u64::from(flags & flag::SUPERSEDED != 0);
    }

    fn reached(&mut self, effects: &EffectSet, binds: &[bool; Effect::ALL.len()]) {
        for (place, effect) in Effect::ALL.into_iter().enumerate() {
            self.not_binding[place] += u64::from(!binds[place] && effects.has(effect));
        }
    }

    fn removed(&mut self, reason: Reason, place: usize, known: &RowKnown) {
        self.reasons[place] += 1;
        self.no_clock += u64::from(reason == Reason::Expired && known.until.is_none());
    }

    pub(super) fn add(&mut self, other: &DecideTally) {
        self.rows_in += other.rows_in;
        self.rows_kept += other.rows_kept;
        self.observed += other.observed;
        self.versions.add(other.versions);
        self.no_clock += other.no_clock;
        self.absent += other.absent;
        self.largest_person = self.largest_person.max(other.largest_person);
        self.reasons.resize(other.reasons.len().max(self.reasons.len()), 0);
        self.reasons.iter_mut().zip(&other.reasons).for_each(|(a, b)| *a += b);
        self.others.resize(other.others.len().max(self.others.len()), 0);
        self.others.iter_mut().zip(&other.others).for_each(|(a, b)| *a += b);
        self.not_binding.iter_mut().zip(&other.not_binding).for_each(|(a, b)| *a += b);
    }
}

/// What is known of the persons of a bucket, as far as rules ask for it.
#[derive(Default)]
pub(super) struct PersonsKnown {
    /// The number of the person of each row.
    by_row: Vec<u32>,
    /// Clocks and consents.
    columns: Option<Persons>,
    /// By number of the person; empty where no exclude is of persons.
    excludes: Vec<PersonExclude>,
}

/// What is known of one row of the main export.
pub(super) struct RowKnown {
    row: usize,
    effects: EffectSet,
    /// The clock that counts, or `NO_CLOCK`.
    pub clock: i64,
    pub until: Option<i64>,
    /// The consent given, as (since, until).
    consent: Option<(i64, i64)>,
    /// What all rows of the person say of each (R62).
    person: PersonExclude,
    /// Other persons of the row whose cells go (R68), a bit for each.
    pub others: u16,
}

/// What is kept of one bucket while its rows are gone through, in the order they lie in memory.
struct Stay {
    /// Per row 0, or 1 + number of its record.
    numbers: Vec<u32>,
    records: Vec<u8>,
    untils: Vec<i64>,
    quasi: Vec<u64>,
    /// Per counter the combination of each record.
    groups: Vec<Vec<u64>>,
    /// Hashes of sensitive values, record by record.
    sensitive: Vec<u64>,
}

impl Stay {
    fn new(rows: usize, counters: usize) -> Stay {
        let groups = vec![Vec::new(); counters];
        let (untils, quasi, sensitive) = (Vec::new(), Vec::new(), Vec::new());
        Stay { numbers: vec![0; rows], records: Vec::new(), untils, quasi, groups, sensitive }
    }

    /// Numbers of records in the order of persons, each with its person.
    fn in_order(&self, people: &People) -> impl Iterator<Item = (u32, usize)> {
        people.iter().filter_map(|(row, person)| Some((person, self.numbers[row].checked_sub(1)? as usize)))
    }
}

impl<'a> BucketJudge<'a> {
    pub(super) fn new(
        rules: &'a Rules,
        staged: &'a Staged,
        entries: &'a dyn Entries,
        previous: Option<&'a dyn PreviousVersion>,
    ) -> BucketJudge<'a> {
        let (quasi, sensitive) = rules.hashed();
        let hints = if rules.hints { quasi } else { 0 };
        let counters = rules.gate.iter().flat_map(|_| 0..=hints).map(|_| Counter::new(sensitive)).collect();
        let binds = Effect::ALL.map(|effect| binding(effect, rules.grounds).is_ok());
        BucketJudge {
            rules,
            staged,
            entries,
            previous,
            counters,
            sharing: Sharing::new(rules.shares.as_ref(), staged),
            shape: KeptShape::of(rules),
            binds,
            keeps: rules.keeps(),
        }
    }

    pub(super) fn calendars(&self) -> ThreadCalendars {
        let zone = &self.rules.zone;
        ThreadCalendars {
            keep: Until::new(&self.rules.keep, zone),
            fields: self.rules.field_keeps.iter().map(|(_, keep)| Until::new(keep, zone)).collect(),
        }
    }

    /// Judges one bucket; the slot has the records of the rows that stay, in the order of subject tokens.
    pub(super) fn bucket(&self, calendars: &mut ThreadCalendars, bucket: usize) -> Result<(DecideTally, Slot)> {
        let (control, people) = self.settled(bucket)?;
        self.sharing.iter().for_each(|sharing| sharing.add(&control, &people));
        let reached = self.reached(&control, &people);
        let persons = self.persons(&control, &people, &reached)?;
        let mut tally = DecideTally::new(self.rules.exclude_labels.len() + 8, self.rules.other_persons);
        let mut stay = Stay::new(control.rows(), self.counters.len());
        for row in 0..control.rows() {
            let flags = control.flags(row);
            if flags & flag::ASIDE != 0 {
                tally.aside(flags);
                continue;
            }
            let effects = reached.row(row);
            let known = self.known(&control, &persons, calendars, row, effects.unwrap_or_default());
            tally.seen.extend(self.seen(&control, &known));
            if is_ended(flags) {
                tally.versions.ended += 1;
                continue;
            }
            tally.rows_in += 1;
            effects.iter().for_each(|effects| tally.reached(effects, &self.binds));
            match reason(&self.facts(&control, &known)) {
                Some(reason) => {
                    let doubtful = reason == Reason::Rejected && flags & flag::VERSION_DOUBTFUL != 0;
                    tally.versions.doubtful += u64::from(doubtful);
                    tally.removed(reason, reason.place(self.rules.exclude_labels.len()), &known);
                }
                None => {
                    tally.without_others(known.others);
                    self.keep(&mut stay, &control, &known, calendars)?;
                }
            }
        }
        let (mut records, stride) = (Vec::with_capacity(stay.records.len()), self.shape.stride());
        for (_, number) in stay.in_order(&people) {
            records.extend_from_slice(&stay.records[number * stride..][..stride]);
        }
        tally.rows_kept = (records.len() / stride) as u64;
        if self.rules.subjects {
            tally.largest_person = largest_person(&control, &people);
        }
        for (groups, counter) in stay.groups.iter().zip(&self.counters) {
            let sensitive = self.rules.hashed().1;
            let values = |number: usize| &stay.sensitive[number * sensitive..][..sensitive];
            let rows = stay.in_order(&people).map(|(person, number)| (person, groups[number], values(number)));
            counter.add(self.staged.spill_store(), rows)?;
        }
        if let Some(previous) = self.previous.filter(|_| self.rules.subjects) {
            tally.absent = absent(previous, (bucket, self.staged.buckets()), main_persons(&control, &people))?;
        }
        Ok((tally, self.staged.spill_store().put(&mut records)?))
    }

    /// Puts together what rules ask of a row; its clock is its own or its person's (R26).
    pub(super) fn known(
        &self,
        control: &Control,
        persons: &PersonsKnown,
        calendars: &mut ThreadCalendars,
        row: usize,
        effects: EffectSet,
    ) -> RowKnown {
        let number = persons.by_row.get(row).map(|number| *number as usize);
        let person = persons.columns.as_ref().zip(number);
        let excluded = number.and_then(|number| persons.excludes.get(number)).copied().unwrap_or_default();
        let clock = match person {
            Some((persons, person)) if self.rules.person => persons.clock[person],
            _ => control.clock(row),
        };
        let until = (clock != NO_CLOCK).then(|| calendars.keep.of(clock));
        let consent = person.and_then(|(persons, person)| persons.consent.get(person));
        let consent = consent.and_then(|c| consent::given(c, self.rules.consent_column));
        let others = if self.rules.other_persons == 0 || self.entries.is_empty() {
            0
        } else {
            others::gone(control.others(row), self.entries, &self.binds)
        };
        RowKnown { row, effects, clock, until, consent, person: excluded, others }
    }

    /// R42: the person of a row and when they were first seen, for the next run.
    fn seen(&self, control: &Control, known: &RowKnown) -> Option<([u8; 16], i64)> {
        let erased = || known.effects.only(&self.binds).has(Effect::Erase);
        let nobody = control.flags(known.row) & flag::NO_SUBJECT != 0;
        let wanted = self.rules.first_seen && !nobody && !erased();
        wanted.then(|| (*control.slot(known.row, 0).1, control.clock(known.row)))
    }

    /// The rows of a bucket with their persons, and of each record one version that counts (R75).
    pub(super) fn settled(&self, bucket: usize) -> Result<(Control, People)> {
        let mut control = self.staged.control(bucket)?;
        let people = People::of(&control);
        if self.rules.newest {
            newest::settle(&mut control, &people);
        }
        Ok((control, people))
    }

    /// R12: which effects reach which rows.
    pub(super) fn reached(&self, control: &Control, people: &People) -> ReachedEffects {
        let mut reached = ReachedEffects::default();
        if self.entries.is_empty() {
            return reached;
        }
        for row in 0..control.rows() {
            let Some(effects) = reach(control.identities(row), self.entries) else { continue };
            reached.add(row, &effects, control.rows());
        }
        if self.rules.newest {
            newest::share(&mut reached, control, people);
        }
        reached
    }

    /// The person of each row and what is asked about persons; nothing when every row is judged for itself.
    pub(super) fn persons(&self, control: &Control, people: &People, reached: &ReachedEffects) -> Result<PersonsKnown> {
        let mut known = PersonsKnown::default();
        if self.rules.excludes_persons {
            known.excludes = exclude::of_persons(control, people);
            known.by_row = people.by_row();
        }
        if !self.rules.person && !self.rules.on_consent() {
            return Ok(known);
        }
        let clock = people.order.iter().map(|row| control.clock(*row as usize)).collect();
        let mut consent = Vec::new();
        if self.rules.on_consent() {
            consent.extend(people.order.iter().map(|row| of_row(control, *row as usize, reached)));
        }
        let columns = Some(persons(PersonColumns { person: people.person.clone(), clock, consent })?);
        Ok(PersonsKnown { by_row: people.by_row(), columns, ..known })
    }

    pub(super) fn facts(&self, control: &Control, known: &RowKnown) -> RowFacts {
        let flags = control.flags(known.row);
        let exclude = if known.person.exclude > 0 { known.person.exclude } else { control.exclude(known.row) };
        let due = known.until.is_none_or(|until| past(until, self.rules.as_of));
        let unreadable = flag::NO_SUBJECT | flag::CLOCK_UNREADABLE | flag::EXCLUDE_UNREADABLE | flag::VERSION_DOUBTFUL;
        // Of a record in doubt nobody knows which version's clock and excludes count.
        let known_version = flags & flag::VERSION_DOUBTFUL == 0;
        let effects = match flags & (flag::MINOR | flag::CHILD) {
            0 => known.effects,
            age => known.effects.of_minor(age & flag::CHILD != 0),
        };
        RowFacts {
            effects: effects.only(&self.binds),
            no_consent: self.rules.on_consent() && known.consent.is_none(),
            excluded: usize::from(exclude)
                .checked_sub(1)
                .filter(|_| known_version)
                .and_then(|e| self.rules.excludes.get(e).copied()),
            expired: flags & flag::CLOCK_UNREADABLE == 0 && due && known_version,
            rejected: flags & unreadable != 0 || known.person.unreadable,
        }
    }

    /// Records a row that stays and its combinations of quasi-identifiers, those past their field's keep being null.
    fn keep(
        &self,
        stay: &mut Stay,
        control: &Control,
        known: &RowKnown,
        calendars: &mut ThreadCalendars,
    ) -> Result<()> {
        let staged = control.flags(known.row) & flag::FIELDS_SKIPPED == 0;
        let until = known.until.filter(|_| staged).ok_or_else(disagreement)?;
        stay.untils.clear();
        let of_field = |(place, field): (usize, &mut Until)| match self.rules.others.takes(place, known.others) {
            true => TAKEN,
            false => field.of(known.clock),
        };
        stay.untils.extend(calendars.fields.iter_mut().enumerate().map(of_field));
        stay.quasi.clear();
        let hash = |q| self.keeps.hash(q, control.quasi(known.row, q), |place| stay.untils[place]);
        stay.quasi.extend((0..self.keeps.hashed()).map(hash));
        let (quasi, sensitive) = stay.quasi.split_at(self.rules.hashed().0);
        stay.sensitive.extend_from_slice(sensitive);
        for (left_out, groups) in stay.groups.iter_mut().enumerate() {
            let published = quasi.iter().enumerate().filter(|(q, _)| q + 1 != left_out);
            groups.push(groups::combine(published.map(|(_, value)| *value)));
        }
        let group = stay.groups.first().and_then(|groups| groups.last()).copied();
        self.shape.write(&mut stay.records, known.row as u32, until, &stay.untils, known.consent, group);
        stay.numbers[known.row] = (stay.records.len() / self.shape.stride()) as u32;
        Ok(())
    }
}

/// What one row says about consent. An observed row, or an earlier version of a record, says nothing against it, and a
/// consent that only it would bring does not count.
fn of_row(control: &Control, row: usize, reached: &ReachedEffects) -> PersonConsent {
    let (flags, effects) = (control.flags(row), reached.row(row).unwrap_or_default());
    let observed = flags & flag::ASIDE != 0;
    let listed = if observed { EffectSet::default() } else { effects };
    PersonConsent {
        yes: observed || flags & flag::CONSENT_YES != 0,
        since: if observed { i64::MAX } else { control.since(row) },
        withdrawn: effects.withdrawn,
        listed: listed.has(Effect::Consent),
        listed_from: listed.consent_from,
        listed_until: listed.consent_until,
    }
}

/// Whether a row ends its record and so is none itself (R75); in doubt it is one, and rejected.
pub(super) fn is_ended(flags: u16) -> bool {
    flags & (flag::ENDS_RECORD | flag::VERSION_DOUBTFUL | flag::NO_SUBJECT) == flag::ENDS_RECORD
}

/// The most rows of the main export that one person has; 0 below ten.
fn largest_person(control: &Control, people: &People) -> u64 {
    const FEW: usize = 9;
    let (mut most, mut start) = (FEW, 0);
    for rows in people.person.chunk_by(|a, b| a == b) {
        if rows.len() > most {
            let rows = &people.order[start..start + rows.len()];
            let own = rows.iter().filter(|row| control.flags(**row as usize) & flag::ASIDE == 0).count();
            most = most.max(own);
        }
        start += rows.len();
    }
    if most > FEW { most as u64 } else { 0 }
}

/// Persons of the main export's rows, in order: first bits of the token, identity of the key.
fn main_persons<'a>(control: &'a Control, people: &'a People) -> impl Iterator<Item = (u32, &'a [u8; 16])> {
    let main = |row: &usize| control.flags(*row) & (flag::OBSERVED | flag::NO_SUBJECT) == 0;
    let first = |row| control.subject(row).first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
    let rows = people.order.iter().map(|row| *row as usize).filter(main);
    rows.map(move |row| (first(row), control.slot(row, 0).1))
}

fn disagreement() -> Error {
    Error::new(Code::RowsDoNotAddUp, "a row would stay whose fields were not staged because it was taken to be expired")
        .help("nothing was published; report this as a fault")
}
