//! Corrections laid over the records of one job's export, cell by cell (R80, R81).

use super::correction::{Correction, CorrectionDecision};
use super::tally::CorrectionTally;
use crate::cell::text::tidy;
use crate::error::Result;
use crate::policy::{CorrectedColumn, Plan, Refusal};
use crate::read::RawBatch;
use std::collections::HashMap;
use zeroize::Zeroizing;

/// Why a correction is not laid over an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotLaid {
    /// The job reads nothing of the column.
    NotUsed,
    /// The source does not name the column.
    NoColumn,
    /// The controller has refused it.
    Refused(Refusal),
    /// It is of the subject's key: another person would be meant.
    Key,
    /// It is of the column that orders versions of records, or says that one has ended.
    Version,
    /// The column holds several values in a cell, or a part of an identifier.
    Composed,
}

impl NotLaid {
    /// Returns why, in words.
    pub fn said(self) -> &'static str {
        match self {
            NotLaid::NotUsed => "the job makes nothing of the column",
            NotLaid::NoColumn => "the source has no such column",
            NotLaid::Refused(refusal) => refusal.said(),
            NotLaid::Key => "a subject key is not corrected: the record would be another person's (R80)",
            NotLaid::Version => "what orders versions of records, or ends them, is not corrected (R75)",
            NotLaid::Composed => "the column holds several values, or a part of an identifier (R80)",
        }
    }
}

/// A correction, and which cells it is laid over.
pub struct CaseLaid {
    /// What the list says.
    pub correction: Correction,
    /// The counts of its cell, or why it has none.
    pub laid: std::result::Result<usize, NotLaid>,
    /// Whether a later correction says another value of the same cell.
    pub superseded: bool,
}

/// The corrections of a job, ready to be laid over its export.
#[derive(Default)]
pub struct Corrections {
    cases: Vec<CaseLaid>,
    cells: Vec<CorrectedCell>,
    /// Cells by the first half of their record's identity.
    by_record: HashMap<[u8; 16], Vec<usize>>,
}

/// How much an exclude cannot judge, because nobody knows what the cell holds that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unjudged {
    /// The row of the record.
    Row,
    /// All rows of its person.
    Person,
}

/// What is known of one cell: of several corrections the one received last counts.
struct CorrectedCell {
    /// Index of the column in the plan.
    column: usize,
    /// Columns beside a link, where a value that is taken away goes to.
    beside: Vec<usize>,
    /// Columns whose values texts are cleared of.
    names: Vec<usize>,
    /// Values that are known to be wrong.
    wrong: Vec<Zeroizing<String>>,
    value: Zeroizing<String>,
    contested: bool,
    /// What excludes judge by it.
    excludes: Option<Unjudged>,
    /// The wrong value that was the person's own once.
    theirs: Option<Zeroizing<String>>,
    /// Which of the corrections counts.
    last: usize,
}

/// What a cell was found to hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MetValue {
    Contested,
    Agrees,
    Wrong,
    Third,
}

impl MetValue {
    /// Says whether nobody knows the right value, so that the cell has none (R80).
    fn is_undecided(self) -> bool {
        matches!(self, MetValue::Contested | MetValue::Third)
    }
}

impl Corrections {
    /// Prepares corrections for a job. They are in the order in which they were received.
    pub fn of(mut corrections: Vec<Correction>, plan: &Plan) -> Corrections {
        let order = |of: &Correction| (of.received, of.case.clone(), of.column.clone(), of.id);
        corrections.sort_by_cached_key(order);
        let (mut all, mut known) = (Corrections::default(), HashMap::new());
        for correction in corrections {
            let laid = place(&correction, plan).map(|column| {
                let key = (correction.record, column);
                let at = *known.entry(key).or_insert_with(|| all.cell(&correction.record, column, plan));
                all.cells[at].learn(&correction, plan);
                all.cells[at].last = all.cases.len();
                at
            });
            all.cases.push(CaseLaid { correction, laid, superseded: false });
        }
        all.supersede();
        all
    }

    /// R80: of several corrections of a cell the one received last counts.
    fn supersede(&mut self) {
        for (place, case) in self.cases.iter_mut().enumerate() {
            let Some(cell) = case.laid.ok().and_then(|at| self.cells.get(at)) else { continue };
            case.superseded = cell.last != place && tidy(&case.correction.value) != *cell.value;
        }
    }

    fn cell(&mut self, record: &[u8; 32], column: usize, plan: &Plan) -> usize {
        let half = *record.first_chunk().unwrap_or(&[0; 16]);
        self.by_record.entry(half).or_default().push(self.cells.len());
        let beside = |link| {
            let of = plan.corrected.iter().find(|of: &&CorrectedColumn| of.column == column && of.link == link);
            of.map_or(Vec::new(), |of| of.beside.clone())
        };
        let (beside, names) = (beside(true), beside(false));
        let (wrong, value, theirs) = (Vec::new(), Zeroizing::new(String::new()), None);
        let readers = plan.controls.excludes.iter().filter(|exclude| exclude.column == column);
        let excludes = readers.map(|exclude| if exclude.person { Unjudged::Person } else { Unjudged::Row }).max();
        let (contested, last) = (false, 0);
        self.cells.push(CorrectedCell { column, beside, names, wrong, value, contested, excludes, theirs, last });
        self.cells.len() - 1
    }

    /// Whether there is nothing to lay.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Returns every correction of the source, in the order received.
    pub fn cases(&self) -> &[CaseLaid] {
        &self.cases
    }

    /// Returns counts of nothing, one for each cell that is corrected.
    pub fn tallies(&self) -> Vec<CorrectionTally> {
        vec![CorrectionTally::default(); self.cells.len()]
    }

    /// Lays what is known of a record over it. `identity` is that of the record's key, `token` its subject's. Returns what
    /// excludes cannot judge then.
    ///
    /// # Errors
    /// An input error when the text of the batch becomes too long.
    pub fn lay(
        &self,
        batch: &mut RawBatch,
        (record, identity, token): (u32, &[u8; 32], &[u8; 16]),
        tallies: &mut [CorrectionTally],
    ) -> Result<Option<Unjudged>> {
        let mut unjudged = None;
        let half: &[u8; 16] = identity.first_chunk().unwrap_or(&[0; 16]);
        for at in self.by_record.get(half).into_iter().flatten() {
            let (cell, tally) = (&self.cells[*at], &mut tallies[*at]);
            tally.tokens.insert(*token);
            let met = cell.lay(batch, record as usize)?;
            if met.is_undecided() {
                unjudged = unjudged.max(cell.excludes);
            }
            match met {
                MetValue::Contested => tally.contested += 1,
                MetValue::Agrees => tally.agrees += 1,
                MetValue::Wrong => tally.applied += 1,
                MetValue::Third => tally.conflicts += 1,
            }
        }
        Ok(unjudged)
    }
}

/// The column that a correction is laid over.
fn place(correction: &Correction, plan: &Plan) -> std::result::Result<usize, NotLaid> {
    if let CorrectionDecision::Refused(refusal) = correction.decision {
        return Err(NotLaid::Refused(refusal));
    }
    let columns = plan.read_columns();
    let name = plan.source.column_of(&correction.column);
    let known = if plan.source.names(name) { NotLaid::NotUsed } else { NotLaid::NoColumn };
    let at = columns.iter().position(|column| column.name == name).ok_or(known)?;
    let key = plan.controls.key.filter(|key| *key == at || columns[*key].parts.contains(&at));
    if key.is_some() {
        return Err(NotLaid::Key);
    }
    if plan.controls.newest.is_some_and(|newest| newest.version == at || newest.deleted == Some(at)) {
        return Err(NotLaid::Version);
    }
    let part = columns.iter().any(|column| column.parts.contains(&at));
    if part || columns[at].several.is_some() || !columns[at].parts.is_empty() { Err(NotLaid::Composed) } else { Ok(at) }
}

impl CorrectedCell {
    /// Takes a later correction of the same cell into account: what was right before is wrong now.
    fn learn(&mut self, correction: &Correction, plan: &Plan) {
        let known = |text: &str| {
            Zeroizing::new(if plan.source.is_null(text) { String::new() } else { tidy(text).into_owned() })
        };
        if !self.wrong.is_empty() {
            let before = std::mem::replace(&mut self.value, Zeroizing::new(String::new()));
            self.wrong.push(before);
        }
        let was = known(&correction.was);
        self.theirs = correction.reason.was_theirs().then(|| was.clone());
        self.wrong.push(was);
        self.value = known(&correction.value);
        self.contested = correction.decision == CorrectionDecision::Contested;
    }

    fn found(&self, cell: &str) -> MetValue {
        match tidy(cell) {
            _ if self.contested => MetValue::Contested,
            cell if *cell == **self.value => MetValue::Agrees,
            cell if self.wrong.iter().any(|wrong| **wrong == *cell) => MetValue::Wrong,
            _ => MetValue::Third,
        }
    }

    /// R80: the right value where the export has a known wrong one; none where it has a third one or nobody has decided.
    /// R81: a value that may be the person's own is kept beside a link, so that requests still find them by it.
    fn lay(&self, batch: &mut RawBatch, record: usize) -> Result<MetValue> {
        let cell = Zeroizing::new(batch.value(record, self.column).unwrap_or_default().to_owned());
        let found = self.found(&cell);
        match found {
            MetValue::Wrong => batch.set(record, self.column, &self.value)?,
            MetValue::Third | MetValue::Contested => batch.set(record, self.column, "")?,
            MetValue::Agrees => {}
        }
        let now = found.is_undecided().then_some(&cell);
        let other = if found.is_undecided() { Some(&self.value) } else { self.theirs.as_ref() };
        for (column, value) in self.beside.iter().zip(now.into_iter().chain(other)) {
            batch.set(record, *column, value)?;
        }
        // A text may have any of the values that the name had.
        for (column, value) in self.names.iter().zip([&cell, &self.value].into_iter().chain(self.wrong.last())) {
            batch.set(record, *column, value)?;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(wrong: &[&str], value: &str) -> CorrectedCell {
        let text = |text: &str| Zeroizing::new(text.to_owned());
        let wrong = wrong.iter().map(|wrong| text(wrong)).collect();
        CorrectedCell {
            column: 1,
            beside: vec![2, 3],
            names: vec![],
            wrong,
            value: text(value),
            contested: false,
            excludes: None,
            theirs: None,
            last: 0,
        }
    }

    fn laid(cell: &CorrectedCell, csv: &str) -> (Option<String>, Option<String>, Option<String>) {
        let mut batch = RawBatch::sample(csv, &["id", "mail"]);
        batch.widen(4);
        cell.lay(&mut batch, 0).expect("laid");
        let of = |column| batch.value(0, column).map(str::to_owned);
        (of(1), of(2), of(3))
    }

    #[test]
    fn r80_only_a_value_known_to_be_wrong_is_replaced() {
        let cell = cell(&["old@example.com", "older@example.com"], "new@example.com");
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(laid(&cell, "id,mail\n1, old@example.com \n"), (some("new@example.com"), None, None));
        assert_eq!(laid(&cell, "id,mail\n1,older@example.com\n"), (some("new@example.com"), None, None));
        assert_eq!(laid(&cell, "id,mail\n1,new@example.com\n"), (some("new@example.com"), None, None));
        let third = (None, some("third@example.com"), some("new@example.com"));
        assert_eq!(laid(&cell, "id,mail\n1,third@example.com\n"), third, "a third value is none until decided");
        assert_eq!(laid(&cell, "id,mail\n1,\n"), (None, None, some("new@example.com")), "and so is a blank one");
    }

    #[test]
    fn r81_an_old_value_stays_beside_only_when_it_was_theirs_or_nobody_has_decided() {
        let some = |text: &str| Some(text.to_owned());
        let mut changed = cell(&["old@example.com"], "new@example.com");
        changed.theirs = Some(Zeroizing::new("old@example.com".into()));
        let both = (some("new@example.com"), some("old@example.com"), None);
        assert_eq!(laid(&changed, "id,mail\n1,old@example.com\n"), both);
        assert_eq!(laid(&changed, "id,mail\n1,new@example.com\n"), both);
        changed.contested = true;
        let open = (None, some("old@example.com"), some("new@example.com"));
        assert_eq!(laid(&changed, "id,mail\n1,old@example.com\n"), open);
    }
}
