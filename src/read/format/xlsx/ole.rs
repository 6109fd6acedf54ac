//! Which Office file of the older kind it is, in the container that they have in common (OLE2): one with a password, or
//! `.xls`.

/// Bytes of its directory that are looked at.
pub(super) const DIRECTORY: u64 = 4096;
const MARK: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
/// Bytes of a file that are looked at: its directory is most often at the beginning.
pub(super) const LOOKED_AT: usize = 64 * 1024;

/// What such a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OleKind {
    /// A newer document that is encrypted.
    WithPassword,
    /// A workbook of before 2007.
    OldWorkbook,
    Other,
}

impl OleKind {
    /// What it is, to stand after "is".
    pub fn words(self) -> &'static str {
        match self {
            OleKind::WithPassword => "a workbook with a password",
            OleKind::OldWorkbook => "an Excel workbook of the old kind (.xls)",
            OleKind::Other => "an Office document of the old kind, or one whose directory is not at its beginning",
        }
    }

    /// What an operator can do about it.
    pub fn help(self) -> &'static str {
        match self {
            OleKind::WithPassword => "have it saved without a password, and keep it where only the export may be read",
            OleKind::OldWorkbook | OleKind::Other => "save it as .xlsx (Excel Workbook), without a password",
        }
    }
}

/// Returns where such a file says that its directory begins.
pub(super) fn directory_at(start: &[u8]) -> Option<u64> {
    let number = |at: usize, width: usize| {
        let bytes = start.get(at..at + width)?;
        Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    let (shift, sector) = (number(30, 2)?, number(48, 4)?);
    (start.starts_with(&MARK) && (9..=12).contains(&shift)).then(|| (sector + 1) << shift)
}

/// Tells by the beginning of a file, and by that of its directory; none for another container.
pub(super) fn kind(start: &[u8], directory: &[u8]) -> Option<OleKind> {
    if !start.starts_with(&MARK) {
        return None;
    }
    // Names of streams are UTF-16.
    let has = |name: &str| {
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        [start, directory].iter().any(|bytes| memchr::memmem::find(bytes, &wide).is_some())
    };
    Some(match has("EncryptedPackage") || has("EncryptionInfo") {
        true => OleKind::WithPassword,
        false if has("Workbook") || has("Book") => OleKind::OldWorkbook,
        false => OleKind::Other,
    })
}
