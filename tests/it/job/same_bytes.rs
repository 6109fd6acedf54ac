//! What must not change the published bytes: size of blocks, threads, memory, how the input is cut, and its order.
//! And what the spill looks like while a run has rows in it.

use super::place::{JOB, Place, tree};
use super::table::Table;
use std::fmt::Write;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Mutex;
use tamis::job::Call;
use tamis::monitor::{Event, Monitor, Silent};
use tamis::run;

const AS_OF: &str = "2024-06-01T00:00:00Z";
const HEADER: &str = "Id,Email,City,Active,Test,Note\r\n";

/// A small export of everything that makes reading hard. Some persons have several rows, some rows are there twice.
fn rows() -> Vec<String> {
    let row = |n: usize| {
        let id = n % 1_700;
        let city = ["Aachen", "\"Bad \"\"Ems\"\"\"", "\"Köln,\nMülheim\"", "東京", ""][n % 5];
        let active = format!("202{}-{:02}-{:02}", 2 + n % 3, 1 + n % 12, 1 + n % 28);
        let test = if n.is_multiple_of(97) { "yes" } else { "no" };
        format!(
            "person {id},User{id}@Example{}.org,{city},{active},{test},\"markerxyz {n},\r\nsecond line\"\r\n",
            n % 7
        )
    };
    let mut rows: Vec<String> = (0..2_500).map(row).collect();
    rows.extend_from_within(..20);
    rows
}

fn contacts(rows: &[String]) -> Vec<u8> {
    (HEADER.to_owned() + &rows.concat()).into_bytes()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The small job of `whole` over other exports.
fn place(exports: &[(&str, Vec<u8>)]) -> Place {
    let place = Place::of("whole");
    fs::remove_dir_all(place.path("raw")).unwrap();
    let mut tasks = "Id,Who,Done,Subject\n".to_owned();
    for n in (0..1_500).step_by(3) {
        let _ = writeln!(tasks, "t{n},person {n},2024-0{}-01,markerxyz", 1 + n % 5);
    }
    let all = [("tasks.csv", tasks.into_bytes()), ("_DONE", Vec::new())];
    exports.iter().chain(&all).for_each(|(name, bytes)| place.export(&format!("2024-06-01/{name}"), bytes));
    place
}

/// Files and companions of one run.
fn published(place: &Place, call: &Call) -> (u64, Vec<String>, Vec<String>) {
    let report = run::run(call, &Silent).unwrap_or_else(|error| panic!("{error}"));
    let companions = report.manifest.output.companions.iter().map(|file| file.blake3.clone()).collect();
    let table = Table::newest(&place.root("lake"), JOB).unwrap();
    (report.manifest.rows_out, table.digests(), companions)
}

#[test]
fn blocks_threads_and_memory_do_not_change_a_byte() {
    let base = place(&[("contacts.csv", contacts(&rows()))]);
    let first = base.copy();
    let expected = published(&first, &first.call(AS_OF));
    assert!((500..2_400).contains(&expected.0), "{}", expected.0);
    for (block_bytes, threads, memory_bytes) in
        [(1, 1, 160 << 20), (700, 2, 0), (4096, 3, 100_000), (65_536, 7, 0), (1 << 20, 1, 1), (1 << 20, 2, 0)]
    {
        let place = base.copy();
        let call = Call { block_bytes, threads, memory_bytes, ..place.call(AS_OF) };
        assert!(published(&place, &call) == expected, "{block_bytes} {threads} {memory_bytes}");
        assert_eq!(tree(&place.path("spill")), []);
    }
}

#[test]
fn neither_parts_nor_order_nor_packing_change_a_byte() {
    let rows = rows();
    let expected = {
        let place = place(&[("contacts.csv", contacts(&rows))]);
        published(&place, &place.call(AS_OF))
    };
    let mut shuffled: Vec<&String> = rows.iter().collect();
    shuffled.sort_by_key(|row| *blake3::hash(row.as_bytes()).as_bytes());
    let shuffled: Vec<String> = shuffled.into_iter().cloned().collect();
    let parts: Vec<_> = rows.chunks(900).map(contacts).collect();
    let whole = contacts(&rows);
    for (what, exports) in [
        ("shuffled", vec![("contacts.csv", contacts(&shuffled))]),
        (
            "parts",
            vec![("contacts-1", parts[0].clone()), ("contacts-2", gz(&parts[1])), ("contacts-3", parts[2].clone())],
        ),
        ("a part without rows", vec![("contacts-0", contacts(&[])), ("contacts-1", whole.clone())]),
        ("gzip", vec![("contacts.gz", gz(&whole))]),
        ("no final newline", vec![("contacts.csv", whole[..whole.len() - 2].to_vec())]),
    ] {
        let place = place(&exports);
        assert!(published(&place, &place.call(AS_OF)) == expected, "{what}");
    }
}

#[test]
fn two_runs_publish_the_same_bytes_as_two_versions() {
    let place = place(&[("contacts.csv", contacts(&rows()))]);
    let (first, again) = (published(&place, &place.call(AS_OF)), published(&place, &place.call(AS_OF)));
    assert!(first == again);
    assert_eq!(Table::newest(&place.root("lake"), JOB).unwrap().version, 1);
}

/// Looks into the spill at every event.
struct Inspector {
    spill: PathBuf,
    /// Mode of each folder seen and what its files hold.
    seen: Mutex<Vec<(u32, usize)>>,
}

impl Monitor for Inspector {
    fn event(&self, event: Event) {
        let Event::Stage { name, .. } = event else { return };
        let mode = fs::metadata(&self.spill).map_or(0, |facts| facts.mode() & 0o7777);
        let bytes: usize = tree(&self.spill).iter().map(|(_, bytes)| bytes.len()).sum();
        if name == "publish" {
            self.seen.lock().unwrap().push((mode, bytes));
        }
        // Sealed rows lie in a file without a name: through the process's own handles it can be read all the same.
        for handle in fs::read_dir("/proc/self/fd").into_iter().flatten().flatten() {
            let Ok(target) = fs::read_link(handle.path()) else { continue };
            if target.starts_with(&self.spill) {
                let bytes = fs::read(handle.path()).unwrap();
                for plain in ["person 1", "Aachen", "Example", "markerxyz"] {
                    let found = bytes.windows(plain.len()).any(|window| window == plain.as_bytes());
                    assert!(!found, "{plain:?} is readable in the spill");
                }
                self.seen.lock().unwrap().push((0, bytes.len()));
            }
        }
    }
}

#[test]
fn the_spill_is_private_nameless_and_sealed() {
    let place = place(&[("contacts.csv", contacts(&rows()))]);
    let spill = place.path("spill").canonicalize().unwrap_or(place.path("spill"));
    let inspector = Inspector { spill, seen: Mutex::default() };
    let call = Call { memory_bytes: 0, ..place.call(AS_OF) };
    run::run(&call, &inspector).unwrap();
    let seen = inspector.seen.into_inner().unwrap();
    assert!(seen.contains(&(0o700, 0)), "mode 0700 and nothing under a name: {seen:?}");
    assert!(seen.iter().any(|(mode, bytes)| *mode == 0 && *bytes > 10_000), "rows were sealed on disk: {seen:?}");
    assert_eq!(tree(&place.path("spill")), []);
}
