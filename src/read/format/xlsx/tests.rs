//! Whole workbooks through the reader: neither blocks, threads nor a byte that is wrong make another value of one.

use crate::error::{Code, Error};
use crate::policy::{Formulas, ReadFormat, RecordFormat, Source, XlsxFormat};
use crate::read::tests::{How, PLAIN, Rows, folder, read, source, values};
use proptest::prelude::*;
use std::io::{Cursor, Write};
use std::sync::LazyLock;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

const MAIN: &str = "<workbook xmlns:r='r'><sheets><sheet name='People' sheetId='1' r:id='a'/></sheets></workbook>";
const STYLES: &str = "<styleSheet><cellXfs><xf numFmtId='0'/><xf numFmtId='14'/></cellXfs></styleSheet>";

fn parts(rows: &str, after: &str, strings: &str) -> Vec<(&'static str, String)> {
    let relation = |id: &str, kind: &str, to: &str| format!("<Relationship Id='{id}' Type='t/{kind}' Target='{to}'/>");
    let relations = |all: &[String]| format!("<Relationships>{}</Relationships>", all.concat());
    let of_book = [
        relation("a", "worksheet", "sheet.xml"),
        relation("b", "styles", "styles.xml"),
        relation("c", "sharedStrings", "/xl/strings.xml"),
    ];
    vec![
        ("[Content_Types].xml", "<Types/>".into()),
        ("_rels/.rels", relations(&[relation("a", "officeDocument", "xl/workbook.xml")])),
        ("xl/workbook.xml", MAIN.into()),
        ("xl/_rels/workbook.xml.rels", relations(&of_book)),
        ("xl/styles.xml", STYLES.into()),
        ("xl/strings.xml", format!("<sst>{strings}</sst>")),
        ("xl/sheet.xml", format!("<worksheet><sheetData>{rows}</sheetData>{after}</worksheet>")),
    ]
}

fn packed(parts: &[(&str, String)], how: CompressionMethod) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(how)).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn workbook() -> Source {
    let records = RecordFormat::Xlsx(XlsxFormat { sheet: None, header: 1, formulas: Formulas::Cached });
    Source { read: ReadFormat { records, ..ReadFormat::csv() }, ..source() }
}

const NAMES: [&str; 3] = ["Id", "Born", "Note"];
const HEADER: &str = "<row r='1'><c t='s'><v>0</v></c><c t='s'><v>1</v></c><c t='s'><v>2</v></c></row>";
const STRINGS: &str = "<si><t>Id</t></si><si><t>Born</t></si><si><t>Note</t></si>";

/// Rows with gaps, blank ones, ones too wide, and text of every kind; 60 of them.
fn people() -> Vec<(&'static str, String)> {
    let (mut rows, mut strings) = (String::from(HEADER), String::from(STRINGS));
    for n in 0..60 {
        let line = n * 2 + 3;
        strings += &format!("<si><r><t>Zeugnis </t></r><r><t>{n} ü</t></r><rPh sb='0' eb='1'><t>x</t></rPh></si>");
        rows += &match n % 6 {
            4 => format!("<row r='{line}'><c r='B{line}' s='1'/></row><row r='{}'/>", line + 1),
            5 => format!("<row r='{line}'><c r='A{line}'><v>1</v></c><c r='G{line}'><v>1</v></c></row>"),
            _ => format!(
                "<row r='{line}'><c r='A{line}'><v>{n}.50</v></c><c r='B{line}' s='1'><v>{}</v></c>\
                 <c r='C{line}' t='s'><v>{}</v></c></row>",
                45_000 + n,
                n + 3
            ),
        };
    }
    parts(&rows, "", &strings)
}

fn found(bytes: &[u8], source: &Source, how: &How) -> Result<(Rows, [u64; 3]), Error> {
    let folder = folder(&[("people.xlsx", bytes)]);
    let (rows, report) = read(folder.path(), source, &NAMES, how)?;
    let input = &report.inputs[0];
    Ok((rows, [input.records, input.dropped, input.blank]))
}

#[test]
fn r58_neither_blocks_nor_threads_change_what_is_read() {
    let bytes = packed(&people(), CompressionMethod::Deflated);
    let whole = found(&bytes, &workbook(), &How { drop: true, ..PLAIN }).unwrap();
    assert_eq!(whole.1, [60, 10, 10]);
    assert_eq!(values(whole.0.clone())[1], ["1.5", "2023-03-16", "Zeugnis 1 ü"]);
    for (threads, block_bytes) in [(1, 1), (2, 50), (3, 333), (4, 1 << 14)] {
        let again = found(&bytes, &workbook(), &How { threads, block_bytes, drop: true }).unwrap();
        assert!(again == whole, "{threads} threads, {block_bytes} bytes");
    }
    let refused = |block_bytes| found(&bytes, &workbook(), &How { threads: 2, block_bytes, drop: false }).unwrap_err();
    let said =
        "raw:people.xlsx, record 6, cell G13: a value to the right of the header, which has 3 columns, in sheet People";
    for block_bytes in [1, 100, 1 << 20] {
        assert_eq!((refused(block_bytes).code(), refused(block_bytes).message()), (Code::RecordMalformed, said));
    }
}

#[test]
fn r58_merged_cells_of_a_wanted_column_are_refused_and_others_are_not() {
    let merged = |range: &str| {
        let after = format!("<mergeCells><mergeCell ref='{range}'/></mergeCells>");
        let rows = format!("{HEADER}<row r='2'><c><v>1</v></c></row>");
        found(&packed(&parts(&rows, &after, STRINGS), CompressionMethod::Stored), &workbook(), &PLAIN)
            .map(|found| found.1)
    };
    assert_eq!(merged("D1:G9").unwrap(), [1, 0, 0]);
    for (range, cell) in [("A2:A3", "A2"), ("C1:D1", "C1"), ("A9:Z9", "A9")] {
        let error = merged(range).unwrap_err();
        assert!(
            error.message().starts_with(&format!("raw:people.xlsx, sheet People, cell {cell}: it is merged")),
            "{error}"
        );
    }
}

#[test]
fn r58_an_error_is_null_where_the_source_says_so_and_nothing_else_that_has_no_value_is() {
    let mut source = workbook();
    source.read.null = ["#N/A", "7"].map(String::from).to_vec();
    let read = |cell: &str| {
        let rows = format!("{HEADER}<row r='2'><c><v>1</v></c>{cell}</row>");
        found(&packed(&parts(&rows, "", STRINGS), CompressionMethod::Stored), &source, &PLAIN)
            .map(|found| values(found.0))
    };
    assert_eq!(read("<c t='e'><v>#N/A</v></c>").unwrap(), [["1", "", ""]]);
    for (cell, code) in [
        ("<c t='e'><v>#REF!</v></c>", Code::CellWithoutValue),
        ("<c t='e'><f>B9</f></c>", Code::CellWithoutValue),
        ("<c><f>B9</f></c>", Code::CellWithoutValue),
        ("<c><f>B9</f><v> </v></c>", Code::CellWithoutValue),
        ("<c t='s'><v>7</v></c>", Code::RecordMalformed),
        ("<c s='7'><v>1</v></c>", Code::RecordMalformed),
        ("<c t='x'><v>7</v></c>", Code::RecordMalformed),
        ("<c t='b'><v>7</v></c>", Code::RecordMalformed),
        ("<c><v>seven</v></c>", Code::RecordMalformed),
    ] {
        let error = read(cell).unwrap_err();
        assert_eq!(error.code(), code, "{cell}");
        assert!(error.message().starts_with("raw:people.xlsx, record 1, cell B2: "), "{error}");
    }
    assert_eq!(read("<c t='str'><f>B9</f><v></v></c>").unwrap(), [["1", "", ""]]);
}

#[test]
fn r58_shared_text_is_held_up_to_a_limit_and_a_damaged_part_is_named() {
    let mut source = workbook();
    source.read.max_shared_text = 1_000;
    let error = found(&packed(&people(), CompressionMethod::Deflated), &source, &PLAIN).unwrap_err();
    assert_eq!(error.code(), Code::InputTooLarge);
    assert!(error.message().contains("limits.max_shared_text"), "{error}");
    for (part, text) in [
        ("xl/strings.xml", "<sst><si><t>Id</t></si>"),
        ("xl/strings.xml", "<!DOCTYPE sst [<!ENTITY a 'b'>]><sst><si><t>&a;</t></si></sst>"),
        ("xl/styles.xml", "<styleSheet>"),
        ("xl/sheet.xml", "<worksheet><sheetData><row r='1'>"),
        ("xl/workbook.xml", "no XML"),
    ] {
        let mut broken = people();
        broken.iter_mut().filter(|(name, _)| *name == part).for_each(|found| found.1 = text.into());
        let error = found(&packed(&broken, CompressionMethod::Deflated), &workbook(), &PLAIN).unwrap_err();
        assert_eq!(error.code(), Code::InputDamaged, "{part}: {error}");
    }
}

static GOOD: LazyLock<(Vec<u8>, Rows)> = LazyLock::new(|| {
    let bytes = packed(&people(), CompressionMethod::Deflated);
    let rows = found(&bytes, &workbook(), &How { drop: true, ..PLAIN }).unwrap().0;
    (bytes, rows)
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn r58_a_flipped_byte_of_a_workbook_is_refused_or_changes_nothing(at in any::<prop::sample::Index>(), bits in 1..=255u8) {
        let (mut bytes, rows) = (GOOD.0.clone(), &GOOD.1);
        let at = at.index(bytes.len());
        bytes[at] ^= bits;
        match found(&bytes, &workbook(), &How { drop: true, ..PLAIN }) {
            Ok(found) => prop_assert!(found.0 == *rows, "byte {at}"),
            Err(error) => prop_assert!(!error.to_string().contains("Zeugnis"), "{error}"),
        }
    }

    #[test]
    fn r58_xml_with_bytes_that_are_wrong_never_breaks_off_and_no_error_says_a_value(
        part in 1..7usize,
        at in any::<prop::sample::Index>(),
        with in prop::sample::select(vec!["<", ">", "&", "'", "/", "\"", "]]>", "<!--", "9", "A", "", "<row>", "</row>", "&#0;", "t='s'"]),
    ) {
        let mut parts = people();
        let text = &mut parts[part].1;
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let at = *at.get(&places);
        let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
        text.replace_range(at..end, with);
        let bytes = packed(&parts, CompressionMethod::Stored);
        let [one, two] = [1 << 20, 60].map(|block_bytes| found(&bytes, &workbook(), &How { threads: 1, block_bytes, drop: true }));
        match (one, two) {
            (Ok(one), Ok(two)) => prop_assert!(one == two),
            (Err(one), Err(two)) => prop_assert!(!format!("{one}{two}").contains("Zeugnis"), "{one}"),
            _ => prop_assert!(false, "blocks make a difference"),
        }
    }
}

#[test]
fn r58_rows_without_cells_are_no_long_row_however_many_they_are() {
    let empty: String =
        (3..40_000).map(|line| format!("<row r='{line}' spans='1:3' ht='15' customHeight='1'/>")).collect();
    let strings = format!("{STRINGS}<si><t>one</t></si>");
    for last in ["", "<row r='40001'><c r='A40001' t='s'><v>3</v></c></row>"] {
        let rows = format!("{HEADER}<row r='2'><c r='A2' t='s'><v>3</v></c></row>{empty}{last}");
        let held = folder(&[("x.xlsx", &packed(&parts(&rows, "", &strings), CompressionMethod::Stored))]);
        for block_bytes in [1, 1 << 20] {
            let (rows, _) = read(held.path(), &workbook(), &NAMES, &How { block_bytes, ..PLAIN }).unwrap();
            assert_eq!(rows.len(), 1 + usize::from(!last.is_empty()));
        }
    }
}
