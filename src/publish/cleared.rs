//! `decide`'s cleared rows are rows that may be published.

use super::file::{Publishable, Sink};
use super::stretch::Stretch;
use crate::clock::Instant;
use crate::decide::{Cleared, Layout};
use crate::error::Result;

impl Publishable for Cleared {
    fn layout(&self) -> &Layout {
        self.layout()
    }

    fn field_untils(&self) -> usize {
        self.field_keeps()
    }

    fn on_consent(&self) -> bool {
        self.on_consent()
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

    fn visit(&self, bucket: usize, sink: &mut Sink<'_>) -> Result<()> {
        let bucket = self.kept(bucket)?;
        sink.stretch(Stretch::of(&bucket))
    }
}
