//! Every file of the version is there, byte for byte and row for row, with a companion that has as many rows.

use crate::audit::check::{AuditSpot, Check, CheckBegun, CheckFound, FileLook, Look};
use crate::audit::data::AuditedFile;
use crate::audit::finding::Severity;
use crate::audit::scene::AuditedTable;

pub(in crate::audit) const CHECK: Check = Check {
    rule: "files-as-published",
    article: "Art. 5(1)(f), (2) GDPR; R40",
    severity: Severity::Error,
    holds: "Every file of the version has the bytes that its manifest names, and a companion with as many rows.",
    fix: "call `tamis verify`, find out who wrote there, and run the job: that writes a whole version in its place",
    look: Look::Files(begin),
};

fn begin<'a>(table: &'a AuditedTable<'a>) -> CheckBegun<'a> {
    CheckBegun::Looks(Box::new(Manifested(table)))
}

struct Manifested<'a>(&'a AuditedTable<'a>);

impl FileLook for Manifested<'_> {
    fn file(&mut self, file: &AuditedFile, found: &mut CheckFound<'_>) {
        let place = |path: &str| self.0.lake.map_or_else(|| path.to_owned(), |lake| lake.display(path));
        let named = self.0.manifest.output.files.iter().find(|named| place(&named.path) == file.place);
        let spot = || AuditSpot { file: Some(&file.place), ..AuditSpot::default() };
        match named {
            None => found.say(spot(), "the manifest of the version names no such file"),
            Some(named) if named.rows != file.batch.num_rows() as u64 => {
                found.say(spot(), "the file has not as many rows as the manifest of the version says");
            }
            Some(named) if named.blake3 != file.blake3 => {
                found.say(spot(), "the file is not the one that was published");
            }
            Some(_) => {}
        }
        if let Err(why) = file.rows_beside() {
            found.say(spot(), why);
        }
    }

    fn unread(&mut self, why: &str, found: &mut CheckFound<'_>) {
        found.say(AuditSpot::default(), why);
    }
}
