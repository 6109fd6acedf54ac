//! zstd, bzip2 and tar through the reader: what they give, and that damage never passes for an export.

use super::*;
use std::io::Read;

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    bzip2::read::BzEncoder::new(bytes, bzip2::Compression::fast()).read_to_end(&mut packed).unwrap();
    packed
}

type Pack = fn(&[u8]) -> Vec<u8>;

const PACKERS: [(Pack, Container); 3] = [(gzip, Container::Gzip), (zstd, Container::Zstd), (bzip2, Container::Bzip2)];

/// A member of a tar: any type, any path.
fn entry(kind: tar::EntryType, path: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_entry_type(kind);
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    let mut entry = [header.as_bytes(), bytes].concat();
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

fn file(path: &str, text: &str) -> Vec<u8> {
    entry(tar::EntryType::Regular, path, text.as_bytes())
}

fn tar_of(entries: &[Vec<u8>]) -> Vec<u8> {
    [entries.concat(), vec![0; 1024]].concat()
}

#[test]
fn all_streams_of_a_compressed_file_are_one_text() {
    let text = "Id,Name\n1,\"Ä\n\"\n2,b\n3,c\n";
    for (pack, container) in PACKERS {
        for cut in [0, 5, 12, text.len()] {
            let both = [pack(&text.as_bytes()[..cut]), pack(&text.as_bytes()[cut..])].concat();
            assert_eq!(
                rows(&both, &source(), &["Id", "Name"]),
                [["1", "Ä\n"], ["2", "b"], ["3", "c"]],
                "{container:?}"
            );
            let folder = folder(&[("x.csv", &both)]);
            let input = &read(folder.path(), &source(), &["Id"], &PLAIN).unwrap().1.inputs[0];
            assert_eq!((input.container, input.bytes, input.records), (container, both.len() as u64, 3));
            assert_eq!(input.blake3, blake3::hash(&both).to_hex().to_string());
        }
        let whole = pack(text.as_bytes());
        let length = whole.len();
        let message = refusal(&[&whole[..], b"more"].concat(), &source(), &["Id"]);
        assert_eq!(message, format!("raw:x.csv is damaged: something follows its end at byte {length}"));
        for cut in [5, length / 2, length - 1] {
            let message = refusal(&whole[..cut], &source(), &["Id"]);
            assert_eq!(message, "raw:x.csv is damaged: it is cut short", "{container:?} {cut}");
        }
        let message = refusal(&[&whole[..], &whole[..5]].concat(), &source(), &["Id"]);
        assert_eq!(message, "raw:x.csv is damaged: it is cut short");
    }
    // Frames that say nothing may stand between others in zstd.
    let nothing = [&[0x57, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    let parts = [&nothing[..], &zstd(b"Id\n1\n"), &nothing, &zstd(b"2\n"), &nothing].concat();
    assert_eq!(rows(&parts, &source(), &["Id"]), [["1"], ["2"]]);
}

#[test]
fn what_unpacks_to_too_much_is_refused() {
    let long = [b"Id\n".to_vec(), vec![b'a'; 8 << 20]].concat();
    let mut capped = source();
    (capped.read.max_ratio, capped.read.max_record_bytes) = (100, 16 << 20);
    for (pack, container) in PACKERS {
        let message = refusal(&pack(&long), &capped, &["Id"]);
        assert_eq!(message, "raw:x.csv unpacks to more than 100 times its size", "{container:?}");
        let message = refusal(&pack(&tar_of(&[entry(tar::EntryType::Regular, "a", &long)])), &capped, &["Id"]);
        assert_eq!(message, "raw:x.csv unpacks to more than 100 times its size", "{container:?}");
        let mut short = source();
        short.read.max_decompressed = 1000;
        let some = [b"Id\n".to_vec(), b"abcdefg\n".repeat(200)].concat();
        let message = refusal(&pack(&some), &short, &["Id"]);
        assert_eq!(message, "raw:x.csv holds more than limits.max_decompressed allows", "{container:?}");
    }
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(28).unwrap();
    encoder.write_all(b"Id\n1\n").unwrap();
    let message = refusal(&encoder.finish().unwrap(), &source(), &["Id"]);
    assert_eq!(message, "raw:x.csv needs a window of more than 128 MiB to be unpacked");
}

#[test]
fn members_of_a_tar_by_glob_plain_and_compressed() {
    let long = format!("./{}/Contact.csv", "a-very-long-name".repeat(12));
    let longer = format!("{}b/Contact.csv", "x/".repeat(80));
    let property = format!("{} path={longer}\n", longer.len() + 10);
    assert_eq!(property.len(), longer.len() + 10);
    let whole = tar_of(&[
        entry(tar::EntryType::XGlobalHeader, "pax_global_header", b"20 comment=abcdefgh\n"),
        entry(tar::EntryType::Directory, "export/", b""),
        file("./export/Contact.csv", "Id\n1\n2\n"),
        file("Account.csv", "Nothing\n"),
        file("._Contact.csv", "\0\u{5}"),
        entry(tar::EntryType::Symlink, "newest", b""),
        entry(tar::EntryType::GNULongName, "././@LongLink", &[long.as_bytes(), b"\0"].concat()),
        file("cut", "Id\n3\n"),
        entry(tar::EntryType::XHeader, "PaxHeaders/x", property.as_bytes()),
        file("cut", "Id\n4\n"),
    ]);
    let contact = member(source(), "{Contact.csv,._*}");
    for bytes in [whole.clone(), gzip(&whole), zstd(&whole), bzip2(&whole)] {
        assert_eq!(rows(&bytes, &contact, &["Id"]), [["1"], ["2"], ["3"], ["4"]]);
        let folder = folder(&[("x.dat", &bytes)]);
        let inputs = read(folder.path(), &contact, &["Id"], &PLAIN).unwrap().1.inputs;
        let members: Vec<_> = inputs.iter().map(|input| input.member.as_deref().unwrap()).collect();
        assert_eq!(members, ["export/Contact.csv", &long[2..], &longer]);
        assert_eq!((inputs[0].of_macos, inputs[0].container, inputs[0].bytes), (1, Container::Tar, 7));
        assert_eq!(inputs[0].blake3, blake3::hash(b"Id\n1\n2\n").to_hex().to_string());
        let one = member(source(), "export/*.csv");
        assert_eq!(rows(&bytes, &one, &["Id"]), [["1"], ["2"]]);
        let none = refusal(&bytes, &member(source(), "Lead.csv"), &["Id"]);
        assert_eq!(none, "no member of the 1 archive(s) matches Lead.csv");
        assert_eq!(
            refusal(&bytes, &member(source(), "newest"), &["Id"]),
            "raw:x.csv, member newest is a link, not a file"
        );
    }
}

#[test]
fn tar_archives_that_cannot_be_trusted_are_refused() {
    use tar::EntryType as Kind;
    let good = file("a.csv", "Id\n1\n");
    let with = |entries: &[Vec<u8>]| [std::slice::from_ref(&good), entries].concat();
    let mut header = good.clone();
    header[0] = b'b';
    let mut length = file("b.csv", "Id\n1\n");
    length[124..136].copy_from_slice(b"0000000000x\0");
    for (entries, told) in [
        (with(&[file("./a.csv", "Id\n2\n")]), " is damaged: two members have the same name"),
        (with(&[file("../b.csv", "Id\n2\n")]), ", member ../b.csv has a path that leads out of the archive"),
        (with(&[file("/b.csv", "Id\n2\n")]), ", member b.csv has a path that leads out of the archive"),
        (with(&[entry(Kind::Link, "b.csv", b"")]), ", member b.csv is a link, not a file"),
        (
            with(&[entry(Kind::Link, "b.csv", b"Id\n")]),
            " is damaged: the member at byte 1024 is no file and has a length",
        ),
        (
            with(&[entry(Kind::Fifo, "b.csv", b"")]),
            ", member b.csv is a device, a pipe or something else that is no file",
        ),
        (with(&[entry(Kind::GNUSparse, "b.csv", b"")]), ": the member at byte 1024 is a sparse file"),
        (
            with(&[entry(Kind::XHeader, "x", b"22 GNU.sparse.major=1\n"), file("b.csv", "Id\n")]),
            ": the member at byte 2048 is a sparse file",
        ),
        (with(&[header]), " is damaged: its header at byte 1024 makes no sense"),
        (with(&[length]), " is damaged: its header at byte 1024 makes no sense"),
        (with(&[entry(Kind::GNULongName, "x", b"b.csv\0")]), " is damaged: its last member is missing"),
        (
            with(&[entry(Kind::XGlobalHeader, "x", b"10 path=b\n")]),
            " is damaged: properties at byte 1024 are for all members",
        ),
        (
            with(&[entry(Kind::GNULongName, "x", b"\xff.csv\0"), good.clone()]),
            " is damaged: the member at byte 2048 has a name that is not UTF-8, or none",
        ),
    ] {
        for bytes in [tar_of(&entries), gzip(&tar_of(&entries))] {
            assert_eq!(refusal(&bytes, &source(), &["Id"]), format!("raw:x.csv{told}"));
        }
    }
    let whole = tar_of(std::slice::from_ref(&good));
    for (bytes, told) in [
        (whole[..whole.len() - 1].to_vec(), "it is cut short"),
        (whole[..1024].to_vec(), "it is cut short"),
        (whole[..700].to_vec(), "it is cut short"),
        ([&whole[..], b"\0\0x"].concat(), "something follows its end at byte 2050"),
        ([&whole[..], &whole].concat(), "something follows its end at byte 2048"),
    ] {
        assert_eq!(refusal(&bytes, &source(), &["Id"]), format!("raw:x.csv is damaged: {told}"));
        assert_eq!(refusal(&zstd(&bytes), &source(), &["Id"]), format!("raw:x.csv is damaged: {told}"));
    }
    let mut few = source();
    few.read.max_members = 1;
    let two = tar_of(&with(&[file("b.csv", "Id\n2\n")]));
    assert_eq!(refusal(&two, &few, &["Id"]), "raw:x.csv has more than 1 members");
    assert_eq!(rows(&[&two[..], &[0; 10_000]].concat(), &source(), &["Id"]), [["1"], ["2"]]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    /// A flipped bit or a cut end is refused wherever there is a checksum, and never makes other rows or a panic.
    #[test]
    fn flipped_and_cut_bytes_are_refused(which in 0..8_usize, at: proptest::sample::Index, bit in 0..8_u8, cut: bool) {
        let text = b"Id,Name\n1,a\n2,b\n3,c\n4,\"d\ne\"\n";
        let tar = tar_of(&[file("a.csv", "Id,Name\n1,a\n2,b\n"), file("b.csv", "Id,Name\n3,c\n4,\"d\ne\"\n")]);
        let whole = match which {
            0 => gzip(text),
            1 => zstd(text),
            2 => bzip2(text),
            3 => archive(&[("a.csv", text)], deflated()),
            4 => tar.clone(),
            5 => gzip(&tar),
            6 => zstd(&tar),
            _ => bzip2(&tar),
        };
        let at = at.index(whole.len());
        let mut bytes = whole.clone();
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        let intact = folder(&[("x.csv", &whole)]);
        let expected = values(read(intact.path(), &source(), &["Id", "Name"], &PLAIN).unwrap().0);
        let folder = folder(&[("x.csv", &bytes)]);
        let how = How { threads: 2, block_bytes: 16, drop: false };
        match read(folder.path(), &source(), &["Id", "Name"], &how) {
            // A tar has no checksum of its contents, and gzip and zip have none of names and times.
            Ok((rows, _)) => prop_assert!(!cut && (which == 4 || values(rows) == expected)),
            Err(error) => prop_assert_eq!(error.kind(), Kind::Input),
        }
    }
}
