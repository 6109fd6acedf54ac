//! The rules together, held against a plain model that knows no buckets, threads, budgets or frames.

use super::*;
use crate::clock::{Instant, Period};
use crate::error::{Code, Result};
use crate::gates::Reading;
use crate::minimize::{FieldColumn, FieldKind, FieldLayout, Identities, Layout, Rows};
use crate::monitor::Silent;
use crate::policy::{Basis, Diversity, DiversityTerms, Effect, Grounds, GroupTerms, Limits, Share};
use crate::stage::{NO_CLOCK, NO_SINCE, NULL_QUASI, SpillStore, Stage, flag, mark};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::{BTreeMap, BTreeSet};

const DAY: i64 = 86_400_000_000;
const AS_OF: i64 = 20_000 * DAY;

/// A row as the tests think of it. `person` 0 is nobody.
#[derive(Clone, Debug)]
struct Row {
    person: u8,
    flags: u16,
    exclude: u8,
    /// Days before `AS_OF`; none for no clock.
    age: Option<i64>,
    since: Option<i64>,
    mail: Option<u8>,
    city: Option<u8>,
    year: Option<u8>,
}

impl Row {
    fn token(&self) -> [u8; 16] {
        token(self.person)
    }
    fn has(&self, bit: u16) -> bool {
        self.flags & bit != 0
    }
    fn main(&self) -> bool {
        !self.has(flag::OBSERVED)
    }
    fn clock(&self) -> i64 {
        self.age.map_or(NO_CLOCK, |age| AS_OF - age * DAY)
    }
    fn identities(&self) -> Vec<(u8, [u8; 16])> {
        let key = (self.person != 0).then(|| (mark::KEY, identity(0, self.person)));
        let mail = self.mail.map(|m| (mark::WEAK, identity(1, m)));
        key.into_iter().chain(mail).collect()
    }
    /// What is published: token, city, year.
    fn published(&self) -> ([u8; 16], Option<u8>, Option<u8>) {
        (self.token(), self.city, self.year)
    }
}

fn token(person: u8) -> [u8; 16] {
    let hash = *blake3::hash(&[person]).as_bytes();
    if person == 0 { [0; 16] } else { *hash.first_chunk().expect("16") }
}

fn identity(kind: u8, value: u8) -> [u8; 16] {
    blake3::hash(&[7, kind, value]).as_bytes().as_chunks().0[0]
}

fn layout() -> Layout {
    let field = |name: &str, kind| FieldLayout { name: name.to_string(), kind };
    let fields =
        vec![field("contact", FieldKind::Token), field("city", FieldKind::Text), field("year", FieldKind::Int32)];
    Layout { identities: 2, quasi: 2, fields }
}

fn quasi(value: Option<u8>) -> u64 {
    value.map_or(NULL_QUASI, |v| u64::from(v) + 1)
}

fn columns(rows: &[Row]) -> Rows {
    let observed = rows.iter().all(|r| !r.main());
    let slot = |marked: u8| {
        let of = move |r: &Row| r.identities().into_iter().find(|(m, _)| *m == marked).unwrap_or((mark::NONE, [0; 16]));
        Identities { bytes: rows.iter().map(|r| of(r).1).collect(), marks: rows.iter().map(|r| of(r).0).collect() }
    };
    let flags = |r: &Row| r.flags | if r.person == 0 { flag::NO_SUBJECT } else { 0 };
    let published: Vec<&Row> = rows.iter().filter(|r| flags(r) & flag::WITHOUT_FIELDS == 0).collect();
    let mut ends = Vec::new();
    let mut text = Vec::new();
    for row in &published {
        text.extend(row.city);
        ends.push(text.len() as u32);
    }
    let fixed = |width, bytes, valid| FieldColumn::Fixed { width, bytes, valid };
    let year = |r: &&Row| i32::from(r.year.unwrap_or(0)).to_le_bytes();
    let fields = vec![
        fixed(16, published.iter().flat_map(|r| r.token()).collect(), vec![true; published.len()]),
        FieldColumn::Text { bytes: text, ends, valid: published.iter().map(|r| r.city.is_some()).collect() },
        fixed(4, published.iter().flat_map(year).collect(), published.iter().map(|r| r.year.is_some()).collect()),
    ];
    Rows {
        count: rows.len(),
        subject: rows.iter().map(Row::token).collect(),
        flags: rows.iter().map(flags).collect(),
        exclude: rows.iter().map(|r| r.exclude).collect(),
        clock: rows.iter().map(Row::clock).collect(),
        since: rows.iter().map(|r| r.since.map_or(NO_SINCE, |s| AS_OF - s * DAY)).collect(),
        versions: vec![],
        identities: vec![slot(mark::KEY), slot(mark::WEAK)],
        quasi: if observed {
            vec![]
        } else {
            vec![published.iter().map(|r| quasi(r.city)).collect(), published.iter().map(|r| quasi(r.year)).collect()]
        },
        fields: if observed { vec![] } else { fields },
    }
}

/// What a job asks of values of the year, which is then no quasi-identifier.
type Asked = Option<(u32, Diversity)>;

/// Keep 100 days, the year 50; two excludes; city and year are quasi-identifiers.
fn rules(person: bool, basis: Basis, consent_column: bool, k: Option<u32>) -> Rules {
    rules_with(person, basis, consent_column, k, None)
}

fn rules_with(person: bool, basis: Basis, consent_column: bool, k: Option<u32>, l: Asked) -> Rules {
    let days = |days| Period { days, ..Period::default() };
    let year = || vec!["year".to_string()];
    let of_year = |(l, measure)| DiversityTerms { sensitive: year(), l, measure, suppress: true };
    let gate = |k| GroupTerms {
        quasi_identifiers: [vec!["city".into()], if l.is_some() { vec![] } else { year() }].concat(),
        k,
        suppress: true,
        max_suppressed: Share(1_000_000),
        diversity: l.map(of_year),
    };
    Rules {
        as_of: Instant(AS_OF),
        zone: TimeZone::UTC,
        keep: days(100),
        first_seen: false,
        person,
        subjects: true,
        field_keeps: vec![(2, days(50))],
        quasi_keeps: if k.is_some() { vec![None, Some(0)] } else { vec![] },
        others: Default::default(),
        other_persons: 0,
        exclude_labels: vec!["excluded:deleted".into()],
        shares: None,
        excludes: vec![0, 0],
        excludes_persons: false,
        grounds: Grounds { basis, direct_marketing: false, sale: false },
        consent_column,
        newest: false,
        gate: k.map(gate),
        limits: Limits {
            max_emptied: Share(1_000_000),
            max_removed: Share(1_000_000),
            max_rejected: Share(0),
            drop_bad_records: false,
            allow_empty: true,
        },
        hints: true,
    }
}

/// How many rows each person has in a version.
struct Version(BTreeMap<u8, u64>);

impl PreviousVersion for Version {
    fn rows(&self) -> u64 {
        self.0.values().sum()
    }
    fn persons(&self, b: usize, buckets: usize, each: &mut dyn FnMut(u32, &[u8; 16]) -> Result<()>) -> Result<()> {
        let bits = u64::from(buckets.trailing_zeros());
        let first = |person: u8| u32::from_be_bytes(*token(person).first_chunk().expect("4"));
        let mut rows: Vec<_> = self.0.iter().map(|(person, rows)| (first(*person), *person, *rows)).collect();
        rows.sort_unstable();
        let own = rows.into_iter().filter(|(first, ..)| (u64::from(*first) << bits) >> 32 == b as u64);
        own.into_iter()
            .try_for_each(|(first, person, rows)| (0..rows).try_for_each(|_| each(first, &identity(0, person))))
    }
}

struct Setup {
    buckets: usize,
    threads: usize,
    budget: usize,
}

fn judged(
    rows: &[Row],
    rules: Rules,
    entries: &EntryTable,
    previous: Option<&dyn PreviousVersion>,
    setup: &Setup,
) -> Judged {
    let dir = tempfile::tempdir().expect("a directory");
    let spill_store = SpillStore::new(setup.budget, dir.path().to_path_buf(), [5; 32]).expect("a spill_store");
    let stage = Stage::new(layout(), setup.buckets, spill_store);
    let (main, observed): (Vec<Row>, Vec<Row>) = rows.iter().cloned().partition(Row::main);
    let mut writer = stage.writer();
    for batch in main.chunks(7).chain(observed.chunks(5)) {
        writer.append(&columns(batch)).expect("appended");
    }
    writer.finish().expect("finished");
    let staged = stage.finish().expect("staged");
    decide(rules, staged, entries, previous, &Reading::default(), setup.threads, &Silent).expect("decided")
}

/// What is published of a row: its values in bytes, until when it stays, until when the year stays, its consent.
type Out = (Vec<Option<Vec<u8>>>, i64, i64, Option<(i64, i64)>);

/// The values of a field in some rows, as they are published.
fn values(kept: &KeptBucket<'_>, field: usize, kind: FieldKind) -> Vec<Option<Vec<u8>>> {
    fn fixed<const N: usize>(kept: &KeptBucket<'_>, field: usize) -> Vec<Option<Vec<u8>>> {
        let mut out = Vec::new();
        kept.fixed::<N>(0..kept.rows(), field, |there, value| out.push(there.then(|| value.to_vec())));
        out
    }
    let mut out = Vec::new();
    match kind {
        FieldKind::Token => return fixed::<16>(kept, field),
        FieldKind::Int32 => return fixed::<4>(kept, field),
        _ => kept.text(0..kept.rows(), field, |value| out.push(value.map(<[u8]>::to_vec))),
    }
    out
}

fn published(cleared: &Cleared) -> Vec<Out> {
    let mut out = Vec::new();
    assert_eq!(cleared.field_keeps(), 1);
    for b in 0..cleared.buckets() {
        let kept = cleared.kept(b).expect("kept");
        let rows = 0..kept.rows();
        let fields = cleared.layout().fields.iter().enumerate();
        let columns: Vec<_> = fields.map(|(f, field)| values(&kept, f, field.kind)).collect();
        let consents = rows.clone().map(|row| kept.consent.get(row).map(|c| (c.since, c.until)));
        let untils = kept.keep_until(rows.clone()).zip(kept.field_until(rows.clone(), 0)).zip(consents);
        for (at, ((until, year_until), consent)) in untils.enumerate() {
            out.push((columns.iter().map(|column| column[at].clone()).collect(), until, year_until, consent));
        }
    }
    assert_eq!(out.len() as u64, cleared.rows_out());
    out
}

/// The model: all rows in one list, one person after the other.
struct Model<'a> {
    rows: &'a [Row],
    rules: &'a Rules,
    entries: &'a EntryTable,
}

impl Model<'_> {
    fn effects(&self, row: &Row) -> EffectSet {
        let mut all = EffectSet::default();
        row.identities().iter().filter_map(|(_, id)| self.entries.effects(id)).for_each(|e| all.add(&e));
        all
    }

    fn of_person(&self, row: &Row) -> Vec<&Row> {
        let same = |r: &&Row| r.person == row.person && row.person != 0 || std::ptr::eq(*r, row);
        self.rows.iter().filter(same).collect()
    }

    fn clock(&self, row: &Row) -> Option<i64> {
        let rows = if self.rules.person { self.of_person(row) } else { vec![row] };
        rows.iter().filter_map(|r| r.age).min().map(|age| AS_OF - age * DAY)
    }

    fn consented(&self, row: &Row) -> bool {
        let rows = self.of_person(row);
        let withdrawn = rows.iter().map(|r| self.effects(r).withdrawn).max().filter(|w| *w != i64::MIN);
        let later = |since: Option<i64>| withdrawn.is_none_or(|w| since.is_some_and(|s| s > w));
        let main = || rows.iter().filter(|r| r.main());
        let listed = || main().map(|r| self.effects(r)).filter(|e| e.has(Effect::Consent));
        let mut holding = listed().filter(|e| e.consent_until > AS_OF).peekable();
        if self.rules.consent_column {
            let over = listed().next().is_some() && holding.peek().is_none();
            return !over && main().all(|r| r.has(flag::CONSENT_YES) && later(r.since.map(|s| AS_OF - s * DAY)));
        }
        holding.map(|e| e.consent_from).max().is_some_and(|from| later(Some(from).filter(|f| *f != NO_SINCE)))
    }

    fn reason(&self, row: &Row) -> Option<&'static str> {
        let effects = self.effects(row);
        let bound = |e| effects.has(e) && binding(e, self.rules.grounds).is_ok();
        let old = self.clock(row).is_none_or(|clock| clock + 100 * DAY <= AS_OF);
        let rejected = row.person == 0 || row.has(flag::CLOCK_UNREADABLE) || row.has(flag::EXCLUDE_UNREADABLE);
        match () {
            () if bound(Effect::Restrict) => Some("restricted"),
            () if bound(Effect::Erase) => Some("erased"),
            () if bound(Effect::Object) => Some("objected"),
            () if self.rules.grounds.basis == Basis::Consent && !self.consented(row) => Some("no-consent"),
            () if row.exclude > 0 => Some("excluded:deleted"),
            () if old && !row.has(flag::CLOCK_UNREADABLE) => Some("expired"),
            () if rejected => Some("rejected"),
            () => None,
        }
    }

    fn combination(&self, row: &Row, without: Option<usize>) -> (Option<u64>, Option<u64>) {
        let year_is_old = self.clock(row).is_none_or(|clock| clock + 50 * DAY <= AS_OF);
        let year = if year_is_old { NULL_QUASI } else { quasi(row.year) };
        (Some(quasi(row.city)).filter(|_| without != Some(0)), Some(year).filter(|_| without != Some(1)))
    }

    /// Whether values of the year differ too little among these rows.
    fn alike(&self, rows: &[&Row]) -> bool {
        let Some(terms) = self.rules.gate.as_ref().and_then(|gate| gate.diversity.as_ref()) else { return false };
        let said: BTreeSet<(Option<u64>, u8)> =
            rows.iter().map(|row| (self.combination(row, None).1, row.person)).collect();
        let mut counts: BTreeMap<Option<u64>, f64> = BTreeMap::new();
        said.iter().for_each(|(year, _)| *counts.entry(*year).or_default() += 1.0);
        let shares = counts.values().map(|count| count / said.len() as f64);
        match terms.measure {
            Diversity::Distinct => counts.len() < terms.l as usize,
            Diversity::Entropy => shares.map(|p| -p * p.ln()).sum::<f64>() < f64::from(terms.l).ln() - 1e-12,
        }
    }

    fn below(&self, kept: &[&Row], without: Option<usize>) -> Vec<bool> {
        let gate = self.rules.gate.as_ref();
        let (k, year_apart) = (gate.map_or(0, |g| g.k) as usize, gate.is_some_and(|g| g.diversity.is_some()));
        let group = |row: &Row| {
            let (city, year) = self.combination(row, without);
            (city, year.filter(|_| !year_apart))
        };
        let mut groups: BTreeMap<_, Vec<&Row>> = BTreeMap::new();
        kept.iter().for_each(|row| groups.entry(group(row)).or_default().push(row));
        let below = |rows: &[&Row]| {
            let persons: BTreeSet<u8> = rows.iter().map(|row| row.person).collect();
            persons.len() < k || self.alike(rows)
        };
        kept.iter().map(|row| below(&groups[&group(row)])).collect()
    }
}

fn row() -> impl Strategy<Value = Row> {
    let flags = prop_oneof![
        20 => Just(flag::CONSENT_YES), 2 => Just(0u16), 1 => Just(flag::CLOCK_UNREADABLE | flag::CONSENT_YES),
        1 => Just(flag::EXCLUDE_UNREADABLE | flag::CONSENT_YES), 6 => Just(flag::OBSERVED),
    ];
    let exclude = prop_oneof![12 => Just(0u8), 1 => 1u8..3];
    let age = prop::option::weighted(0.9, prop_oneof![Just(100i64), Just(50), Just(99), Just(49), 0i64..200]);
    let since = prop::option::of(0i64..20);
    let values = (prop::option::of(0u8..9), prop::option::of(0u8..3), prop::option::of(0u8..2));
    (0u8..14, flags, exclude, age, since, values).prop_map(
        |(person, flags, exclude, age, since, (mail, city, year))| Row {
            person,
            flags,
            exclude,
            age,
            since,
            mail,
            city,
            year,
        },
    )
}

fn entries() -> impl Strategy<Value = Vec<(u8, u8, u8, i64)>> {
    prop::collection::vec((0u8..2, 0u8..14, 0u8..7, 0i64..20), 0..5)
}

fn table(list: &[(u8, u8, u8, i64)]) -> EntryTable {
    let mut table = EntryTable::default();
    for (kind, value, effect, days) in list {
        let at = Instant(AS_OF - days * DAY);
        let effects = match Effect::ALL[usize::from(*effect)] {
            Effect::Withdraw => EffectSet::withdrawal(at),
            Effect::Consent if days % 4 == 1 => EffectSet::of(Effect::Consent),
            Effect::Consent => EffectSet::consent(Some(at).filter(|_| days % 3 != 0), Some(Instant(AS_OF + 1))),
            effect => EffectSet::of(effect),
        };
        table.add(identity(*kind, *value), &effects);
    }
    table
}

fn bases() -> impl Strategy<Value = Basis> {
    prop::sample::select(vec![Basis::LegitimateInterests, Basis::LegalObligation, Basis::Consent])
}

fn asked() -> impl Strategy<Value = Asked> {
    prop::option::of((2u32..4, prop::sample::select(vec![Diversity::Distinct, Diversity::Entropy])))
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1141), ..ProptestConfig::with_cases(80) })]

    #[test]
    fn r11_to_r41_counts_agree_with_the_model_and_setup_never_shows(
        rows in prop::collection::vec(row(), 0..60), list in entries(), before in prop::collection::btree_map(0u8..14, 1u64..4, 0..6),
        person: bool, basis in bases(), column: bool, k in prop::option::of(1u32..4), l in asked(),
        bits in 0u32..7, threads in 1usize..4, budget in prop_oneof![Just(0usize), Just(1 << 24)], turn in 0usize..60,
    ) {
        let (rules, entries) = (rules_with(person, basis, column, k, l), table(&list));
        let version = Version(before.iter().map(|(p, n)| (*p, *n)).collect());
        let plain = Setup { buckets: 1, threads: 1, budget: 1 << 24 };
        let one = judged(&rows, rules.clone(), &entries, Some(&version), &plain);

        let mut turned = rows.clone();
        turned.rotate_left(turn % rows.len().max(1));
        turned.reverse();
        let setup = Setup { buckets: 1 << bits, threads, budget };
        let other = judged(&turned, rules.clone(), &entries, Some(&version), &setup);
        prop_assert_eq!(one.verdict(), other.verdict());

        let model = Model { rows: &rows, rules: &rules, entries: &entries };
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        let main: Vec<&Row> = rows.iter().filter(|r| r.main()).collect();
        main.iter().filter_map(|r| model.reason(r)).for_each(|reason| *counts.entry(reason).or_default() += 1);
        let stay: Vec<&Row> = main.iter().copied().filter(|r| model.reason(r).is_none()).collect();
        let below = model.below(&stay, None);
        let suppressed = below.iter().filter(|b| **b).count() as u64;
        counts.extend((suppressed > 0).then_some(("suppressed", suppressed)));
        let verdict = one.verdict();
        let found = verdict.reasons.iter().filter(|(_, n)| *n > 0).map(|(l, n)| (l.as_str(), *n)).collect::<BTreeMap<_, _>>();
        prop_assert_eq!(found, counts);
        prop_assert_eq!(verdict.rows_in, main.len() as u64);
        prop_assert_eq!(verdict.observed, (rows.len() - main.len()) as u64);
        let no_clock = |r: &&&Row| model.reason(r) == Some("expired") && model.clock(r).is_none();
        prop_assert_eq!(verdict.no_clock, main.iter().filter(no_clock).count() as u64);
        let read: BTreeSet<u8> = main.iter().map(|r| r.person).filter(|p| *p != 0).collect();
        let absent: u64 = before.iter().filter(|(p, _)| !read.contains(p)).map(|(_, n)| n).sum();
        prop_assert_eq!((verdict.absent, verdict.previous), (absent, Some(version.rows())));
        for hint in verdict.hints.iter().enumerate() {
            let without = model.below(&stay, Some(hint.0)).iter().filter(|b| **b).count() as u64;
            prop_assert_eq!(hint.1.rows_below_without, without);
        }
        for effect in [Effect::Erase, Effect::Object, Effect::Hold] {
            let reached = main.iter().filter(|r| model.effects(r).has(effect)).count() as u64;
            let expected = if binding(effect, rules.grounds).is_err() { reached } else { 0 };
            let told = verdict.not_binding.iter().find(|n| n.effect == effect.name());
            prop_assert_eq!(told.map_or(0, |n| n.rows), expected);
        }

        let (one, other) = (one.clear(false).expect("cleared"), other.clear(false).expect("cleared"));
        let out = published(&one);
        prop_assert_eq!(&out, &published(&other));
        let mut expected: Vec<_> = stay.iter().zip(below).filter(|(_, below)| !below).map(|(r, _)| {
            let (token, city, year) = r.published();
            let year = year.filter(|_| model.clock(r).is_some_and(|clock| clock + 50 * DAY > AS_OF));
            ((token, city, year), model.clock(r).map(|c| (c + 100 * DAY, c + 50 * DAY)))
        }).collect();
        let mut found: Vec<_> = out.iter().map(|(values, until, year_until, _)| {
            let value = |f: usize| values[f].as_ref().map(|v| v[0]);
            let token = values[0].as_ref().and_then(|t| t.first_chunk().copied()).expect("a token");
            ((token, value(1), value(2)), Some((*until, *year_until)))
        }).collect();
        prop_assert!(found.is_sorted_by_key(|((token, _, _), _)| *token));
        expected.sort();
        found.sort();
        prop_assert_eq!(found, expected);
        prop_assert!(out.iter().all(|(.., consent)| consent.is_some() == (basis == Basis::Consent)));
    }
}

fn nobody() -> Row {
    Row { person: 0, flags: 0, exclude: 0, age: Some(1), since: None, mail: None, city: Some(1), year: Some(1) }
}

fn some(person: u8) -> Row {
    Row { person, ..nobody() }
}

const PLAIN: Setup = Setup { buckets: 4, threads: 2, budget: 1 << 20 };

fn refused(
    rows: &[Row],
    rules: Rules,
    previous: Option<&dyn PreviousVersion>,
    accepted: bool,
) -> Option<(Code, String)> {
    let judged = judged(rows, rules, &EntryTable::default(), previous, &PLAIN);
    let error = judged.clear(accepted).err()?;
    assert!(error.help_text().is_some());
    Some((error.code(), error.message().to_string()))
}

#[test]
fn r36_small_groups_refuse_a_run_that_does_not_suppress_and_no_accept_helps() {
    let rows: Vec<Row> = (1..5).map(|p| Row { city: Some(p / 4), ..some(p) }).collect();
    let mut rules = rules(true, Basis::LegitimateInterests, false, Some(3));
    rules.gate.as_mut().expect("a gate").suppress = false;
    for accepted in [false, true] {
        let (code, message) = refused(&rows, rules.clone(), None, accepted).expect("refused");
        assert_eq!(code, Code::GateK);
        assert_eq!(message, "gate: 1 of 2 groups with 1 rows have fewer than 3 subjects");
    }
    rules.gate.as_mut().expect("a gate").k = 1;
    assert_eq!(refused(&rows, rules, None, false), None);
}

#[test]
fn r37_what_is_suppressed_is_held_against_the_rows_left_before() {
    let rows: Vec<Row> = (1..11).map(|p| Row { city: Some(p / 10), ..some(p) }).chain([nobody()]).collect();
    let mut rules = rules(true, Basis::LegitimateInterests, false, Some(2));
    rules.gate.as_mut().expect("a gate").max_suppressed = Share(100_000);
    assert_eq!(refused(&rows, rules.clone(), None, false), None, "1 of 10, not of 11");
    rules.gate.as_mut().expect("a gate").max_suppressed = Share(99_999);
    let (code, message) = refused(&rows, rules.clone(), None, false).expect("refused");
    assert_eq!(code, Code::TooManySuppressed);
    assert!(message.starts_with("max_suppressed: 1 of 10 rows left"), "{message}");
    assert_eq!(refused(&rows, rules, None, true), None);
}

#[test]
fn r37_the_brake_and_an_empty_table_are_let_through_only_when_accepted() {
    let mut rules = rules(true, Basis::LegitimateInterests, false, None);
    rules.limits.max_removed = Share(300_000);
    rules.limits.allow_empty = false;
    let version = Version([(1, 1), (9, 9)].into());
    let (code, message) = refused(&[some(1)], rules.clone(), Some(&version), false).expect("refused");
    assert_eq!(code, Code::Brake);
    assert_eq!(message, "max_removed: 9 of 10 rows of the previous version would be dropped (90.00 %, limit 30 %)");
    assert_eq!(refused(&[some(1)], rules.clone(), Some(&version), true), None);
    assert_eq!(refused(&[some(1)], rules.clone(), None, false), None);
    let (code, message) = refused(&[], rules.clone(), None, false).expect("refused");
    assert_eq!(code, Code::Brake);
    assert_eq!(message, "no row would be left and allow_empty is not set");
    assert_eq!(refused(&[], rules, None, true), None);
}

#[test]
fn r33_dropped_bad_records_are_rows_in_and_rejected() {
    let dir = tempfile::tempdir().expect("a directory");
    let stage = Stage::new(layout(), 2, SpillStore::new(0, dir.path().to_path_buf(), [5; 32]).expect("a spill_store"));
    let staged = stage.finish().expect("staged");
    let rules = rules(false, Basis::Contract, false, Some(2));
    let reading = Reading { dropped: 3, ..Reading::default() };
    let judged = decide(rules, staged, &EntryTable::default(), None, &reading, 2, &Silent).expect("decided");
    let verdict = judged.verdict();
    assert_eq!((verdict.rows_in, verdict.rows_out, verdict.removed(Reason::Rejected)), (3, 0, 3));
    let against: Vec<_> = judged.vetoes().iter().map(|veto| (veto.code, veto.acceptable)).collect();
    assert_eq!(against, [(Code::TooManyRejected, true)]);
}

#[test]
fn rows_whose_fields_were_skipped_must_be_gone() {
    let row = Row { flags: flag::FIELDS_SKIPPED, ..some(1) };
    let dir = tempfile::tempdir().expect("a directory");
    let stage = Stage::new(layout(), 2, SpillStore::new(0, dir.path().to_path_buf(), [5; 32]).expect("a spill_store"));
    let mut writer = stage.writer();
    writer.append(&columns(&[row])).expect("appended");
    writer.finish().expect("finished");
    let staged = stage.finish().expect("staged");
    let rules = rules(false, Basis::Contract, false, None);
    let error =
        decide(rules, staged, &EntryTable::default(), None, &Reading::default(), 1, &Silent).err().expect("refused");
    assert_eq!(error.code(), Code::RowsDoNotAddUp);
}

#[test]
fn a_stop_is_asked_for_before_each_bucket() {
    for (allowed, ends) in [(0, true), (3, true), (4, false)] {
        let dir = tempfile::tempdir().expect("a folder");
        let stage =
            Stage::new(layout(), 4, SpillStore::new(0, dir.path().to_path_buf(), [5; 32]).expect("a spill_store"));
        let staged = stage.finish().expect("staged");
        let rules = rules(false, Basis::Contract, false, None);
        let monitor = crate::monitor::Patience::of(allowed);
        let judged = decide(rules, staged, &EntryTable::default(), None, &Reading::default(), 2, &monitor);
        assert_eq!(judged.err().map(|error| error.message() == "enough"), ends.then_some(true), "{allowed}");
    }
}
