//! The stage over small exports: what rows carry and what is counted.

use super::*;
use crate::clock::{Instant, Period};
use crate::corrections::Corrections;
use crate::key::{Key, Keyring};
use crate::policy::*;
use crate::read::RawBatch;
use jiff::tz::TimeZone;

const COLUMNS: [&str; 9] = ["Id", "Parent", "Email", "Phone", "Country", "City", "Last", "Created", "Deleted"];

fn keys() -> Keyring {
    Keyring { identity: Key::new([1; 32]), token: Key::new([2; 32]), epoch: "2026a".into() }
}

fn as_of() -> Instant {
    Instant::parse("2026-11-24T02:00:00Z").expect("a time")
}

fn period(text: &str) -> Period {
    Period::parse(text).expect("a period")
}

fn column(name: &str) -> Column {
    let rule = |format: &str| DateRule { formats: vec![format.into()], zone: Some(TimeZone::UTC), epoch: None };
    let value = match name {
        "Last" => ValueType::Date(rule("%Y-%m-%d")),
        "Created" => ValueType::Timestamp(rule("%Y-%m-%dT%H:%M:%SZ")),
        "Deleted" => ValueType::Boolean,
        _ => ValueType::Text,
    };
    let (kind, normal) = match name {
        "Id" | "Parent" => ("salesforce-id/1", Normal::SalesforceId),
        "Email" => ("email/1", Normal::Email),
        "Phone" => ("phone/1", Normal::Phone(PhoneRegion::Column(4))),
        _ => ("contact.City/1", Normal::Text),
    };
    let sentinels = vec![jiff::civil::date(1900, 1, 1), jiff::civil::date(9999, 12, 31)];
    let identifier = Identifier::new(kind, normal);
    Column {
        name: name.into(),
        value,
        sentinels,
        identifier,
        identified: kind != "contact.City/1",
        parts: Vec::new(),
        several: None,
        birth: false,
        forms: crate::policy::CellForms::default(),
        max_raw: None,
    }
}

fn field(name: &str, from: Option<usize>, treat: Treatment) -> Field {
    let subject = name == "contact";
    Field {
        name: name.into(),
        from,
        treat,
        subject,
        keep: None,
        max_untreated: MaxUntreated::Default,
        quasi: None,
        other: None,
    }
}

fn source() -> Source {
    Source::of_csv("contact")
}

fn plan() -> Plan {
    let location = |path: &str| Location { root: "raw".into(), path: path.into() };
    let mut city = field("city", Some(5), crate::treatments::AsIs.into());
    city.quasi = Some(0);
    let mut last = field("last", Some(6), crate::treatments::Month.into());
    last.quasi = Some(1);
    Plan {
        job: "crm-contacts".into(),
        file: "jobs/crm-contacts.toml".into(),
        source: source(),
        input: location("contact.csv"),
        output: location("crm/contacts"),
        purpose: Purpose {
            name: "analytics".into(),
            basis: Basis::LegitimateInterests,
            direct_marketing: false,
            undated: vec![],
            max_keep: period("P3Y"),
            min_k: 5,
            signed: false,
        },
        recipient: None,
        domain: "analytics".into(),
        epoch: "2026a".into(),
        token_format: TokenFormat::Hex,
        zone: TimeZone::UTC,
        schedule: None,
        columns: COLUMNS.iter().map(|name| column(name)).collect(),
        fields: vec![
            field("contact", Some(0), crate::treatments::Pseudonymize.into()),
            field("email", Some(2), crate::treatments::Pseudonymize.into()),
            city,
            last,
            field("place", Some(5), Treatment::Prefix(crate::treatments::Prefix { length: 3 })),
            field("place_token", Some(5), crate::treatments::Pseudonymize.into()),
            field("reachable", Some(3), crate::treatments::Present.into()),
            field("origin", None, Treatment::Constant(crate::treatments::Constant { value: "crm".into() })),
        ],
        controls: Controls {
            key: Some(0),
            strong: vec![1],
            weak: vec![2, 3],
            others: Vec::new(),
            clocks: vec![6, 7],
            excludes: vec![
                Exclude { column: 8, equals: vec!["true".into()], reason: "deleted".into(), person: false },
                Exclude { column: 5, equals: vec!["testville".into()], reason: "test".into(), person: false },
            ],
            consent: None,
            minors: None,
            notice: None,
            newest: None,
        },
        retention: Retention {
            keep: period("P3Y"),
            undated: None,
            reason: None,
            person: true,
            max_future: period("P1Y"),
        },
        observe: vec![],
        gate: Some(GroupTerms {
            quasi_identifiers: vec!["city".into(), "last".into()],
            k: 5,
            suppress: true,
            max_suppressed: Share(20_000),
            diversity: None,
        }),
        limits: Limits {
            max_emptied: Share(1_000_000),
            max_removed: Share(300_000),
            max_rejected: Share(0),
            drop_bad_records: false,
            allow_empty: false,
        },
        digest: String::new(),
        corrected: Vec::new(),
    }
}

const ID: &str = "003D000000IqhSL";

fn batch(lines: &[&str]) -> RawBatch {
    RawBatch::sample(&format!("{}\n{}\n", COLUMNS.join(","), lines.join("\n")), &COLUMNS)
}

fn run<T>(plan: &Plan, stream: Stream, batch: &mut RawBatch, look: impl Fn(&Rows) -> T) -> (T, Tally) {
    let minimizer = Minimizer::new(plan, &keys(), as_of(), stream).expect("a plan");
    let none = Corrections::default();
    let mut worker = minimizer.worker(&|_| false, RowClock::OfColumns, &none);
    look(worker.minimize(batch).expect("rows"));
    let tally = worker.tally();
    // Once more after another batch: buffers are reused, and nothing of that batch may shine through.
    let mut worker = minimizer.worker(&|_| false, RowClock::OfColumns, &none);
    let rest: Vec<String> = (0..9).map(|n| format!("{ID},{ID},x@example.org,1,DE,City {n},2026-01-01,,no")).collect();
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    worker.minimize(&mut self::batch(&rest)).expect("rows");
    (look(worker.minimize(batch).expect("rows")), tally)
}

fn token(kind: &str, value: &str) -> [u8; 16] {
    let identity = blake3::keyed_hash(keys().identity_key(kind).expose(), value.as_bytes());
    let token = blake3::keyed_hash(keys().token_key("analytics").expose(), identity.as_bytes());
    *token.as_bytes().first_chunk().expect("16 bytes")
}

fn first_half(kind: &str, value: &str) -> [u8; 16] {
    identity(kind, value).as_chunks().0[0]
}

fn identity(kind: &str, value: &str) -> [u8; 32] {
    *blake3::keyed_hash(keys().identity_key(kind).expose(), value.as_bytes()).as_bytes()
}

/// A field's value as text: tokens in hex, numbers as their little-endian bytes in hex, `-` for null and in a row without
/// fields.
fn shown(rows: &Rows, field: usize, row: usize) -> String {
    let without = |row: &usize| rows.flags[*row] & flag::WITHOUT_FIELDS != 0;
    if without(&row) {
        return "-".into();
    }
    let row = row - (0..row).filter(without).count();
    let (bytes, valid) = match &rows.fields[field] {
        FieldColumn::Fixed { width, bytes, valid } => (&bytes[row * width..(row + 1) * width], valid[row]),
        FieldColumn::Text { bytes, ends, valid } => {
            let start = if row == 0 { 0 } else { ends[row - 1] as usize };
            (&bytes[start..ends[row] as usize], valid[row])
        }
    };
    match (&rows.fields[field], valid) {
        (FieldColumn::Fixed { .. }, false) => {
            assert!(bytes.iter().all(|byte| *byte == 0), "invalid values are zeros");
            "-".into()
        }
        (_, false) => {
            assert!(bytes.is_empty(), "nulls are empty");
            "-".into()
        }
        (FieldColumn::Text { .. }, true) => String::from_utf8(bytes.to_vec()).expect("UTF-8"),
        (FieldColumn::Fixed { .. }, true) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn r2_rows_carry_tokens_identities_and_treated_fields() {
    let line = format!("{ID},,Ada@Example.ORG,0170 1234567,DE,\" Z\u{FC}rich\",2026-11-03,2020-01-02T03:04:05Z,0");
    let (_, tally) = run(&plan(), Stream::Main, &mut batch(&[&line]), |rows| {
        let id = "003D000000IqhSLIAZ";
        assert_eq!(rows.count, 1);
        assert_eq!(rows.subject[0], token("salesforce-id/1", id));
        assert_eq!((rows.flags[0], rows.exclude[0], rows.since[0]), (0, 0, NO_SINCE));
        assert_eq!(Some(Instant(rows.clock[0])), Instant::parse("2026-11-03T00:00:00Z"));
        let slot = |slot: usize| (rows.identities[slot].marks[0], rows.identities[slot].bytes[0]);
        assert_eq!(slot(0), (mark::KEY, first_half("salesforce-id/1", id)));
        assert_eq!(slot(1), (mark::NONE, [0; 16]));
        assert_eq!(slot(2), (mark::WEAK, first_half("email/1", "ada@example.org")));
        assert_eq!(slot(3), (mark::WEAK, first_half("phone/1", "+491701234567")));
        let fields: Vec<String> = (0..8).map(|field| shown(rows, field, 0)).collect();
        let november = crate::clock::days::day_number(2026, 11, 1).to_le_bytes();
        assert_eq!(
            fields,
            [
                hex(&rows.subject[0]),
                hex(&token("email/1", "ada@example.org")),
                "Z\u{FC}rich".into(),
                hex(&november),
                "Z\u{FC}r".into(),
                hex(&token("contact.City/1", "Z\u{FC}rich")),
                "01".into(),
                "crm".into(),
            ]
        );
    });
    assert_eq!(tally.records, 1);
    assert!(tally.fields.iter().all(|field| field.untreated == 0));
    assert_eq!(
        tally.identifiers.iter().map(|i| (i.values, i.raw)).collect::<Vec<_>>(),
        [(1, 0), (0, 0), (1, 0), (1, 0), (1, 0)]
    );
}

#[test]
fn r4_values_that_do_not_normalise_get_their_raw_form_and_a_mark() {
    let lines = [format!("{ID},,No Mail,+49 30,,B,2026-01-01,,"), format!("{ID},,a@example.org,,,B,2026-01-01,,")];
    let (_, tally) = run(&plan(), Stream::Main, &mut batch(&[&lines[0], &lines[1]]), |rows| {
        assert_eq!(rows.identities[2].marks, [mark::WEAK | mark::RAW, mark::WEAK]);
        assert_eq!(rows.identities[2].bytes[0], first_half("email/1?raw", "no mail"));
        assert_eq!(rows.identities[2].bytes[1], first_half("email/1", "a@example.org"));
        assert_eq!(rows.identities[3].marks, [mark::WEAK | mark::RAW, mark::NONE]);
        assert_eq!(rows.identities[3].bytes[0], first_half("phone/1?raw", "+49 30"));
        assert_eq!(shown(rows, 1, 0), hex(&token("email/1?raw", "no mail")));
    });
    assert_eq!((tally.identifiers[2].values, tally.identifiers[2].raw), (2, 1));
    let maker = IdentityMaker::new(&keys(), &column("Email").identifier);
    assert_eq!(maker.make(&[" NO MAIL"], None), Some((true, identity("email/1?raw", "no mail"))));
    assert_eq!(maker.make(&["A@example.org"], None), Some((false, identity("email/1", "a@example.org"))));
    assert_eq!(maker.make(&["\u{A0}"], None), None);
    let maker = IdentityMaker::new(&keys(), &column("Phone").identifier);
    assert_eq!(maker.make(&["0170 1234567"], Some("Germany")), Some((false, identity("phone/1", "+491701234567"))));
    assert!(maker.make(&["0170 1234567"], None).is_some_and(|(raw, _)| raw));
}

#[test]
fn r51_a_value_that_lacks_a_part_is_none_and_counted() {
    let mut plan = plan();
    plan.columns.push(Column {
        name: "Whole".into(),
        parts: vec![1, 5],
        identifier: Identifier::new("customer@acme/1", Normal::Text).of_parts(2),
        ..column("City")
    });
    plan.controls.strong = vec![plan.columns.len() - 1];
    let lines = ["P1,,,,B", "P1,,,,", ",,,,", "-,,,,B"].map(|rest| format!("{ID},{rest},2026-01-01,,"));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut batch = batch(&lines);
    let (_, tally) = run(&plan, Stream::Main, &mut batch, |rows| {
        let slot = &rows.identities[1];
        assert_eq!(slot.marks, [mark::STRONG, mark::NONE, mark::NONE, mark::STRONG | mark::RAW]);
        assert_eq!(slot.bytes[0], first_half("customer@acme/2-parts/1", "\u{2}\0\0\0P1\u{1}\0\0\0B"));
        assert_eq!(slot.bytes[3], first_half("customer@acme/2-parts/1?raw", "\u{1}\0\0\0-\u{1}\0\0\0b"));
    });
    let counts = tally.of_column("Whole").expect("the composed column");
    assert_eq!((counts.values, counts.raw, counts.partial), (2, 1, 1));
    assert_eq!(counts.first_partial.map(|at| at.record), Some(2));
}

#[test]
fn r11_rows_without_a_subject_are_flagged_and_have_no_fields() {
    let lines = [",,a@example.org,,,Bonn,2026-01-01,,".to_string(), format!("{ID},,,,,Bonn,2026-01-01,,")];
    let (_, tally) = run(&plan(), Stream::Main, &mut batch(&[&lines[0], &lines[1]]), |rows| {
        assert_eq!(rows.flags, [flag::NO_SUBJECT | flag::FIELDS_SKIPPED, 0]);
        assert_eq!(rows.subject[0], [0; 16]);
        assert_eq!(rows.identities[2].marks[0], mark::WEAK, "links of rejected rows count (R17)");
        assert!((0..8).all(|field| shown(rows, field, 0) == "-"));
        assert_eq!((shown(rows, 1, 1), shown(rows, 2, 1), shown(rows, 6, 1)), ("-".into(), "Bonn".into(), "00".into()));
    });
    assert_eq!((tally.no_subject, tally.records), (1, 2));
}

#[test]
fn r24_r25_each_clock_value_is_judged_before_the_latest_is_taken() {
    let clocks = [
        ("9999-12-31", "2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z"),
        ("2028-01-01", "2025-01-01T00:00:00Z", "2025-01-01T00:00:00Z"),
        ("2027-02-01", "2025-01-01T00:00:00Z", "2026-11-24T02:00:00Z"),
        ("1900-01-01", "", "none"),
        ("", "", "none"),
        ("soon", "2026-01-02T00:00:00Z", "unreadable"),
    ];
    let lines: Vec<String> = clocks.iter().map(|(last, created, _)| format!("{ID},,,,,B,{last},{created},")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let (_, tally) = run(&plan(), Stream::Main, &mut batch(&lines), |rows| {
        for (row, (_, _, expected)) in clocks.iter().enumerate() {
            let unreadable = rows.flags[row] & flag::CLOCK_UNREADABLE != 0;
            match *expected {
                "unreadable" => assert!(unreadable),
                "none" => assert!(!unreadable && rows.clock[row] == NO_CLOCK),
                time => assert_eq!(Some(Instant(rows.clock[row])), Instant::parse(time), "row {row}"),
            }
        }
    });
    let last = &tally.clocks[0];
    assert_eq!((last.sentinels, last.future, last.clamped, last.unreadable), (2, 1, 1, 1));
    assert_eq!(last.first_unreadable, Some(Position { input: 0, record: 6 }));
    assert_eq!((tally.clock_unreadable, tally.no_clock), (1, 2));
}

#[test]
fn r22_the_first_matching_exclude_labels_and_odd_booleans_reject() {
    let cells =
        [("Bonn", "TRUE"), ("TestVille ", "1"), (" testville", "no"), ("Bonn", "maybe"), ("Bonn", ""), ("", "0")];
    let lines: Vec<String> =
        cells.iter().map(|(city, deleted)| format!("{ID},,,,,{city},2026-01-01,,{deleted}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let (_, tally) = run(&plan(), Stream::Main, &mut batch(&lines), |rows| {
        assert_eq!(rows.exclude, [1, 1, 2, 0, 0, 0]);
        let skipped = flag::FIELDS_SKIPPED;
        assert_eq!(rows.flags, [skipped, skipped, skipped, flag::EXCLUDE_UNREADABLE | skipped, 0, 0]);
    });
    assert_eq!(tally.exclude_unreadable, 1);
}

#[test]
fn r32_consent_is_yes_only_for_the_values_named() {
    let mut plan = plan();
    plan.controls.consent = Some(ConsentColumn { column: 5, equals: vec!["ja".into()], since: Some(7) });
    let lines = ["JA,,2020-01-02T03:04:05Z", "ja,,", "nein,,2020-01-02T03:04:05Z", ",,", "ja,,never"];
    let lines: Vec<String> = lines.iter().map(|cells| format!("{ID},,,,,{cells},")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    plan.controls.clocks.clear();
    run(&plan, Stream::Main, &mut batch(&lines), |rows| {
        let yes: Vec<bool> = rows.flags.iter().map(|flags| flags & flag::CONSENT_YES != 0).collect();
        assert_eq!(yes, [true, true, false, false, false], "a date that cannot be read is no");
        let since = Instant::parse("2020-01-02T03:04:05Z").expect("a time").0;
        assert_eq!(rows.since, [since, NO_SINCE, NO_SINCE, NO_SINCE, NO_SINCE]);
    });
}

#[test]
fn r20_untreated_values_are_null_counted_and_located() {
    let lines = [format!("{ID},,,,,Ulm,2026-01-01,,"), format!("{ID},,,,,Kiel,9999-12-31,2026-01-01T00:00:00Z,")];
    let (_, tally) = run(&plan(), Stream::Main, &mut batch(&[&lines[0], &lines[1]]), |rows| {
        assert_eq!((shown(rows, 4, 0), shown(rows, 4, 1)), ("-".into(), "Kie".into()));
        assert_eq!(shown(rows, 3, 1), "-", "a sentinel is null");
    });
    let place = &tally.fields[4];
    assert_eq!((place.values, place.untreated), (2, 1));
    assert_eq!(place.first_untreated, Some(Position { input: 0, record: 1 }));
    assert_eq!((tally.fields[3].values, tally.fields[3].untreated), (1, 0));
    assert_eq!(tally.fields[7].values, 0, "a constant reads nothing");
}

#[test]
fn row_scope_skips_fields_of_past_rows_and_counts_the_same() {
    let lines = [
        format!("{ID},,a@example.org,,,Ulm,2020-01-01,,"),
        format!("{ID},,a@example.org,,,Ulm,2023-11-24,,"),
        format!("{ID},,a@example.org,,,Kiel,2023-11-25,,"),
        format!("{ID},,No mail,,,Ulm,,,"),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut by_row = plan();
    by_row.retention.person = false;
    let skipped = |rows: &Rows| rows.flags.iter().map(|f| f & flag::FIELDS_SKIPPED != 0).collect::<Vec<_>>();
    let (_, person) = run(&plan(), Stream::Main, &mut batch(&lines), |rows| assert_eq!(skipped(rows), [false; 4]));
    let (_, row) = run(&by_row, Stream::Main, &mut batch(&lines), |rows| {
        // The second is past by two hours: that near, it is left to `decide`.
        assert_eq!(skipped(rows), [true, false, false, true]);
        assert!((0..8).all(|field| shown(rows, field, 0) == "-"));
        assert_eq!(shown(rows, 4, 2), "Kie");
        assert_eq!((rows.quasi[0].len(), rows.fields[0].valid().len()), (2, 2));
        assert_eq!(rows.identities[2].marks[0], mark::WEAK, "identities are there all the same (R17)");
    });
    assert_eq!(person, row, "nothing is counted differently");
}

#[test]
fn r40_quasi_hashes_are_keyed_and_null_has_its_own() {
    let lines =
        [format!("{ID},,,,,Bonn,2026-01-02,,"), format!("{ID},,,,,\"Bonn \",2026-01-03,,"), format!("{ID},,,,,,,,")];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut other = plan();
    other.job = "other".into();
    let hashes = |plan: &Plan| run(plan, Stream::Main, &mut batch(&lines), |rows| rows.quasi.clone()).0;
    let (mine, others) = (hashes(&plan()), hashes(&other));
    let key = keys().identity.derive("tamis v1 quasi", &[b"crm-contacts"]);
    let bonn = blake3::keyed_hash(key.expose(), b"Bonn");
    assert_eq!(
        mine[0],
        [u64::from_le_bytes(*bonn.as_bytes().first_chunk().expect("8 bytes")); 2]
            .into_iter()
            .chain([NULL_QUASI])
            .collect::<Vec<_>>()
    );
    assert_eq!(mine[1][0], mine[1][1], "the same month");
    assert_eq!(mine[1][2], NULL_QUASI);
    assert_ne!(mine[0][0], others[0][0], "another dataset, another key");
}

#[test]
fn r21_distinct_tokens_of_columns_without_identifier_are_looked_for() {
    let lines: Vec<String> = (0..60).map(|n| format!("{ID},,m{n}@example.org,,,City {},2026-01-01,,", n % 3)).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let (_, tally) = run(&plan(), Stream::Main, &mut batch(&lines), |_| ());
    assert_eq!(tally.fields[5].distinct.len(), 3);
    assert!(tally.fields[1].distinct.is_empty(), "the e-mail has an identifier");
}

#[test]
fn r17_observed_rows_have_subject_links_and_clock_and_nothing_else() {
    let mut plan = plan();
    let columns: Vec<Column> = COLUMNS.iter().map(|name| column(name)).collect();
    let controls = Controls { key: Some(1), strong: vec![], weak: vec![2], clocks: vec![6], ..Controls::default() };
    plan.observe =
        vec![Observe { source: source(), input: Location { root: "raw".into(), path: "t".into() }, columns, controls }];
    assert_eq!(Minimizer::layout(&plan).identities, 4);
    let lines = ["x,,a@example.org,,,B,2026-01-01,,", &format!("x,{ID},b@example.org,,,B,2026-02-01,,"), "x,,,,,B,,,"];
    let (_, tally) = run(&plan, Stream::Observed(0), &mut batch(&lines), |rows| {
        assert_eq!((rows.count, rows.flags.as_slice()), (1, &[flag::OBSERVED][..]));
        assert_eq!(rows.subject[0], token("salesforce-id/1", "003D000000IqhSLIAZ"));
        assert_eq!(Some(Instant(rows.clock[0])), Instant::parse("2026-02-01T00:00:00Z"));
        let marks: Vec<u8> = rows.identities.iter().map(|slot| slot.marks[0]).collect();
        assert_eq!(marks, [mark::KEY, mark::WEAK, mark::NONE, mark::NONE]);
        assert_eq!(rows.identities[1].bytes[0], first_half("email/1", "b@example.org"));
        assert!(rows.fields.is_empty());
        assert!(rows.quasi.iter().all(Vec::is_empty));
    });
    assert_eq!((tally.records, tally.dropped, tally.no_subject), (3, 2, 0));
    assert!(Minimizer::new(&plan, &keys(), as_of(), Stream::Observed(1)).is_err());
}

#[test]
fn r3_tokens_of_another_domain_do_not_join() {
    let mut third = plan();
    third.domain = "analytics/broker".into();
    let line = format!("{ID},,,,,B,2026-01-01,,");
    let subject = |plan: &Plan| run(plan, Stream::Main, &mut batch(&[&line]), |rows| rows.subject[0]).0;
    assert_ne!(subject(&plan()), subject(&third));
    let identities = |plan: &Plan| run(plan, Stream::Main, &mut batch(&[&line]), |rows| rows.identities[0].bytes[0]).0;
    assert_eq!(identities(&plan()), identities(&third));
}

#[test]
fn the_layout_follows_the_plan() {
    let layout = Minimizer::layout(&plan());
    assert_eq!((layout.identities, layout.quasi), (4, 2));
    let kinds: Vec<FieldKind> = layout.fields.iter().map(|field| field.kind).collect();
    use FieldKind::*;
    assert_eq!(kinds, [Token, Token, Text, Date, Text, Token, Boolean, Text]);
}

/// Rows of the table in docs/tokens.md whose header begins with `title`, code marks taken off.
fn vectors(title: &str) -> Vec<Vec<String>> {
    let mut inside = false;
    let mut rows = Vec::new();
    for line in include_str!("../../docs/tokens.md").lines() {
        let cells = || -> Vec<String> {
            let line = line.trim_matches('|');
            line.split('|').map(|cell| cell.trim().trim_matches('`').to_string()).collect()
        };
        inside = line.starts_with('|') && (inside || line.starts_with(&format!("| {title} |")));
        if inside && !line.starts_with("|--") && !line.starts_with(&format!("| {title} |")) {
            rows.push(cells());
        }
    }
    rows
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex")).collect()
}

#[test]
fn r2_the_vectors_of_the_token_specification_hold() {
    let keys: Vec<Vec<String>> = vectors("key");
    let key = |name: &str| -> Key {
        let row = keys.iter().find(|row| row[0] == name).expect("a key of the table");
        Key::new(bytes(&row[1]).try_into().expect("32 bytes"))
    };
    let ring = |token: &str, epoch: &str| Keyring { identity: key("identity"), token: key(token), epoch: epoch.into() };
    for row in &keys {
        assert_eq!(key(&row[0]).id().0, row[2]);
    }
    let identities = vectors("kind");
    for row in &identities {
        let [kind, region, value, form, normal, published] = &row[..] else { panic!("six cells") };
        let rule = match kind.as_str() {
            "email/1" => Normal::Email,
            "phone/1" => Normal::Phone(PhoneRegion::International),
            "salesforce-id/1" => Normal::SalesforceId,
            "guid/1" => Normal::Guid,
            kind if kind.contains("/any-case/") => Normal::AnyCase,
            _ => Normal::Text,
        };
        let parts = |text: &str| -> Vec<String> {
            let one = |_| vec![serde_json::from_str(text).expect("a JSON string or list")];
            serde_json::from_str(text).unwrap_or_else(one)
        };
        let (value, wanted) = (parts(value), parts(normal));
        let identifier = Identifier { kind: kind.clone(), normal: rule.clone(), parts: value.len() };
        let maker = IdentityMaker::new(&ring("token-2026a", "2026a"), &identifier);
        let values: Vec<&str> = value.iter().map(String::as_str).collect();
        let (raw, identity) = maker.make(&values, Some(region)).expect("not blank");
        assert_eq!((hex(&identity), raw), (published.clone(), form == "raw"), "{kind} {value:?}");
        for (value, wanted) in value.iter().zip(wanted) {
            let mut found = Vec::new();
            if normal::normalise(&rule, value, region::region(region), &mut found).why.is_some() || raw {
                found = crate::cell::text::canonical(value).as_bytes().to_vec();
            }
            assert_eq!(String::from_utf8(found).expect("UTF-8"), wanted, "{kind} {value:?}");
        }
    }
    let tokens = vectors("identity of");
    for row in &tokens {
        let [identity, name, domain, epoch, published] = &row[..] else { panic!("five cells") };
        let hash = blake3::keyed_hash(ring(name, epoch).token_key(domain).expose(), &bytes(identity));
        assert_eq!(hex(&hash.as_bytes()[..16]), *published);
    }
    assert_eq!((keys.len(), identities.len(), tokens.len()), (3, 39, 8));
}
