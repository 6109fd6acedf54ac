//! Request lists from files to stored entries, on a real folder, with every fault of the store.

use crate::fault::{Fault as StoreFault, FaultStore, Mode};
use std::collections::BTreeMap;
use tamis::clock::{Instant, Period};
use tamis::error::{Code, Result};
use tamis::job::KeptRequests;
use tamis::key::Key;
use tamis::monitor::Silent;
use tamis::policy::{
    CsvFormat, Effect, Identifier, KeyFrom, KeySource, LinkRules, List, ListMatch, Location, Normal, Project,
    RecordFormat, RemovalRules, Share,
};
use tamis::requests::{
    IntakeReport, Learned, Maker, RequestState, Requests, Review, Standing, StoredBond, half, take_in,
};
use tamis::store::Root;

/// 2026-11-24.
const NOW: i64 = 1_795_478_400_000_000;
const ERASURE: &str = "requests/erasure/2026-11.csv";

pub struct Place {
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
    pub project: Project,
}

pub fn named_by(column: &str, kind: &str) -> ListMatch {
    ListMatch { columns: vec![column.into()], identifier: Identifier::new(kind, Normal::Text) }
}

pub fn list(name: &str, effect: Effect) -> List {
    List {
        name: name.into(),
        input: Location { root: "state".into(), path: format!("requests/{name}/*.csv") },
        effect,
        member: None,
        member_text: None,
        when: None,
        matches: [("Email", "email/1"), ("ContactId", "salesforce-id/1")]
            .map(|(column, kind)| named_by(column, kind))
            .into(),
        request: "Case".into(),
        request_pattern: regex::Regex::new("^(?:[A-Za-z0-9-]{1,40})$").unwrap(),
        received: Some("RequestedAt".into()),
        sets: None,
        formats: None,
        zone: jiff::tz::TimeZone::UTC,
        purposes: None,
        encoding: "utf-8".into(),
        records: RecordFormat::Csv(CsvFormat::UNSET),
        snapshot: false,
        max_lifted: Share(0),
        may_be_empty: false,
        ground: None,
        signal: None,
        given_by: None,
        interval: (None, None),
        review_by: None,
        informed: None,
        lifts: None,
        lift_erase: false,
    }
}

/// A keyed identity of the trimmed text; addresses without `@` are raw forms.
pub fn identity(kind: &str, value: &str) -> (bool, [u8; 32]) {
    let key = Key::new([1; 32]).derive("tamis v1 identity", &[kind.as_bytes()]);
    let raw = kind == "email/1" && !value.contains('@');
    (raw, *blake3::keyed_hash(key.expose(), value.trim().as_bytes()).as_bytes())
}

fn maker(identifier: &Identifier) -> Result<Maker> {
    let kind = identifier.kind.clone();
    Ok(Box::new(move |values| (!values[0].trim().is_empty()).then(|| identity(&kind, values[0]))))
}

fn key() -> Key {
    Key::new([1; 32])
}

impl Place {
    pub fn new(lists: impl IntoIterator<Item = List>) -> Place {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let period = |t: &str| Period::parse(t).unwrap();
        let project = Project {
            controller: "Acme GmbH".into(),
            roots: BTreeMap::new(),
            keys: KeySource { from: KeyFrom::Dir("/".into()), epoch: "2026a".into() },
            lists: lists.into_iter().map(|l| (l.name.clone(), l)).collect(),
            corrections: BTreeMap::new(),
            removal: RemovalRules {
                grace: period("PT24H"),
                raw_keep: None,
                entry_keep: period("P10Y"),
                due: period("P30D"),
            },
            links: LinkRules { max_alias_fanout: 5, max_strong_fanout: 50, retired: vec![] },
            recipients: BTreeMap::new(),
            audit: None,
            risks: BTreeMap::new(),
            jobs: BTreeMap::new(),
            policy_digest: String::new(),
        };
        Place { runtime, folder: tempfile::tempdir().unwrap(), project }
    }
    fn erasure() -> Place {
        Place::new([list("erasure", Effect::Erase)])
    }
    pub fn state(&self) -> Root {
        Root::open("state", self.folder.path().to_str().unwrap(), self.runtime.handle().clone()).unwrap()
    }
    pub fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        self.state().put(path, bytes.as_ref().to_vec()).unwrap();
    }
    pub fn requests(&self) -> Requests {
        Requests::open(&self.state(), &key()).unwrap()
    }
    fn intake_on(&self, state: &Root, requests: &mut Requests, at: i64) -> Result<IntakeReport> {
        self.intake_now(state, requests, Instant(NOW + at))
    }
    pub fn intake_now(&self, state: &Root, requests: &mut Requests, now: Instant) -> Result<IntakeReport> {
        let roots = BTreeMap::from([("state".to_owned(), state.clone())]);
        take_in(requests, Some(state), &roots, &self.project, &maker, now, &Silent)
    }
    fn intake(&self) -> IntakeReport {
        self.intake_on(&self.state(), &mut self.requests(), 1_000_000).unwrap()
    }
    fn segments(&self) -> Vec<tamis::store::Object> {
        self.state().list("requests/segments").unwrap()
    }
    fn finds(&self, email: &str) -> usize {
        self.requests().effects(half(&identity("email/1", email).1)).len()
    }
}

const TWO: &str =
    "Case,RequestedAt,Email,ContactId\nC-1,2026-11-02,ann@example.org,\nC-2,2026-11-03T10:00:00Z,bo@example.org,003A\n";

#[test]
fn a_list_is_taken_in_once_and_its_entries_outlive_it() {
    let place = Place::erasure();
    place.put(ERASURE, TWO);
    let first = place.intake();
    assert_eq!((first.lists[0].records, first.lists[0].new, first.unreadable), (2, 2, 0));
    assert!(first.refusal().is_none());
    let again = place.intake();
    assert_eq!((again.lists[0].unchanged, again.lists[0].records), (1, 0));
    place.put("requests/erasure/copy.csv", TWO.replace("C-2", "\"C-2\""));
    let copy = place.intake();
    assert_eq!((copy.lists[0].known, copy.lists[0].new), (2, 0), "the same requests in another file are no new ones");
    for path in [ERASURE, "requests/erasure/copy.csv"] {
        place.state().delete(path).unwrap();
    }
    assert!(place.intake().refusal().is_none(), "R31: taken in and since removed");
    let requests = place.requests();
    assert_eq!((requests.len(), requests.identities()), (2, 3));
    let found = requests.effects(half(&identity("salesforce-id/1", "003A").1))[0];
    let entry = requests.entry(found.entry());
    assert_eq!((entry.effect, entry.list, entry.purposes), (Effect::Erase, "erasure", None));
    assert_eq!(entry.received, Instant::parse("2026-11-03T10:00:00Z").unwrap());
    assert_eq!((found.bond(), found.raw()), (StoredBond::Named, false));
    assert!(requests.effects(half(&identity("email/1", "cy@example.org").1)).is_empty());
}

#[test]
fn requests_kept_for_the_next_dataset_are_read_once_and_have_what_others_stored_since() {
    let (place, kept) = (Place::erasure(), KeptRequests::default());
    place.put(ERASURE, TWO);
    place.intake();
    let take = |state: &Root, key: &Key, at: i64| kept.take(state, key, Instant(NOW + at)).unwrap();
    let (state, now) = (place.state(), Instant(NOW));
    kept.keep(&state, &key(), place.requests(), now);
    let found = take(&state, &key(), 1).unwrap();
    assert_eq!(found.len(), 2);
    assert!(take(&state, &key(), 1).is_none(), "whoever has them has them alone");

    kept.keep(&state, &key(), found, now);
    place.put("requests/erasure/more.csv", "Case,RequestedAt,Email,ContactId\nC-7,2026-11-02,cy@example.org,\n");
    place.intake();
    let found = take(&state, &key(), 1).unwrap();
    let named = |email: &str| found.effects(half(&identity("email/1", email).1)).len();
    assert_eq!((found.len(), named("ann@example.org"), named("cy@example.org")), (3, 1, 1));

    kept.keep(&state, &key(), found, now);
    let counted = StoreFault::counting();
    let found = take(&state.with_store(FaultStore::new(state.raw("").0, counted.clone())), &key(), 1).unwrap();
    assert_eq!((found.len(), counted.count()), (3, 2), "it is listed twice, and none of two segments is read again");

    let never = |requests: Requests, state: &Root, key: &Key, at: i64| {
        kept.keep(&place.state(), &self::key(), requests, now);
        take(state, key, at).is_none()
    };
    assert!(never(found, &state, &Key::new([2; 32]), 1), "another key");
    assert!(never(place.requests(), &Place::erasure().state(), &key(), 1), "another state");
    assert!(never(place.requests(), &state, &key(), 120_000_000) && never(place.requests(), &state, &key(), -1), "old");
    let before = place.requests();
    let segment = place.segments().remove(0).path;
    place.state().put(&segment, vec![0; 9]).unwrap();
    assert!(never(before, &state, &key(), 1), "a segment has another length");
}

#[test]
fn r28_a_plan_knows_the_requests_and_writes_nothing() {
    let place = Place::erasure();
    place.put(ERASURE, TWO);
    let (mut requests, roots) = (place.requests(), BTreeMap::from([("state".to_owned(), place.state())]));
    let report = take_in(&mut requests, None, &roots, &place.project, &maker, Instant(1), &Silent).unwrap();
    assert_eq!((report.lists[0].new, requests.len(), place.segments().len()), (2, 2, 0));
    assert_eq!(requests.effects(half(&identity("email/1", "bo@example.org").1)).len(), 1);
}

#[test]
fn r31_a_list_that_changes_while_it_is_read_is_told_as_that_and_is_read_the_next_time() {
    let place = Place::erasure();
    place.put(ERASURE, TWO);
    let other = "Case,RequestedAt,Email,ContactId\nC-9,2026-11-02,zoe@example.org,\n";
    place.put("requests/erasure/z.csv", other);
    let written = place.folder.path().join("requests/erasure/z.csv");
    let writing = move |identifier: &Identifier| -> Result<Maker> {
        let (maker, written) = (maker(identifier)?, written.clone());
        // Whoever writes the list goes on as soon as the first value of another file has been read.
        Ok(Box::new(move |values| {
            let more = format!("{other}C-10,2026-11-02,zeno@example.org,\n");
            if std::fs::read_to_string(&written).unwrap() == other {
                std::fs::write(&written, more).unwrap();
            }
            maker(values)
        }))
    };
    let (state, mut requests) = (place.state(), place.requests());
    let roots = BTreeMap::from([("state".to_owned(), state.clone())]);
    let now = Instant(NOW + 1_000_000);
    let report = take_in(&mut requests, Some(&state), &roots, &place.project, &writing, now, &Silent).unwrap();
    let refusal = report.refusal().unwrap();
    assert_eq!((refusal.code(), report.lists[0].new), (Code::RequestListChanged, 2), "{refusal}");
    assert!(refusal.message().contains("state:requests/erasure/z.csv: it changed or went away"), "{refusal}");
    assert!(refusal.help_text().unwrap().starts_with("let whoever writes the request file finish"), "{refusal}");
    assert_eq!([place.finds("ann@example.org"), place.finds("zoe@example.org")], [1, 0]);
    let again = place.intake();
    assert!(again.refusal().is_none() && again.lists[0].new == 2, "{again:?}");
    // What has to be corrected is told first.
    place.put("requests/erasure/z.csv", other);
    place.put(
        ERASURE,
        "Case,RequestedAt,Email,ContactId\nnot an id!,2026-11-02,x@example.org,\nC-3,2026-11-02,cy@example.org,\n",
    );
    let report = take_in(&mut place.requests(), Some(&state), &roots, &place.project, &writing, now, &Silent).unwrap();
    assert_eq!((report.refusal().unwrap().code(), report.unreadable), (Code::RequestListUnreadable, 2));
}

#[test]
fn r31_readable_rows_are_stored_and_the_others_told_without_a_value() {
    let place = Place::erasure();
    let rows = "Case,RequestedAt,Email,ContactId\n\
        C-1,2026-11-02,ann@example.org,\n\
        not an id!,2026-11-02,secret-b@example.org,\n\
        C-3,02.11.2026,secret-c@example.org,\n\
        C-4,2026-11-02,  ,\n\
        C-5,2026-11-02,secret-e@example.org\n\
        C-6,2026-11-02,fay,\n";
    place.put(ERASURE, rows);
    place.put("requests/erasure/z.csv", TWO);
    let report = place.intake();
    assert_eq!(report.faults.iter().map(|f| f.record).collect::<Vec<_>>(), [2, 3, 4, 5].map(Some));
    assert_eq!((report.lists[0].new, report.lists[0].known, report.lists[0].raw, report.unreadable), (3, 1, 1, 4));
    let refusal = report.refusal().unwrap();
    assert_eq!(refusal.code(), Code::RequestListUnreadable);
    assert!(refusal.message().contains(&format!("state:{ERASURE}, record 2")), "{refusal}");
    let told = report.faults.iter().map(ToString::to_string).collect::<String>();
    assert!(!told.contains("secret") && !told.contains("not an id"), "{told}");
    assert_eq!([place.finds("ann@example.org"), place.finds("bo@example.org"), place.finds("fay")], [1, 1, 1]);

    let segments = place.segments().len();
    assert_eq!(place.intake().unreadable, 4, "told every night until it is corrected");
    assert_eq!(place.segments().len(), segments, "and nothing is stored for it again");
    place.put(ERASURE, "Case,RequestedAt,Email,ContactId\nC-3,2026-11-02,secret-c@example.org,\n");
    assert!(place.intake().refusal().is_none());
    assert_eq!(place.finds("secret-c@example.org"), 1);
}

#[test]
fn r31_nothing_to_read_is_refused_unless_the_policy_expects_it() {
    let mut place = Place::erasure();
    let what = |place: &Place| place.intake().faults.iter().map(|f| f.what.clone()).collect::<String>();
    assert!(what(&place).contains("no object matches"));
    place.put("requests/erasure/deeper/x.csv", TWO);
    assert!(what(&place).contains("no object matches"), "a star stays in its folder");
    for (bytes, told) in
        [("", "empty"), ("\u{feff}", "empty"), ("\n\n", "empty"), ("Case,RequestedAt,Email,ContactId\n", "no request")]
    {
        place.put(ERASURE, bytes);
        assert!(what(&place).contains(told), "{bytes:?}");
        assert!(what(&place).contains(told), "{bytes:?}, the next night too");
    }
    place.project.lists.get_mut("erasure").unwrap().may_be_empty = true;
    assert!(place.intake().refusal().is_none());
    place.state().delete(ERASURE).unwrap();
    assert!(place.intake().refusal().is_none());
}

#[test]
fn a_broken_file_stops_where_it_breaks_and_says_where() {
    let place = Place::erasure();
    for (tail, told) in [
        ("C-2,2026-11-02,\"bo@example.org,\nC-3,2026-11-02,cy@example.org,\n", "never closed"),
        ("C-2,2026-11-02,\"bo\"@example.org,\n", "after the closing quote"),
    ] {
        place.put(ERASURE, format!("Case,RequestedAt,Email,ContactId\nC-1,2026-11-02,ann@example.org,\n{tail}"));
        let report = place.intake();
        assert!(report.faults[0].what.contains(told), "{}", report.faults[0]);
        assert_eq!(report.faults[0].record, Some(2));
        assert_eq!(place.finds("ann@example.org"), 1);
    }
    let broken: [(&[u8], &str); 6] = [
        (b"Case,RequestedAt,Email,ContactId\nC-9,2026-11-02,\xff@example.org,\n", "malformed"),
        (b"Case,RequestedAt,Email\nC-9,2026-11-02,ida@example.org\n", "lacks the column \"ContactId\""),
        (b"Case,case,RequestedAt,Email,ContactId\n", "columns 1 and 2 have the same name"),
        (b"PK\x03\x04\0\0", "it is damaged: its zip directory cannot be read"),
        (b"\xfd7zXZ\0\0\0", "it is an xz file, which is not read: save it as CSV"),
        (b"Case;RequestedAt;Email;ContactId\nC-9;2026-11-02;ida@example.org;\n", "lacks the column"),
    ];
    for (bytes, told) in broken {
        place.put(ERASURE, bytes);
        let report = place.intake();
        assert!(report.faults[0].what.contains(told), "{}", report.faults[0]);
        assert_eq!((report.faults[0].record, report.unreadable), (None, 1));
    }
    assert_eq!(place.finds("ida@example.org"), 0);
}

#[test]
fn columns_that_the_list_does_not_name_may_have_no_name() {
    let place = Place::erasure();
    place.put(ERASURE, "Case,RequestedAt,Email,ContactId,Note,note,,\nC-1,2026-11-02,ann@example.org,,,,,\n");
    assert!(place.intake().refusal().is_none());
    assert_eq!(place.finds("ann@example.org"), 1);
}

fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn archives_of_requests_are_whole_and_what_macos_adds_is_left_out() {
    let list = |email: &str| format!("Case,RequestedAt,Email,ContactId\nC-{email},2026-11-02,{email}@example.org,\n");
    let mut place = Place::erasure();
    let glob = globset::Glob::new("*.csv").unwrap().compile_matcher();
    let erasure = place.project.lists.get_mut("erasure").unwrap();
    (erasure.member, erasure.member_text) = (Some(glob), Some("*.csv".into()));
    let (ann, bo) = (list("ann"), list("bo"));
    let one = zipped(&[("1.csv", ann.as_bytes()), ("__MACOSX/._1.csv", b"\0\x05\x16\x07\0")]);
    place.put(ERASURE, &one);
    assert!(place.intake().refusal().is_none());
    assert_eq!(place.finds("ann@example.org"), 1);
    place.put(ERASURE, [&one[..], &zipped(&[("2.csv", bo.as_bytes())])].concat());
    let report = place.intake();
    assert_eq!((report.faults[0].record, report.unreadable), (None, 1));
    let what = format!("it is damaged: its first {} bytes belong to no member: another archive", one.len());
    assert!(report.faults[0].what.starts_with(&what), "{}", report.faults[0]);
    place.put(ERASURE, bo.as_bytes());
    let report = place.intake();
    assert_eq!(report.faults[0].what, "it is no archive, and the list names a member");
    assert_eq!(place.finds("bo@example.org"), 0);
}

#[test]
fn lists_are_read_compressed_in_archives_and_in_other_encodings_as_exports_are() {
    let list =
        |email: &str| format!("Case,RequestedAt,Email,ContactId\nC-{email},2026-11-02,\"{email}@example.org\",\n");
    let packed = |bytes: &[u8]| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, bytes).unwrap();
        gzip.finish().unwrap()
    };
    let place = Place::erasure();
    place.put(ERASURE, packed(list("ann").as_bytes()));
    place.put(
        "requests/erasure/two.csv",
        zipped(&[("a/1.csv", list("bo").as_bytes()), ("2.csv", list("cy").as_bytes())]),
    );
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(list("di").len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, "d/1.csv", list("di").as_bytes()).unwrap();
    place.put("requests/erasure/three.csv", zstd::encode_all(&tar.into_inner().unwrap()[..], 1).unwrap());
    let report = place.intake();
    assert!(report.refusal().is_none(), "{:?}", report.faults);
    assert_eq!(["ann", "bo", "cy", "di"].map(|name| place.finds(&format!("{name}@example.org"))), [1; 4]);
    assert_eq!(place.intake().lists[0].unchanged, 3);

    let mut cut = packed(list("dee").as_bytes());
    cut.truncate(cut.len() - 3);
    for (bytes, told) in [
        (cut, "it is damaged: it is cut short"),
        (zipped(&[]), "it is an archive without a file in it"),
        (zipped(&[("xl/workbook.xml", b"<?xml")]), "it is an Excel workbook, which is not read: save it as CSV"),
        (packed(b"%PDF-1.7"), "unpacked, is a PDF document"),
        (zipped(&[("x.csv", b"Case\n\0")]), "member x.csv, byte 5: a NUL character"),
    ] {
        place.put(ERASURE, bytes);
        let report = place.intake();
        assert_eq!((report.faults.len(), report.faults[0].record), (1, None));
        assert!(report.faults[0].what.starts_with(told), "{}", report.faults[0]);
    }
    assert_eq!(place.finds("dee@example.org"), 0);

    let wide = place.project.lists["erasure"].clone();
    let place = Place::new([List { encoding: "utf-16le".into(), ..wide }]);
    place.put(
        ERASURE,
        format!("\u{feff}{}", list("zo\u{eb}")).encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
    );
    assert!(place.intake().faults[0].what.contains("request_pattern"));
    place.put(ERASURE, format!("\u{feff}{}", list("zo")).encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>());
    assert!(place.intake().refusal().is_none());
    assert_eq!(place.finds("zo@example.org"), 1);
}

#[test]
fn r31_all_that_stands_before_a_fault_is_stored_however_long_the_file_is() {
    let place = Place::erasure();
    let mut text = String::from("\r\n\nCase,RequestedAt,Email,ContactId\n");
    for number in 1..=40_000 {
        // Every thousandth is too short, with a CR that is no line end.
        let row =
            if number % 1000 == 0 { "2026-11-02,a\rb".into() } else { format!("2026-11-02,p{number}@example.org,") };
        text.push_str(&format!("C-{number},{row}\n"));
    }
    place.put(ERASURE, format!("{text}C-x,2026-11-02,\"ann\"@example.org,\nC-y,2026-11-02,bo@example.org,\n"));
    let report = place.intake();
    assert_eq!((report.lists[0].new, report.unreadable), (39_960, 41));
    let (first, last) = (report.faults.first().unwrap(), report.faults.last().unwrap());
    assert_eq!((first.record, last.record), (Some(1000), Some(40_001)));
    let byte = text.len() as u64 + "C-x,2026-11-02,\"ann\"".len() as u64;
    assert_eq!((last.byte, last.what.as_str()), (Some(byte), "text after the closing quote of a cell"));
    assert_eq!(["p1", "p39999", "ann", "bo"].map(|name| place.finds(&format!("{name}@example.org"))), [1, 1, 0, 0]);
}

#[test]
fn r32_a_limit_of_characters_that_nobody_sees_is_not_blank() {
    let mut consent = list("consent", Effect::Consent);
    consent.interval = (Some("From".into()), Some("To".into()));
    let place = Place::new([consent]);
    let row = "C-7,2026-01-01,ann@example.org,,2026-01-01,\u{200b}\n";
    place.put("requests/consent/1.csv", format!("Case,RequestedAt,Email,ContactId,From,To\n{row}"));
    assert_eq!(place.intake().faults[0].record, Some(1));
    assert_eq!(place.finds("ann@example.org"), 0);
}

#[test]
fn encoding_delimiter_and_header_are_the_lists() {
    let mut list = list("erasure", Effect::Erase);
    list.encoding = "windows-1252".into();
    list.records = RecordFormat::Csv(CsvFormat { delimiter: b';', ..CsvFormat::UNSET });
    let place = Place::new([list]);
    place.put(ERASURE, b"ContactId; Email ;Case;RequestedAt\r\n;zo\xeb@example.org;C-1;2026-11-02\r\n");
    assert!(place.intake().refusal().is_none());
    assert_eq!(place.finds("zo\u{eb}@example.org"), 1);
}

#[test]
fn a_list_that_is_read_otherwise_reads_its_files_again() {
    let mut place = Place::erasure();
    place.put(ERASURE, "Case,RequestedAt,Email,ContactId,Phone\nC-1,2026-11-02,ann@example.org,,+49 1\n");
    place.intake();
    place.project.lists.get_mut("erasure").unwrap().matches.push(named_by("Phone", "phone/1"));
    assert_eq!(place.intake().lists[0].new, 1);
    assert_eq!(place.requests().effects(half(&identity("phone/1", "+49 1").1)).len(), 1);
}

#[test]
fn every_effect_is_stored_with_what_it_needs() {
    let mut object = list("object", Effect::Object);
    object.purposes = Some(vec!["sales-analytics".into()]);
    let mut consent = list("consent", Effect::Consent);
    consent.interval = (Some("From".into()), Some("To".into()));
    let mut lift = list("lift", Effect::Lift);
    (lift.matches, lift.lifts, lift.lift_erase) = (Vec::new(), Some("Ends".into()), true);
    let place = Place::new([object, consent, lift]);
    place.put("requests/object/1.csv", TWO);
    place.put(
        "requests/consent/1.csv",
        "Case,RequestedAt,Email,ContactId,From,To\nC-7,2026-01-01,ann@example.org,,2026-01-01,\nC-8,2026-01-01,x@example.org,,soon,\n",
    );
    place.put("requests/lift/1.csv", "Case,RequestedAt,Ends\nL-1,2026-01-01,C-1\nL-2,2026-01-01,ann@example.org\n");
    let report = place.intake();
    assert_eq!(
        report.faults.iter().map(|f| (f.list.as_str(), f.record)).collect::<Vec<_>>(),
        [("consent", Some(2)), ("lift", Some(2))]
    );
    assert_eq!(place.intake().lists.iter().map(|l| l.new).sum::<u64>(), 0, "lifts too are stored once");
    let requests = place.requests();
    let ann = requests.effects(half(&identity("email/1", "ann@example.org").1));
    let mut seen: Vec<_> = ann
        .iter()
        .map(|e| requests.entry(e.entry()))
        .map(|e| (e.effect, e.purposes.map(<[_]>::len), e.from.is_some(), e.to.is_some()))
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, [(Effect::Object, Some(1), false, false), (Effect::Consent, None, true, false)]);
    let about = |i: u32, purpose: &str| requests.entry(i).concerns(purpose);
    let object = ann.iter().map(|e| e.entry()).find(|i| requests.entry(*i).effect == Effect::Object).unwrap();
    assert!(about(object, "sales-analytics") && !about(object, "payroll"));
    let lifts: Vec<_> = (0..requests.len() as u32).filter_map(|i| requests.entry(i).lifts).collect();
    assert_eq!((lifts, requests.len()), (vec!["C-1"], 4));
}

#[test]
fn r30_a_lift_ends_what_it_names_and_was_received_before_it() {
    for lift_erase in [false, true] {
        let mut lift = list("lift", Effect::Lift);
        (lift.matches, lift.lifts, lift.lift_erase) = (Vec::new(), Some("Ends".into()), lift_erase);
        lift.informed = Some("Told".into());
        let place = Place::new([list("erasure", Effect::Erase), list("restrict", Effect::Restrict), lift]);
        place.put(
            "requests/lift/1.csv",
            "Case,RequestedAt,Ends,Told\nL-1,2026-11-02,C-1,2026-11-02\nL-2,2026-11-02,C-2,2026-11-02\n",
        );
        for name in ["erasure", "restrict"] {
            place.put(&format!("requests/{name}/1.csv"), TWO);
        }
        let (mut fresh, state) = (place.requests(), place.state());
        assert_eq!(place.intake_on(&state, &mut fresh, 1).unwrap().unreadable, 0);
        for requests in [&fresh, &place.requests()] {
            let ended = |email: &str, effect: Effect| {
                let found = requests.effects(half(&identity("email/1", email).1));
                found.iter().map(|e| requests.entry(e.entry())).find(|e| e.effect == effect).unwrap().ended
            };
            assert!(ended("ann@example.org", Effect::Restrict));
            assert_eq!(ended("ann@example.org", Effect::Erase), lift_erase);
            assert!(!ended("bo@example.org", Effect::Restrict), "received after the lift");
        }
        place.put("requests/lift/2.csv", "Case,RequestedAt,Ends,Told\nL-3,2099-01-01,C-2,\n");
        let report = place.intake_on(&state, &mut fresh, 2).unwrap();
        assert!(report.unreadable == 1 && report.faults[0].what.contains("ahead"), "{:?}", report.faults);
    }
}

impl Place {
    /// Returns a place of the same lists with all that is in this one.
    fn copied(&self) -> Place {
        let place = Place::erasure();
        for object in self.state().list("").unwrap() {
            let (from, to) = (self.folder.path().join(&object.path), place.folder.path().join(&object.path));
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(from, to).unwrap();
        }
        place
    }
}

#[test]
fn the_deadline_of_a_request_dated_ahead_counts_from_when_it_was_taken_in() {
    let place = Place::erasure();
    place.put(
        ERASURE,
        "Case,RequestedAt,Email,ContactId\nC-1,2031-11-02,p1@example.org,\nC-2,2026-11-02,p2@example.org,\n",
    );
    place.intake();
    let requests = place.requests();
    let of = |name: &str| requests.entry(requests.effects(half(&identity("email/1", name).1))[0].entry());
    let (ahead, usual) = (of("p1@example.org"), of("p2@example.org"));
    assert!(ahead.counts_from < ahead.received && ahead.counts_from >= Instant(NOW), "{:?}", ahead.counts_from);
    assert_eq!(usual.counts_from, usual.received);
}

/// Writes `count` small segments, one a night.
fn nights(place: &Place, count: usize) {
    let (state, mut requests) = (place.state(), place.requests());
    for n in 0..count {
        place.put(ERASURE, format!("Case,RequestedAt,Email,ContactId\nC-{n},2026-11-02,p{n}@example.org,003{n}\n"));
        assert_eq!(place.intake_on(&state, &mut requests, n as i64).unwrap().lists[0].new, 1);
    }
}

#[test]
fn r18_merging_segments_loses_nothing_not_even_what_was_learned() {
    let place = Place::erasure();
    nights(&place, 20);
    let mut requests = place.requests();
    let entry = requests.effects(half(&identity("email/1", "p3@example.org").1))[0].entry();
    let learned = || [Learned { entry, identity: [9; 32], bond: StoredBond::ViaWeak, raw: false }];
    assert_eq!(requests.learn(Some(&place.state()), &learned()).unwrap(), 1);
    assert_eq!(requests.learn(Some(&place.state()), &learned()).unwrap(), 0, "known already");
    assert_eq!((place.segments().len(), requests.last_segment()), (21, 21));
    assert_eq!(requests.compact(&place.state()).unwrap(), 21);
    assert_eq!(place.segments().len(), 1);
    for requests in [&requests, &place.requests()] {
        assert_eq!((requests.len(), requests.identities(), requests.last_segment()), (20, 41, 21));
        assert!(
            (0..20).all(|n| requests.effects(half(&identity("email/1", &format!("p{n}@example.org")).1)).len() == 1)
        );
        let found = requests.effects(&[9; 16]);
        assert!(found.len() == 1 && found[0].bond() == StoredBond::ViaWeak);
        let id = requests.entry(found[0].entry()).received;
        assert_eq!(id, Instant::parse("2026-11-02T00:00:00Z").unwrap());
    }
    assert_eq!(place.intake().lists[0].unchanged, 1, "the merged segment still knows the file");
}

#[test]
fn a_merge_that_stopped_half_way_counts_nothing_twice_and_a_stray_is_read() {
    let place = Place::erasure();
    nights(&place, 20);
    let state = place.state();
    let old: Vec<_> = place.segments().into_iter().map(|o| (state.get(&o.path).unwrap().unwrap(), o.path)).collect();
    place.requests().compact(&state).unwrap();
    place.put(&old[4].1, &old[4].0);
    place.put(&old[5].1, &old[5].0);
    assert_eq!(place.requests().len(), 20);
    assert_eq!(place.requests().compact(&state).unwrap(), 2);
    assert_eq!(place.segments().len(), 1);
    // A process with an old view wrote number 7 after it had been merged away: its entries must not be lost.
    let other = Place::erasure();
    nights(&other, 6);
    other.put(ERASURE, "Case,RequestedAt,Email,ContactId\nX-1,2026-11-02,late@example.org,\n");
    other.intake();
    let stray = other.state().get(&old[6].1).unwrap().unwrap();
    place.put(&old[6].1, stray);
    assert_eq!((place.requests().len(), place.finds("late@example.org")), (21, 1));
    place.requests().compact(&state).unwrap();
    assert_eq!(place.finds("late@example.org"), 1);
}

/// One process merges 17 segments, and at each moment of that another one merges the 16 that it knows of.
#[test]
fn two_processes_that_merge_other_runs_at_once_count_no_request_twice() {
    let base = Place::erasure();
    nights(&base, 16);
    for k in 1.. {
        let place = base.copied();
        let other = std::sync::Mutex::new(Some((place.requests(), place.state())));
        place.put(ERASURE, "Case,RequestedAt,Email,ContactId\nX-1,2026-11-02,late@example.org,\n");
        place.intake();
        let at = std::sync::atomic::AtomicUsize::new(0);
        let fault = StoreFault::telling(move || {
            if at.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1 == k {
                let (mut requests, state) = other.lock().unwrap().take().unwrap();
                // A thread of its own: this one is in the runtime.
                std::thread::spawn(move || requests.compact(&state).map(|_| ())).join().unwrap().unwrap();
            }
        });
        let state = place.state();
        place.requests().compact(&state.with_store(FaultStore::new(state.raw("").0, fault.clone()))).unwrap();
        assert_eq!((place.requests().len(), place.finds("late@example.org")), (17, 1), "{k}");
        place.requests().compact(&state).unwrap();
        assert_eq!((place.requests().len(), place.finds("p5@example.org")), (17, 1), "{k}");
        if fault.count() < k {
            break;
        }
    }
}

#[test]
fn a_missing_or_damaged_segment_or_another_key_stops_the_run() {
    let place = Place::erasure();
    nights(&place, 3);
    let state = place.state();
    assert!(Requests::open(&state, &Key::new([2; 32])).is_err());
    let second = place.segments()[1].path.clone();
    let bytes = state.get(&second).unwrap().unwrap();
    state.delete(&second).unwrap();
    let error = Requests::open(&state, &key()).err().unwrap();
    assert!(error.code() == Code::StatePartMissing && error.message().contains("segment 2"), "{error}");
    let mut flipped = bytes.clone();
    flipped[40] ^= 1;
    place.put(&second, &flipped);
    assert_eq!(Requests::open(&state, &key()).err().unwrap().code(), Code::StatePartChanged);
    place.put(&second, &bytes);
    assert_eq!(place.requests().len(), 3);
}

#[test]
fn two_processes_that_take_in_the_same_file_store_it_once() {
    let place = Place::erasure();
    place.put(ERASURE, TWO);
    let state = place.state();
    let (mut one, mut two) = (place.requests(), place.requests());
    place.intake_on(&state, &mut one, 1).unwrap();
    place.put("requests/erasure/more.csv", "Case,RequestedAt,Email,ContactId\nC-9,2026-11-02,ida@example.org,\n");
    place.intake_on(&state, &mut two, 2).unwrap();
    assert_eq!((one.len(), two.len(), place.requests().len()), (2, 3, 3));
    assert_eq!(two.effects(half(&identity("email/1", "ann@example.org").1)).len(), 1);
}

#[test]
fn at_each_fault_of_the_store_no_request_is_lost_or_doubled() {
    let base = Place::erasure();
    nights(&base, 17);
    base.put("requests/erasure/b.csv", TWO);
    for mode in [Mode::FailBefore, Mode::FailAfter, Mode::AnswerExists] {
        for k in 1.. {
            let place = base.copied();
            let state = place.state();
            let fault = StoreFault::new(mode, k, false);
            let failing = state.with_store(FaultStore::new(state.raw("").0, fault.clone()));
            let outcome = Requests::open(&failing, &key()).and_then(|mut requests| {
                place.intake_on(&failing, &mut requests, 5)?;
                requests.compact(&failing)
            });
            assert!(place.requests().len() >= 17, "{k}");
            let report = place.intake();
            assert!(report.refusal().is_none() && place.requests().len() == 19, "{k}: {}", place.requests().len());
            place.requests().compact(&state).unwrap();
            assert_eq!(
                (place.requests().len(), place.finds("bo@example.org"), place.finds("p5@example.org")),
                (19, 1, 1)
            );
            if fault.count() < k {
                assert!(outcome.is_ok());
                break;
            }
        }
    }
}

#[test]
fn state_holds_no_raw_value_of_a_request() {
    let place = Place::erasure();
    place.put(ERASURE, TWO);
    place.intake();
    for object in place.segments() {
        let bytes = place.state().get(&object.path).unwrap().unwrap().to_ascii_lowercase();
        let holds = |text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
        assert!(holds("c-1"), "the search finds what is there");
        let plain = blake3::hash(b"ann@example.org");
        assert!(!holds("ann@") && !holds("example.org") && !holds("003a") && !holds(&plain.to_hex()));
        assert!(!bytes.windows(8).any(|w| w == &plain.as_bytes()[..8]));
        assert!(!holds(&blake3::hash(TWO.as_bytes()).to_hex()), "digests of request files are keyed");
    }
}

#[test]
fn what_is_noted_of_requests_outlives_the_process_and_a_merge() {
    let place = Place::erasure();
    place.put(ERASURE, TWO);
    place.intake();
    let (state, mut requests) = (place.state(), place.requests());
    let of = |requests: &Requests, email: &str| requests.effects(half(&identity("email/1", email).1))[0].entry();
    let (ann, bo) = (of(&requests, "ann@example.org"), of(&requests, "bo@example.org"));
    let words = |requests: &Requests| {
        ["ann@example.org", "bo@example.org"].map(|e| requests.standing(of(requests, e), "crm").status().word())
    };
    assert_eq!(words(&requests), ["received"; 2]);
    let applied = Standing::new(RequestState::Applied, Instant(5));
    assert_eq!(requests.note(&state, "crm", &[(ann, applied)], Some(Instant(5))).unwrap(), 1);
    assert_eq!(words(&requests), ["applied", "unmatched"]);
    assert_eq!(requests.standing(bo, "other").status().word(), "received", "each dataset for itself");
    let before = place.segments().len();
    assert_eq!(requests.note(&state, "crm", &[(ann, applied)], Some(Instant(6))).unwrap(), 0);
    assert_eq!(place.segments().len(), before, "nothing new, nothing written");
    place.put("requests/erasure/more.csv", "Case,RequestedAt,Email,ContactId\nC-3,2026-11-04,cy@example.org,\n");
    place.intake();
    let mut later = place.requests();
    assert_eq!(words(&later), ["applied", "unmatched"]);
    assert_eq!(
        later.standing(of(&later, "cy@example.org"), "crm").status().word(),
        "received",
        "came after the last look"
    );
    later.note(&state, "crm", &[], Some(Instant(9))).unwrap();
    for at in 10..30 {
        let review = (at % 2 == 0).then_some(Review::SharedAlias);
        let standing = Standing { review, ..Standing::new(RequestState::Removed, Instant(at)) };
        later.note(&state, "crm", &[(ann, standing)], None).unwrap();
    }
    assert!(later.compact(&state).unwrap() > 10);
    let merged = place.requests();
    assert_eq!(words(&merged)[1], "unmatched", "a merge makes nothing new");
    let (standing, mut ids) = (merged.standing(of(&merged, "ann@example.org"), "crm"), Vec::new());
    assert_eq!((standing.state, standing.at, standing.review), (RequestState::Removed, Instant(29), None));
    assert_eq!(merged.states().count(), 1);
    merged
        .told(&state, &|_| true, &mut |_, told| {
            ids.push((told.request.to_owned(), told.taken));
            Ok(())
        })
        .unwrap();
    ids.sort();
    assert_eq!(ids, ["C-1", "C-2", "C-3"].map(|id| (id.to_owned(), Instant(NOW + 1_000_000))));
}
