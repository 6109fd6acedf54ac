//! Whole files through the reader: what it gives, what it refuses, and that neither depends on blocks or threads.

mod headless;
mod packed;
mod parquet;
mod sets;

use super::*;
use crate::clock::Instant;
use crate::error::{Code, Error, Kind};
use crate::monitor::Silent;
use crate::policy::{
    Column, Complete, CompleteWhen, CsvFormat, Identifier, Location, Normal, ReadFormat, RecordFormat, Share, Source,
    ValueType,
};
use crate::store::Root;
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use std::io::{Cursor, Write};
use std::path::Path;
use std::sync::Mutex;
use zip::write::SimpleFileOptions;

fn root(folder: &Path) -> Root {
    static RUNTIME: std::sync::LazyLock<tokio::runtime::Runtime> =
        std::sync::LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap());
    Root::open("raw", folder.to_str().unwrap(), RUNTIME.handle().clone()).unwrap()
}

pub(super) fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    folder
}

pub(super) fn source() -> Source {
    Source {
        name: "export".into(),
        read: ReadFormat { max_members: 100, ..ReadFormat::csv() },
        complete: None,
        listed: vec![],
        also: Default::default(),
        cover: Default::default(),
        nobody: None,
    }
}

fn csv(source: &mut Source) -> &mut CsvFormat {
    let RecordFormat::Csv(csv) = &mut source.read.records else { panic!("a source of CSV") };
    csv
}

fn encoded(label: &str) -> Source {
    let mut source = source();
    source.read.encoding = label.into();
    source
}

fn member(mut source: Source, glob: &str) -> Source {
    source.read.member = Some(globset::Glob::new(glob).unwrap().compile_matcher());
    source.read.member_text = Some(glob.into());
    source
}

pub(super) fn wanted(names: &[&str]) -> Vec<Column> {
    let column = |name: &&str| Column {
        name: name.to_string(),
        value: ValueType::Text,
        sentinels: vec![],
        identifier: Identifier::new("x/1", Normal::Text),
        identified: false,
        parts: Vec::new(),
        several: None,
        birth: false,
        forms: crate::policy::CellForms::default(),
        max_raw: None,
    };
    names.iter().map(column).collect()
}

pub(super) type Rows = Vec<(usize, u64, Vec<Option<String>>)>;

pub(super) struct How {
    pub threads: usize,
    pub block_bytes: usize,
    pub drop: bool,
}

pub(super) const PLAIN: How = How { threads: 1, block_bytes: 1 << 20, drop: false };

/// What a run asks for that needs these columns and leaves nothing out.
pub(super) fn request<'a>(source: &'a Source, columns: &'a [Column], required: &'a [usize]) -> ReadRequest<'a> {
    let (structures, drop_bad_records, block_bytes) = (Structures::Refuse, false, 64);
    ReadRequest { source, columns, required, structures, drop_bad_records, block_bytes }
}

/// All rows in order (input, record, values) and the report.
pub(super) fn read(folder: &Path, source: &Source, names: &[&str], how: &How) -> Result<(Rows, ReadReport), Error> {
    read_columns(folder, source, &wanted(names), how)
}

pub(super) fn read_columns(
    folder: &Path,
    source: &Source,
    columns: &[Column],
    how: &How,
) -> Result<(Rows, ReadReport), Error> {
    let root = root(folder);
    let objects = root.list("").unwrap();
    let required: Vec<usize> = (0..columns.len()).collect();
    let (drop_bad_records, block_bytes) = (how.drop, how.block_bytes);
    let request = ReadRequest { drop_bad_records, block_bytes, ..request(source, columns, &required) };
    let reader = Reader::open(
        &root,
        &Selection { set: None, objects, aside: Default::default(), counts: vec![] },
        &request,
        &Silent,
    )?;
    let rows = Mutex::new(Vec::new());
    let work = || -> Result<(), Error> {
        let mut scratch = Scratch::default();
        while let Some(batch) = reader.next(&mut scratch)? {
            let cell = |row, column| batch.value(row, column).map(str::to_string);
            let row = |row| (batch.input, batch.record(row), (0..columns.len()).map(|c| cell(row, c)).collect());
            rows.lock().unwrap().extend((0..batch.rows()).map(row));
            scratch.recycle(batch);
        }
        Ok(())
    };
    let mut outcomes: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (1..how.threads).map(|_| scope.spawn(work)).collect();
        let first = work();
        let mut all: Vec<_> = workers.into_iter().map(|worker| worker.join().unwrap()).collect();
        all.push(first);
        all
    });
    let failed: Vec<Error> = outcomes.drain(..).filter_map(Result::err).collect();
    match reader.finish() {
        Ok(report) => {
            assert!(failed.is_empty());
            let mut rows = rows.into_inner().unwrap();
            rows.sort();
            Ok((rows, report))
        }
        Err(error) => {
            assert!(failed.iter().all(|other| other.message() == error.message()), "{failed:?}");
            Err(error)
        }
    }
}

pub(super) fn values(rows: Rows) -> Vec<Vec<String>> {
    rows.into_iter().map(|(_, _, row)| row.into_iter().map(Option::unwrap_or_default).collect()).collect()
}

/// Rows of one file, the same whatever the blocks and threads.
fn rows(bytes: &[u8], source: &Source, names: &[&str]) -> Vec<Vec<String>> {
    let folder = folder(&[("x.csv", bytes)]);
    let whole = read(folder.path(), source, names, &PLAIN).unwrap();
    for (threads, block_bytes) in [(1, 1), (3, 7), (2, 64)] {
        let other = read(folder.path(), source, names, &How { threads, block_bytes, drop: false }).unwrap();
        assert!(whole == other, "{threads} threads, blocks of {block_bytes}");
    }
    values(whole.0)
}

/// The message with which one file is refused, the same whatever the blocks and threads.
fn refusal(bytes: &[u8], source: &Source, names: &[&str]) -> String {
    refusals(&[("x.csv", bytes)], source, names)
}

fn refusals(files: &[(&str, &[u8])], source: &Source, names: &[&str]) -> String {
    let folder = folder(files);
    let refused = |how: &How| read(folder.path(), source, names, how).expect_err("it is refused");
    let first = refused(&PLAIN);
    assert_eq!(first.kind(), Kind::Input, "{first}");
    assert!(first.help_text().is_some() || first.message().contains("link"), "{first}");
    for (threads, block_bytes) in [(1, 1), (3, 7), (2, 64)] {
        assert_eq!(refused(&How { threads, block_bytes, drop: false }).message(), first.message(), "{block_bytes}");
    }
    assert!(!first.message().contains("canary"), "{first}");
    first.message().to_string()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn archive(members: &[(&str, &[u8])], options: SimpleFileOptions) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn deflated() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn values_are_those_of_the_csv_crate(
        rows in proptest::collection::vec(
            proptest::collection::vec(proptest::sample::select(vec![
                "", "a", "b c", "x,y", "say \"hi\"", "two\nlines", "two\r\nlines", "é€", "\"", "a\rb", "longer words in a cell",
            ]), 3..=3),
            0..12,
        ),
        crlf: bool,
        last_line_end: bool,
        always: bool,
        block_bytes in 1..300_usize,
        threads in 1..4_usize,
    ) {
        let mut writer = csv::WriterBuilder::new()
            .terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
            .quote_style(if always { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary })
            .from_writer(Vec::new());
        writer.write_record(["A", "B", "C"]).unwrap();
        rows.iter().for_each(|row| writer.write_record(row).unwrap());
        let mut bytes = writer.into_inner().unwrap();
        if !last_line_end {
            bytes.truncate(bytes.len() - if crlf { 2 } else { 1 });
        }
        let expected: Vec<Vec<String>> = csv::Reader::from_reader(bytes.as_slice())
            .records()
            .map(|record| record.unwrap().iter().map(|cell| if cell.trim().is_empty() { "" } else { cell }.into()).collect())
            .collect();
        let folder = folder(&[("x.csv", &bytes)]);
        let how = How { threads, block_bytes, drop: false };
        let (read, report) = read(folder.path(), &source(), &["A", "B", "C"], &how).unwrap();
        prop_assert_eq!(report.records(), expected.len() as u64);
        prop_assert_eq!(values(read), expected);
    }

    /// Any bytes at all: never a panic, and the outcome does not depend on blocks or threads.
    #[test]
    fn hostile_bytes_have_one_outcome(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            b"\"".as_slice(), b"\"\"", b",", b",", b"\n", b"\n", b"\r\n", b"\r", b"a", b"bc", b"\0", b"\xff", b"\xef\xbf\xbd", "é".as_bytes(),
        ]), 0..40),
        block_bytes in 1..40_usize,
        threads in 1..4_usize,
        drop: bool,
        literal: bool,
        label in proptest::sample::select(vec!["utf-8", "utf-8", "windows-1252", "shift_jis", "gb18030"]),
        packed: bool,
    ) {
        let bytes = [b"A,B\n".to_vec(), parts.concat()].concat();
        let bytes = if packed { gzip(&bytes) } else { bytes };
        let mut source = encoded(label);
        source.read.max_record_bytes = 24;
        csv(&mut source).stray_quotes_literal = literal;
        let folder = folder(&[("x.csv", &bytes)]);
        let outcome = |how| match read(folder.path(), &source, &["A", "B"], &how) {
            Ok((rows, report)) => (rows, report.records(), report.dropped(), String::new()),
            Err(error) => (vec![], 0, 0, error.message().to_string()),
        };
        let whole = outcome(How { threads: 1, block_bytes: 1 << 20, drop });
        prop_assert_eq!(outcome(How { threads, block_bytes, drop }), whole);
    }
}

#[test]
fn r39_bad_records_are_refused_with_position_and_without_value() {
    let good = "Id,Name\n1,a\n2,\"b\"\n";
    let cases = [
        ("3,canary\"x\n4,d\n", "record 3, byte 26: a quote inside a cell that does not start with one"),
        ("3,\"canary\"x\n4,d\n", "record 3, byte 28: text after the closing quote of a cell"),
        ("3,c\n4,\"canary\n5,e\n", "record 4, byte 24: a quote opens a cell and is never closed"),
        ("3,c\n4,d,canary\n", "record 4, byte 22: the record has 3 cells, and the header has 2"),
        ("3,c\ncanary\n5,e\n", "record 4, byte 22: the record has 1 cells, and the header has 2"),
        ("3,c\n4,can\0ary\n", "record 4, byte 27: a NUL character"),
        (
            "3,canary\u{fffd}\n",
            "record 3, byte 26: the replacement character U+FFFD: an earlier conversion has lost text",
        ),
        ("3,c\rcanary,d\re,f\n", "record 3, byte 21: a line ends with CR alone"),
        ("3,canary\r", "record 3, byte 26: a line ends with CR alone"),
    ];
    for (bad, expected) in cases {
        let message = refusal(format!("{good}{bad}").as_bytes(), &source(), &["Id", "Name"]);
        assert_eq!(message, format!("raw:x.csv, {expected}"));
    }
    let message = refusal(b"Id,Name\n1,a\n2,can\xe9ary\n", &source(), &["Id"]);
    assert_eq!(message, "raw:x.csv, record 2, byte 17: bytes that are malformed for the declared encoding");
    let message = refusal(b"Id,Name\r1,canary\r2,b\r", &source(), &["Id"]);
    assert_eq!(message, "raw:x.csv, header in line 1: a line ends with CR alone");
    let mut short = source();
    short.read.max_record_bytes = 20;
    let message = refusal(format!("{good}3,\"canary\n{}\n4,d\n", "x\n".repeat(50)).as_bytes(), &short, &["Id"]);
    assert_eq!(message, "raw:x.csv, record 3, byte 18: the record is longer than 20 bytes");
}

#[test]
fn a_stray_quote_is_found_where_it_is_though_it_turns_all_later_parity() {
    let mut text = String::from("Id,Name\n");
    for row in 0..500 {
        let quote = if row == 250 { "5\" nail" } else { "\"fine, \"\"quoted\"\"\nfield\"" };
        text.push_str(&format!("{row},{quote}\n"));
    }
    let message = refusal(text.as_bytes(), &source(), &["Id"]);
    let byte = text.find("5\" nail").unwrap() + 1;
    assert_eq!(
        message,
        format!("raw:x.csv, record 251, byte {byte}: a quote inside a cell that does not start with one")
    );
    let mut literal = source();
    csv(&mut literal).stray_quotes_literal = true;
    let rows = rows(text.as_bytes(), &literal, &["Name"]);
    assert_eq!(
        (rows.len(), rows[250][0].as_str(), rows[251][0].as_str()),
        (500, "5\" nail", "fine, \"quoted\"\nfield")
    );
}

#[test]
fn the_first_fault_in_file_order_is_the_one_told() {
    let bad = b"Id\n1\n\"2\"x\n".as_slice();
    let worse = b"Id\n\"1\"x\n".as_slice();
    let message = refusals(&[("a.csv", b"Id\n1\n"), ("b.csv", bad), ("c.csv", worse)], &source(), &["Id"]);
    assert_eq!(message, "raw:b.csv, record 2, byte 8: text after the closing quote of a cell");
}

#[test]
fn r39_ragged_records_are_dropped_and_counted_only_when_asked() {
    let folder = folder(&[("x.csv", b"Id,Name\n1\n2,b\n3,c,x\n\n4,d\n5\n")]);
    for block_bytes in [1, 9, 1000] {
        let (rows, report) =
            read(folder.path(), &source(), &["Id"], &How { threads: 2, block_bytes, drop: true }).unwrap();
        let found: Vec<_> = rows.into_iter().map(|(_, record, row)| (record, row[0].clone().unwrap())).collect();
        assert_eq!(found, [(2, "2".to_string()), (4, "4".to_string())]);
        assert_eq!((report.records(), report.dropped()), (5, 3));
    }
}

#[test]
fn r39_empty_lines_blank_records_and_null_tokens() {
    assert_eq!(rows(b"A,B\r\n\r\n1,2\r\n\r\n\r\n3,\r\n", &source(), &["A", "B"]), [["1", "2"], ["3", ""]]);
    assert_eq!(rows(b"A\n\n1\n\"\"\n", &source(), &["A"]), [[""], ["1"], [""]]);
    let mut null = source();
    null.read.null = vec!["NULL".into(), "-".into()];
    assert_eq!(rows(b"A,B\nNULL,-\n\" NULL\",null\n", &null, &["A", "B"]), [["", ""], ["", "null"]]);
    assert!(rows(b"A,B\n", &source(), &["A"]).is_empty());
}

#[test]
fn header_on_a_later_line_other_marks_and_other_order() {
    let mut later = source();
    csv(&mut later).header = 3;
    csv(&mut later).delimiter = b';';
    csv(&mut later).quote = None;
    assert_eq!(rows("Report \"x\n\nName; Id \n\"a;1\n".as_bytes(), &later, &["Id", "Name"]), [["1", "\"a"]]);
    let folder = folder(&[("a.csv", b"Id,Name\n1,a\n"), ("b.csv", b"New,Name,Id\nz,b,2\n")]);
    let mut listed = source();
    listed.listed = vec!["Id".into(), "Name".into()];
    let (found, report) = read(folder.path(), &listed, &["Id", "Name"], &PLAIN).unwrap();
    assert_eq!(values(found), [["1", "a"], ["2", "b"]]);
    assert_eq!(report.drift, [UnlistedColumn { name: "New".into(), inputs: 1, columns: 1 }]);
    listed.read.refuse_drift = true;
    let refused = read(folder.path(), &listed, &["Id"], &PLAIN).err().unwrap();
    assert_eq!(refused.code(), Code::ColumnUnlisted);
    assert_eq!(refused.message(), "raw:b.csv has columns that the source does not list: New");
}

#[test]
fn what_is_wrong_with_a_file_has_a_code() {
    let mut narrow = source();
    narrow.read.max_columns = 2;
    let whole = archive(&[("x.csv", b"Id\n1\n")], deflated());
    let cases: [(&[u8], &Source, Code); 10] = [
        (b"", &source(), Code::HeaderMissing),
        (b"\xef\xbb\xbf", &source(), Code::HeaderMissing),
        (b"Name\na\n", &source(), Code::ColumnMissing),
        (b"Id,ID\n1,2\n", &source(), Code::ColumnTwice),
        (b"Id,b,c\n", &narrow, Code::InputTooLarge),
        (b"Id\n\"1\"2\n", &source(), Code::RecordMalformed),
        (b"Id\n\xff\n", &source(), Code::EncodingWrong),
        (b"%PDF-1.7\n", &source(), Code::FormatNotRead),
        (&whole[..whole.len() - 30], &source(), Code::InputDamaged),
        (b"Id\n", &encoded("no-such"), Code::SpecUnusable),
    ];
    for (bytes, source, code) in cases {
        let folder = folder(&[("x.csv", bytes)]);
        assert_eq!(read(folder.path(), source, &["Id"], &PLAIN).err().map(|error| error.code()), Some(code));
    }
}

#[test]
fn headers_that_cannot_be_trusted_are_refused() {
    let message = |text: &str| refusal(text.as_bytes(), &source(), &["Id"]);
    assert_eq!(message("Name\ncanary\n"), "raw:x.csv has no column Id, which this job needs");
    assert_eq!(
        message("Id,canary,ID\n1,2,3\n"),
        "raw:x.csv: columns 1 and 3 of the header have the same name, apart from case"
    );
    assert_eq!(message("Id,\"canary\n1,2"), "raw:x.csv, header in line 1: a quote opens a cell and is never closed");
    assert_eq!(message("\u{feff}"), "raw:x.csv ends before its header, line 1");
    let mut narrow = source();
    narrow.read.max_columns = 2;
    let found = refusal(b"Id,b,c\n", &narrow, &["Id"]);
    assert_eq!(found, "raw:x.csv, header in line 1: it has 3 columns, limits.max_columns is 2");
    assert_eq!(refusal(b"", &source(), &["Id"]), "raw:x.csv is empty");
}

#[test]
fn encodings_with_characters_cut_at_every_place() {
    let text = "Id,Name\n1,\"Ä日本\nテスト😀\"\n2,ß\n";
    for (label, bom) in [("utf-16le", b"\xff\xfe".as_slice()), ("utf-16be", b"\xfe\xff"), ("utf-16le", b"")] {
        let wide = |unit: u16| if label == "utf-16le" { unit.to_le_bytes() } else { unit.to_be_bytes() };
        let bytes = [bom.to_vec(), text.encode_utf16().flat_map(wide).collect()].concat();
        assert_eq!(rows(&bytes, &encoded(label), &["Name"]), [["Ä日本\nテスト😀"], ["ß"]]);
    }
    let (japanese, ..) = encoding_rs::SHIFT_JIS.encode("Id,Name\n1,ソ表示\n2,日本\n");
    assert_eq!(rows(&japanese, &encoded("shift_jis"), &["Name"]), [["ソ表示"], ["日本"]]);
    assert_eq!(rows(b"Id,Name\n1,Z\xfcrich \x80\n", &encoded("windows-1252"), &["Name"]), [["Zürich €"]]);
    assert_eq!(rows("\u{feff}Id,Name\n1,é\n".as_bytes(), &source(), &["Id", "Name"]), [["1", "é"]]);
}

#[test]
fn r39_doubtful_encodings_are_refused() {
    let long = format!("Id,Name\n{}", "1,canary é\n".repeat(20_000));
    assert_eq!(
        refusal(long.as_bytes(), &encoded("windows-1252"), &["Id"]),
        "raw:x.csv is declared as windows-1252 but all of it is valid UTF-8"
    );
    assert_eq!(
        refusal(b"Id,Name\n1,a\n2,canary\xa0\n", &encoded("shift_jis"), &["Id"]),
        "raw:x.csv, record 2, byte 20 of the file: bytes that are malformed for shift_jis"
    );
    assert_eq!(
        refusal("Id,Name\n1,a\n".as_bytes(), &encoded("utf-16le"), &["Id"]),
        "raw:x.csv has no column Id, which this job needs"
    );
    let wide: Vec<u8> = "\u{feff}Id\n1\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(
        refusal(&wide, &source(), &["Id"]),
        "raw:x.csv begins with the byte order mark of utf-16be and is declared as utf-8"
    );
}

#[test]
fn gzip_of_several_members_is_read_whole_and_damage_is_refused() {
    let (one, two) = (gzip(b"Id,Name\n1,a\n2,"), gzip(b"\"b\"\n3,c\n"));
    let both = [one.clone(), two].concat();
    assert_eq!(rows(&both, &source(), &["Id", "Name"]), [["1", "a"], ["2", "b"], ["3", "c"]]);
    let folder = folder(&[("x.csv", &both)]);
    let (_, report) = read(folder.path(), &source(), &["Id"], &PLAIN).unwrap();
    let input = &report.inputs[0];
    assert_eq!((input.container, input.bytes, input.records), (Container::Gzip, both.len() as u64, 3));
    assert_eq!(input.blake3, blake3::hash(&both).to_hex().to_string());

    let damaged = |bytes: &[u8]| refusal(bytes, &source(), &["Id"]);
    for cut in 1..8 {
        assert_eq!(damaged(&both[..both.len() - cut]), "raw:x.csv is damaged: it is cut short");
    }
    for garbage in [&b"garbage after the end"[..], b"\n", b"\x1fx", &[0; 512]] {
        let what = format!("raw:x.csv is damaged: something follows its end at byte {}", one.len());
        assert_eq!(damaged(&[&one[..], garbage].concat()), what);
    }
    let mut flipped = gzip(b"Id,Name\n1,a\n");
    let crc = flipped.len() - 8;
    flipped[crc] ^= 1;
    assert_eq!(damaged(&flipped), "raw:x.csv is damaged: its compressed bytes make no sense");
    assert_eq!(damaged(b"\xfd7zXZ\0xx"), "raw:x.csv is an xz file, which is not read");
}

#[test]
fn bombs_are_refused_by_ratio_and_by_size() {
    // What is at its beginning says nothing of a whole that is right.
    let mut noise = 7_u64;
    let mut lines = b"Id\n".to_vec();
    lines.extend([&[b'1'; 200][..], b"\n"].concat().repeat(12_000));
    for _ in 0..30_000 {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        lines.extend(format!("{noise:016x}\n").bytes());
    }
    let mut fair = source();
    fair.read.max_ratio = 20;
    assert_eq!(rows(&gzip(&lines), &fair, &["Id"]).len(), 42_000);
    // A bomb is refused as soon as its whole cannot make it right.
    let caps = crate::read::container::Caps { max_out: u64::MAX, max_ratio: 200 };
    assert!(caps.hold("raw:x", 200 << 20, Some(1 << 20)).is_ok());
    assert!(caps.hold("raw:x", 201 << 20, Some(1 << 20)).is_err());
    let bomb = gzip(&[b"Id\n".to_vec(), b"1\n".repeat(2_000_000)].concat());
    let mut low = source();
    low.read.max_ratio = 20;
    assert_eq!(refusal_once(&bomb, &low), "raw:x.csv unpacks to more than 20 times its size");
    let mut small = source();
    small.read.max_ratio = u64::MAX;
    small.read.max_decompressed = 1_000_000;
    assert_eq!(refusal_once(&bomb, &small), "raw:x.csv holds more than limits.max_decompressed allows");
    let zip = archive(&[("x.csv", &[b"Id\n".to_vec(), b"1\n".repeat(2_000_000)].concat())], deflated());
    assert_eq!(refusal_once(&zip, &low), "raw:x.csv, member x.csv unpacks to more than 20 times its size");
}

fn refusal_once(bytes: &[u8], source: &Source) -> String {
    let folder = folder(&[("x.csv", bytes)]);
    read(folder.path(), source, &["Id"], &PLAIN).expect_err("it is refused").message().to_string()
}

#[test]
fn zip_parts_members_by_glob_and_zip64() {
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored).large_file(true);
    let one = archive(&[("export/Contact.csv", b"Id,Name\n1,a\n"), ("Account.csv", b"Nothing\n")], deflated());
    let two = archive(&[("Contact.csv", b"Name,Id\nb,2\n"), ("Attachments/00P", b"\0\0")], stored);
    // As exporters write it while they go: lengths and checksum come after the member.
    let mut three = zip::ZipWriter::new_stream(Vec::new());
    three.start_file("Contact.csv", deflated()).unwrap();
    three.write_all(b"Id,Name\n3,c\n").unwrap();
    let three = three.finish().unwrap().into_inner();
    let empty = archive(&[], deflated());
    let folder =
        folder(&[("WE_1.ZIP", &one), ("WE_2.ZIP", &two), ("WE_3.ZIP", three.as_slice()), ("WE_4.ZIP", &empty)]);
    let mut contact = member(source(), "Contact.csv");
    let (found, report) = read(folder.path(), &contact, &["Id", "Name"], &PLAIN).unwrap();
    assert_eq!(values(found), [["1", "a"], ["2", "b"], ["3", "c"]]);
    let members: Vec<_> = report.inputs.iter().map(|input| input.member.as_deref().unwrap()).collect();
    assert_eq!(members, ["export/Contact.csv", "Contact.csv", "Contact.csv"]);
    assert_eq!(report.inputs[1].blake3, blake3::hash(b"Name,Id\nb,2\n").to_hex().to_string());
    contact.read.member_in_exactly_one = true;
    let refused = read(folder.path(), &contact, &["Id"], &PLAIN).err().unwrap();
    assert_eq!(refused.message(), "3 members match Contact.csv where complete.member_in says exactly-one");
    assert_eq!(refused.code(), Code::ArchiveMembers);
    let refused = read(folder.path(), &member(source(), "Lead.csv"), &["Id"], &PLAIN).err().unwrap();
    assert_eq!(refused.code(), Code::ArchiveMembers);
    assert_eq!(refused.message(), "no member of the 4 archive(s) matches Lead.csv");
    assert_eq!(
        refusals(&[("x.zip", &archive(&[("a/x.csv", b"Id\n1\n\"2\"x\n")], deflated()))], &source(), &["Id"]),
        "raw:x.zip, member a/x.csv, record 2, byte 8: text after the closing quote of a cell"
    );
}

#[test]
fn archives_that_cannot_be_trusted_are_refused() {
    let message = |zip: &[u8]| refusal(zip, &source(), &["Id"]);
    let good = archive(&[("a.csv", b"Id\n1\n"), ("b.csv", b"Id\n2\n")], deflated());
    assert_eq!(message(&good[..good.len() - 30]), "raw:x.csv is damaged: its zip directory cannot be read");
    let mut flipped = archive(
        &[("a.csv", b"Id\n1\n2\n3\n")],
        SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored),
    );
    let at = flipped.windows(3).position(|bytes| bytes == b"\n3\n").unwrap() + 1;
    flipped[at] = b'4';
    assert_eq!(
        message(&flipped),
        "raw:x.csv, member a.csv is damaged: its length or its checksum is not what the archive says"
    );
    let mut locked = good.clone();
    for (magic, flag) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let at = locked.windows(4).position(|bytes| bytes == magic).unwrap();
        locked[at + flag] |= 1;
    }
    assert_eq!(message(&locked), "raw:x.csv, member a.csv is encrypted with a password");
    let mut same = good.clone();
    for at in 0..same.len() - 5 {
        if &same[at..at + 5] == b"b.csv" {
            same[at] = b'a';
        }
    }
    assert_eq!(message(&same), "raw:x.csv is damaged: two members have the same name");
    let mut overlapping = good.clone();
    let second = overlapping.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    overlapping[second + 42..second + 46].fill(0);
    assert_eq!(message(&overlapping), "raw:x.csv is damaged: members overlap at byte 0");
    let mut few = source();
    few.read.max_members = 1;
    assert_eq!(refusal(&good, &few, &["Id"]), "raw:x.csv has 2 members, limits.max_members is 1");
}

#[test]
fn every_byte_of_an_archive_is_accounted_for() {
    let message = |zip: &[u8]| refusal(zip, &source(), &["Id"]);
    let wide = deflated().large_file(true);
    let (one, two) = (archive(&[("a.csv", b"Id\n1\n")], deflated()), archive(&[("a.csv", b"Id\n2\n")], wide));
    for good in [&one, &two] {
        assert_eq!(rows(good, &source(), &["Id"]).len(), 1);
        let length = good.len();
        for (bytes, what) in [
            (
                [&good[..], &one].concat(),
                format!("its first {length} bytes belong to no member: another archive, or something else"),
            ),
            (
                [&good[..], &two].concat(),
                format!("its first {length} bytes belong to no member: another archive, or something else"),
            ),
            ([&good[..], b"\n"].concat(), format!("something follows its end at byte {length}")),
            ([&good[..], &[0; 100_000]].concat(), "its zip directory cannot be read".into()),
        ] {
            assert_eq!(message(&bytes), format!("raw:x.csv is damaged: {what}"));
        }
    }
    // A comment is part of the archive, and one that holds the end of another archive is none.
    let mut said = one.clone();
    let length = said.len();
    said[length - 2..].copy_from_slice(&5u16.to_le_bytes());
    said.extend_from_slice(b"hello");
    assert_eq!(rows(&said, &source(), &["Id"]), [["1"]]);
}

#[test]
fn a_member_that_the_directory_does_not_have_is_found() {
    let both = archive(&[("a.csv", b"Id\n1\n"), ("b.csv", b"Id\n2\n3\n4\n5\n")], deflated());
    let directory = both.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    let second = both.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    let hidden = both.windows(4).rposition(|bytes| bytes == b"PK\x03\x04").unwrap();
    let mut end = both[both.len() - 22..].to_vec();
    end[8..12].copy_from_slice(&[1, 0, 1, 0]);
    end[12..16].copy_from_slice(&u32::try_from(second - directory).unwrap().to_le_bytes());
    let one = [&both[..second], &end].concat();
    let found = refusal(&one, &source(), &["Id"]);
    assert_eq!(found, format!("raw:x.csv is damaged: the member at byte {hidden} is not in its directory"));
}

#[test]
fn records_of_blanks_are_counted_apart() {
    let mut wide = source();
    csv(&mut wide).delimiter = b';';
    let text = ["A;B;C", "1;2;3", ";;", " ;\"\";\u{a0}", "\" \n\";;", ";;x", "", "\"\"\"\";;"].join("\r\n");
    let folder = folder(&[("x.csv", text.as_bytes())]);
    for block_bytes in [1, 8, 1 << 20] {
        let (found, report) = read(folder.path(), &wide, &["A"], &How { block_bytes, ..PLAIN }).unwrap();
        assert_eq!((found.len(), report.inputs[0].records, report.blank()), (6, 6, 3));
    }
}

#[test]
fn an_object_that_changes_after_listing_is_refused() {
    let folder = folder(&[("x.csv", b"Id\n1\n")]);
    let root = root(folder.path());
    let objects = root.list("").unwrap();
    std::fs::write(folder.path().join("x.csv"), b"Id\n1\n2\n").unwrap();
    let (source, columns) = (source(), wanted(&["Id"]));
    let request = request(&source, &columns, &[0]);
    let refused = Reader::open(
        &root,
        &Selection { set: None, objects, aside: Default::default(), counts: vec![] },
        &request,
        &Silent,
    )
    .err()
    .unwrap();
    assert_eq!(refused.code(), Code::ExportChangedWhileRead);
}

#[test]
fn real_exports_give_their_known_record_counts() {
    let Some(corpora) = std::env::var_os("TAMIS_CORPORA") else {
        eprintln!("SKIPPED: TAMIS_CORPORA is not set; it names the folder of real exports");
        return;
    };
    let files = [
        ("sf_bulk2_accounts_multiline.csv", "utf-8", "NAME", 100),
        ("atomic_crm_contacts.csv", "utf-8", "first_name", 500),
        ("sf_dataloader_accounts_cp1252.csv", "windows-1252", "ID", 423),
        ("hubspot_fivetran_contact.csv", "utf-8", "id", 22),
        ("sf_sfdmu_contact_bom.csv", "utf-8", "Id", 1),
    ];
    for (name, label, column, records) in files {
        let bytes = std::fs::read(Path::new(&corpora).join("crm").join(name)).unwrap();
        let found = rows(&bytes, &encoded(label), &[column]);
        assert_eq!(found.len(), records, "{name}");
        assert!(found.iter().all(|row| !row[0].is_empty()), "{name}");
    }
}
