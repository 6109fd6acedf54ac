//! The oracle against leaks: markers are planted in every raw field, and every byte that was written anywhere is
//! searched for them in all the forms in which values get out (text, UTF-16, escapes, base64, hex, unkeyed digests,
//! prefixes), also inside archives and decoded Parquet pages.

use aho_corasick::{AhoCorasick, MatchKind};
use arrow::array::{Array, ArrayData};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE};
use md5::{Digest, Md5};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{Cursor, Read};
use std::path::Path;

/// Archives in archives are opened this deep.
const MAX_DEPTH: usize = 4;
/// Shortest part of a value that counts as the value; statistics are cut, tokens could be.
const PREFIX: usize = 8;

/// A value that must not get out.
pub struct Canary {
    name: String,
    value: String,
    prefix: bool,
    /// Bytes whose hex digits the value is.
    bytes: Vec<u8>,
}

impl Canary {
    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text itself.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// A marker whose first eight bytes are found nowhere else.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Canary {
        let value = value.into();
        assert!(value.len() >= PREFIX, "a marker has at least {PREFIX} bytes");
        Canary { name: name.into(), value, prefix: true, bytes: Vec::new() }
    }
    /// A value that had to have a form (a date, a number), unique only as a whole.
    pub fn whole(name: impl Into<String>, value: impl Into<String>) -> Canary {
        Canary { name: name.into(), value: value.into(), prefix: false, bytes: Vec::new() }
    }
    /// A key: its bytes, and its hex digits as text.
    pub fn secret(name: impl Into<String>, bytes: &[u8]) -> Canary {
        Canary { bytes: bytes.to_vec(), ..Canary::new(name, hex(bytes)) }
    }
}

/// A marker found.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// The file, or the part of it after `!`.
    pub place: String,
    /// The marker's name.
    pub canary: String,
    /// The form it was found in.
    pub form: &'static str,
}

impl std::fmt::Debug for Hit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} as {} in {}", self.canary, self.form, self.place)
    }
}

/// Looks for all forms of all markers in one pass.
pub struct Sweep {
    automaton: AhoCorasick,
    /// Which marker and form each pattern is.
    meanings: Vec<(usize, &'static str)>,
    names: Vec<String>,
}

impl Sweep {
    /// Prepares the search.
    pub fn new(canaries: &[Canary]) -> Sweep {
        let mut patterns: BTreeMap<Vec<u8>, (usize, &'static str)> = BTreeMap::new();
        for (number, canary) in canaries.iter().enumerate() {
            for (form, bytes) in forms(canary) {
                patterns.entry(bytes.to_ascii_lowercase()).or_insert((number, form));
            }
        }
        let (patterns, meanings): (Vec<_>, Vec<_>) = patterns.into_iter().unzip();
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(patterns)
            .unwrap();
        Sweep { automaton, meanings, names: canaries.iter().map(|canary| canary.name.clone()).collect() }
    }

    /// Searches bytes, and what they contain if they are an archive or Parquet. Each marker and form once per place.
    pub fn bytes(&self, place: &str, bytes: &[u8]) -> Vec<Hit> {
        let mut hits = BTreeSet::new();
        self.search(place, bytes, 0, &mut hits);
        hits.into_iter().collect()
    }

    /// Searches names and contents of all files below a folder.
    pub fn tree(&self, folder: &Path) -> Vec<Hit> {
        let (mut hits, mut files) = (BTreeSet::new(), 0);
        self.folder(folder, &mut hits, &mut files);
        assert!(files > 0, "{} has no file: the sweep would prove nothing", folder.display());
        hits.into_iter().collect()
    }

    fn folder(&self, folder: &Path, hits: &mut BTreeSet<Hit>, files: &mut usize) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let place = path.display().to_string();
            self.scan(&place, path.file_name().unwrap().as_encoded_bytes(), hits);
            match std::fs::symlink_metadata(&path).unwrap().file_type() {
                kind if kind.is_dir() => self.folder(&path, hits, files),
                kind if kind.is_file() => {
                    *files += 1;
                    self.search(&place, &std::fs::read(&path).unwrap(), 0, hits);
                }
                _ => {}
            }
        }
    }

    fn search(&self, place: &str, bytes: &[u8], depth: usize, hits: &mut BTreeSet<Hit>) {
        self.scan(place, bytes, hits);
        assert!(depth < MAX_DEPTH, "{place} is packed too often to look into");
        for (part, content) in contents(place, bytes) {
            self.search(&format!("{place}!{part}"), &content, depth + 1, hits);
        }
    }

    fn scan(&self, place: &str, bytes: &[u8], hits: &mut BTreeSet<Hit>) {
        for found in self.automaton.find_overlapping_iter(bytes) {
            let (canary, form) = self.meanings[found.pattern().as_usize()];
            hits.insert(Hit { place: place.to_owned(), canary: self.names[canary].clone(), form });
        }
    }
}

/// The parts of an archive or a Parquet file; nothing for other bytes. What looks like one and does not open is
/// searched as bytes only: a crash leaves torn files.
fn contents(place: &str, bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    match bytes {
        [0x1f, 0x8b, ..] => {
            let mut content = Vec::new();
            // A torn file gives what it has.
            let _ = flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut content);
            vec![("gz".into(), content)]
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let mut content = Vec::new();
            let _ = zstd::Decoder::new(bytes).and_then(|mut text| text.read_to_end(&mut content));
            vec![("zst".into(), content)]
        }
        [b'B', b'Z', b'h', ..] => {
            let mut content = Vec::new();
            let _ = bzip2::read::MultiBzDecoder::new(bytes).read_to_end(&mut content);
            vec![("bz2".into(), content)]
        }
        [b'P', b'K', 3, 4, ..] => members(bytes),
        [b'P', b'A', b'R', b'1', .., b'P', b'A', b'R', b'1'] => pages(place, bytes),
        _ => Vec::new(),
    }
}

fn members(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes)) else { return Vec::new() };
    (0..archive.len())
        .filter_map(|number| {
            let mut member = archive.by_index(number).ok()?;
            let mut content = Vec::new();
            member.read_to_end(&mut content).ok()?;
            Some((format!("member {number}"), content))
        })
        .collect()
}

/// All pages as decompressed (dictionaries, data) and all arrays as decoded, whatever the encoding was.
fn pages(place: &str, bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let bytes = bytes::Bytes::copy_from_slice(bytes);
    let file = SerializedFileReader::new(bytes.clone()).unwrap_or_else(|_| panic!("{place} is not Parquet"));
    let mut parts = Vec::new();
    for group in 0..file.num_row_groups() {
        let group_reader = file.get_row_group(group).unwrap();
        for column in 0..group_reader.num_columns() {
            for (number, page) in group_reader.get_column_page_reader(column).unwrap().enumerate() {
                parts.push((format!("group {group} column {column} page {number}"), page.unwrap().buffer().to_vec()));
            }
        }
    }
    for (number, batch) in ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap().enumerate() {
        for column in batch.unwrap().columns() {
            buffers(&column.to_data(), &format!("batch {number}"), &mut parts);
        }
    }
    parts
}

fn buffers(data: &ArrayData, part: &str, parts: &mut Vec<(String, Vec<u8>)>) {
    parts.extend(data.buffers().iter().map(|buffer| (part.to_owned(), buffer.to_vec())));
    data.child_data().iter().for_each(|child| buffers(child, part, parts));
}

/// Every form of a marker, each with what to search for. ASCII case is ignored by the search itself.
fn forms(canary: &Canary) -> Vec<(&'static str, Vec<u8>)> {
    let mut forms = Vec::new();
    for text in spellings(&canary.value) {
        written(&text, &mut forms);
        based(text.as_bytes(), &mut forms);
        digested(text.as_bytes(), &mut forms);
    }
    if !canary.bytes.is_empty() {
        forms.push(("bytes", canary.bytes[..PREFIX].into()));
        based(&canary.bytes, &mut forms);
    }
    if canary.prefix {
        let cut = (PREFIX..).find(|&end| canary.value.is_char_boundary(end)).unwrap();
        let prefix = &canary.value[..cut];
        forms.push(("prefix", prefix.into()));
        forms.push(("hex prefix", hex(prefix.as_bytes()).into()));
        forms.push(("utf-16 prefix", utf_16(prefix, u16::to_le_bytes)));
    }
    forms
}

/// The value, its case variants and its two Unicode forms.
fn spellings(value: &str) -> BTreeSet<String> {
    let composed = icu_normalizer::ComposingNormalizer::new_nfc().normalize(value).into_owned();
    let decomposed = icu_normalizer::DecomposingNormalizer::new_nfd().normalize(value).into_owned();
    let trimmed = value.trim();
    [value, trimmed, &trimmed.to_lowercase(), &trimmed.to_uppercase(), &composed, &decomposed]
        .into_iter()
        .map(str::to_owned)
        .collect()
}

fn utf_16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(order).collect()
}

/// Plain, UTF-16, and escaped as JSON, URLs and HTML do: only what must be, or all of it.
fn written(text: &str, forms: &mut Vec<(&'static str, Vec<u8>)>) {
    forms.push(("text", text.into()));
    forms.push(("utf-16le", utf_16(text, u16::to_le_bytes)));
    forms.push(("utf-16be", utf_16(text, u16::to_be_bytes)));
    for (short, long) in [
        ("\"\\", (|_| false) as fn(char) -> bool),
        ("\"\\/", |_| false),
        ("\"\\", |letter| !letter.is_ascii()),
        ("", |_| true),
    ] {
        forms.push(("json", json(text, short, long).into()));
    }
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    forms.push(("url", url(text, kept).into()));
    forms.push(("url", url(text, kept).replace("%20", "+").into()));
    forms.push(("url", url(text, |byte| kept(byte) || b"@/:+!$&'()*,;=".contains(&byte)).into()));
    forms.push(("url", url(text, |_| false).into()));
    for (quote, apostrophe) in [("&quot;", "'"), ("&#34;", "&#39;"), ("&quot;", "&#x27;"), ("\"", "'")] {
        forms.push(("html", html(text, quote, apostrophe).into()));
    }
    forms.push(("html", text.chars().map(|letter| format!("&#{};", letter as u32)).collect::<String>().into()));
    forms.push(("html", text.chars().map(|letter| format!("&#x{:x};", letter as u32)).collect::<String>().into()));
    forms.push(("csv", text.replace('"', "\"\"").into()));
}

/// As a JSON string's content: `short` letters behind a backslash, `long` ones by number.
fn json(text: &str, short: &str, long: fn(char) -> bool) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            _ if long(letter) => escape(&mut out, letter),
            _ if short.contains(letter) => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ => out.push(letter),
        }
    }
    out
}

fn escape(out: &mut String, letter: char) {
    for unit in letter.encode_utf16(&mut [0; 2]) {
        write!(out, "\\u{unit:04x}").unwrap();
    }
}

fn url(text: &str, kept: impl Fn(u8) -> bool) -> String {
    let byte = |byte: u8| if kept(byte) { (byte as char).to_string() } else { format!("%{byte:02x}") };
    text.bytes().map(byte).collect()
}

fn html(text: &str, quote: &str, apostrophe: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', quote).replace('\'', apostrophe)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hex, and base64 wherever the value starts in a group of three bytes.
fn based(bytes: &[u8], forms: &mut Vec<(&'static str, Vec<u8>)>) {
    forms.push(("hex", hex(bytes).into()));
    for shift in 0..3 {
        let shifted = [&[0; 3][..shift], bytes].concat();
        // Characters that also hold bits of what stands before or after the value say nothing.
        let whole = (shift * 8).div_ceil(6)..shifted.len() * 8 / 6;
        forms.push(("base64", BASE64_STANDARD.encode(&shifted)[whole.clone()].into()));
        forms.push(("base64", BASE64_URL_SAFE.encode(&shifted)[whole].into()));
    }
}

/// Digests that anyone can make, also when cut to eight bytes.
fn digested(text: &[u8], forms: &mut Vec<(&'static str, Vec<u8>)>) {
    let digests: [(&'static str, Vec<u8>); 4] = [
        ("sha-256", aws_lc_rs::digest::digest(&SHA256, text).as_ref().to_vec()),
        ("sha-1", aws_lc_rs::digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, text).as_ref().to_vec()),
        ("md5", Md5::digest(text).to_vec()),
        ("blake3", blake3::hash(text).as_bytes().to_vec()),
    ];
    for (name, digest) in digests {
        forms.push((name, digest[..PREFIX].to_vec()));
        forms.push((name, hex(&digest[..PREFIX]).into()));
        forms.push((name, BASE64_STANDARD.encode(&digest[..12]).into()));
        forms.push((name, BASE64_URL_SAFE.encode(&digest[..12]).into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const PLAIN: &str = "Qz7kXw93vTu1";
    const ODD: &str = "Zäq\"7&<k x/9'Ω";

    fn sweep() -> Sweep {
        Sweep::new(&[Canary::new("plain", PLAIN), Canary::new("odd", ODD)])
    }

    /// Asserts that bytes, with others around them, are seen as this form of this marker.
    #[track_caller]
    fn seen(canary: &str, form: &str, bytes: &[u8]) {
        let around = [b"before ".as_slice(), bytes, b" after"].concat();
        let hits = sweep().bytes("blob", &around);
        assert!(hits.iter().any(|hit| hit.canary == canary && hit.form == form), "{canary} as {form}: {hits:?}");
    }

    // The bytes below were made by other programs (Python's json, urllib, html, base64, hashlib), not by this file.

    #[test]
    fn text_in_any_case() {
        seen("plain", "text", b"Qz7kXw93vTu1");
        seen("plain", "text", b"qz7kxw93vtu1");
        seen("plain", "text", b"QZ7KXW93VTU1");
        seen("odd", "text", "ZÄQ\"7&<K X/9'Ω".as_bytes());
        seen("odd", "text", "zäq\"7&<k x/9'ω".as_bytes());
        seen("odd", "text", "Za\u{308}q\"7&<k x/9'Ω".as_bytes());
    }

    #[test]
    fn utf_16_of_both_orders() {
        seen("plain", "utf-16le", b"Q\0z\x007\0k\0X\0w\x009\x003\0v\0T\0u\x001\0");
        seen("plain", "utf-16be", b"\0Q\0z\x007\0k\0X\0w\x009\x003\0v\0T\0u\x001");
        seen("odd", "utf-16le", b"Z\0\xe4\0q\0\"\x007\0&\0<\0k\0 \0x\0/\x009\0'\0\xa9\x03");
    }

    #[test]
    fn json_escapes() {
        seen("odd", "json", "Zäq\\\"7&<k x/9'Ω".as_bytes());
        seen("odd", "json", "Zäq\\\"7&<k x\\/9'Ω".as_bytes());
        seen("odd", "json", br#"Z\u00e4q\"7&<k x/9'\u03a9"#);
        seen("odd", "json", br"\u005a\u00E4\u0071\u0022\u0037\u0026\u003c\u006b\u0020\u0078\u002f\u0039\u0027\u03A9");
    }

    #[test]
    fn url_escapes() {
        seen("odd", "url", b"Z%C3%A4q%227%26%3Ck%20x%2F9%27%CE%A9");
        seen("odd", "url", b"Z%c3%a4q%227%26%3ck+x%2f9%27%ce%a9");
        seen("plain", "url", b"%51%7A%37%6B%58%77%39%33%76%54%75%31");
    }

    #[test]
    fn html_escapes() {
        seen("odd", "html", "Zäq&quot;7&amp;&lt;k x/9&#x27;Ω".as_bytes());
        seen("odd", "html", "Zäq&#34;7&amp;&lt;k x/9&#39;Ω".as_bytes());
        seen("odd", "html", "Zäq\"7&amp;&lt;k x/9'Ω".as_bytes());
        seen("plain", "html", b"&#81;&#122;&#55;&#107;&#88;&#119;&#57;&#51;&#118;&#84;&#117;&#49;");
    }

    #[test]
    fn doubled_quotes_of_csv() {
        seen("odd", "csv", "\"Zäq\"\"7&<k x/9'Ω\"".as_bytes());
    }

    #[test]
    fn base64_at_all_three_alignments() {
        seen("plain", "base64", b"UXo3a1h3OTN2VHUx");
        seen("plain", "base64", b"LVF6N2tYdzkzdlR1MQ==");
        seen("plain", "base64", b"LS1RejdrWHc5M3ZUdTE=");
        seen("odd", "base64", "WsOkcSI3JjxrIHgvOSfOqQ==".as_bytes());
        seen("plain", "base64", b"cXo3a3h3OTN2dHUx");
    }

    #[test]
    fn hex_in_any_case() {
        seen("plain", "hex", b"517a376b5877393376547531");
        seen("plain", "hex", b"517A376B5877393376547531");
    }

    #[test]
    fn unkeyed_digests_raw_hex_and_base64() {
        for (form, digest) in DIGESTS {
            seen("plain", form, digest.as_bytes());
            seen("plain", form, &digest.as_bytes()[..16]);
            let raw: Vec<u8> =
                (0..digest.len()).step_by(2).map(|i| u8::from_str_radix(&digest[i..i + 2], 16).unwrap()).collect();
            seen("plain", form, &raw);
            seen("plain", form, BASE64_STANDARD.encode(&raw).as_bytes());
        }
        seen("plain", "sha-256", LOWERED_SHA_256.as_bytes());
    }

    #[test]
    fn eight_bytes_are_enough() {
        seen("plain", "prefix", b"Qz7kXw93");
        seen("plain", "hex prefix", b"517a376b58773933");
        assert_eq!(sweep().bytes("blob", b"Qz7kXw9"), []);
        let whole = Sweep::new(&[Canary::whole("date", "1987-03-12")]);
        assert_eq!(whole.bytes("blob", b"1987-03-11"), []);
        assert_eq!(whole.bytes("blob", b"1987-03-12").len(), 1);
    }

    #[test]
    fn keys_as_bytes_hex_and_base64() {
        let key = Sweep::new(&[Canary::secret("key", &[0xa7; 32])]);
        for (form, bytes) in [
            ("bytes", vec![0xa7; 8]),
            ("text", "a7".repeat(32).into_bytes()),
            ("prefix", "A7A7A7A7".into()),
            ("base64", BASE64_STANDARD.encode([0xa7; 32]).into_bytes()),
        ] {
            assert!(key.bytes("blob", &bytes).iter().any(|hit| hit.form == form), "{form}");
        }
    }

    #[test]
    fn inside_gzip_of_several_members_zip_zstd_and_bzip2() {
        let gz = |text: &str| {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            packed.write_all(text.repeat(3).as_bytes()).unwrap();
            packed.finish().unwrap()
        };
        let two = [gz("nothing here "), gz(PLAIN)].concat();
        assert_eq!(places(&sweep().bytes("a.gz", &two)), ["a.gz!gz"]);
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        archive.start_file("inner.gz", zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(&gz(PLAIN)).unwrap();
        let zip = archive.finish().unwrap().into_inner();
        assert_eq!(places(&sweep().bytes("b.zip", &zip)), ["b.zip!member 0!gz"]);
        let zst = zstd::encode_all(&two[..], 1).unwrap();
        assert_eq!(places(&sweep().bytes("c.zst", &zst)), ["c.zst!zst!gz"]);
        let mut bz2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bz2.write_all(&zst).unwrap();
        assert_eq!(places(&sweep().bytes("d.bz2", &bz2.finish().unwrap())), ["d.bz2!bz2!zst!gz"]);
    }

    #[test]
    fn inside_parquet_whatever_the_encoding() {
        use arrow::array::{ArrayRef, RecordBatch, StringArray};
        use parquet::{arrow::ArrowWriter, basic, file::properties::WriterProperties};
        let values: ArrayRef = std::sync::Arc::new(StringArray::from(vec!["Qz7kXw8", PLAIN, "Qz7kXw99"]));
        let batch = RecordBatch::try_from_iter([("a", values)]).unwrap();
        let plain = |builder: parquet::file::properties::WriterPropertiesBuilder| {
            let zstd = basic::Compression::ZSTD(basic::ZstdLevel::try_new(1).unwrap());
            let properties = builder
                .set_compression(zstd)
                .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None)
                .build();
            let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
            (0..200).for_each(|_| writer.write(&batch).unwrap());
            writer.into_inner().unwrap()
        };
        let dictionary = sweep().bytes("d.parquet", &plain(WriterProperties::builder()));
        assert!(places(&dictionary).contains(&"d.parquet!group 0 column 0 page 0".into()), "{dictionary:?}");
        let delta =
            WriterProperties::builder().set_dictionary_enabled(false).set_encoding(basic::Encoding::DELTA_BYTE_ARRAY);
        let delta = sweep().bytes("e.parquet", &plain(delta));
        assert_eq!(places(&delta), ["e.parquet!batch 0"], "only the decoded array has the whole value");
    }

    #[test]
    fn names_of_files_and_folders() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("city=qz7kxw93vtu1")).unwrap();
        std::fs::write(folder.path().join("city=qz7kxw93vtu1/part"), b"clean").unwrap();
        assert_eq!(sweep().tree(folder.path()).len(), 2, "as text and as prefix");
    }

    #[test]
    fn bytes_of_chance_hold_nothing() {
        let mut noise = vec![0; 1 << 20];
        blake3::Hasher::new().update(b"noise").finalize_xof().fill(&mut noise);
        assert_eq!(sweep().bytes("noise", &noise), []);
        assert_eq!(sweep().bytes("keyed", blake3::keyed_hash(&[7; 32], PLAIN.as_bytes()).to_hex().as_bytes()), []);
    }

    fn places(hits: &[Hit]) -> Vec<String> {
        hits.iter().map(|hit| hit.place.clone()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    const DIGESTS: [(&str, &str); 4] = [
        ("sha-256", "912d5d6dcf3d62fcbdeb1ab80ab84a74d940c64a77b02853050800223966ba74"),
        ("sha-1", "a1cf6e253d55cb0b4a8a09fe0e914e8dc8122a55"),
        ("md5", "5bc767ee26eb98d399aefbf551d52124"),
        ("blake3", "300d46c603cc4250d7c0f098e17e0e9ac0703947f7245ac97dcbff49adfb41f7"),
    ];
    const LOWERED_SHA_256: &str = "af7d86dbe898010fd6bce6dfe37c4eb412edf5e88a39da7fb70330ad89c9e3c8";
}
