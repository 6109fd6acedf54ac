//! `decide`'s cleared rows as rows to publish. Must not know how they are encoded.

use super::companion::CompanionRow;
use super::file::{Publishable, Row};
use crate::clock::Instant;
use crate::decide::{Cleared, Consent, Layout, NO_SINCE, NULL_QUASI};
use crate::error::Result;

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

    /// A field whose own `keep` is over is null (R26), and so is its hash among the quasi-identifiers (R36).
    fn visit(&self, bucket: usize, each: &mut dyn FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        let (layout, keeps, as_of) = (self.layout(), self.field_keeps(), self.as_of().0);
        let quasi_keep = |q: usize| self.quasi_keeps().get(q).copied().flatten();
        let kept = self.kept(bucket)?;
        let control = &kept.bucket.control;
        let (mut fields, mut identities, mut quasi) = (Vec::new(), Vec::new(), Vec::new());
        for (n, row) in kept.kept.iter().enumerate() {
            let i = row.row as usize;
            let field_until = &kept.field_until[n * keeps.len()..][..keeps.len()];
            fields.clear();
            fields.extend(kept.bucket.field(i));
            let over = |keep: usize| field_until[keep] <= as_of;
            for (_, field) in keeps.iter().enumerate().filter(|(keep, _)| over(*keep)) {
                fields[*field] = None;
            }
            identities.clear();
            identities.extend((0..layout.identities).map(|slot| (control.mark(i, slot), control.identity(i, slot))));
            quasi.clear();
            let hash = |q| if quasi_keep(q).is_some_and(over) { NULL_QUASI } else { control.quasi(i, q) };
            quasi.extend((0..layout.quasi).map(hash));
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
