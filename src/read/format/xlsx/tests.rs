//! Whole workbooks through the reader: neither blocks, threads nor a byte that is wrong make another value of one.

use crate::error::{Code, Error};
use crate::policy::{Column, Formulas, ReadFormat, RecordFormat, Source, XlsxFormat};
use crate::read::tests::{How, PLAIN, Rows, folder, read, read_columns, source, values, wanted};
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

/// Reads one row, whose cells are given; what comes after the rows and at the root is, too.
fn one_row(cells: &str, after: &str, root: &str, wanted: &[Column]) -> Result<Vec<Vec<String>>, Error> {
    let rows = format!("{HEADER}<row r='2'>{cells}</row>");
    let mut all = parts(&rows, after, STRINGS);
    all.last_mut().unwrap().1 = format!("<worksheet{root}><sheetData>{rows}</sheetData>{after}");
    let held = folder(&[("people.xlsx", &packed(&all, CompressionMethod::Stored))]);
    read_columns(held.path(), &workbook(), wanted, &PLAIN).map(|(rows, _)| values(rows))
}

const ENDED: &str = "</worksheet>";

#[test]
fn r66_what_comes_after_the_last_row_is_read_to_its_end() {
    let read = |after: &str| one_row("<c><v>1</v></c>", after, "", &wanted(&NAMES));
    for whole in [ENDED, "<pageMargins left='1'/></worksheet>\n<!-- made by -->", "<f:x xmlns:f='urn:o'/></worksheet>"]
    {
        assert_eq!(read(whole).unwrap(), [["1", "", ""]], "{whole}");
    }
    for broken in [
        "",
        "</worksheet",
        "<pageMargins></worksheet>",
        "</pageMargins></worksheet>",
        "<pageMargins left=1/></worksheet>",
        "<a>&nowhere;</a></worksheet>",
        "</worksheet><worksheet/>",
        "</worksheet>text",
        "<sheetData/></worksheet>",
        "<row r='3'/></worksheet>",
        "<!DOCTYPE a></worksheet>",
    ] {
        let error = read(broken).unwrap_err();
        assert_eq!(error.code(), Code::InputDamaged, "{broken}");
        assert!(error.message().contains("its part xl/sheet.xml is no XML"), "{error}");
    }
}

#[test]
fn r66_elements_of_other_namespaces_are_no_cells() {
    let main = " xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main' xmlns:f='urn:other'";
    let read = |cells: &str, root: &str| one_row(cells, ENDED, root, &wanted(&NAMES));
    assert_eq!(read("<c f:t='e'><v>1</v></c>", main).unwrap(), [["1", "", ""]]);
    for (cells, root) in
        [("<f:c><v>1</v></f:c>", main), ("<c><f:v>1</f:v></c>", main), ("<c xmlns='u'><v>1</v></c>", main)]
    {
        assert_eq!(read(cells, root).unwrap_err().code(), Code::RecordMalformed, "{cells}");
    }
    assert_eq!(read("<c><v>1</v></c>", " xmlns='urn:other'").unwrap_err().code(), Code::InputDamaged);
}

#[test]
fn r66_an_identifier_is_no_number_of_more_than_fifteen_digits() {
    let mut id = wanted(&NAMES);
    id[0].identified = true;
    let read = |cell: &str, columns: &[Column]| one_row(cell, ENDED, "", columns);
    for (cell, value) in [
        ("<c><v>468769123456789</v></c>", "468769123456789"),
        ("<c t='str'><v>4687691234567890</v></c>", "4687691234567890"),
        ("<c t='inlineStr'><is><t>4687691234567890123</t></is></c>", "4687691234567890123"),
    ] {
        assert_eq!(read(cell, &id).unwrap()[0][0], value);
    }
    for cell in
        ["<c><v>4687691234567890</v></c>", "<c><v>4.68769123456789E+17</v></c>", "<c><v>0.30000000000000004</v></c>"]
    {
        let error = read(cell, &id).unwrap_err();
        assert_eq!(error.code(), Code::CellWithoutValue, "{cell}");
        assert!(
            error.message().starts_with("raw:people.xlsx, record 1, cell A2: an identifier that is a number"),
            "{error}"
        );
        assert!(!error.to_string().contains("46876"), "{error}");
        assert_eq!(read(cell, &wanted(&NAMES)).unwrap().len(), 1);
    }
    // A part of what names somebody is no less.
    let mut whole = wanted(&NAMES);
    whole.push(Column { identified: true, parts: vec![0, 2], ..Column::text("both") });
    assert_eq!(read("<c><v>4687691234567890</v></c>", &whole).unwrap_err().code(), Code::CellWithoutValue);
}

#[test]
fn r66_dates_that_are_written_as_text_are_dates() {
    let read = |cell: &str| one_row(cell, ENDED, "", &wanted(&NAMES));
    assert_eq!(read("<c r='B2' t='d' s='1'><v>2024-01-31T00:00:00</v></c>").unwrap()[0][1], "2024-01-31");
    assert_eq!(read("<c r='B2' t='d'><v>2024-01-31T14:30:00Z</v></c>").unwrap()[0][1], "2024-01-31T14:30:00");
    for cell in [
        "<c r='B2' t='d'><v>Ada Muster</v></c>",
        "<c r='B2' t='d'><v>1850-01-01</v></c>",
        "<c r='B2' t='d' s='9'><v>2024-01-31</v></c>",
    ] {
        let error = read(cell).unwrap_err();
        assert_eq!(error.code(), Code::RecordMalformed, "{cell}");
        assert!(!error.to_string().contains("Ada"), "{error}");
    }
}

#[test]
fn r66_a_workbook_in_an_archive_or_a_stream_is_the_same_workbook() {
    let bytes = packed(&people(), CompressionMethod::Deflated);
    let whole = found(&bytes, &workbook(), &How { drop: true, ..PLAIN }).unwrap();
    let in_zip = |how| {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for name in ["2026/people.xlsx", "readme.txt"] {
            writer.start_file(name, SimpleFileOptions::default().compression_method(how)).unwrap();
            writer.write_all(if name == "readme.txt" { b"notes" } else { &bytes }).unwrap();
        }
        writer.finish().unwrap().into_inner()
    };
    let mut source = workbook();
    source.read.member = Some(globset::Glob::new("*.xlsx").unwrap().compile_matcher());
    for archive in [in_zip(CompressionMethod::Stored), in_zip(CompressionMethod::Deflated)] {
        assert!(found(&archive, &source, &How { drop: true, threads: 2, block_bytes: 50 }).unwrap() == whole);
    }
    let mut stream = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    stream.write_all(&bytes).unwrap();
    assert!(found(&stream.finish().unwrap(), &workbook(), &How { drop: true, ..PLAIN }).unwrap() == whole);
    // Without the glob, what is beside it is refused by its name.
    let error = found(&in_zip(CompressionMethod::Stored), &workbook(), &PLAIN).unwrap_err();
    assert!(error.message().contains("member readme.txt is no workbook"), "{error}");
}

#[test]
fn r66_a_workbook_with_a_password_is_told_wherever_its_directory_is() {
    let mut file = vec![0; 512 + 200 * 512];
    file[..8].copy_from_slice(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);
    file[30] = 9;
    file[48..52].copy_from_slice(&190_u32.to_le_bytes());
    let at = 191 * 512;
    for (to, unit) in file[at..].chunks_exact_mut(2).zip("EncryptedPackage".encode_utf16()) {
        to.copy_from_slice(&unit.to_le_bytes());
    }
    let error = found(&file, &workbook(), &PLAIN).unwrap_err();
    assert_eq!(error.message(), "raw:people.xlsx is a workbook with a password, which is not read");
    assert!(error.help_text().unwrap().contains("without a password"));
}
