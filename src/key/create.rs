//! Makes new keys from the system's generator. Never overwrites one: a lost key is lost.

use super::{Key, KeyId, custody, load};
use crate::error::{Code, Error, Result};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use zeroize::{Zeroize, Zeroizing};

/// A key file of `tamis key new`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct KeyFile {
    /// Path of the key file that was made.
    pub file: String,
    /// What may be said of the key.
    pub id: KeyId,
    /// Whether it was made now; else it was there.
    pub new: bool,
}

/// Fills `bytes` from the system's generator: the one source of randomness.
///
/// # Errors
/// A policy error when the system has none.
pub fn random(bytes: &mut [u8]) -> Result<()> {
    #[allow(clippy::disallowed_methods)] // the one place that asks
    getrandom::fill(bytes).map_err(|_| Error::new(Code::FileNotWritten, "the system gives no random bytes"))
}

/// Returns 32 random hex digits, by which a process knows its own claims again.
///
/// # Errors
/// As [`random`].
pub fn nonce() -> Result<String> {
    let mut bytes = [0; 16];
    random(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Makes `token-<epoch>.key`, and `identity.key` when the folder holds no key at all. The folder is made with mode 0700,
/// files with 0600. Says which files there are now, the identity key first.
///
/// # Errors
/// A policy error when the token key is there already, when the identity key is missing beside token keys (a new one
/// would match no erasure any more), or when the folder cannot be written.
pub fn create(dir: &str, epoch: &str) -> Result<Vec<KeyFile>> {
    if epoch.is_empty() || !epoch.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        return Err(Error::new(Code::ArgumentWrong, "an epoch's name has lower-case letters, digits and hyphens")
            .help("for example 2026a"));
    }
    let folder = Path::new(dir);
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|e| stuck(dir, e.kind()))?;
    custody::of_folder(folder)?;
    let token = folder.join(format!("token-{epoch}.key"));
    if token.symlink_metadata().is_ok() {
        return Err(taken(&token));
    }
    let identity = folder.join("identity.key");
    let first = if identity.symlink_metadata().is_ok() {
        existing(&identity)?
    } else {
        if others(folder).map_err(|e| stuck(dir, e.kind()))? {
            return Err(Error::new(Code::KeyMissing, format!("{dir} holds token keys but no identity.key")).help(
                "bring the identity key back from wherever copies are kept: a new one would match no stored erasure. \
                 For a new installation use an empty folder",
            ));
        }
        write(&identity)?
    };
    let second = write(&token)?;
    File::open(folder).and_then(|f| f.sync_all()).map_err(|e| stuck(dir, e.kind()))?;
    Ok(vec![first, second])
}

fn others(folder: &Path) -> std::io::Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        if name.to_str().is_some_and(|n| n.starts_with("token-") && n.ends_with(".key")) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn existing(path: &Path) -> Result<KeyFile> {
    let key = load::from_file(path.parent().unwrap_or(Path::new("")), "identity.key", 0o077, &[])?;
    Ok(KeyFile { file: path.display().to_string(), id: key.id(), new: false })
}

fn write(path: &Path) -> Result<KeyFile> {
    let mut bytes = [0_u8; 32];
    random(&mut bytes)?;
    let key = Key::new(bytes);
    let mut text = Zeroizing::new([0_u8; 65]);
    for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *pair = [byte >> 4, byte & 15].map(|n| b"0123456789abcdef"[usize::from(n)]);
    }
    text[64] = b'\n';
    bytes.zeroize();
    let place = path.display().to_string();
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file =
        opened.map_err(|e| if e.kind() == ErrorKind::AlreadyExists { taken(path) } else { stuck(&place, e.kind()) })?;
    file.write_all(&*text).and_then(|()| file.sync_all()).map_err(|e| stuck(&place, e.kind()))?;
    Ok(KeyFile { file: place, id: key.id(), new: true })
}

fn taken(path: &Path) -> Error {
    Error::new(Code::AlreadyThere, format!("{} is already there; no key is ever overwritten", path.display()))
        .help("for a new epoch choose a new name")
}

fn stuck(place: &str, kind: ErrorKind) -> Error {
    Error::new(Code::FileNotWritten, format!("{place} cannot be written: {kind}"))
        .help("choose a folder that belongs to the user tamis runs as")
}

#[cfg(test)]
mod tests {
    use super::super::Keyring;
    use super::*;
    use crate::policy::{KeyFrom, KeySource};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn new_keys_load_are_private_and_are_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("keys/of tamis");
        let made = create(dir.to_str().unwrap(), "2026a").unwrap();
        assert!(made.iter().all(|k| k.new));
        let mode = |p: &Path| p.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&dir), mode(Path::new(&made[0].file)), mode(Path::new(&made[1].file))), (0o700, 0o600, 0o600));
        let source = KeySource { from: KeyFrom::Dir(dir.to_str().unwrap().into()), epoch: "2026a".into() };
        let ring = Keyring::load(&source, &[]).unwrap();
        assert_eq!([ring.identity.id(), ring.token.id()], [made[0].id.clone(), made[1].id.clone()]);
        assert!(ring.identity.id() != ring.token.id());
        assert!(create(dir.to_str().unwrap(), "2026a").unwrap_err().code() == Code::AlreadyThere);
        let next = create(dir.to_str().unwrap(), "2027a").unwrap();
        assert_eq!((next[0].new, &next[0].id, next[1].new), (false, &made[0].id, true));
    }

    #[test]
    fn a_lost_identity_key_is_not_replaced_silently() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().to_str().unwrap();
        let made = create(dir, "2026a").unwrap();
        std::fs::remove_file(&made[0].file).unwrap();
        assert!(create(dir, "2026b").unwrap_err().code() == Code::KeyMissing);
        assert!(create(dir, "../x").is_err());
    }
}
