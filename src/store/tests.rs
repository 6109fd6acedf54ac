use super::root::Lister;
use super::*;
use crate::error::Code;
use crate::error::Result;
use object_store::memory::InMemory;
use object_store::path::Path;
use std::io::SeekFrom;
use std::sync::Arc;

struct Place {
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Place { runtime, folder: tempfile::tempdir().unwrap() }
    }
    fn local(&self) -> Root {
        let path = self.folder.path().join("nested root");
        Root::open("lake", path.to_str().unwrap(), self.runtime.handle().clone()).unwrap()
    }
    /// As a cloud root behaves: no files, streams and ranges.
    fn memory(&self) -> Root {
        let mut root = self.local().with_store(Arc::new(InMemory::new()));
        root.folder = None;
        root.lister = Lister::Store;
        root
    }
    fn both(&self) -> [Root; 2] {
        [self.local(), self.memory()]
    }
}

fn read(root: &Root, object: &Object) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    root.open_object(object)?.read_to_end(&mut bytes).map_err(|e| from_io(&root.display(&object.path), e))?;
    Ok(bytes)
}

#[test]
fn what_is_written_is_listed_in_order_and_read_back() {
    let place = Place::new();
    for root in place.both() {
        assert_eq!(root.list("").unwrap(), [], "nothing there yet");
        for path in ["b/2.csv", "a/ü %41 #x.csv", "b/10.csv", "bb/1.csv"] {
            root.put(path, path.into()).unwrap();
        }
        let paths = |prefix: &str| root.list(prefix).unwrap().into_iter().map(|o| o.path).collect::<Vec<_>>();
        assert_eq!(paths(""), ["a/ü %41 #x.csv", "b/10.csv", "b/2.csv", "bb/1.csv"]);
        assert_eq!(paths("b"), ["b/10.csv", "b/2.csv"]);
        for object in root.list("").unwrap() {
            assert_eq!(read(&root, &object).unwrap(), object.path.as_bytes());
            assert_eq!(root.head(&object.path).unwrap(), Some(object));
        }
        assert_eq!(root.get("b/3.csv").unwrap(), None);
        assert_eq!(root.head("b/3.csv").unwrap(), None);
        root.delete("b/2.csv").unwrap();
        root.delete("b/2.csv").unwrap();
        assert_eq!(paths("b"), ["b/10.csv"]);
    }
}

#[test]
fn create_never_replaces_and_the_same_bytes_are_ours() {
    let place = Place::new();
    for root in place.both() {
        assert_eq!(root.create("x/1", b"one".to_vec()).unwrap(), Created::New);
        assert_eq!(root.create("x/1", b"one".to_vec()).unwrap(), Created::New);
        assert_eq!(root.create("x/1", b"two".to_vec()).unwrap(), Created::Exists);
        assert_eq!(root.get("x/1").unwrap().unwrap(), b"one");
    }
}

#[test]
fn an_object_that_changed_or_went_is_an_input_error() {
    let place = Place::new();
    for root in place.both() {
        root.put("x.csv", b"12345".to_vec()).unwrap();
        let pinned = root.head("x.csv").unwrap().unwrap();
        root.put("x.csv", b"54321!".to_vec()).unwrap();
        let error = root.open_object(&pinned).err().unwrap();
        assert_eq!(error.code(), Code::ExportChangedWhileRead);
        assert!(error.message().starts_with("lake:x.csv"), "{error}");
        let seek = root
            .open_seek(&pinned)
            .and_then(|mut s| s.read_to_end(&mut Vec::new()).map_err(|e| from_io("lake:x.csv", e)));
        assert_eq!(seek.unwrap_err().code(), Code::ExportChangedWhileRead);
        root.delete("x.csv").unwrap();
        assert_eq!(root.open_object(&pinned).err().unwrap().code(), Code::ExportChangedWhileRead);
    }
}

#[test]
fn a_local_file_changed_in_place_while_read_is_an_input_error() {
    let place = Place::new();
    let root = place.local();
    root.put("x.csv", vec![b'a'; 100_000]).unwrap();
    let pinned = root.head("x.csv").unwrap().unwrap();
    for length in [100_001, 100_000, 99_999] {
        std::fs::write(root.folder().unwrap().join("x.csv"), vec![b'a'; 100_000]).unwrap();
        let pinned = root.head("x.csv").unwrap().unwrap_or(pinned.clone());
        let mut source = root.open_object(&pinned).unwrap();
        source.read_exact(&mut [0; 10]).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        std::fs::write(root.folder().unwrap().join("x.csv"), vec![b'b'; length]).unwrap();
        let error = from_io("lake:x.csv", source.read_to_end(&mut Vec::new()).unwrap_err());
        assert_eq!(error.code(), Code::ExportChangedWhileRead, "{length}");
    }
}

#[test]
fn seeking_reads_what_streaming_reads() {
    let place = Place::new();
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    for root in place.both() {
        root.put("x.zip", bytes.clone()).unwrap();
        let object = root.head("x.zip").unwrap().unwrap();
        let mut source = root.open_seek(&object).unwrap();
        for (from, length) in [(SeekFrom::End(-22), 22), (SeekFrom::Start(7), 400_000), (SeekFrom::Current(-9), 3)] {
            let at = source.seek(from).unwrap() as usize;
            let mut part = vec![0; length];
            source.read_exact(&mut part).unwrap();
            assert!(part == bytes[at..at + length]);
        }
        source.seek(SeekFrom::Start(0)).unwrap();
        let mut whole = Vec::new();
        source.read_to_end(&mut whole).unwrap();
        assert!(whole == bytes);
        assert!(source.seek(SeekFrom::Current(-9_000_000)).is_err());
    }
}

#[test]
fn uploads_appear_whole_or_not_at_all() {
    let place = Place::new();
    for (n, root) in place.both().into_iter().enumerate() {
        for length in [0, 5, 8 << 20, (20 << 20) + 3] {
            let path = format!("up/{n}-{length}");
            let bytes: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            let mut upload = root.upload(&path).unwrap();
            for piece in bytes.chunks(1_000_003) {
                upload.write_all(piece).unwrap();
            }
            assert_eq!(root.get(&path).unwrap(), None, "not before finish");
            let blake3 = blake3::hash(&bytes).to_hex().to_string();
            assert_eq!(upload.finish().unwrap(), Uploaded { bytes: length, blake3 });
            assert!(root.get(&path).unwrap().unwrap() == bytes);
            let mut again = root.upload(&path).unwrap();
            let refused =
                again.write_all(&vec![1; 9 << 20]).and_then(|()| again.finish().map_err(std::io::Error::other));
            assert!(refused.is_err(), "names are used once");
            let mut dropped = root.upload("up/dropped").unwrap();
            dropped.write_all(&bytes).unwrap();
            drop(dropped);
            assert_eq!(root.get("up/dropped").unwrap(), None);
        }
        assert_eq!(root.staging_leftovers("").unwrap().0, [], "drop takes its parts back");
    }
}

#[test]
fn staging_files_of_a_crash_are_found_and_removed() {
    let place = Place::new();
    let root = place.local();
    root.put("t/part.parquet", b"x".to_vec()).unwrap();
    let folder = root.folder().unwrap().to_path_buf();
    for name in ["t/part.parquet#1", "t/deep#12", "t/c#sharp"] {
        std::fs::write(folder.join(name), b"x").unwrap();
    }
    let found = root.staging_leftovers("t").unwrap().0;
    assert_eq!(found.iter().map(|o| o.path.as_str()).collect::<Vec<_>>(), ["t/deep#12", "t/part.parquet#1"]);
    for leftover in &found {
        root.remove_staging(leftover).unwrap();
        root.remove_staging(leftover).unwrap();
    }
    assert_eq!(root.staging_leftovers("").unwrap().0, []);
    assert_eq!(root.staging_leftovers("nowhere").unwrap().0, []);
    assert!(folder.join("t/c#sharp").exists());
}

#[test]
fn urls_and_raw_paths_name_the_same_object() {
    let place = Place::new();
    let root = place.local();
    root.put("crm/ü x%/1.parquet", b"x".to_vec()).unwrap();
    let (_, path) = root.raw("crm/ü x%/1.parquet");
    assert_eq!(Path::from_url_path(root.url_of("crm/ü x%/1.parquet").path()).unwrap(), path);
    assert_eq!(
        Root::open("l", root.url.as_str(), root.runtime.clone()).unwrap().get("crm/ü x%/1.parquet").unwrap().unwrap(),
        b"x"
    );
}

#[test]
fn bad_roots_and_paths_are_policy_errors_that_show_no_url() {
    let place = Place::new();
    let handle = place.runtime.handle().clone();
    for url in ["ftp://secret-host/x", "s3://user:secret@b/x", "s3:///x", "s3://b/x?token=secret", "file://secret/x"] {
        let error = Root::open("raw", url, handle.clone()).err().unwrap();
        assert_eq!(error.code(), Code::PlaceUnusable, "{url}");
        assert!(!error.message().contains("secret"), "{error}");
    }
    let root = place.local();
    for path in ["a//b", "../x", "a/./b", "a\u{0}b"] {
        assert_eq!(root.get(path).unwrap_err().code(), Code::PlaceUnusable, "{path:?}");
    }
    let up = Root::open("raw", place.folder.path().join("no/../there/./x").to_str().unwrap(), handle).unwrap();
    assert_eq!(up.folder().unwrap(), settle(place.folder.path()).unwrap().join("there/x"));
}

#[test]
fn what_a_store_answers_has_a_code() {
    use object_store::Error as E;
    let (path, source) = (|| "x".to_owned(), || "x".into());
    for (error, code) in [
        (E::NotFound { path: path(), source: source() }, Code::ObjectMissing),
        (E::PermissionDenied { path: path(), source: source() }, Code::StoreDenied),
        (E::Unauthenticated { path: path(), source: source() }, Code::StoreDenied),
        (E::Precondition { path: path(), source: source() }, Code::ExportChangedWhileRead),
        (E::AlreadyExists { path: path(), source: source() }, Code::Overtaken),
        (E::NotSupported { source: source() }, Code::StoreIncapable),
        (E::Generic { store: "x", source: source() }, Code::StoreAway),
    ] {
        let failed = super::answer::failed("writing", "lake:x", &error);
        assert_eq!(failed.code(), code, "{failed}");
    }
}

#[test]
fn a_store_that_refuses_is_a_storage_error() {
    let place = Place::new();
    let root = place.local();
    std::fs::write(place.folder.path().join("nested root"), b"a file where the folder should be").unwrap();
    for error in [root.put("a/b", vec![1]).unwrap_err(), root.create("a/b", vec![1]).unwrap_err()] {
        assert_eq!(error.code(), Code::DiskFailed);
        assert!(error.message().contains("lake:a/b"), "{error}");
        assert!(!error.message().contains("nested"), "{error}");
    }
}
