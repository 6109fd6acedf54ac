//! Publication: bytes, footers, log, faults, and readers that have nothing of ours.

#[allow(dead_code)]
#[path = "../../tests/it/fault.rs"]
mod fault;
#[path = "../../tests/it/python.rs"]
mod python;
#[allow(dead_code)]
#[path = "../../tests/it/servers.rs"]
mod servers;
#[path = "../../tests/it/tool.rs"]
mod tool;

mod companions;

use super::companion::CompanionRow;
use super::companion_group::first;
use super::file::{PublishRow, Sink};
use super::*;
use crate::clock::{Instant, Period};
use crate::decide::{EntryTable, FieldKind, FieldLayout, Layout, NO_SINCE, NULL_QUASI, Rules, decide, mark};
use crate::error::{Code, Error, Kind, Result};
use crate::gates::Reading;
use crate::minimize::{FieldColumn, Identities, Rows};
use crate::monitor::Silent;
use crate::policy::*;
use crate::stage::{SpillStore, Stage};
use crate::store::Root;
use arrow::array::{Array, AsArray};
use fault::{Fault, FaultStore, Mode};
use object_store::memory::InMemory;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Encoding};
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// Rows made from numbers: every field kind, nulls, several rows of one subject.
struct Sample {
    layout: Layout,
    numbers: Vec<u64>,
    sorted: OnceLock<Vec<(u64, SampleRow)>>,
    buckets: usize,
    /// What `rows` says: more than there are gives more files.
    declared: u64,
}

struct SampleRow {
    subject: [u8; 16],
    identity: [u8; 16],
    fields: Vec<Option<Vec<u8>>>,
}

const KINDS: [(&str, FieldKind); 10] = [
    ("contact", FieldKind::Token),
    ("city", FieldKind::Text),
    ("year", FieldKind::Int32),
    ("count", FieldKind::Int64),
    ("score", FieldKind::Float64),
    ("amount", FieldKind::Decimal(2)),
    ("active", FieldKind::Boolean),
    ("month", FieldKind::Date),
    ("seen", FieldKind::Timestamp),
    ("email", FieldKind::Token),
];

impl Sample {
    fn new(rows: u64, buckets: usize) -> Sample {
        let fields = KINDS.iter().map(|(name, kind)| FieldLayout { name: (*name).into(), kind: *kind }).collect();
        Sample {
            layout: Layout { identities: 2, quasi: 1, fields },
            numbers: (0..rows).collect(),
            buckets,
            sorted: OnceLock::new(),
            declared: rows,
        }
    }
    fn declaring(self, declared: u64) -> Sample {
        Sample { declared, ..self }
    }
    fn with_fields(mut self, names: &[&str]) -> Sample {
        let kept = names.iter().map(|name| match KINDS.iter().find(|(known, _)| known == name) {
            Some((_, kind)) => FieldLayout { name: (*name).into(), kind: *kind },
            None => FieldLayout { name: (*name).into(), kind: FieldKind::Text },
        });
        self.layout.fields = kept.collect();
        self
    }
    fn row(&self, number: u64) -> SampleRow {
        // Three rows per subject.
        let subject = blake3::hash(&(number / 3).to_le_bytes());
        let subject: [u8; 16] = subject.as_bytes()[..16].try_into().unwrap();
        let value = |kind: FieldKind, name: &str| -> Option<Vec<u8>> {
            let n = number % 97;
            if name != "contact" && (number + name.len() as u64).is_multiple_of(7) {
                return None;
            }
            Some(match kind {
                FieldKind::Token if name == "contact" => subject.to_vec(),
                FieldKind::Token => blake3::hash(&number.to_be_bytes()).as_bytes()[..16].to_vec(),
                FieldKind::Text => format!("Ort {n} \u{fc}").into_bytes(),
                FieldKind::Int32 => (1900 + n as i32).to_le_bytes().to_vec(),
                FieldKind::Int64 => (-(number as i64)).to_le_bytes().to_vec(),
                FieldKind::Float64 => (n as f64 + 0.25).to_le_bytes().to_vec(),
                FieldKind::Decimal(_) => (i128::from(n) * 100 + 25).to_le_bytes().to_vec(),
                FieldKind::Boolean => vec![u8::from(n.is_multiple_of(2))],
                FieldKind::Date => (n as i32).to_le_bytes().to_vec(),
                FieldKind::Timestamp => (n as i64 * 1_000_000 + 5).to_le_bytes().to_vec(),
            })
        };
        let fields = self.layout.fields.iter().map(|f| value(f.kind, &f.name)).collect();
        SampleRow { subject, identity: blake3::hash(&(number / 3).to_be_bytes()).as_bytes().as_chunks().0[0], fields }
    }
    /// As `tests/python/readers.py` prints it.
    fn canonical(&self) -> Vec<String> {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let cell = |kind: FieldKind, value: &Option<Vec<u8>>| -> String {
            let Some(v) = value else { return "null".into() };
            let long = || i64::from_le_bytes(v[..8].try_into().unwrap());
            match kind {
                FieldKind::Token => format!("\"{}\"", hex(v)),
                FieldKind::Text => format!("\"{}\"", std::str::from_utf8(v).unwrap()),
                FieldKind::Int32 => i32::from_le_bytes(v[..4].try_into().unwrap()).to_string(),
                FieldKind::Int64 => long().to_string(),
                FieldKind::Float64 => f64::from_le_bytes(v[..8].try_into().unwrap()).to_string(),
                FieldKind::Decimal(_) => {
                    let cents = i128::from_le_bytes(v[..16].try_into().unwrap());
                    format!("\"{}.{:02}\"", cents / 100, cents % 100)
                }
                FieldKind::Boolean => (v[0] == 1).to_string(),
                FieldKind::Date => {
                    let day = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(v[0] as i64);
                    format!("\"{day}\"")
                }
                FieldKind::Timestamp => {
                    let time = Instant(long()).timestamp();
                    format!("\"{}\"", time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ"))
                }
            }
        };
        let line = |number: &u64| {
            let row = self.row(*number);
            let cells = self.layout.fields.iter().zip(&row.fields).map(|(f, value)| cell(f.kind, value));
            format!("[{}]", cells.collect::<Vec<_>>().join(","))
        };
        let mut lines: Vec<String> = self.numbers.iter().map(line).collect();
        lines.sort();
        lines
    }
}

impl Publishable for Sample {
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn field_untils(&self) -> usize {
        1
    }
    fn on_consent(&self) -> bool {
        true
    }
    fn buckets(&self) -> usize {
        self.buckets
    }
    fn rows(&self) -> u64 {
        self.declared
    }
    fn as_of(&self) -> Instant {
        Instant(1_764_000_000_000_000)
    }
    fn visit(&self, bucket: usize, sink: &mut Sink<'_>) -> Result<()> {
        let of =
            |row: &SampleRow| (usize::from(u16::from_be_bytes([row.subject[0], row.subject[1]])) * self.buckets) >> 16;
        let sorted = self.sorted.get_or_init(|| {
            let mut rows: Vec<_> = self.numbers.iter().map(|n| (*n, self.row(*n))).collect();
            rows.sort_by(|a, b| (a.1.subject, &a.1.fields).cmp(&(b.1.subject, &b.1.fields)));
            rows
        });
        for (number, row) in sorted.iter().filter(|(_, row)| of(row) == bucket) {
            let number = *number;
            let fields: Vec<Option<&[u8]>> = row.fields.iter().map(|f| f.as_deref()).collect();
            let weak =
                if number.is_multiple_of(2) { (mark::WEAK | mark::RAW, &row.identity) } else { (mark::NONE, &[0; 16]) };
            let companion = CompanionRow {
                first: first(&row.subject),
                keep_until: number as i64,
                since: if number.is_multiple_of(5) { NO_SINCE } else { number as i64 },
                consent_until: if number.is_multiple_of(3) { i64::MAX } else { number as i64 },
                field_until: &[-(number as i64)],
                identities: &[(mark::KEY, &row.identity), weak],
                quasi: &[u64::MAX - number],
            };
            sink.row(&PublishRow { companion, fields: &fields })?;
        }
        Ok(())
    }
}

/// As `Sample`, but staged and judged: what a run publishes.
fn cleared(rows: u8) -> Cleared {
    let field = |name: &str, kind| FieldLayout { name: name.into(), kind };
    let fields = vec![field("contact", FieldKind::Token), field("city", FieldKind::Text)];
    let column = |mark: u8| Identities {
        bytes: (0..rows).map(|n| if mark == mark::NONE { [0; 16] } else { [n; 16] }).collect(),
        marks: (0..rows).map(|_| mark).collect(),
    };
    let all = usize::from(rows);
    let subject: Vec<[u8; 16]> = (0..rows).map(|n| [n.wrapping_mul(37); 16]).collect();
    let batch = Rows {
        count: all,
        flags: vec![0; all],
        exclude: vec![0; all],
        clock: (0..rows).map(|n| i64::from(n) * DAY).collect(),
        since: vec![NO_SINCE; all],
        versions: vec![],
        identities: vec![column(mark::KEY), column(mark::NONE)],
        quasi: vec![(0..rows).map(|n| u64::from(n) + 7).collect()],
        fields: vec![
            FieldColumn::Fixed { width: 16, bytes: subject.concat(), valid: vec![true; all] },
            FieldColumn::Text { bytes: vec![b'x'; all], ends: (1..=u32::from(rows)).collect(), valid: vec![true; all] },
        ],
        subject,
    };
    let folder = tempfile::tempdir().unwrap();
    let spill_store = SpillStore::new(1 << 20, folder.path().into(), [3; 32]).unwrap();
    let stage = Stage::new(Layout { identities: 2, quasi: 1, fields }, 4, spill_store);
    let mut writer = stage.writer();
    writer.append(&batch).unwrap();
    writer.finish().unwrap();
    let rules = Rules::from(&plan(), Instant(100 * DAY));
    let judged =
        decide(rules, stage.finish().unwrap(), &EntryTable::default(), None, &Reading::default(), 1, &Silent).unwrap();
    judged.clear(true).unwrap()
}

const DAY: i64 = 86_400_000_000;

/// Rows stay 90 days, `city`, a quasi-identifier, 50.
fn plan() -> Plan {
    let place = || Location { root: "raw".into(), path: "x.csv".into() };
    let days = |days| Period { days, ..Period::default() };
    let (all, drop_bad_records) = (Share(1_000_000), false);
    let field = |name: &str, keep, quasi| Field {
        name: name.into(),
        from: None,
        treat: crate::treatments::AsIs.into(),
        subject: name == "contact",
        keep,
        max_untreated: MaxUntreated::Default,
        quasi,
        other: None,
    };
    let purpose = Purpose {
        name: "p".into(),
        basis: Basis::LegitimateInterests,
        direct_marketing: false,
        undated: vec![],
        max_keep: days(90),
        min_k: 1,
        signed: false,
    };
    Plan {
        corrected: Vec::new(),
        job: "job".into(),
        file: "job.toml".into(),
        source: Source::of_csv("s"),
        input: place(),
        output: place(),
        purpose,
        recipient: None,
        domain: "p".into(),
        epoch: "e".into(),
        token_format: TokenFormat::Hex,
        zone: jiff::tz::TimeZone::UTC,
        schedule: None,
        columns: vec![],
        fields: vec![field("contact", None, None), field("city", Some(days(50)), Some(0))],
        controls: Controls { key: Some(0), ..Controls::default() },
        retention: Retention { keep: days(90), undated: None, reason: None, person: false, max_future: days(1) },
        observe: vec![],
        gate: Some(GroupTerms {
            quasi_identifiers: vec!["city".into()],
            k: 1,
            suppress: true,
            max_suppressed: Share(1_000_000),
            diversity: None,
        }),
        limits: Limits { max_emptied: all, max_removed: all, max_rejected: all, drop_bad_records, allow_empty: true },
        digest: String::new(),
    }
}

/// A lake and a state, in memory or in folders, with what is needed to publish to them.
struct Place {
    folder: tempfile::TempDir,
    lake: Root,
    state: Root,
}

impl Place {
    fn local() -> Place {
        Place::below("plain")
    }
    fn below(below: &str) -> Place {
        static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
        let start = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let runtime = RUNTIME.get_or_init(start);
        let folder = tempfile::tempdir().unwrap();
        let root = |name: &str| {
            Root::open(name, folder.path().join(below).join(name).to_str().unwrap(), runtime.handle().clone()).unwrap()
        };
        Place { lake: root("lake"), state: root("state"), folder }
    }
    fn memory() -> Place {
        let mut place = Place::local();
        place.lake = place.lake.with_store(Arc::new(InMemory::new()));
        place.state = place.state.with_store(Arc::new(InMemory::new()));
        place
    }
    fn target(&self) -> Target<'_> {
        Target { lake: &self.lake, path: "crm/contacts", state: &self.state, companions: "companions/crm-contacts" }
    }
    fn current(&self) -> Option<CurrentTable> {
        current(&self.lake, "crm/contacts").unwrap()
    }
    fn write(&self, sample: &Sample, run: &str, attempt: u32, threads: usize, binary: bool) -> Result<Written> {
        let current = current(&self.lake, "crm/contacts")?;
        let subject_field = sample.layout.fields.iter().position(|f| f.name == "contact").or(Some(usize::MAX));
        let writing =
            Writing { run, attempt, binary_tokens: binary, subject_field, threads, current: current.as_ref() };
        write_rows(sample, &self.target(), &writing, &Silent)
    }
    fn publish(&self, sample: &Sample, sequence: i64) -> Result<Receipt> {
        let before = current(&self.lake, "crm/contacts")?;
        let written = self.write(sample, &format!("run-{sequence}"), 1, 2, false)?;
        self.commit(&written, sequence, before.as_ref())
    }
    /// Commits on top of a version that was seen.
    fn commit(&self, written: &Written, sequence: i64, expected: Option<&CurrentTable>) -> Result<Receipt> {
        let (app, manifest) = ("tamis/crm-contacts", "digest");
        commit(written, &self.target(), &Commit { app, sequence, manifest, expected, may: &|| Ok(()) })
    }
    fn file(&self, name: &str) -> Vec<u8> {
        self.lake.get(&self.target().file(name)).unwrap().unwrap()
    }
    fn log(&self, version: u64) -> String {
        let entry = self.lake.get(&format!("crm/contacts/_delta_log/{version:020}.json")).unwrap().unwrap();
        String::from_utf8(entry).unwrap()
    }
    fn footers(&self) -> Vec<SerializedFileReader<bytes::Bytes>> {
        let files = self.current().unwrap().files;
        files.iter().map(|f| SerializedFileReader::new(bytes::Bytes::from(self.file(&f.name))).unwrap()).collect()
    }
}

#[test]
fn each_version_replaces_the_one_before_at_once() {
    for place in [Place::memory(), Place::below("odd \u{e9}#?")] {
        assert_eq!(place.current(), None);
        for (sequence, rows) in [(1, 0), (2, 100), (3, 0), (4, 70)] {
            let receipt = place.publish(&Sample::new(rows, 4), sequence).unwrap();
            assert_eq!((receipt.version, receipt.found), (sequence as u64 - 1, false));
            let now = place.current().unwrap();
            assert_eq!((now.version, now.rows(), now.attempt), (receipt.version, rows, 1));
            assert_eq!((now.run.as_str(), now.manifest.as_str()), (format!("run-{sequence}").as_str(), "digest"));
            assert!(now.files.iter().all(|f| f.name.contains(&now.run)), "only files of this run");
        }
    }
}

#[test]
fn the_same_rows_give_the_same_bytes_whatever_the_threads_and_buckets() {
    let mut seen = BTreeSet::new();
    // Four files, of one bucket, of two each, and sixteen to a file; row groups end inside files and buckets.
    for (buckets, threads) in [(1, 1), (2, 3), (64, 2)] {
        let place = Place::memory();
        let sample = Sample::new(80_000, buckets).declaring(1_000_000);
        let written = place.write(&sample, "run", 1, threads, false).unwrap();
        assert_eq!((written.files.len(), written.rows), (4, 80_000));
        seen.insert(
            written.files.iter().map(|f| (f.blake3.clone(), f.companion_blake3.clone(), f.rows)).collect::<Vec<_>>(),
        );
        for file in &written.files {
            let bytes = place.file(&file.name);
            assert_eq!(
                (bytes.len() as u64, blake3::hash(&bytes).to_hex().to_string()),
                (file.bytes, file.blake3.clone())
            );
        }
        let json = serde_json::to_string(&written).unwrap();
        assert_eq!(serde_json::from_str::<Written>(&json).unwrap(), written);
    }
    assert_eq!(seen.len(), 1, "bytes differ");
}

#[test]
fn r26_cleared_rows_go_out_with_fields_past_their_keep_as_nulls() {
    let place = Place::memory();
    let writing =
        Writing { run: "run", attempt: 1, binary_tokens: true, subject_field: Some(0), threads: 2, current: None };
    let written = write(&cleared(80), &place.target(), &writing, &Silent).unwrap();
    // Rows 11 to 79 are younger than 90 days at day 100; the city of those up to 50 is past its 50 days.
    assert_eq!((written.rows, written.files.len()), (69, 1));
    let mut companions = Companions::open(&place.state, &written.files[0].companion).unwrap();
    let group = companions.next_group().unwrap().unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(place.file(&written.files[0].name)));
    let batch = reader.unwrap().with_batch_size(100).build().unwrap().next().unwrap().unwrap();
    let (tokens, cities) = (batch.column(0).as_fixed_size_binary(), batch.column(1).as_string::<i32>());
    let mut seen = BTreeSet::new();
    for i in 0..69 {
        let n = group.identity(i, 0).unwrap()[0];
        seen.insert(n);
        let subject = [n.wrapping_mul(37); 16];
        assert_eq!((tokens.value(i), group.first(i)), (subject.as_slice(), first(&subject)));
        assert_eq!((group.mark(i, 0), group.mark(i, 1), group.identity(i, 1)), (mark::KEY, mark::NONE, None));
        assert_eq!(group.keep_until(i), (i64::from(n) + 90) * DAY);
        assert_eq!(group.field_until(i, 0), (i64::from(n) + 50) * DAY);
        assert_eq!((cities.is_null(i), group.quasi(i, 0) == NULL_QUASI), (n <= 50, n <= 50), "{n}");
        assert_eq!((group.since(i), group.consent_until(i)), (NO_SINCE, i64::MAX));
    }
    assert_eq!(seen, (11..80).collect());
}

#[test]
fn footers_say_nothing_but_min_and_max_of_the_subject() {
    let place = Place::memory();
    place.publish(&Sample::new(40_000, 16), 1).unwrap();
    let footers = place.footers();
    assert_eq!(footers.len(), 1);
    let metadata = footers[0].metadata();
    let groups: Vec<i64> = metadata.row_groups().iter().map(|g| g.num_rows()).collect();
    assert_eq!(groups, [16_384, 16_384, 7_232], "row groups are cut by row count");
    assert_eq!(metadata.file_metadata().created_by(), Some("tamis version 1"));
    assert!(metadata.file_metadata().key_value_metadata().is_none());
    let mut last = Vec::new();
    for group in metadata.row_groups() {
        assert_eq!(group.sorting_columns().map(|s| (s.len(), s[0].column_idx, s[0].descending)), Some((1, 0, false)));
        for column in group.columns() {
            let name = column.column_path().string();
            let token = name == "contact" || name == "email";
            assert_eq!(column.statistics().is_some(), name == "contact", "{name}");
            assert_ne!(column.compression(), Compression::UNCOMPRESSED, "{name}");
            let apart = column.encodings().any(|encoding| encoding == Encoding::DELTA_LENGTH_BYTE_ARRAY);
            assert_eq!(apart, token, "{name}");
            assert_eq!(column.dictionary_page_offset().is_some(), name == "city", "{name}");
            assert!(column.bloom_filter_offset().is_none() && column.column_index_offset().is_none());
            assert!(column.offset_index_offset().is_none(), "{name}");
        }
        let subject = group.column(0).statistics().unwrap();
        assert!(last.as_slice() <= subject.min_bytes_opt().unwrap(), "sorted by subject");
        last = subject.max_bytes_opt().unwrap().to_vec();
    }
}

#[test]
fn the_log_holds_no_statistics_but_row_counts_and_no_optional_feature() {
    let place = Place::memory();
    place.publish(&Sample::new(100, 4), 1).unwrap();
    place.publish(&Sample::new(90, 4), 2).unwrap();
    for version in [0, 1] {
        for line in place.log(version).lines() {
            let action: serde_json::Value = serde_json::from_str(line).unwrap();
            for name in ["add", "remove"] {
                if let Some(stats) = action[name]["stats"].as_str() {
                    let stats: serde_json::Map<_, _> = serde_json::from_str(stats).unwrap();
                    assert_eq!(stats.keys().collect::<Vec<_>>(), ["numRecords"]);
                }
            }
            if action["protocol"].is_object() {
                let plain = serde_json::json!({"minReaderVersion": 1, "minWriterVersion": 2});
                assert_eq!(action["protocol"], plain, "what every reader has");
            }
            if let Some(metadata) = action["metaData"].as_object() {
                assert_eq!(metadata["configuration"], serde_json::json!({"delta.dataSkippingNumIndexedCols": "0"}));
            }
        }
    }
    let second = place.log(1);
    for action in ["\"remove\"", "\"add\"", "\"txn\"", "tamis/crm-contacts"] {
        assert_eq!(second.matches(action).count(), 1, "{action}");
    }
}

#[test]
fn a_checkpoint_is_written_now_and_then_and_the_table_reads_on() {
    let place = Place::local();
    for sequence in 1..=12 {
        place.publish(&Sample::new(20, 1), sequence).unwrap();
    }
    assert!(place.lake.get("crm/contacts/_delta_log/_last_checkpoint").unwrap().is_some());
    assert_eq!(place.current().unwrap().rows(), 20);
}

#[test]
fn withdrawn_fields_stay_as_nulls_new_ones_are_added_and_types_do_not_change() {
    let place = Place::memory();
    place.publish(&Sample::new(30, 1).with_fields(&["contact", "city"]), 1).unwrap();
    place.publish(&Sample::new(30, 1).with_fields(&["year", "contact"]), 2).unwrap();
    let names: Vec<_> = place.current().unwrap().columns.into_iter().map(|c| c.name).collect();
    assert_eq!(names, ["contact", "city", "year"]);
    let group = place.footers()[0].metadata().row_group(0).clone();
    assert_eq!(
        group.columns().iter().map(|c| c.column_path().string()).collect::<Vec<_>>(),
        ["contact", "city", "year"]
    );
    let mut changed = Sample::new(30, 1).with_fields(&["contact", "year"]);
    changed.layout.fields[1].kind = FieldKind::Text;
    let before = place.log(1);
    assert_eq!(place.publish(&changed, 3).unwrap_err().code(), Code::ColumnUnfit);
    assert_eq!((place.log(1), place.current().unwrap().version), (before, 1), "nothing was written");
}

#[test]
fn another_writer_is_noticed_and_nothing_is_committed() {
    let place = Place::memory();
    place.publish(&Sample::new(20, 1), 1).unwrap();
    let (seen, written) = (place.current(), place.write(&Sample::new(10, 1), "run-2", 1, 1, false).unwrap());
    let foreign = "{\"commitInfo\":{\"timestamp\":1,\"operation\":\"DELETE\"}}\n\
                   {\"remove\":{\"path\":\"x.parquet\",\"dataChange\":true,\"deletionTimestamp\":1}}\n";
    place.lake.put("crm/contacts/_delta_log/00000000000000000001.json", foreign.into()).unwrap();
    let refused = place.commit(&written, 2, seen.as_ref()).unwrap_err();
    assert_eq!((refused.code(), place.log(1).as_str()), (Code::TableIsForeign, foreign));
    assert_eq!(current(&place.lake, "crm/contacts").unwrap_err().code(), Code::TableIsForeign);
}

#[test]
fn a_version_other_than_the_one_seen_before_writing_is_refused() {
    let place = Place::memory();
    place.publish(&Sample::new(20, 1), 1).unwrap();
    let (seen, written) = (place.current(), place.write(&Sample::new(10, 1), "run-3", 1, 1, false).unwrap());
    place.publish(&Sample::new(15, 1), 2).unwrap();
    for expected in [None, seen.as_ref()] {
        let refused = place.commit(&written, 3, expected).unwrap_err();
        assert_eq!(refused.code(), Code::Overtaken, "it was tamis: try again");
    }
    assert_eq!(place.current().unwrap().run, "run-2");
}

#[test]
fn another_version_of_the_same_number_is_refused() {
    let place = Place::memory();
    place.publish(&Sample::new(20, 1), 1).unwrap();
    let written = place.write(&Sample::new(10, 1), "run-3", 1, 1, false).unwrap();
    let seen = place.current().unwrap();
    for other in [
        CurrentTable { run: "run-0".into(), ..seen.clone() },
        CurrentTable { attempt: 2, ..seen.clone() },
        CurrentTable { manifest: "other".into(), ..seen.clone() },
    ] {
        assert!(!is_current(&place.lake, "crm/contacts", &other).unwrap());
        let refused = place.commit(&written, 3, Some(&other)).unwrap_err();
        assert_eq!((refused.code(), place.current().unwrap().version), (Code::TableChanged, 0), "{refused}");
    }
    assert!(is_current(&place.lake, "crm/contacts", &seen).unwrap());
    place.commit(&written, 3, Some(&seen)).unwrap();
    assert!(!is_current(&place.lake, "crm/contacts", &seen).unwrap(), "another version came after it");
}

#[test]
fn what_may_not_be_committed_is_not_sent() {
    let place = Place::memory();
    let written = place.write(&Sample::new(10, 1), "run-1", 1, 1, false).unwrap();
    let may = || Err(Error::new(Code::StoreAway, "not now"));
    let how = Commit { app: "tamis/crm-contacts", sequence: 1, manifest: "digest", expected: None, may: &may };
    assert_eq!(commit(&written, &place.target(), &how).unwrap_err().code(), Code::StoreAway);
    assert_eq!(place.current(), None);
}

#[test]
fn a_table_with_features_that_keep_removed_rows_is_refused() {
    for property in ["delta.enableChangeDataFeed", "delta.enableDeletionVectors"] {
        let place = Place::memory();
        place.publish(&Sample::new(20, 1), 1).unwrap();
        let entry = place.log(0).replace(
            "\"delta.dataSkippingNumIndexedCols\":\"0\"",
            &format!("\"delta.dataSkippingNumIndexedCols\":\"0\",\"{property}\":\"true\""),
        );
        place.lake.put("crm/contacts/_delta_log/00000000000000000000.json", entry.into()).unwrap();
        assert_eq!(current(&place.lake, "crm/contacts").unwrap_err().code(), Code::TableUnsupported, "{property}");
    }
}

#[test]
fn a_log_that_cannot_be_read_is_refused() {
    let place = Place::memory();
    place.publish(&Sample::new(20, 1), 1).unwrap();
    place.lake.put("crm/contacts/_delta_log/00000000000000000000.json", "{".into()).unwrap();
    assert_eq!(current(&place.lake, "crm/contacts").unwrap_err().code(), Code::TableLogBroken);
}

#[test]
fn a_run_that_was_published_before_is_found_again() {
    let place = Place::memory();
    let written = place.write(&Sample::new(20, 1), "run-1", 1, 1, false).unwrap();
    let first = place.commit(&written, 1, None).unwrap();
    let again = place.write(&Sample::new(20, 1), "run-1", 2, 1, false).unwrap();
    for version in [0, 1] {
        let found = place.commit(&again, 1, None).unwrap();
        assert_eq!(
            (found.version, found.attempt, found.manifest.as_str(), found.found),
            (first.version, 1, "digest", true)
        );
        if version == 0 {
            place.publish(&Sample::new(5, 1), 2).unwrap();
        }
    }
    let late = place.write(&Sample::new(20, 1), "run-0", 1, 1, false).unwrap();
    let refused = place.commit(&late, 1, place.current().as_ref()).unwrap_err();
    assert_eq!(refused.code(), Code::Overtaken);
}

#[test]
fn files_that_nothing_refers_to_are_listed() {
    let place = Place::memory();
    place.write(&Sample::new(20, 1), "run-1", 1, 1, false).unwrap();
    place.publish(&Sample::new(20, 1), 1).unwrap();
    place.write(&Sample::new(20, 1), "run-1", 3, 1, false).unwrap();
    let known: BTreeSet<String> = place.current().unwrap().files.into_iter().map(|f| f.name).collect();
    let stray = orphans(&place.target(), &known).unwrap();
    let paths: Vec<_> = stray.files.iter().chain(&stray.companions).map(|o| o.path.as_str()).collect();
    assert_eq!(
        paths,
        ["crm/contacts/part-00000-run-1-3.parquet", "companions/crm-contacts/part-00000-run-1-3.parquet"]
    );
}

/// One attempt over stores that fail; what follows is the operator running again.
fn attempt(place: &Place, sample: &Sample, attempt: u32) -> Result<Receipt> {
    let now = current(&place.lake, "crm/contacts")?;
    if let Some(now) = now.as_ref().filter(|now| now.run == "run-2") {
        return Ok(Receipt { version: now.version, attempt: now.attempt, manifest: now.manifest.clone(), found: true });
    }
    let written = place.write(sample, "run-2", attempt, 1, false)?;
    place.commit(&written, 2, now.as_ref())
}

/// Over a table with `before` versions, or none.
fn faults(before: u64) {
    let sample = Sample::new(50, 1);
    let start = || {
        let place = Place::memory();
        (0..before).for_each(|_| drop(place.publish(&Sample::new(20, 1), 1).unwrap()));
        place
    };
    let faulty = |place: &Place, fault: Arc<Fault>| Place {
        lake: place.lake.with_store(FaultStore::new(place.lake.raw("").0, fault.clone())),
        state: place.state.with_store(FaultStore::new(place.state.raw("").0, fault)),
        folder: tempfile::tempdir().unwrap(),
    };
    let counting = Fault::counting();
    attempt(&faulty(&start(), counting.clone()), &sample, 1).unwrap();
    assert!(counting.count() >= 6, "{}", counting.count());
    let modes = [Mode::FailBefore, Mode::FailAfter, Mode::AnswerExists];
    let (mut lost_answers, mut unknown) = (0, 0);
    for (mode, for_ever) in modes.into_iter().flat_map(|mode| [(mode, false), (mode, true)]) {
        for k in 1..=counting.count() {
            let place = start();
            let first = attempt(&faulty(&place, Fault::new(mode, k, for_ever)), &sample, 1);
            if let Err(error) = &first {
                let text = format!("{error}{}", error.help_text().unwrap_or_default());
                assert!(!text.contains("injected") && !text.contains("://"), "{text}");
                assert!(matches!(error.kind(), Kind::Storage | Kind::Unknown), "{mode:?} {k}: {error}");
                unknown += usize::from(error.code() == Code::CommitUnknown);
            }
            lost_answers += usize::from(first.as_ref().is_ok_and(|receipt| receipt.found));
            let second = attempt(&place, &sample, 2).unwrap();
            assert!(first.is_err() || second.attempt == 1, "{mode:?} {k}: what was answered stays");
            let now = place.current().unwrap();
            assert_eq!((second.version, now.version, now.rows()), (before, before, 50), "{mode:?} {k}");
            for file in &now.files {
                assert_eq!(place.file(&file.name).len() as u64, file.bytes);
                let companion = place.target().companion(&file.name);
                assert_eq!(Companions::open(&place.state, &companion).unwrap().rows(), file.rows);
            }
        }
    }
    assert!(unknown > 0, "a commit after which nothing answers is one of which nobody knows");
    assert!(lost_answers >= 2, "a commit whose answer is lost converges in the same attempt");
}

#[test]
fn at_each_fault_a_run_ends_in_one_version_with_all_its_files() {
    faults(1);
}

#[test]
fn at_each_fault_a_first_run_ends_in_one_version_with_all_its_files() {
    faults(0);
}

/// Real servers: those that the tests start, or `TAMIS_TEST_ROOTS="s3://bucket/x az://container/x"`, with their settings
/// in the environment.
#[test]
fn on_real_servers_versions_follow_each_other() {
    let Ok(urls) = std::env::var("TAMIS_TEST_ROOTS") else {
        return servers::again("publish::tests::on_real_servers_versions_follow_each_other", "publish");
    };
    for url in urls.split_whitespace() {
        let mut place = Place::local();
        let folder = place.folder.path().file_name().unwrap().to_str().unwrap().to_owned();
        let root = |name: &str| Root::open(name, &format!("{url}/{folder}/{name}"), place.lake.runtime().clone());
        (place.lake, place.state) = (root("lake").unwrap(), root("state").unwrap());
        for (sequence, rows) in [(1, 100), (2, 40_000), (3, 10)] {
            let receipt = place.publish(&Sample::new(rows, 4), sequence).unwrap();
            assert_eq!((receipt.version, receipt.found), (sequence as u64 - 1, false), "{url}");
            assert_eq!(place.current().unwrap().rows(), rows);
        }
        let (seen, late) = (place.current(), place.write(&Sample::new(5, 1), "run-4", 1, 1, false).unwrap());
        place.publish(&Sample::new(20, 1), 4).unwrap_err(); // the same names: nothing is replaced
        place.commit(&late, 4, seen.as_ref()).unwrap();
        let again = place.commit(&late, 4, seen.as_ref()).unwrap();
        assert_eq!((again.version, again.found), (3, true));
    }
}

#[test]
fn independent_readers_see_exactly_the_rows() {
    let Some(python) = python::Python::find() else { return };
    for binary in [false, true] {
        let place = Place::local();
        let old = place.write(&Sample::new(500, 4), "run-1", 1, 2, binary).unwrap();
        place.commit(&old, 1, None).unwrap();
        let sample = Sample::new(3_000, 8).declaring(500_000);
        let written = place.write(&sample, "run-2", 1, 2, binary).unwrap();
        assert_eq!(written.files.len(), 2);
        place.commit(&written, 2, place.current().as_ref()).unwrap();
        let text = python.run("readers.py", [place.folder.path().join("plain/lake/crm/contacts")]);
        let names: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
        let head: Vec<String> = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(head, names);
        let mut read: Vec<&str> = text.lines().skip(1).collect();
        read.sort_unstable();
        let wanted = sample.canonical();
        assert_eq!((read.len(), wanted.len()), (3_000, 3_000));
        let differs = wanted.iter().zip(&read).find(|(a, b)| a != b);
        assert!(differs.is_none(), "binary: {binary}: {differs:?}");
    }
}

#[test]
fn a_stop_is_asked_for_before_each_bucket_is_written() {
    for (allowed, ends) in [(0, true), (7, true), (8, false)] {
        let (place, sample) = (Place::memory(), Sample::new(400, 8));
        let writing =
            Writing { run: "run", attempt: 1, binary_tokens: true, subject_field: Some(0), threads: 2, current: None };
        let monitor = crate::monitor::Patience::of(allowed);
        let written = write_rows(&sample, &place.target(), &writing, &monitor);
        assert_eq!(written.err().map(|error| error.message() == "enough"), ends.then_some(true), "{allowed}");
    }
}
