//! R60: Parquet files through the reader.

use super::*;
use crate::policy::RecordFormat;
use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression as Packed, GzipLevel, ZstdLevel};
use ::parquet::file::properties::WriterProperties;
use arrow::array::*;
use arrow::datatypes::{DataType, Field, Fields, Int32Type};
use std::sync::Arc;

fn columns(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

fn col(array: impl Array + 'static) -> ArrayRef {
    Arc::new(array)
}

fn written(batch: &RecordBatch, properties: WriterProperties) -> Vec<u8> {
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn parquet(batch: &RecordBatch) -> Vec<u8> {
    written(batch, WriterProperties::default())
}

fn of_parquet() -> Source {
    let mut source = source();
    source.read.records = RecordFormat::Parquet;
    source
}

fn people(rows: usize) -> RecordBatch {
    let text = |row: usize| format!("p{row}");
    columns(vec![
        ("Id", col(StringArray::from_iter_values((0..rows).map(text)))),
        ("City", col(StringArray::from_iter((0..rows).map(|row| (row % 3 > 0).then_some(["Ulm", "Bonn"][row % 2]))))),
        ("Age", col(Int64Array::from_iter((0..rows).map(|row| (row % 5 > 0).then_some(row as i64))))),
    ])
}

#[test]
fn r60_cells_are_those_of_each_leaf_by_its_path() {
    let inner = Fields::from(vec![Field::new("city", DataType::Utf8, true), Field::new("zip", DataType::Int32, true)]);
    let city: ArrayRef = Arc::new(StringArray::from(vec![Some("Ulm"), None, Some("Köln")]));
    let zip: ArrayRef = Arc::new(Int32Array::from(vec![Some(89073), Some(1), None]));
    let address = StructArray::new(inner, vec![city, zip], Some(vec![true, false, true].into()));
    let tags = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)]), None, Some(vec![])]);
    let batch = columns(vec![
        ("Id", col(Int64Array::from(vec![1, 2, 3]))),
        ("tags", col(tags)),
        ("address", col(address)),
        ("at", col(TimestampMicrosecondArray::from(vec![0, 1, -1]).with_timezone("UTC"))),
        ("local", col(TimestampMillisecondArray::from(vec![Some(0), None, Some(1)]))),
        ("born", col(Date32Array::from(vec![0, 19_675, -1]))),
        ("paid", col(Decimal128Array::from(vec![12345, -5, 0]).with_precision_and_scale(9, 2).unwrap())),
        ("rate", col(Float64Array::from(vec![0.1, 5.0, -2.5]))),
        ("yes", col(BooleanArray::from(vec![Some(true), Some(false), None]))),
        ("raw", col(BinaryArray::from(vec![b"a".as_slice(), b"b", b"c"]))),
    ]);
    let names = ["Id", "address.city", "address.zip", "at", "local", "born", "paid", "rate", "yes"];
    let expected = [
        [
            "1",
            "Ulm",
            "89073",
            "1970-01-01T00:00:00.000000Z",
            "1970-01-01T00:00:00.000",
            "1970-01-01",
            "123.45",
            "0.1",
            "true",
        ],
        ["2", "", "", "1970-01-01T00:00:00.000001Z", "", "2023-11-14", "-0.05", "5", "false"],
        ["3", "Köln", "", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00.001", "1969-12-31", "0.00", "-2.5", ""],
    ];
    let bytes = parquet(&batch);
    assert_eq!(rows(&bytes, &of_parquet(), &names), expected);
    assert_eq!(rows(&gzip(&bytes), &of_parquet(), &names), expected);
    assert_eq!(rows(&archive(&[("x.parquet", &bytes)], deflated()), &of_parquet(), &names), expected);
    for (name, told) in [
        ("tags.list.item", "has lists or maps, and a cell is one value"),
        ("raw", "is binary, and not declared as text"),
    ] {
        assert_eq!(refusal(&bytes, &of_parquet(), &["Id", name]), format!("raw:x.csv: column {name} {told}"));
    }
    let none = refusal(&bytes, &of_parquet(), &["Mail"]);
    assert_eq!(none, "raw:x.csv has no column Mail, which this job needs");
    let folder = folder(&[("x", &bytes)]);
    let (_, report) = read(folder.path(), &of_parquet(), &["Id"], &PLAIN).unwrap();
    assert_eq!(report.inputs[0].blake3, blake3::hash(&bytes).to_hex().to_string());
    assert_eq!((report.inputs[0].records, report.inputs[0].bytes, report.names.len()), (3, bytes.len() as u64, 11));
}

#[test]
fn r60_row_groups_pages_and_compressions_say_nothing() {
    let batch = people(5000);
    let expected = rows(&parquet(&batch), &of_parquet(), &["Id", "City", "Age"]);
    assert_eq!(
        (expected.len(), expected[4999].join(","), expected[3].join(",")),
        (5000, "p4999,Bonn,4999".into(), "p3,,3".into())
    );
    let builder =
        || WriterProperties::builder().set_max_row_group_row_count(Some(700)).set_data_page_row_count_limit(90);
    for packed in [
        Packed::UNCOMPRESSED,
        Packed::SNAPPY,
        Packed::ZSTD(ZstdLevel::default()),
        Packed::GZIP(GzipLevel::default()),
        Packed::LZ4_RAW,
    ] {
        let properties = builder().set_compression(packed).set_write_batch_size(50);
        assert_eq!(
            rows(&written(&batch, properties.build()), &of_parquet(), &["Id", "City", "Age"]),
            expected,
            "{packed:?}"
        );
    }
    let properties = builder()
        .set_dictionary_enabled(false)
        .set_writer_version(::parquet::file::properties::WriterVersion::PARQUET_2_0);
    assert_eq!(rows(&written(&batch, properties.build()), &of_parquet(), &["Id", "City", "Age"]), expected);
    let required = RecordBatch::try_from_iter(vec![("Id", col(Int64Array::from_iter_values(0..3000)))]).unwrap();
    assert!(!required.schema().field(0).is_nullable());
    assert_eq!(rows(&parquet(&required), &of_parquet(), &["Id"])[2999], ["2999"]);
    let none = columns(vec![("Id", col(StringArray::from(Vec::<String>::new())))]);
    assert!(rows(&parquet(&none), &of_parquet(), &["Id"]).is_empty());
}

#[test]
fn r60_what_a_file_says_of_itself_is_not_believed() {
    let good = parquet(&people(50));
    let refused = |bytes: &[u8]| refusal(bytes, &of_parquet(), &["Id", "City"]);
    let length = good.len();
    let end = |footer: u32| [&good[..length - 8], &footer.to_le_bytes(), b"PAR1"].concat();
    for (bytes, told) in [
        (
            good[..length - 1].to_vec(),
            " is damaged: it does not begin and end as a Parquet file: it is cut short, or is none",
        ),
        (good[..4].to_vec(), " is damaged: it is cut short"),
        (end(u32::MAX), " is damaged: its footer is longer than the file"),
        (end(3), " is damaged: its bytes cannot be decoded"),
        ([&good[..length - 4], b"PARE"].concat(), " is encrypted"),
        (
            b"Id,Name\n1,a\n2,b\n".to_vec(),
            " is damaged: it does not begin and end as a Parquet file: it is cut short, or is none",
        ),
        (b"[{\"Id\": 1}, {\"Id\": 2}]".to_vec(), " is a JSON file, not a Parquet file"),
    ] {
        assert_eq!(refused(&bytes), format!("raw:x.csv{told}"));
    }
    let mut odd = columns(vec![
        ("Id", col(Float64Array::from(vec![1.0, f64::NAN, 3.0]))),
        ("Name", col(StringArray::from(vec!["a", "canary\u{fffd}", "c"]))),
    ]);
    let odd_bytes = parquet(&odd);
    let told = refusal(&odd_bytes, &of_parquet(), &["Id"]);
    assert_eq!(told, "raw:x.csv, record 2, column 1: a value that is no number (NaN or infinite)");
    let told = refusal(&odd_bytes, &of_parquet(), &["Name"]);
    assert!(told.starts_with("raw:x.csv, record 2, column 2: the replacement character U+FFFD"), "{told}");
    odd = columns(vec![("Id", col(StringArray::from(vec!["a".to_string(), "b".repeat(2000)])))]);
    let mut short = of_parquet();
    short.read.max_record_bytes = 1000;
    assert_eq!(
        refusal(&parquet(&odd), &short, &["Id"]),
        "raw:x.csv, record 2, column 1: the record is longer than 1000 bytes"
    );
    let mut narrow = of_parquet();
    narrow.read.max_columns = 2;
    assert_eq!(refusal(&good, &narrow, &["Id"]), "raw:x.csv: it has 3 columns, limits.max_columns is 2");
    let bomb = columns(vec![("Id", col(StringArray::from(vec!["x".repeat(8 << 20)])))]);
    let zstd =
        WriterProperties::builder().set_compression(Packed::ZSTD(ZstdLevel::default())).set_dictionary_enabled(false);
    let mut capped = of_parquet();
    capped.read.max_record_bytes = 16 << 20;
    assert_eq!(
        refusal(&written(&bomb, zstd.build()), &capped, &["Id"]),
        "raw:x.csv unpacks to more than 200 times its size"
    );
    // A few bytes can stand for any number of rows: they are counted before one is decoded.
    let same = columns(vec![
        ("Id", col(StringArray::from(vec!["p"; 200_000]))),
        ("Note", col(StringArray::from(vec![None::<&str>; 200_000]))),
    ]);
    let many = parquet(&same);
    assert!(many.len() * 200 < 200_000 * 2, "{}", many.len());
    let told = "raw:x.csv unpacks to more than 200 times its size";
    let mut some = of_parquet();
    some.read.max_ratio = 200_000 * 3 / many.len() as u64;
    assert_eq!(rows(&many, &some, &["Id", "Note"]).len(), 200_000);
    let wide = columns(
        (0..8)
            .map(|_| ("c", col(StringArray::from(vec![None::<&str>; 200_000]))))
            .enumerate()
            .map(|(at, (_, array))| (["a", "b", "c", "d", "e", "f", "g", "h"][at], array))
            .collect(),
    );
    assert_eq!(refusal(&parquet(&wide), &of_parquet(), &["a", "b", "c", "d", "e", "f", "g", "h"]), told);
    let long = columns(vec![("Id", col(StringArray::from(vec!["x".repeat(1000); 20_000])))]);
    assert_eq!(refusal(&parquet(&long), &of_parquet(), &["Id"]), told);
    let told = refusal(&good, &source(), &["Id"]);
    assert_eq!(told, "raw:x.csv is a Parquet file, which is not read");
}

/// Reads every column of a file by itself, as far as it goes.
fn each_column(bytes: &[u8]) -> Vec<Result<usize, Error>> {
    let folder = folder(&[("x", bytes)]);
    let root = root(folder.path());
    let object = root.list("").unwrap().remove(0);
    let member = members(&root, &object, &of_parquet().read).unwrap().remove(0);
    let records = match Records::open(&root, &member, &of_parquet().read, &KnownColumns::default()) {
        Ok(records) => records,
        Err(error) => return vec![Err(error)],
    };
    let one = |column: usize| -> Result<usize, Error> {
        let mut records = Records::open(&root, &member, &of_parquet().read, &KnownColumns::default())?;
        records.want(&[column]);
        let mut rows = 0;
        while let Some(batch) = records.batch().map_err(|broken| broken.error)? {
            rows += batch.rows();
            records.recycle(batch);
        }
        Ok(rows)
    };
    (0..records.names().len()).map(one).collect()
}

#[test]
fn r60_files_that_other_readers_fell_over_are_refused() {
    let Some(corpora) = std::env::var_os("TAMIS_CORPORA") else {
        eprintln!("SKIPPED: TAMIS_CORPORA is not set; it names the folder of broken files");
        return;
    };
    let mut files = 0;
    for entry in std::fs::read_dir(Path::new(&corpora).join("parquet-bad")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "parquet") {
            continue;
        }
        let outcomes = each_column(&std::fs::read(&path).unwrap());
        let failed: Vec<&Error> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
        // Indexes of no bits say the first value of the dictionary, whatever others make of them.
        let read = path.ends_with("ARROW-GH-43605.parquet");
        assert_eq!(failed.is_empty(), read, "{}", path.display());
        assert!(failed.iter().all(|error| error.kind() == Kind::Input && error.help_text().is_some()), "{failed:?}");
        files += 1;
    }
    assert_eq!(files, 8);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    /// Whatever is changed or cut, there is no panic that gets out, and a file that ends early is refused.
    #[test]
    fn r60_flipped_and_cut_bytes_are_refused_or_read(at: proptest::sample::Index, bit in 0..8_u8, cut: bool, packed: bool) {
        let compression = if packed { Packed::SNAPPY } else { Packed::UNCOMPRESSED };
        let properties = WriterProperties::builder().set_compression(compression).set_max_row_group_row_count(Some(20));
        let whole = written(&people(50), properties.build());
        let at = at.index(whole.len());
        let mut bytes = whole.clone();
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        let folder = folder(&[("x.csv", if bytes.is_empty() { b"x".as_slice() } else { &bytes })]);
        let how = How { threads: 2, block_bytes: 64, drop: false };
        match read(folder.path(), &of_parquet(), &["Id", "City", "Age"], &how) {
            // Nothing vouches for the values themselves.
            Ok((rows, _)) => prop_assert!(!cut && rows.len() == 50),
            Err(error) => prop_assert_eq!(error.kind(), Kind::Input),
        }
    }
}

#[test]
fn r60_numbers_that_tell_no_two_persons_apart_are_no_identifiers() {
    let decimals = |scale| Decimal128Array::from(vec![1, 2]).with_precision_and_scale(18, scale).unwrap();
    let read_as = |identified: bool, ids: ArrayRef| {
        let held = folder(&[("x.parquet", &parquet(&columns(vec![("Id", ids)])))]);
        let mut wanted = wanted(&["Id"]);
        wanted[0].identified = identified;
        read_columns(held.path(), &of_parquet(), &wanted, &PLAIN).map(|(rows, _)| rows.len())
    };
    for ids in [
        col(Float64Array::from(vec![9_007_199_254_740_992.0, 9_007_199_254_740_993.0])),
        col(Float32Array::from(vec![1.0, 2.0])),
        col(decimals(2)),
        col(BooleanArray::from(vec![true, false])),
    ] {
        let error = read_as(true, ids.clone()).unwrap_err();
        assert_eq!(error.code(), Code::FormatNotRead);
        assert!(error.message().contains("column Id is an identifier and has"), "{error}");
        assert_eq!(read_as(false, ids).unwrap(), 2);
    }
    for ids in [col(decimals(0)), col(Int64Array::from(vec![1, 2])), col(StringArray::from(vec!["1", "2"]))] {
        assert_eq!(read_as(true, ids).unwrap(), 2);
    }
}
