//! What a file is that is not what was expected, by its first bytes: so that an operator is told "this is an Excel
//! workbook" and not which of its bytes is no CSV; and what to do about it, in one table.

use crate::error::{Code, Error};

/// Bytes of a file that are enough to tell.
pub(super) const LOOKED_AT: usize = 512;

const MARKS: [(&[u8], &str); 18] = [
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\0", "an xz file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x04\x22\x4d\x18", "an LZ4 file"),
    (b"Obj\x01", "an Avro file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"%PDF-", "a PDF document"),
    (b"{\\rtf", "an RTF document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (b"\0\x05\x16\x07", "a file that macOS puts beside another one (._NAME)"),
    (b"\0\0\0\x01Bud1", "a .DS_Store of macOS"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
];

/// Marks of letters, which a header may begin with too: what follows them is no text.
const LETTERS: [(&[u8], &str); 3] = [(b"PAR1", PARQUET), (b"ARROW1", "an Arrow file"), (b"ORC", "an ORC file")];

/// Beginnings of text, in lower case.
const WORDS: [(&str, &str); 9] = [
    ("<!doctype html", HTML),
    ("<html", HTML),
    ("<head", HTML),
    ("<body", HTML),
    ("<table", HTML),
    ("<script", HTML),
    ("<?xml", "an XML file"),
    ("<!doctype", "an XML file"),
    ("<error>", "an XML file"),
];
const HTML: &str = "an HTML page, such as that of a login or of an error";
pub(super) const OLE: &str = "an Excel workbook of the old kind (.xls) or with a password, or another Office document";
pub(super) const WORKBOOK: &str = "an Excel workbook";
const TAR: &str = "a tar archive";
const TAR_MARK: usize = 257;
const OTHER_OFFICE: &str = "an Office document";
const OPEN_DOCUMENT: &str = "an OpenDocument file, such as a spreadsheet";
/// What only a source that says so is read as.
pub(super) const PARQUET: &str = "a Parquet file";
pub(super) const JSON: &str = "a JSON file";

/// What to do about a file of another kind, where it is not the same for all.
const WHAT_TO_DO: [(&[&str], &str); 10] = [
    (&[WORKBOOK], "set read.format = \"xlsx\" in the source, or save the sheet with the records as \"CSV UTF-8\""),
    (&[OPEN_DOCUMENT], "save the sheet with the records as \"CSV UTF-8\", or choose CSV when you export it"),
    (&[OLE], "open it with its password and save the sheet with the records as \"CSV UTF-8\""),
    (
        &[JSON],
        "choose CSV when you export it, or say in its source how it is read: read.format = \"json\" for an array or pages, \
         \"ndjson\" for one record per line",
    ),
    (&[PARQUET], "set read.format = \"parquet\" in the source"),
    (
        &[HTML],
        "a server answered with a web page instead of the file: renew the login of the program that fetches the \
         export, and fetch it again. If an .xls file is a web page, it is the table of a report: choose CSV when you export it",
    ),
    (
        &["an XML file"],
        "a store answers with such a file when it refuses a request: look at what the file says. Otherwise choose CSV \
         when you export it",
    ),
    (
        &["an xz file", "a 7z archive", "a RAR archive", "an LZ4 file"],
        "have it packed with gzip, zstd, bzip2 or zip, or not at all",
    ),
    (
        &["a zip archive", "an empty zip archive", "a gzip file", "a zstd file", "a bzip2 file", TAR],
        "have it packed once: an archive in an archive is not opened",
    ),
    (
        &["a file that macOS puts beside another one (._NAME)", "a .DS_Store of macOS"],
        "leave it out: it holds no record, and tamis passes it over in archives",
    ),
];

/// Returns what an operator can do about a file that is something else.
pub(super) fn help(what: &str) -> &'static str {
    let known = WHAT_TO_DO.iter().find(|(kinds, _)| kinds.contains(&what));
    known.map_or("have it exported as CSV: plain, compressed, or as a member of a zip or tar archive", |(_, help)| help)
}

/// What a file is that begins so; none for what may be text with cells.
pub(super) fn foreign(start: &[u8]) -> Option<&'static str> {
    if let Some((_, what)) = MARKS.iter().find(|(mark, _)| start.starts_with(mark)) {
        let has = |name: &str| memchr::memmem::find(start, name.as_bytes()).is_some();
        return Some(document(has).filter(|_| start.starts_with(b"PK")).unwrap_or(what));
    }
    let binary = |mark: &[u8]| start.get(mark.len()).is_some_and(|next| !matches!(next, b'\t'..=b'\r' | b' '..=b'~'));
    if let Some((_, what)) = LETTERS.iter().find(|(mark, _)| start.starts_with(mark) && binary(mark)) {
        return Some(what);
    }
    if start.get(TAR_MARK..TAR_MARK + 5) == Some(b"ustar") {
        return Some(TAR);
    }
    // UTF-16 of such text has a NUL beside each letter.
    let text: Vec<u8> = start.iter().copied().filter(|byte| *byte != 0).collect();
    let marks: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
    let text = marks.iter().find_map(|mark| text.strip_prefix(*mark)).unwrap_or(&text).trim_ascii_start();
    let lower = text.to_ascii_lowercase();
    let word = WORDS.iter().find(|(word, _)| lower.starts_with(word.as_bytes()));
    word.map(|(_, what)| *what).or_else(|| is_json(text).then_some(JSON))
}

/// Returns which encoding plain letters are in that have a NUL beside each, and no mark that says so.
pub(super) fn wide(start: &[u8]) -> Option<&'static str> {
    let pairs = start.get(..start.len() / 2 * 2).unwrap_or_default();
    let letters = |zero: usize| {
        let plain = |byte: u8| matches!(byte, b'\t'..=b'\r' | b' '..=b'~');
        pairs.len() >= 8 && pairs.chunks_exact(2).all(|pair| pair[zero] == 0 && plain(pair[1 - zero]))
    };
    [(1, "utf-16le"), (0, "utf-16be")].into_iter().find(|(zero, _)| letters(*zero)).map(|(_, label)| label)
}

/// An object or array whose first value is there. No header begins so: a quote would stand inside a cell.
fn is_json(text: &[u8]) -> bool {
    let Some((open, rest)) = text.split_first() else { return false };
    let next = rest.trim_ascii_start().first();
    match open {
        b'{' => matches!(next, Some(b'"' | b'}')),
        b'[' => matches!(next, Some(b'"' | b'{' | b'[' | b']')),
        _ => false,
    }
}

/// Which document a zip archive is, by members that only it has.
pub(super) fn document(has: impl Fn(&str) -> bool) -> Option<&'static str> {
    if has("[Content_Types].xml") || has("xl/workbook.xml") {
        let other = has("word/document.xml") || has("ppt/presentation.xml");
        return Some(if other { OTHER_OFFICE } else { WORKBOOK });
    }
    (has("mimetype") && (has("META-INF/manifest.xml") || has("content.xml") || has("opendocument")))
        .then_some(OPEN_DOCUMENT)
}

/// The error for a file that is something else.
pub(super) fn refused(place: &str, what: &str) -> Error {
    let read = if what == JSON { " as CSV" } else { "" };
    Error::new(Code::FormatNotRead, format!("{place} is {what}, which is not read{read}")).help(help(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_kinds_are_told_and_headers_are_not() {
        for (start, what) in [
            (&b"PK\x03\x04....[Content_Types].xml"[..], WORKBOOK),
            (b"PK\x03\x04....contacts.csv", "a zip archive"),
            (b"PK\x03\x04....mimetypeapplication/vnd.oasis.opendocument.spreadsheet", OPEN_DOCUMENT),
            (b"\xef\xbb\xbf \n<!DOCTYPE HTML><title>", HTML),
            (b"\xff\xfe<\0h\0t\0m\0l\0", HTML),
            (b"<?xml version='1.0'?><Workbook>", "an XML file"),
            (b"[\n  {\"Id\": 1}]", JSON),
            (b"{\"Id\": 1}\n{\"Id\": 2}", JSON),
            (b"[]", JSON),
            (b"%PDF-1.7", "a PDF document"),
            (b"PAR1\x15", PARQUET),
        ] {
            assert_eq!(foreign(start), Some(what), "{}", String::from_utf8_lossy(start));
        }
        let known = |what: &&str| {
            MARKS.iter().map(|(_, what)| *what).chain(LETTERS.map(|(_, what)| what)).any(|it| it == *what)
                || [WORKBOOK, OPEN_DOCUMENT, JSON, HTML, TAR, "an XML file"].contains(what)
        };
        assert!(WHAT_TO_DO.iter().flat_map(|(kinds, _)| *kinds).all(known), "a kind that nothing is called");
        let wide_text =
            |order: fn(u16) -> [u8; 2], text: &str| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
        assert_eq!(wide(&wide_text(u16::to_le_bytes, "Id,Name\n")), Some("utf-16le"));
        assert_eq!(wide(&wide_text(u16::to_be_bytes, "Id,Name\n")), Some("utf-16be"));
        assert_eq!((wide(b"Id,Name\n1,a\n"), wide(b"I\0")), (None, None));
        let mut tar = vec![b'x'; TAR_MARK];
        tar.extend_from_slice(b"ustar\0");
        assert_eq!(foreign(&tar), Some(TAR));
        for header in
            ["Id,Name", "\"Id\",\"Name\"", "[Id],[Name]", "{Id},b", "<none>,b", "P", "", "ORCID,Name", "PAR1,PAR2"]
        {
            assert_eq!(foreign(header.as_bytes()), None, "{header}");
        }
    }
}
