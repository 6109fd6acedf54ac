//! R59: files without a header, by names of the source or of a file beside them.

use super::*;
use crate::policy::{ModelFile, NamesFrom};

fn given(names: &[&str]) -> Source {
    let mut source = source();
    source.read.names = NamesFrom::Given(names.iter().map(ToString::to_string).collect());
    source
}

fn modelled(name: &str) -> Source {
    let mut source = source();
    source.read.names = NamesFrom::Model(ModelFile { name: name.into(), entity: "contact".into() });
    source
}

#[test]
fn r59_records_are_those_of_a_file_with_that_header() {
    let long = "x".repeat(100_000);
    for text in ["1,a\n2,b\n", "\n\r\n1,\"a\nb\"\n2,\n", "\u{feff}1,a\n", &format!("1,{long}\n2,b\n")] {
        let headed = format!("Id,Name\n{}", text.trim_start_matches('\u{feff}'));
        let expected = rows(headed.as_bytes(), &source(), &["Name", "Id"]);
        assert_eq!(rows(text.as_bytes(), &given(&["Id", "Name"]), &["Name", "Id"]), expected);
        assert_eq!(rows(&gzip(text.as_bytes()), &given(&[" Id ", "Name"]), &["Name", "Id"]), expected);
    }
    assert_eq!(rows(b"\n1\n", &given(&["Id"]), &["Id"]), [[""], ["1"]]);
    assert!(rows(b"\n", &given(&["Id", "Name"]), &["Id"]).is_empty());
}

#[test]
fn r59_another_number_of_cells_is_refused() {
    let refused = |text: &str| refusal(text.as_bytes(), &given(&["Id", "Name"]), &["Id"]);
    assert_eq!(refused("canary\n"), "raw:x.csv: its first record has 1 cells, and 2 columns are named");
    assert_eq!(refused("1,2,canary"), "raw:x.csv: its first record has 3 cells, and 2 columns are named");
    assert_eq!(
        refused("1,2\n3,4,canary\n"),
        "raw:x.csv, record 2, byte 4: the record has 3 cells, and 2 columns are named"
    );
    assert_eq!(refused("1,\"canary"), "raw:x.csv, record 1, byte 2: a quote opens a cell and is never closed");
    for header in ["Id,Name\n1,a\n", "\n\"id\", NAME \n", "\u{feff}I\u{200b}d,Name"] {
        assert_eq!(refused(header), "raw:x.csv: its first record is the names of its columns");
    }
    assert_eq!(rows(b"Id,a\n", &given(&["Id", "Name"]), &["Id"]), [["Id"]]);
    let lost = refusal(b"1,2\n", &given(&["Id", "Name"]), &["Mail"]);
    assert_eq!(lost, "raw:x.csv has no column Mail, which this job needs");
    let twice = refusal(b"1,2\n", &given(&["Id", "id"]), &["Id"]);
    assert_eq!(twice, "raw:x.csv: columns 1 and 2 of the header have the same name, apart from case");
    let mut narrow = given(&["Id", "Name", "x"]);
    narrow.read.max_columns = 2;
    assert_eq!(refusal(b"1,2,3\n", &narrow, &["Id"]), "raw:x.csv: 3 columns are named, limits.max_columns is 2");
}

const MODEL: &str = r#"{"name":"cdm","entities":[{"name":"account","attributes":[{"name":"Id"}]},
    {"$type":"LocalEntity","name":"contact","attributes":[{"name":"Id","dataType":"guid"},{"name":"Name"}]}]}"#;

/// Reads `2026/contact/1.csv`, with these files beside or above it.
fn beside(files: &[(&str, &str)], source: &Source) -> Result<Vec<Vec<String>>, String> {
    let folder = folder(&[("2026/contact/1.csv", b"1,a\n2,b\n")]);
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let (root, columns) = (root(folder.path()), wanted(&["Id", "Name"]));
    let input = Location { root: "raw".into(), path: "2026/contact/*.csv".into() };
    let selection = select(&root, &input, None, Instant(0)).unwrap();
    let request = request(source, &columns, &[0, 1]);
    let reader = Reader::open(&root, &selection, &request, &Silent).map_err(|error| {
        assert!(error.kind() == Kind::Input && error.help_text().is_some(), "{error}");
        error.message().to_string()
    })?;
    let (mut scratch, mut found) = (Scratch::default(), Vec::new());
    while let Some(batch) = reader.next(&mut scratch).map_err(|error| error.message().to_string())? {
        let row = |row| (0..2).map(|column| batch.value(row, column).unwrap_or_default().to_string()).collect();
        found.extend((0..batch.rows()).map(row));
    }
    Ok(found)
}

#[test]
fn r59_names_are_in_the_nearest_file_that_lists_them() {
    let source = modelled("model.json");
    let expected = vec![vec!["1".to_string(), "a".into()], vec!["2".into(), "b".into()]];
    let other = MODEL.replace("\"Id\",\"dataType\"", "\"No\",\"dataType\"");
    for files in [
        &[("model.json", MODEL)][..],
        &[("2026/model.json", MODEL), ("model.json", &other)],
        &[("2026/contact/model.json", MODEL), ("2026/model.json", "{")],
    ] {
        assert_eq!(beside(files, &source), Ok(expected.clone()), "{files:?}");
    }
    let document = r#"{"definitions":[{"entityName":"contact","hasAttributes":[{"name":"Id"},{"name":"Name"}]}]}"#;
    let manifest = |path: &str| format!(r#"{{"entities":[{{"entityName":"contact","entityPath":"{path}"}}]}}"#);
    let manifested = modelled("default.manifest.cdm.json");
    let with = |path: &str| {
        let files =
            [("2026/default.manifest.cdm.json", manifest(path)), ("2026/docs/contact.cdm.json", document.into())];
        beside(&files.each_ref().map(|(path, text)| (*path, text.as_str())), &manifested)
    };
    assert_eq!(with("docs/contact.cdm.json/contact"), Ok(expected));
    for (path, told) in [
        (
            "docs/lead.cdm.json/contact",
            "raw:2026/default.manifest.cdm.json names the document docs/lead.cdm.json, which is not there",
        ),
        ("docs/contact.cdm.json/lead", "raw:2026/docs/contact.cdm.json has no definition lead"),
        (
            "../x.cdm.json/contact",
            "raw:2026/default.manifest.cdm.json names the document of an entity in a way that is not read",
        ),
        ("contact", "raw:2026/default.manifest.cdm.json names the document of an entity in a way that is not read"),
    ] {
        assert_eq!(with(path), Err(told.to_string()));
    }
    for (text, told) in [
        ("", "raw:model.json does not say which entities there are: line 1, column 0"),
        (&MODEL[..60], "raw:model.json does not say which entities there are: line 1, column 60"),
        ("{\"entities\":[]}", "raw:model.json has no entity contact"),
        (&MODEL.replace("\"account\"", "\"contact\""), "raw:model.json has more than one entity contact"),
        ("{\"entities\":[{\"name\":\"contact\"}]}", "raw:model.json names no columns of entity contact"),
    ] {
        assert_eq!(beside(&[("model.json", text)], &source), Err(told.to_string()));
    }
    let none = beside(&[("2026/lead/model.json", MODEL)], &source);
    assert_eq!(none, Err("raw:2026/contact/1.csv: no model.json lies beside it or in a folder above".into()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    /// A changed list of names gives other names, or is refused: there is no panic, and no file is read by guess.
    #[test]
    fn flipped_and_cut_lists_of_names_never_give_other_cells(at: proptest::sample::Index, bit in 0..7_u8, cut: bool) {
        let at = at.index(MODEL.len());
        let mut bytes = MODEL.as_bytes().to_vec();
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        let text = String::from_utf8(bytes).unwrap();
        if let Ok(rows) = beside(&[("model.json", &text)], &modelled("model.json")) {
            prop_assert!(!cut && rows[0] == ["1", "a"]);
        }
    }
}
