//! Where staged bytes wait: in memory up to a budget, beyond it sealed in one file that has no name. The sealing key
//! lives only in the process, so nothing on disk can be read after it.

use crate::error::{Code, Error, Result};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use zeroize::Zeroize;

const PREFIX: &str = "tamis-spill-";
const DATA: &str = "rows";
const TAG: usize = 16;
/// Room that reading takes behind what is read.
pub(super) const SEALED_EXTRA: usize = TAG;
/// What a worker gathers before it writes: large pieces cost the system far less than small ones.
const PIECE: usize = 1 << 20;

/// Holds byte strings until they are read back, any number of times.
/// Deliberately without `Debug`: it holds tokens and published values.
pub struct SpillStore {
    budget: usize,
    held: Arc<AtomicUsize>,
    key: LessSafeKey,
    next: AtomicU64,
    file: File,
    end: AtomicU64,
    spilled: AtomicU64,
}

/// Byte strings of a spill store that were put in together. Their memory counts against the budget until they are dropped.
pub struct Slot<const N: usize = 1> {
    place: SlotPlace,
    lengths: [usize; N],
}

enum SlotPlace {
    Memory {
        bytes: Box<[u8]>,
        _share: HeldBytes,
    },
    /// Each part sealed for itself, behind one another; part `n` has the id `id + n`.
    Sealed {
        id: u64,
        offset: u64,
    },
}

/// Bytes counted against a budget; given back when dropped.
pub(super) struct HeldBytes {
    bytes: usize,
    held: Arc<AtomicUsize>,
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// What one worker has sealed and not yet written, and where in the file it will be.
#[derive(Default)]
pub(super) struct Tail {
    bytes: Vec<u8>,
    used: usize,
    room: usize,
    start: u64,
}

impl<const N: usize> Slot<N> {
    /// Lengths of what was put in, in bytes.
    pub fn lengths(&self) -> &[usize; N] {
        &self.lengths
    }
}

impl SpillStore {
    /// A spill store that keeps at most `budget` bytes in memory and seals the rest into a file below `parent` (made with
    /// mode 0700 when it is missing). `seed` is the sealing key: 32 bytes from the system's generator, used for one
    /// spill store only. Directories that dead processes left below `parent` are removed.
    ///
    /// # Errors
    /// A storage error when the file cannot be made.
    pub fn new(budget: usize, parent: PathBuf, mut seed: [u8; 32]) -> Result<SpillStore> {
        let key = UnboundKey::new(&AES_256_GCM, &seed);
        let name = blake3::keyed_hash(&seed, b"directory").to_hex();
        seed.zeroize();
        let key = key.map_err(|_| Error::new(Code::SpillFailed, "the sealing key of the spill was refused"))?;
        let file = open_nameless(&parent, &name[..16]).map_err(|e| unusable(&e))?;
        Ok(SpillStore {
            budget,
            held: Arc::new(AtomicUsize::new(0)),
            key: LessSafeKey::new(key),
            next: AtomicU64::new(0),
            file,
            end: AtomicU64::new(0),
            spilled: AtomicU64::new(0),
        })
    }

    /// The budget in bytes.
    pub fn budget(&self) -> usize {
        self.budget
    }

    /// Bytes held in memory now, buffers counted by `hold` included.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Bytes written to disk so far, sealed.
    pub fn spilled(&self) -> u64 {
        self.spilled.load(Ordering::Relaxed)
    }

    /// Counts a buffer of the caller against the budget as long as the result lives.
    pub(super) fn hold(&self, bytes: usize) -> HeldBytes {
        self.held.fetch_add(bytes, Ordering::Relaxed);
        HeldBytes { bytes, held: self.held.clone() }
    }

    /// Takes what is in `bytes` and leaves it empty, its capacity kept for the next use.
    ///
    /// # Errors
    /// A storage error when the disk is full or refuses.
    pub fn put(&self, bytes: &mut Vec<u8>) -> Result<Slot> {
        let mut tail = Tail::default();
        let slot = self.put_parts(&mut tail, bytes.len() + TAG, [bytes])?;
        self.flush(&mut tail)?;
        Ok(slot)
    }

    /// As `put`, for several byte strings and for many slots: they can be read once the tail has been flushed.
    pub(super) fn put_behind<const N: usize>(&self, tail: &mut Tail, parts: [&mut Vec<u8>; N]) -> Result<Slot<N>> {
        self.put_parts(tail, PIECE, parts)
    }

    fn put_parts<const N: usize>(&self, tail: &mut Tail, piece: usize, parts: [&mut Vec<u8>; N]) -> Result<Slot<N>> {
        let lengths = parts.each_ref().map(|part| part.len());
        let share = self.hold(lengths.iter().sum());
        let place = if self.held() <= self.budget {
            let bytes = parts.each_ref().map(|part| part.as_slice()).concat().into();
            Ok(SlotPlace::Memory { bytes, _share: share })
        } else {
            drop(share);
            self.make_room(tail, lengths.iter().map(|length| length + TAG).sum(), piece)
                .and_then(|()| self.seal(tail, parts.each_ref().map(|part| part.as_slice())))
        };
        parts.into_iter().for_each(Vec::clear);
        Ok(Slot { place: place?, lengths })
    }

    /// Writes what is in the way of `bytes` more, and takes the next piece of the file.
    fn make_room(&self, tail: &mut Tail, bytes: usize, piece: usize) -> Result<()> {
        if tail.used + bytes > tail.room {
            self.flush(tail)?;
            tail.room = bytes.max(piece);
            tail.start = self.end.fetch_add(tail.room as u64, Ordering::Relaxed);
            tail.bytes.resize(tail.room, 0);
        }
        Ok(())
    }

    fn seal<const N: usize>(&self, tail: &mut Tail, parts: [&[u8]; N]) -> Result<SlotPlace> {
        let id = self.next.fetch_add(N as u64, Ordering::Relaxed);
        let offset = tail.start + tail.used as u64;
        for (id, part) in (id..).zip(parts) {
            let (sealed, rest) = tail.bytes[tail.used..].split_at_mut(part.len());
            let aad = Aad::from(id.to_le_bytes());
            self.key
                .seal_out_of_place_scatter(nonce(id), aad, part, sealed, &[], &mut rest[..TAG])
                .map_err(|_| Error::new(Code::SpillFailed, "staged rows could not be sealed"))?;
            tail.used += part.len() + TAG;
        }
        Ok(SlotPlace::Sealed { id, offset })
    }

    /// Writes what a tail has gathered.
    ///
    /// # Errors
    /// A storage error when the disk is full or refuses.
    pub(super) fn flush(&self, tail: &mut Tail) -> Result<()> {
        self.file.write_all_at(&tail.bytes[..tail.used], tail.start).map_err(|e| {
            Error::new(failure(&e), format!("staged rows could not be written to the spill: {}", reason(&e)))
                .help("free space in the spill directory or raise the memory budget, then run again")
        })?;
        self.spilled.fetch_add(tail.used as u64, Ordering::Relaxed);
        (tail.used, tail.room) = (0, 0);
        Ok(())
    }

    /// Appends the bytes of a slot to `out`.
    ///
    /// # Errors
    /// A storage error when the spill cannot be read or is not what was written.
    pub fn read(&self, slot: &Slot, out: &mut Vec<u8>) -> Result<()> {
        self.read_parts(slot, [out])
    }

    /// Appends the first parts of a slot, each to its own.
    ///
    /// # Errors
    /// As `read`.
    pub(super) fn read_parts<const N: usize, const M: usize>(
        &self,
        slot: &Slot<N>,
        outs: [&mut Vec<u8>; M],
    ) -> Result<()> {
        let lengths = slot.lengths.iter().copied();
        match &slot.place {
            SlotPlace::Memory { bytes, .. } => {
                let mut rest = bytes.as_ref();
                for (out, length) in outs.into_iter().zip(lengths) {
                    out.extend_from_slice(&rest[..length]);
                    rest = &rest[length..];
                }
                Ok(())
            }
            SlotPlace::Sealed { id, offset } => {
                let mut offset = *offset;
                for ((id, out), length) in (*id..).zip(outs).zip(lengths) {
                    self.open(id, offset, length + TAG, out)?;
                    offset += (length + TAG) as u64;
                }
                Ok(())
            }
        }
    }

    /// Reads a part to the end of `out` and opens it there.
    fn open(&self, id: u64, offset: u64, sealed: usize, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        out.resize(start + sealed, 0);
        let read = self.file.read_exact_at(&mut out[start..], offset).map_err(|e| {
            Error::new(failure(&e), format!("staged rows could not be read from the spill: {}", reason(&e)))
                .help("run again; nothing was published")
        });
        let opened = read.and_then(|()| {
            let aad = Aad::from(id.to_le_bytes());
            let opened = self.key.open_in_place(nonce(id), aad, &mut out[start..]);
            opened.map(|opened| opened.len()).map_err(|_| {
                Error::new(Code::SpillFailed, "staged rows in the spill are not what was written there")
                    .help("check the disk of the spill directory, then run again; nothing was published")
            })
        });
        out.truncate(start + *opened.as_ref().unwrap_or(&0));
        opened.map(|_| ())
    }
}

/// Each id is used once per key, so the counter is a nonce.
fn nonce(id: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[..8].copy_from_slice(&id.to_le_bytes());
    Nonce::assume_unique_for_key(bytes)
}

/// Opens a file in a directory of its own and takes both names away, so that only the open file is left.
/// Whatever bears the prefix afterwards belongs to a process that died in between, or to one that is just here:
/// that one finds its name gone and tries the next.
fn open_nameless(parent: &Path, name: &str) -> std::io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    remove_leftovers(parent)?;
    let mut outcome = Err(ErrorKind::NotFound.into());
    for attempt in 0..16 {
        let directory = parent.join(format!("{PREFIX}{name}-{attempt}"));
        outcome = create_in(&directory);
        let _ = std::fs::remove_file(directory.join(DATA));
        let _ = std::fs::remove_dir(&directory);
        match &outcome {
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists) => {}
            _ => break,
        }
    }
    outcome
}

fn create_in(directory: &Path) -> std::io::Result<File> {
    DirBuilder::new().mode(0o700).create(directory)?;
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(directory.join(DATA))
}

fn remove_leftovers(parent: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(parent)? {
        let entry = entry?;
        let ours = entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes());
        if ours && entry.file_type()?.is_dir() {
            let _ = std::fs::remove_file(entry.path().join(DATA));
            let _ = std::fs::remove_dir(entry.path());
        }
    }
    Ok(())
}

fn unusable(e: &std::io::Error) -> Error {
    Error::new(failure(e), format!("the spill directory cannot be used: {}", reason(e)))
        .help("name a directory that this user may write to")
}

/// The system's reason in our words, without paths.
fn failure(e: &std::io::Error) -> Code {
    match e.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Code::DiskFull,
        _ => Code::SpillFailed,
    }
}

fn reason(e: &std::io::Error) -> &'static str {
    match e.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full",
        ErrorKind::PermissionDenied => "permission denied",
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only",
        ErrorKind::NotADirectory => "it is not a directory",
        ErrorKind::UnexpectedEof => "it is shorter than what was written",
        _ => "input/output error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn spill_store(budget: usize, parent: &Path) -> SpillStore {
        SpillStore::new(budget, parent.to_path_buf(), [7; 32]).expect("a spill_store")
    }

    fn back(spill_store: &SpillStore, slot: &Slot) -> Result<Vec<u8>> {
        let mut out = b"before".to_vec();
        spill_store.read(slot, &mut out)?;
        assert_eq!(&out[..6], b"before");
        Ok(out.split_off(6))
    }

    #[test]
    fn what_goes_in_comes_out_in_memory_and_sealed() {
        let dir = tempfile::tempdir().expect("a directory");
        let spill_store = spill_store(100, dir.path());
        let values: Vec<Vec<u8>> = (0..10u8).map(|i| vec![i; 30]).collect();
        let slots: Vec<Slot> = values.iter().map(|v| spill_store.put(&mut v.clone()).expect("put")).collect();
        assert_eq!(spill_store.held(), 90, "three of 30 fit in 100");
        assert_eq!(spill_store.spilled(), 7 * 46);
        for (value, slot) in values.iter().zip(&slots) {
            assert_eq!(&back(&spill_store, slot).expect("read"), value);
            assert_eq!(slot.lengths(), &[30]);
        }
        drop(slots);
        assert_eq!(spill_store.held(), 0);
    }

    #[test]
    fn what_several_workers_gather_comes_out_part_by_part_whatever_the_pieces() {
        let dir = tempfile::tempdir().expect("a directory");
        let spill_store = spill_store(0, dir.path());
        let (mut tails, mut put) = ([Tail::default(), Tail::default()], Vec::new());
        for length in [1, 2, 300_000, PIECE / 2, PIECE - 2 * TAG, PIECE, 3, PIECE + 5, 700_000, 2] {
            for (tail, fill) in tails.iter_mut().zip([1, 2]) {
                let parts = [vec![fill; length], vec![fill + 2; length / 3]];
                let [mut one, mut two] = parts.clone();
                put.push((spill_store.put_behind(tail, [&mut one, &mut two]).expect("put"), parts));
                assert!(one.is_empty() && two.is_empty());
            }
        }
        tails.iter_mut().for_each(|tail| spill_store.flush(tail).expect("flushed"));
        let bytes: usize = put.iter().flat_map(|(_, parts)| parts).map(|part| part.len() + TAG).sum();
        assert_eq!(spill_store.spilled(), bytes as u64);
        for (slot, [one, two]) in &put {
            let mut out = [Vec::new(), Vec::new()];
            spill_store.read_parts(slot, out.each_mut()).expect("read");
            assert!(out == [one.clone(), two.clone()]);
            let mut first = Vec::new();
            spill_store.read_parts(slot, [&mut first]).expect("read");
            assert!(&first == one);
        }
    }

    #[test]
    fn buffers_of_others_count_against_the_budget() {
        let dir = tempfile::tempdir().expect("a directory");
        let spill_store = spill_store(100, dir.path());
        let buffer = spill_store.hold(90);
        let sealed = spill_store.put(&mut vec![1; 30]).expect("put");
        assert_eq!((spill_store.spilled(), spill_store.held()), (46, 90));
        drop(buffer);
        let kept = spill_store.put(&mut vec![2; 30]).expect("put");
        assert_eq!((spill_store.spilled(), spill_store.held()), (46, 30));
        drop((sealed, kept));
    }

    #[test]
    fn nothing_readable_is_on_disk_and_no_name_stays() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::create_dir_all(dir.path().join("tamis-spill-dead-0")).expect("a leftover");
        std::fs::write(dir.path().join("tamis-spill-dead-0/rows"), b"old").expect("a leftover");
        std::fs::write(dir.path().join("other"), b"not ours").expect("a neighbour");
        let spill_store = spill_store(0, dir.path());
        let marker = b"canary-7f3a-canary-7f3a".to_vec();
        spill_store.put(&mut marker.clone()).expect("put");
        let names: Vec<_> =
            std::fs::read_dir(dir.path()).expect("list").map(|e| e.expect("entry").file_name()).collect();
        assert_eq!(names, ["other"]);
        let mut disk = vec![0; spill_store.spilled() as usize];
        spill_store.file.read_exact_at(&mut disk, 0).expect("the file");
        assert!(!disk.windows(8).any(|w| marker.windows(8).any(|m| m == w)));
    }

    #[test]
    fn changed_cut_and_swapped_bytes_are_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let spill_store = spill_store(0, dir.path());
        let one = spill_store.put(&mut vec![1; 40]).expect("put");
        let two = spill_store.put(&mut vec![2; 40]).expect("put");
        let mut sealed = vec![0; 56];
        spill_store.file.read_exact_at(&mut sealed, 0).expect("the file");
        spill_store.file.write_all_at(&sealed, 56).expect("swap");
        assert_eq!(back(&spill_store, &two).expect_err("of another slot").code(), Code::SpillFailed);
        sealed[3] ^= 1;
        spill_store.file.write_all_at(&sealed, 0).expect("flip");
        assert_eq!(back(&spill_store, &one).expect_err("flipped").code(), Code::SpillFailed);
        spill_store.file.set_len(50).expect("cut");
        let error = back(&spill_store, &one).expect_err("cut");
        assert_eq!(error.code(), Code::SpillFailed);
        assert!(error.message().contains("shorter"), "{}", error.message());
    }

    #[test]
    fn an_unusable_directory_is_a_storage_error() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("file");
        std::fs::write(&file, b"").expect("a file");
        let error = SpillStore::new(0, file, [1; 32]).err().expect("refused");
        assert_eq!(error.code(), Code::SpillFailed);
    }

    #[test]
    fn a_full_disk_is_a_storage_error() {
        let Ok(full) = OpenOptions::new().read(true).write(true).open("/dev/full") else { return };
        let dir = tempfile::tempdir().expect("a directory");
        let mut spill_store = spill_store(0, dir.path());
        spill_store.file = full;
        let error = spill_store.put(&mut vec![1; 10]).err().expect("full");
        assert_eq!(error.code(), Code::DiskFull, "{error}");
    }
}
