//! Names and properties of members of a tar archive.

use tar::PaxExtensions;

/// The path of a member as it is compared with globs.
pub(super) struct MemberPath {
    /// Without `./` and doubled slashes.
    pub name: String,
    /// The path is absolute, or goes up.
    pub elsewhere: bool,
    /// It ends as the path of a folder does.
    pub folder: bool,
}

/// Reads a path; none for what is not UTF-8, has a NUL in it or names nothing.
pub(super) fn name(written: &[u8]) -> Option<MemberPath> {
    let text = std::str::from_utf8(written).ok().filter(|text| !text.is_empty() && !text.contains('\0'))?;
    let steps: Vec<&str> = text.split('/').filter(|step| !matches!(*step, "" | ".")).collect();
    let elsewhere = text.starts_with('/') || steps.contains(&"..");
    let folder = text.ends_with('/') || steps.is_empty() || text.ends_with("/.");
    Some(MemberPath { name: steps.join("/"), elsewhere, folder })
}

/// What the extended header of a member says, as far as it matters here.
#[derive(Default)]
pub(super) struct Properties {
    pub path: Option<Vec<u8>>,
    pub size: Option<u64>,
    /// The bytes are those of a file with holes.
    pub sparse: bool,
}

impl Properties {
    /// Whether it would say nothing of any member.
    pub fn harmless(&self) -> bool {
        self.path.is_none() && self.size.is_none() && !self.sparse
    }
}

/// Reads properties; none for what makes no sense, or says a thing twice.
pub(super) fn properties(bytes: &[u8]) -> Option<Properties> {
    let mut found = Properties::default();
    for property in PaxExtensions::new(bytes) {
        let property = property.ok()?;
        let (key, value) = (property.key().ok()?, property.value_bytes());
        match key {
            "path" if found.path.replace(value.to_vec()).is_some() => return None,
            "size" => {
                let size = std::str::from_utf8(value).ok()?.parse().ok()?;
                if found.size.replace(size).is_some() {
                    return None;
                }
            }
            key if key.starts_with("GNU.sparse.") => found.sparse = true,
            _ => {}
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_compared_without_what_says_nothing() {
        let of = |text: &str| name(text.as_bytes()).map(|named| (named.name, named.elsewhere, named.folder));
        assert_eq!(of("./a//b.csv"), Some(("a/b.csv".into(), false, false)));
        assert_eq!(of("/a.csv"), Some(("a.csv".into(), true, false)));
        assert_eq!(of("a/../b.csv"), Some(("a/../b.csv".into(), true, false)));
        assert_eq!(of("./"), Some((String::new(), false, true)));
        assert_eq!(of("a/."), Some(("a".into(), false, true)));
        assert!(of("").is_none() && of("a\0b").is_none() && name(b"\xff").is_none());
    }

    #[test]
    fn properties_say_a_thing_once() {
        let all = properties(b"16 path=a/b.csv\n12 size=345\n20 mtime=1700000000\n").unwrap();
        assert_eq!((all.path.as_deref(), all.size, all.sparse), (Some(b"a/b.csv".as_slice()), Some(345), false));
        assert!(properties(b"22 GNU.sparse.major=1\n").unwrap().sparse);
        for wrong in ["10 path=a\n10 path=b\n", "10 size=x\n", "99 path=a\n", "path=a\n"] {
            assert!(properties(wrong.as_bytes()).is_none(), "{wrong}");
        }
        assert!(properties(b"").unwrap().harmless());
    }
}
