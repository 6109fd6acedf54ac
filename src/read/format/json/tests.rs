//! Whole JSON files through the reader, with `serde_json` as the oracle: what it gives is what is written, what it refuses
//! is said with its byte, and neither depends on blocks or threads.

use crate::policy::{Column, JsonFormat, RecordFormat, Several, Source};
use crate::read::ReadReport;
use crate::read::tests::{How, folder, read_columns, source, wanted};
use proptest::prelude::*;
use serde_json::Value;

/// A row's record number and cells.
type Row = (u64, Vec<Option<String>>);

fn json(rules: JsonFormat) -> Source {
    let mut source = source();
    source.read.records = RecordFormat::Json(rules);
    source
}

fn lines() -> Source {
    json(JsonFormat::Lines)
}

fn arrays(path: &[&str]) -> Source {
    json(JsonFormat::Arrays { path: path.iter().map(ToString::to_string).collect() })
}

/// Reads a file in small and large blocks, on one and on several threads: all say the same.
fn read(text: &[u8], source: &Source, columns: &[Column]) -> Result<(Vec<Row>, ReadReport), String> {
    let folder = folder(&[("x.json", text)]);
    let read = |block_bytes, threads| {
        let how = How { threads, block_bytes, drop: false };
        let read = read_columns(folder.path(), source, columns, &how);
        let rows =
            |rows: crate::read::tests::Rows| rows.into_iter().map(|(_, record, cells)| (record, cells)).collect();
        read.map(|(all, report)| (rows(all), report)).map_err(|error| {
            let help = error.help_text().unwrap_or_default();
            format!("{}: {help}", error.message())
        })
    };
    let first: Result<(Vec<Row>, ReadReport), String> = read(1 << 20, 1);
    for (block_bytes, threads) in [(1, 1), (7, 2), (64, 3), (300, 1)] {
        let again = read(block_bytes, threads);
        assert_eq!(again, first, "blocks of {block_bytes}, {threads} threads: {}", String::from_utf8_lossy(text));
    }
    first
}

fn cells(text: &str, source: &Source, columns: &[&str]) -> Vec<Vec<Option<String>>> {
    let (rows, _) = read(text.as_bytes(), source, &wanted(columns)).unwrap_or_else(|error| panic!("{error}"));
    rows.into_iter().map(|(_, cells)| cells).collect()
}

fn refusal(text: &str, source: &Source, columns: &[&str]) -> String {
    let read = read(text.as_bytes(), source, &wanted(columns));
    let Err(error) = read else { panic!("read: {text}") };
    error
}

fn some(cells: &[&str]) -> Vec<Option<String>> {
    cells.iter().map(|cell| (!cell.is_empty()).then(|| cell.to_string())).collect()
}

#[test]
fn r56_records_are_found_in_lines_arrays_and_pages() {
    let expected = [some(&["1", "a"]), some(&["2", ""])];
    for text in [
        "{\"Id\":\"1\",\"o\":{\"x\":\"a\"}}\n\n {\"Id\":\"2\",\"o\":null}\r\n",
        "\u{feff}{\"Id\":\"1\",\"o\":{\"x\":\"a\"}}\n{\"Id\":\"2\",\"o\":{}}",
    ] {
        assert_eq!(cells(text, &lines(), &["Id", "o.x"]), expected, "{text}");
    }
    for text in [
        "[{\"Id\":\"1\",\"o\":{\"x\":\"a\"}},{\"Id\":\"2\"}]",
        "\u{feff} [ {\"o\":{\"x\":\"a\"} , \"Id\":\"1\"}\n,\n{ \"Id\" : \"2\" } ]\n",
        "[] [{\"Id\":\"1\",\"o\":{\"x\":\"a\"}}] [ ]\n[{\"Id\":\"2\",\"o\":{\"y\":[1,{\"x\":2}]}}]",
    ] {
        assert_eq!(cells(text, &arrays(&[]), &["Id", "o.x"]), expected, "{text}");
    }
    for text in [
        "{\"n\":2,\"data\":{\"items\":[{\"Id\":\"1\",\"o\":{\"x\":\"a\"}},{\"Id\":\"2\"}],\"z\":[1]},\"done\":true}",
        "{\"data\":{\"items\":[{\"Id\":\"1\",\"o\":{\"x\":\"a\"}}]}}\n{\"data\":{\"items\":[]}} {\"a\":{\"data\":1},\"data\":{\"b\":\
         [[]],\"items\":[{\"Id\":\"2\"}]}}",
    ] {
        assert_eq!(cells(text, &arrays(&["data", "items"]), &["Id", "o.x"]), expected, "{text}");
    }
}

#[test]
fn r57_values_are_as_written_and_texts_as_meant() {
    let text =
        r#"[{"a":12345678901234567890,"b":1.0,"c":1e5,"d":true,"e":"x\"\u00fc\ud83d\ude00\/","f":"  ","g":-0.10}]"#;
    let row = cells(text, &arrays(&[]), &["a", "b", "c", "d", "e", "f", "g"]).remove(0);
    assert_eq!(row, some(&["12345678901234567890", "1.0", "1e5", "true", "x\"ü😀/", "", "-0.10"]));
    let mut source = lines();
    source.read.null = vec!["n/a".into(), "0".into()];
    let text = "{\"a\":\"n/a\",\"b\":0,\"c\":\"n\\/a\",\"d\":null,\"e\":\"\",\"f\":false}\n";
    assert_eq!(cells(text, &source, &["a", "b", "c", "d", "e", "f"]), [some(&["", "", "", "", "", "false"])]);
}

#[test]
fn elements_of_arrays_are_chosen_by_place_or_by_a_key() {
    let text = r#"{"emails":[{"value":"a","primary":false,"t":{"k":"1"}},{"t":{"k":"2"},"value":"b","primary":true}],"n":[[7]]}
{"emails":[],"n":[]}
{"emails":null}
{"emails":[{"value":"c"}],"n":[[]]}"#;
    let columns = ["emails[0].value", "emails[primary=true].value", "emails[1].t.k", "n[0][0]"];
    let expected = [some(&["a", "b", "2", "7"]), some(&["", "", "", ""]), some(&[""; 4]), some(&["c", "", "", ""])];
    assert_eq!(cells(text, &lines(), &columns), expected);
    let twice = r#"{"emails":[{"p":1,"v":"a"},{"p":1,"v":"b"}]}"#;
    assert_eq!(
        refusal(twice, &lines(), &["emails[p=1].v"]),
        "raw:x.json, record 1, byte 27: column emails[p=1].v chooses several elements: choose by a key whose \
         value only one element has, or by a number"
    );
}

#[test]
fn a_column_can_say_whether_there_is_something() {
    let mut source = lines();
    source.listed = vec!["data?".into(), "data.x".into()];
    let text = "{\"id\":1,\"data\":{\"x\":2}}\n{\"id\":2,\"data\":null}\n{\"id\":3}\n{\"id\":4,\"data\":{}}\n";
    let expected =
        [["1", "true", "2"], ["2", "false", ""], ["3", "false", ""], ["4", "true", ""]].map(|row| some(&row));
    assert_eq!(cells(text, &source, &["id", "data?", "data.x"]), expected);
    let (_, report) = read(text.as_bytes(), &lines(), &wanted(&["id", "data?"])).unwrap();
    assert_eq!(report.names, ["id", "data?"]);
    assert!(refusal("{\"id\":1}", &source, &["id", "data?"]).contains("has no column data?, which this job needs"));
    assert_eq!(cells("{\"a\":[0,null]}", &source, &["a[0]?", "a[1]?", "a[2]?"]), [some(&["true", "false", "false"])]);
}

#[test]
fn several_values_are_joined_only_where_the_column_says_so() {
    let mut columns = wanted(&["ids"]);
    columns[0].several = Some(Several { separator: ';', until: None, inside: None, most: 10 });
    let rows = |text: &str| read(text.as_bytes(), &lines(), &columns).map(|(rows, _)| rows);
    let text = "{\"ids\":[1,\"a\\u0062\",null,\"\"]}\n{\"ids\":[]}\n{\"ids\":\"x;y\"}\n";
    let found: Vec<_> = rows(text).unwrap().into_iter().map(|(_, cells)| cells[0].clone()).collect();
    assert_eq!(found, [Some("1;ab".into()), None, Some("x;y".into())]);
    assert!(
        rows("{\"ids\":[\"a;b\"]}").unwrap_err().contains("byte 8: column ids holds a value that has the separator")
    );
    assert!(rows("{\"ids\":[[1]]}").unwrap_err().contains("byte 8: column ids holds an array of something else"));
    assert!(refusal("{\"ids\":[1]}", &lines(), &["ids"]).contains("byte 7: column ids holds an array"));
    assert_eq!(cells("{\"ids\":[]}", &lines(), &["ids"]), [some(&[""])]);
}

#[test]
fn r57_what_no_cell_can_be_is_refused_at_its_byte() {
    for (text, said) in [
        ("{\"o\":{\"x\":1}}\n{\"o\":{\"x\":{}}}\n", "record 2, byte 24: column o.x holds an object"),
        (
            "{\"o\":{\"x\":1}}\n{\"o\":\"z\"}\n",
            "record 2, byte 19: column o.x continues below this place, but a value is here",
        ),
        ("{\"o\":[{\"x\":1}]}\n", "record 1, byte 5: column o.x continues below this place, but a value is here"),
        ("{\"o\":{\"x\":\"\\u0000\"}}\n", "record 1, byte 10: a NUL character"),
        ("{\"o\":{\"x\":\"\\ufffd\"}}\n", "record 1, byte 10: the replacement character"),
        ("{\"y\":\"\u{fffd}\",\"o\":{\"x\":1}}\n", "record 1, byte 6: the replacement character"),
        ("{\"o\":{\"x\":1},\"o\":{\"y\":1}}\n", "record 1, byte 13: an object has the same key twice"),
        ("{\"o\":{\"x\":1,\"\\u0078\":2}}\n", "record 1, byte 12: an object has the same key twice"),
        ("{\"z\":[{\"a\":1,\"a\":2}],\"o\":{\"x\":1}}\n", "record 1, byte 13: an object has the same key twice"),
        ("{\"o\":{\"x\":1}} {}\n", "record 1, byte 14: something follows the record in its line"),
        ("{\"o\":{\"x\":1}\n}\n", "record 1, byte 12: the line ends within a record"),
        ("{\"o\":{\"x\":1}}\n{\"o\":{\"x\":", "record 2, byte 24: the file ends within a record"),
        ("[{\"o\":{\"x\":1}}]\n", "record 1, byte 0: the record is no object"),
    ] {
        let error = refusal(text, &lines(), &["o.x"]);
        assert!(error.starts_with(&format!("raw:x.json, {said}")), "{text}: {error}");
    }
    let mut columns = wanted(&["Id"]);
    columns[0].identified = true;
    for (number, told) in [("1.0", "a number with a point"), ("1e3", "a number with a point"), ("-0", "-0")] {
        let error = read(format!("{{\"Id\":{number}}}").as_bytes(), &lines(), &columns).unwrap_err();
        assert!(error.contains(&format!("byte 6: column Id is an identifier and holds {told}")), "{error}");
    }
    assert!(read(b"{\"Id\":12345678901234567890}", &lines(), &columns).is_ok());
}

#[test]
fn r56_what_is_around_records_is_checked_too() {
    for (path, text, said) in [
        (&[][..], "{\"results\":[{\"Id\":1}]}", "record 1, byte 0: an object begins where an array of records"),
        (&[], "Id,Name\n1,a\n", "record 1, byte 0: neither an object nor an array begins here"),
        (&[], "[{\"Id\":1}", "record 1, byte 9: the file ends within"),
        (&[], "[{\"Id\":1},", "record 2, byte 10: the file ends within"),
        (&[], "[{\"Id\":1},]", "record 2, byte 10: a character that JSON cannot have here"),
        (&[], "[{\"Id\":1}]]", "record 2, byte 10: neither an object"),
        (&[], "[{\"Id\":1},null]", "record 2, byte 10: the record is no object"),
        (&[], "[{\"Id\":1}}", "record 1, byte 9: a character that JSON cannot have here"),
        (&["a"], "[{\"Id\":1}]", "record 1, byte 0: something other than an object"),
        (&["a"], "{\"b\":[{\"Id\":1}]}", "record 1, byte 15: the object has no array at the path"),
        (&["a"], "{\"a\":null}", "record 1, byte 5: the object has no array at the path"),
        (&["a"], "{\"a\":[{\"Id\":1}],\"a\":[{\"Id\":1}]}", "record 2, byte 16: an object has the same key twice"),
        (&["a"], "{\"a\":[{\"Id\":1}],\"b\":{\"c\":1,\"c\":2}}", "record 2, byte 27: an object has the same key twice"),
        (&["a"], "{\"a\":[{\"Id\":1}]", "record 2, byte 15: the file ends within"),
        (&["a"], "{\"a\":[{\"Id\":1}],}", "record 2, byte 16: a character that JSON cannot have here"),
        (&["a"], "{\"b\":\"\u{fffd}\",\"a\":[{\"Id\":1}]}", "record 1, byte 6: the replacement character"),
    ] {
        let error = refusal(text, &arrays(path), &["Id"]);
        assert!(error.starts_with(&format!("raw:x.json, {said}")), "{text}: {error}");
    }
    let malformed = [&b"[{\"Id\":\"a"[..], b"\xff\"}]"].concat();
    let error = read(&malformed, &arrays(&[]), &wanted(&["Id"])).unwrap_err();
    assert!(error.starts_with("raw:x.json, record 1, byte 9: bytes that are malformed for utf-8"), "{error}");
    let around = [&b"{\"x\":\"\xff\",\"a\":[{\"Id\":1}]}"[..]].concat();
    let error = read(&around, &arrays(&["a"]), &wanted(&["Id"])).unwrap_err();
    assert!(error.starts_with("raw:x.json, record 1, byte 6: bytes that are malformed for utf-8"), "{error}");
}

#[test]
fn records_and_pages_have_a_longest_length_whatever_the_blocks() {
    for (mut source, open, close) in [(lines(), "", "\n"), (arrays(&[]), "[", "]")] {
        source.read.max_record_bytes = 40;
        let record = |length: usize| format!("{{\"Id\":\"{}\"}}", "a".repeat(length - 9));
        let text = |length| format!("{open}{}{close}", record(length));
        assert_eq!(cells(&text(40), &source, &["Id"]).len(), 1);
        let error = refusal(&text(41), &source, &["Id"]);
        assert!(error.contains(": the record is longer than 40 bytes"), "{error}");
        let faulty = text(60).replace("{\"Id\":\"aa", "{\"Id\":\"\\q");
        assert!(refusal(&faulty, &source, &["Id"]).contains("a backslash before a character"));
        let late = text(60).replace("a\"}", "a\u{1}}");
        assert!(refusal(&late, &source, &["Id"]).contains("longer than 40 bytes"));
    }
    let mut source = arrays(&["a"]);
    source.read.max_record_bytes = 40;
    let text = |length| format!("{{\"b\":\"{}\",\"a\":[{{\"Id\":1}}]}}", "x".repeat(length));
    assert_eq!(cells(&text(34), &source, &["Id"]).len(), 1);
    assert!(refusal(&text(40), &source, &["Id"]).contains("the record is longer than 40 bytes"));
}

#[test]
fn columns_are_judged_by_all_records_of_a_file() {
    let mut source = lines();
    source.listed = ["Id", "o.x", "Fax", "tags[0].name", "lost"].map(String::from).to_vec();
    let text = "{\"Id\":1,\"more\":{\"k\":1}}\n{\"o\":{\"x\":\"a\",\"y\":1},\"tags\":[{\"name\":1}]}\n{\"Fax\":null,\"z\":[]}\n";
    let (rows, report) = read(text.as_bytes(), &source, &wanted(&["o.x", "Id"])).unwrap();
    assert_eq!(rows[0], (1, some(&["", "1"])));
    assert_eq!(rows[1], (2, some(&["a", ""])));
    let drift: Vec<_> = report.drift.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(drift, ["more", "o.y", "z"]);
    assert_eq!(report.lost.iter().map(|lost| lost.name.as_str()).collect::<Vec<_>>(), ["lost"]);
    assert_eq!(report.names, ["Id", "more", "o.x", "o.y", "tags[0].name", "Fax", "z"]);
    let error = refusal(text, &source, &["Id", "o.w"]);
    assert!(error.starts_with("raw:x.json has no column o.w, which this job needs"), "{error}");
    assert!(refusal("{\"tags\":[{\"nam\":1}]}", &source, &["tags[0].name"]).contains("has no column tags[0].name"));
    assert_eq!(cells("{\"tags\":[{\"name\":1}]}", &source, &["tags[1].name"]), [some(&[""])]);
    assert_eq!(cells("{\"tags\":[{\"k\":1}]}", &source, &["tags[k=2].name"]), [some(&[""])]);
    assert!(refusal("{\"tags\":[{\"k\":1}]}", &source, &["tags[j=2].name"]).contains("has no column tags[j=2].name"));
    assert_eq!(cells("{\"tags\":[]}\n{\"o\":null}", &source, &["tags[0].name", "o.x"]).len(), 2);
    assert_eq!(cells("\n", &source, &["Id"]).len(), 0);
    source.read.refuse_drift = true;
    assert!(refusal(text, &source, &["Id"]).contains("has columns that the source does not list: more, o.y, z"));
    source.read.max_columns = 6;
    assert!(refusal(text, &source, &["Id"]).contains("its records have more than 6 columns"));
}

#[test]
fn a_column_has_one_of_its_names_in_a_file() {
    let mut source = lines();
    source.listed = vec!["email".into()];
    source.also = [("properties.email".to_string(), "email".to_string())].into();
    assert_eq!(cells("{\"properties\":{\"email\":\"a\"}}", &source, &["email"]), [some(&["a"])]);
    let both = "{\"properties\":{\"email\":\"a\"}}\n{\"email\":\"b\"}";
    assert!(refusal(both, &source, &["email"]).contains("columns 1 and 2 of the records are both column email"));
    let unseen = "{\"email\":1}\n{\"em\u{200b}ail\":2}";
    assert!(
        refusal(unseen, &source, &["email"]).contains("columns 1 and 2 of the records have the same name, apart from")
    );
    assert!(refusal("{\"email\":1,\"Email\":2}", &source, &["email"]).contains("have the same name"));
}

#[test]
fn records_without_a_value_are_counted_as_blank() {
    let (_, report) =
        read(b"{}\n{\"a\":null,\"Id\":\" \"}\n{\"Id\":1}\n{\"z\":{\"y\":1}}\n", &lines(), &wanted(&["Id"])).unwrap();
    assert_eq!((report.records(), report.blank()), (4, 2));
}

/// How a value is written in more than one way.
fn written(value: &Value, wide: bool) -> String {
    match value {
        Value::String(text) if wide => {
            let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
            format!("\"{}\"", units.collect::<String>())
        }
        Value::Array(all) => {
            let all: Vec<_> = all.iter().map(|value| written(value, wide)).collect();
            format!("[{}]", all.join(if wide { " ,\t" } else { "," }))
        }
        Value::Object(all) => {
            let pair =
                |(key, value): (&String, &Value)| format!("{}:{}", Value::from(key.as_str()), written(value, wide));
            let all: Vec<_> = all.iter().map(pair).collect();
            format!("{{{}}}", all.join(if wide { " , " } else { "," }))
        }
        other => other.to_string(),
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9f64).prop_map(Value::from),
        "[^\u{fffd}\0]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map("[a-c.é\"\\\\]{0,3}", inner, 0..4)
                .prop_map(|all| Value::from(all.into_iter().collect::<serde_json::Map<_, _>>())),
        ]
    })
}

/// Records with a needed column `a`, one at `o.x`, and whatever else.
fn any_record() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[^\u{fffd}\0]{0,20}".prop_map(Value::from),
    ];
    (proptest::option::of(scalar.clone()), proptest::option::of(scalar), any_value(), any_value()).prop_map(
        |(a, x, inner, other)| {
            let mut record = serde_json::Map::new();
            record.insert("z".into(), other);
            let mut within = serde_json::Map::new();
            within.insert("w".into(), inner);
            x.into_iter().for_each(|x| drop(within.insert("x".into(), x)));
            record.insert("o".into(), within.into());
            a.into_iter().for_each(|a| drop(record.insert("a".into(), a)));
            record.into()
        },
    )
}

fn expected(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    (!crate::invisible::is_blank(&text)).then_some(text)
}

fn of_record(record: &Value) -> Vec<Option<String>> {
    vec![expected(record.get("a")), expected(record.get("o").and_then(|o| o.get("x")))]
}

/// A file of records, in one of three layouts.
fn laid_out(records: &[Value], layout: usize, wide: bool) -> (String, Source) {
    let all: Vec<_> = records.iter().map(|record| written(record, wide)).collect();
    match layout {
        0 => (all.join("\n"), lines()),
        1 => (format!("[{}]", all.join(", ")), arrays(&[])),
        _ => {
            let page = |record: &String| format!("{{\"x\":[1],\"data\":{{\"items\":[{record}]}}}}\n");
            (all.iter().map(page).collect(), arrays(&["data", "items"]))
        }
    }
}

/// What `serde_json` says that the records of a file are, or why it refuses them.
fn oracle(text: &str, layout: usize) -> Result<Vec<Value>, String> {
    let said = |error: serde_json::Error| error.to_string();
    if layout == 0 {
        let lines = text.split('\n').filter(|line| !line.trim_ascii().is_empty());
        return lines.map(|line| serde_json::from_str(line).map_err(said)).collect();
    }
    let mut records = Vec::new();
    for text in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        let text = text.map_err(said)?;
        let array = if layout == 1 { &text } else { &text["data"]["items"] };
        records.extend(array.as_array().ok_or("no array")?.iter().cloned());
    }
    Ok(records)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn r56_r57_cells_are_what_serde_json_reads(
        records in proptest::collection::vec(any_record(), 1..6), layout in 0usize..3, wide: bool,
    ) {
        let (text, mut source) = laid_out(&records, layout, wide);
        source.read.max_columns = 100;
        let filled = |at: usize| records.iter().any(|record| if at == 0 { record.get("a").is_some() } else { record["o"].get("x").is_some() });
        prop_assume!(filled(0) && filled(1));
        let (rows, _) = read(text.as_bytes(), &source, &wanted(&["a", "o.x"])).unwrap();
        let cells: Vec<_> = rows.into_iter().map(|(_, cells)| cells).collect();
        prop_assert_eq!(cells, records.iter().map(of_record).collect::<Vec<_>>());
    }

    #[test]
    fn r56_damage_is_refused_or_changes_nothing_but_what_it_hits(
        records in proptest::collection::vec(any_record(), 1..4),
        layout in 0usize..3,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), 0u8..4, any::<u8>()), 1..3),
    ) {
        let (text, source) = laid_out(&records, layout, false);
        let mut bytes = text.into_bytes();
        for (at, how, byte) in damage {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            let marks = b"\"{}[],:\\ \n0e.-";
            match how {
                0 => bytes[at] = byte,
                1 => bytes[at] = marks[usize::from(byte) % marks.len()],
                2 => drop(bytes.remove(at)),
                _ => bytes.truncate(at),
            }
        }
        if !bytes.is_empty() && let Ok((rows, _)) = read(&bytes, &source, &wanted(&["a", "o.x"])) {
            let text = String::from_utf8(bytes).unwrap();
            let records = match oracle(&text, layout) {
                Ok(records) => records,
                // It makes a number of each, which we do not.
                Err(error) if error.contains("number out of range") => return Ok(()),
                Err(error) => return Err(TestCaseError::fail(format!("{error}: {text}"))),
            };
            prop_assert_eq!(rows.len(), records.len());
            for ((_, cells), record) in rows.iter().zip(&records) {
                for (cell, meant) in cells.iter().zip(of_record(record)) {
                    let same = *cell == meant || cell.as_deref().and_then(number) == meant.as_deref().and_then(number);
                    prop_assert!(same, "{:?} {:?}", cell, meant);
                }
            }
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}
