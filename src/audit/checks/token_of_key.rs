//! Tokens are those of the installation's own key. Of whom a stored request names a whole identity, the token is made
//! anew; of all others the companion has the first bits of the subject's token, as they were when it was written.

use crate::audit::check::{Check, CheckBegun, CheckFound, FileLook, Look};
use crate::audit::data::AuditedFile;
use crate::audit::finding::{FoundRows, Severity};
use crate::audit::scene::AuditedTable;
use crate::audit::tokens::{InField, read};
use std::collections::HashMap;

pub(in crate::audit) const CHECK: Check = Check {
    rule: "token-of-our-key",
    article: "Art. 4(5) GDPR; R2, R3",
    severity: Severity::Error,
    holds: "A subject's token is the one in the companion. If a request names the person's identity, the token is also the one that the key makes of it.",
    fix: "take the version out of readers' sight, find out who wrote it, and run the job",
    look: Look::Files(begin),
};

fn begin<'a>(table: &'a AuditedTable<'a>) -> CheckBegun<'a> {
    if !table.is_of_persons() {
        return CheckBegun::Nothing;
    }
    let Some(subject) = table.subject() else {
        return CheckBegun::Cannot("no field is the token of the subject".into());
    };
    let (tokens, requests) = match (&table.tokens, &table.scene.requests) {
        (Ok(tokens), Ok(requests)) => (tokens, requests),
        (Err(why), _) | (_, Err(why)) => return CheckBegun::Cannot(why.clone()),
    };
    let mut expected = HashMap::new();
    let named = requests.named(table.scene.state.root(), &mut |_, identity| {
        expected.insert(*crate::requests::half(identity), tokens.token(identity));
    });
    match named {
        Ok(()) => CheckBegun::Looks(Box::new(Subjects { subject, expected })),
        Err(error) => CheckBegun::Cannot(error.message().to_owned()),
    }
}

struct Subjects<'a> {
    subject: &'a str,
    /// First half of an identity that a request names -> its token.
    expected: HashMap<[u8; 16], [u8; 16]>,
}

impl FileLook for Subjects<'_> {
    fn file(&mut self, file: &AuditedFile, found: &mut CheckFound<'_>) {
        let Some(column) = file.batch.column_by_name(self.subject) else {
            return found.cannot(format!("{} has no column {}", file.place, self.subject));
        };
        let companion = match file.rows_beside() {
            Ok(companion) => companion,
            Err(why) => return found.cannot(why),
        };
        let mut other = FoundRows::default();
        for row in 0..column.len() {
            let InField::Token(token) = read(column.as_ref(), row) else { continue };
            let key = companion.carried(row).find(|(slot, ..)| *slot == 0);
            let made = key.and_then(|(_, _, half)| self.expected.get(&half));
            if !companion.is_of(row, &token) || made.is_some_and(|made| *made != token) {
                other.add(row);
            }
        }
        found.rows(file, Some(self.subject), other, "no token that our key makes of this row's subject");
    }
}
