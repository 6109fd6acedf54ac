//! Reads the keys of a run from one of three carriers: a folder, systemd credentials or a command (R1).
//! A key that others could read, or that lies among the data, is refused. Must not know what is hashed with it.

use super::digits::{DIGITS, parse};
use super::{Key, Keyring, command, custody};
use crate::error::{Code, Error, Result};
use crate::policy::{KeyFrom, KeySource};
use crate::store;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroize;

impl Keyring {
    /// Loads `identity.key` and `token-<epoch>.key`. `data_roots` are the URLs or paths of the policy's roots: a key
    /// inside a local one is refused.
    ///
    /// # Errors
    /// A policy error that names the file and says what to do; never anything of its content.
    pub fn load(source: &KeySource, data_roots: &[String]) -> Result<Keyring> {
        Self::load_while(source, data_roots, &|| Ok(()))
    }

    /// As [`Keyring::load`]; a program that gives the keys is waited for only while `proceed` says so.
    ///
    /// # Errors
    /// Those of `load`, and that of `proceed`.
    pub fn load_while(source: &KeySource, data_roots: &[String], proceed: &dyn Fn() -> Result<()>) -> Result<Keyring> {
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        let names = ["identity.key".to_string(), format!("token-{}.key", source.epoch)];
        let [identity, token] = names.map(|name| fetch(source, credentials.as_deref(), &name, data_roots, proceed));
        Ok(Keyring { identity: identity?, token: token?, epoch: source.epoch.clone() })
    }
}

fn fetch(
    source: &KeySource,
    credentials: Option<&Path>,
    name: &str,
    data_roots: &[String],
    proceed: &dyn Fn() -> Result<()>,
) -> Result<Key> {
    match &source.from {
        KeyFrom::Dir(folder) => from_file(Path::new(folder), name, 0o077, data_roots),
        // systemd grants a service user its credential by an access list, which shows as a group bit.
        KeyFrom::Credential(prefix) => {
            let folder = credentials.ok_or_else(|| {
                Error::new(Code::KeyMissing, "the keys are systemd credentials, but CREDENTIALS_DIRECTORY is not set")
                    .help("start tamis from a unit with LoadCredential= or LoadCredentialEncrypted=")
            })?;
            from_file(folder, &format!("{prefix}-{name}"), 0o007, data_roots)
        }
        KeyFrom::Command(command) => command::run(command, name, command::PATIENCE, proceed),
    }
}

pub(super) fn from_file(folder: &Path, name: &str, forbidden: u32, data_roots: &[String]) -> Result<Key> {
    let path = folder.join(name);
    let place = path.display().to_string();
    outside(&path, &place, data_roots)?;
    let mut file = open(&path, &place)?;
    let facts = file.metadata().map_err(|_| unreadable(&place))?;
    if !facts.is_file() {
        return Err(Error::new(Code::KeyUnreadable, format!("key {place} is not a plain file"))
            .help("put the key itself there"));
    }
    if facts.mode() & forbidden != 0 {
        return Err(Error::new(Code::KeyExposed, format!("key {place} can be read or changed by others"))
            .help(format!("chmod 600 {place}, and check whether somebody may have read it already")));
    }
    custody::of_file(&facts, folder, &place)?;
    custody::of_folder(folder)?;
    let mut text = [0_u8; 2 * DIGITS];
    let length = fill(&mut file, &mut text).map_err(|_| unreadable(&place))?;
    let key = parse(&text[..length], &place);
    text.zeroize();
    key
}

/// `O_NOFOLLOW`, so that what is checked is what is read; `O_NONBLOCK`, so that a pipe does not hold the run up.
fn open(path: &Path, place: &str) -> Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_CLOEXEC | libc::O_NONBLOCK;
    OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|e| match e.raw_os_error() {
        Some(libc::ELOOP) => Error::new(Code::KeyUnreadable, format!("key {place} is a symbolic link"))
            .help("put the key file itself there, or name its folder in [keys] dir"),
        Some(libc::ENOENT) => Error::new(Code::KeyMissing, format!("key {place} is not there")).help(
            "for a new installation or a new epoch, `tamis key new` makes it; otherwise restore the key that was in \
             use from a copy",
        ),
        _ => unreadable(place),
    })
}

fn fill(file: &mut File, into: &mut [u8]) -> std::io::Result<usize> {
    let mut length = 0;
    while length < into.len() {
        match file.read(&mut into[length..])? {
            0 => break,
            read => length += read,
        }
    }
    Ok(length)
}

fn outside(path: &Path, place: &str, data_roots: &[String]) -> Result<()> {
    let Some(key) = store::settle(path) else { return Err(unreadable(place)) };
    for root in data_roots {
        let Some(folder) = store::local_folder(root) else { continue };
        if key.starts_with(&folder) {
            return Err(Error::new(Code::KeyExposed, format!("key {place} lies inside a data root of the policy"))
                .help("move the keys to a folder of their own, away from raw data, datasets and state"));
        }
    }
    Ok(())
}

fn unreadable(place: &str) -> Error {
    Error::new(Code::KeyUnreadable, format!("key {place} cannot be read"))
        .help("check that it belongs to the user tamis runs as")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    const IDENTITY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const TOKEN: &str = "202122232425262728292A2B2C2D2E2F303132333435363738393a3b3c3d3e3f\n";

    fn write(folder: &Path, name: &str, text: &str, mode: u32) {
        std::fs::write(folder.join(name), text).unwrap();
        std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }
    fn keys() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "identity.key", IDENTITY, 0o600);
        write(folder.path(), "token-2026a.key", TOKEN, 0o400);
        folder
    }
    fn source(from: KeyFrom) -> KeySource {
        KeySource { from, epoch: "2026a".into() }
    }
    fn dir(folder: &Path) -> KeySource {
        source(KeyFrom::Dir(folder.to_str().unwrap().into()))
    }
    fn refusal(source: &KeySource, roots: &[String]) -> Error {
        let error = Keyring::load(source, roots).err().expect("refused");
        assert_eq!(error.kind(), crate::error::Kind::Policy);
        assert!(error.help_text().is_some());
        error
    }

    #[test]
    fn r1_both_keys_are_read_from_each_carrier() {
        let folder = keys();
        let ring = Keyring::load(&dir(folder.path()), &["s3://bucket/x".into(), "/nowhere".into()]).unwrap();
        assert_eq!(
            (ring.identity.id().0.as_str(), ring.token.id().0.as_str()),
            ("3f721688408c152d", "c02314236e5bf2c1")
        );
        let script = format!("cat {}/$0", folder.path().display());
        let command = source(KeyFrom::Command(["sh", "-c", &script].map(String::from).to_vec()));
        assert_eq!(Keyring::load(&command, &[]).unwrap().ids(), ring.ids());
        write(folder.path(), "tamis-identity.key", IDENTITY, 0o440);
        let credential = source(KeyFrom::Credential("tamis".into()));
        assert!(fetch(&credential, Some(folder.path()), "identity.key", &[], &|| Ok(())).is_ok());
        let none = fetch(&credential, None, "identity.key", &[], &|| Ok(())).err().unwrap();
        assert_eq!(none.code(), Code::KeyMissing);
    }

    #[test]
    fn r1_anything_but_64_hex_digits_is_refused_without_showing_it() {
        let folder = keys();
        let long = format!("{IDENTITY}00");
        let crlf = format!("{IDENTITY}\r\n");
        let two = format!("{IDENTITY}\n\n");
        let blank = format!(" {}", &IDENTITY[1..]);
        let bad =
            ["", "\n", &IDENTITY[1..], &IDENTITY[2..], &long, &crlf, &two, &blank, &"7f".repeat(32), &"Ü".repeat(32)];
        for text in bad {
            write(folder.path(), "identity.key", text, 0o600);
            let error = refusal(&dir(folder.path()), &[]);
            let message = error.message();
            assert!(error.code() == Code::KeyUnreadable && message.contains("identity.key"), "{message}");
            assert!(!message.contains("0405") && !message.contains("7f7f"), "{message}");
        }
    }

    #[test]
    fn keys_that_others_can_read_are_refused() {
        let folder = keys();
        for mode in [0o640, 0o604, 0o620, 0o610, 0o666] {
            write(folder.path(), "token-2026a.key", TOKEN, mode);
            let error = refusal(&dir(folder.path()), &[]);
            assert!(error.code() == Code::KeyExposed && error.message().contains("token-2026a.key"), "{error}");
        }
    }

    #[test]
    fn a_folder_that_others_may_write_to_is_refused_and_one_below_it() {
        let folder = tempfile::tempdir().unwrap();
        let (above, keys) = (folder.path().join("above"), folder.path().join("above/keys"));
        std::fs::create_dir_all(&keys).unwrap();
        write(&keys, "identity.key", IDENTITY, 0o600);
        write(&keys, "token-2026a.key", TOKEN, 0o600);
        let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        for (above_mode, keys_mode, refused) in [
            (0o755, 0o700, None),
            (0o755, 0o755, None),
            (0o755, 0o777, Some("others may write to folder")),
            (0o755, 0o770, Some("others may write to folder")),
            (0o777, 0o700, Some("above folder")),
            (0o1777, 0o700, None),
            (0o775, 0o700, None),
        ] {
            mode(&above, above_mode);
            mode(&keys, keys_mode);
            let found = Keyring::load(&dir(&keys), &[]).err().map(|error| error.message().to_owned());
            let as_said =
                refused.is_none() == found.is_none() && found.iter().all(|m| m.contains(refused.unwrap_or("")));
            assert!(as_said, "{above_mode:o} {keys_mode:o}: {found:?}");
            let kept = super::super::create(keys.to_str().unwrap(), "2027a");
            assert_eq!(kept.is_err(), refused.is_some(), "a new key beside one that may be planted");
            let _ = std::fs::remove_file(keys.join("token-2027a.key"));
        }
        mode(&above, 0o755);
        mode(&keys, 0o700);
        let open = folder.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::os::unix::fs::symlink(&keys, open.join("keys")).unwrap();
        assert!(Keyring::load(&dir(&open.join("keys")), &[]).is_ok());
        mode(&open, 0o777);
        assert!(Keyring::load(&dir(&open.join("../above/keys")), &[]).is_ok(), "nobody can replace what `..` leads to");
        let linked = refusal(&dir(&open.join("keys")), &[]);
        assert!(linked.code() == Code::KeyExposed && linked.message().contains("above folder"), "{linked}");
    }

    #[test]
    fn a_key_of_another_user_is_refused() {
        if !rustix::process::geteuid().is_root() {
            return eprintln!("SKIPPED: only root can give a file away");
        }
        let folder = keys();
        let [identity, token] = ["identity.key", "token-2026a.key"].map(|name| folder.path().join(name));
        let give = |path: &Path| std::os::unix::fs::chown(path, Some(65_534), None).unwrap();
        give(&token);
        let given = refusal(&dir(folder.path()), &[]);
        assert!(given.code() == Code::KeyExposed && given.message().contains("token-2026a.key"), "{given}");
        [identity.as_path(), folder.path()].into_iter().for_each(give);
        let above = folder.path().parent().unwrap().metadata().unwrap();
        if above.mode() & 0o1002 == 0o1002 {
            assert_eq!(refusal(&dir(folder.path()), &[]).code(), Code::KeyExposed, "whoever is first in such a folder");
        }
        let within = tempfile::tempdir().unwrap();
        let (home, theirs) = (within.path().join("home"), within.path().join("home/keys"));
        std::fs::create_dir(&home).unwrap();
        std::fs::rename(folder.path(), &theirs).unwrap();
        assert!(Keyring::load(&dir(&theirs), &[]).is_ok(), "root works for the user of the installation");
        give(&home);
        assert!(Keyring::load(&dir(&theirs), &[]).is_ok(), "the folder above is of the same user");
        for path in [theirs.join("identity.key"), theirs.join("token-2026a.key"), theirs.clone()] {
            std::os::unix::fs::chown(path, Some(0), None).unwrap();
        }
        let above = refusal(&dir(&theirs), &[]);
        assert!(above.code() == Code::KeyExposed && above.message().contains("above folder"), "{above}");
    }

    #[test]
    fn links_folders_and_missing_files_are_refused() {
        let folder = keys();
        std::fs::rename(folder.path().join("identity.key"), folder.path().join("elsewhere")).unwrap();
        assert_eq!(refusal(&dir(folder.path()), &[]).code(), Code::KeyMissing);
        symlink(folder.path().join("elsewhere"), folder.path().join("identity.key")).unwrap();
        assert_eq!(refusal(&dir(folder.path()), &[]).code(), Code::KeyUnreadable);
        std::fs::remove_file(folder.path().join("identity.key")).unwrap();
        std::fs::create_dir(folder.path().join("identity.key")).unwrap();
        assert_eq!(refusal(&dir(folder.path()), &[]).code(), Code::KeyUnreadable);
    }

    #[test]
    fn keys_inside_a_data_root_are_refused_also_by_way_of_links() {
        let folder = keys();
        let (here, up) = (folder.path(), folder.path().parent().unwrap());
        let link = folder.path().join("link");
        symlink(here, &link).unwrap();
        for root in [here.display().to_string(), up.display().to_string(), format!("file://{}", here.display())] {
            for keys in [here, link.as_path()] {
                assert_eq!(refusal(&dir(keys), std::slice::from_ref(&root)).code(), Code::KeyExposed, "{root}");
            }
        }
        assert_eq!(refusal(&dir(here), &[link.display().to_string()]).code(), Code::KeyExposed);
        assert!(Keyring::load(&dir(here), &[here.join("data").display().to_string()]).is_ok());
    }

    #[test]
    fn a_command_that_fails_is_refused_and_its_words_are_not_shown() {
        let command = |script: &str| source(KeyFrom::Command(["sh", "-c", script].map(String::from).to_vec()));
        assert_eq!(refusal(&command("echo secret; exit 3"), &[]).code(), Code::KeyCommandFailed);
        let unfit = refusal(&command("echo secret"), &[]);
        assert!(unfit.code() == Code::KeyUnreadable && !unfit.message().contains("secret"));
        let nothing = source(KeyFrom::Command(vec!["/no/such/program".into()]));
        assert_eq!(refusal(&nothing, &[]).code(), Code::KeyCommandFailed);
    }
}
