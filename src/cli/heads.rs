//! Heads of the ledger that are kept in a file elsewhere, one a line: what `verify` compares with, and adds to.

use super::access::check_apart;
use crate::error::{Code, Error, Result};
use crate::evidence::Head;
use crate::policy::Project;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A file of heads, outside of every root.
pub(super) struct HeadsFile<'a> {
    path: &'a Path,
    /// The greatest one in it; none before the first.
    pub(super) newest: Option<Head>,
}

impl<'a> HeadsFile<'a> {
    /// Reads the file; one that is not there has no head yet.
    ///
    /// # Errors
    /// A policy error for a file in a root of the policy, one that cannot be read, and a line that is no head.
    pub(super) fn read(project: &Project, path: &'a Path) -> Result<HeadsFile<'a>> {
        check_apart(project, path)?;
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            text => text.map_err(|_| unusable("the file of heads cannot be read"))?,
        };
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let heads: Option<Vec<Head>> = lines.map(Head::parse).collect();
        let heads = heads.ok_or_else(|| unusable("the file of heads has a line that is no head"))?;
        Ok(HeadsFile { path, newest: heads.into_iter().max_by_key(|head| head.seq) })
    }

    /// Adds a head that was just verified, unless it is there.
    ///
    /// # Errors
    /// A policy error when the file cannot be written.
    pub(super) fn add(&self, head: &Head) -> Result<()> {
        if self.newest.as_ref() == Some(head) {
            return Ok(());
        }
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(self.path);
        let line = format!("{head}\n");
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .map_err(|_| unusable("the file of heads cannot be written"))
    }
}

fn unusable(what: &str) -> Error {
    Error::new(Code::ArgumentWrong, what).help(
        "name a file that tamis may write, with one SEQ:DIGEST a line, where the writer of the state cannot reach it",
    )
}
