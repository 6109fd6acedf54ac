//! `decide`'s cleared rows as rows to publish. Must not know how they are encoded.

use super::companion::CompanionRow;
use super::file::{Publishable, Row};
use crate::clock::Instant;
use crate::decide::{Cleared, Consent};
use crate::error::Result;
use crate::minimize::{Layout, NO_SINCE};

/// What a row says that rests on no consent.
const NO_CONSENT: Consent = Consent { since: NO_SINCE, until: i64::MAX };

impl Publishable for Cleared {
    fn layout(&self) -> &Layout {
        self.layout()
    }

    fn field_untils(&self) -> usize {
        self.field_keeps().len()
    }

    fn buckets(&self) -> usize {
        self.buckets()
    }

    fn rows(&self) -> u64 {
        self.rows_out()
    }

    fn as_of(&self) -> Instant {
        self.as_of()
    }

    /// A field whose own `keep` is over is null (R26).
    fn visit(&self, bucket: usize, each: &mut dyn FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        let (layout, keeps, as_of) = (self.layout(), self.field_keeps(), self.as_of().0);
        let kept = self.kept(bucket)?;
        let control = &kept.bucket.control;
        let (mut fields, mut identities, mut quasi) = (Vec::new(), Vec::new(), Vec::new());
        for (n, row) in kept.kept.iter().enumerate() {
            let i = row.row as usize;
            let field_until = &kept.field_until[n * keeps.len()..][..keeps.len()];
            fields.clear();
            fields.extend(kept.bucket.field(i));
            for (field, _) in keeps.iter().zip(field_until).filter(|(_, until)| **until <= as_of) {
                fields[*field] = None;
            }
            identities.clear();
            identities.extend((0..layout.identities).map(|slot| (control.mark(i, slot), control.identity(i, slot))));
            quasi.clear();
            quasi.extend((0..layout.quasi).map(|q| control.quasi(i, q)));
            let consent = kept.consent.get(n).copied().unwrap_or(NO_CONSENT);
            let companion = CompanionRow {
                subject: control.subject(i),
                keep_until: row.keep_until,
                since: consent.since,
                consent_until: consent.until,
                field_until,
                identities: &identities,
                quasi: &quasi,
            };
            each(&Row { companion, fields: &fields })?;
        }
        Ok(())
    }
}
