//! Corrections of values in exports (Art. 16 GDPR): where they are written, and the columns by which requests still find a
//! person whose e-mail address or number was corrected. Must not know values.

use super::plan::{Column, ListMatch, Location, Plan};
use jiff::tz::TimeZone;

/// How many values a corrected link may have beside its own: what the export had, and what it has.
const BESIDE: usize = 2;

/// A list of corrections, as `[lists.L]` with `effect = "rectify"` describes it.
#[derive(Clone, Debug)]
pub struct CorrectionList {
    /// Name of the list in the policy.
    pub name: String,
    /// Where its files lie.
    pub input: Location,
    /// Name of the source whose records are corrected.
    pub source: String,
    /// The columns by which a record is known, and of which kind their value is: that of the source's key.
    pub record: ListMatch,
    /// Column with the name of the export's column.
    pub column: String,
    /// Column with the value that the export has.
    pub was: String,
    /// Column with the value that is right.
    pub value: String,
    /// Column that says why.
    pub reason: String,
    /// Column that says what was decided.
    pub decision: Option<String>,
    /// Column of the request id.
    pub request: String,
    /// What the whole id must match.
    pub request_pattern: regex::Regex,
    /// Column of the date received.
    pub received: String,
    /// strftime formats of its dates; none = the forms that can be read in one way only (R23).
    pub formats: Option<Vec<String>>,
    /// Zone of dates, and of times without one.
    pub zone: TimeZone,
    /// The one byte that stands between cells.
    pub delimiter: u8,
    /// Whether no object, or an empty one, is not refused.
    pub may_be_empty: bool,
}

/// A link of which corrections may take a value away, and the columns that the value then goes to, which are in no file: by
/// them requests still reach the person (R81).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrectedColumn {
    /// Index of the link.
    pub column: usize,
    /// Indexes of the columns beside it.
    pub beside: Vec<usize>,
}

impl Plan {
    /// Returns the columns that are in the export: those beside corrected links come after them.
    pub fn read_columns(&self) -> &[Column] {
        let beside: usize = self.corrected.iter().map(|of| of.beside.len()).sum();
        &self.columns[..self.columns.len() - beside]
    }

    /// Adds the columns that corrected values of links go to.
    pub(super) fn correctable(mut self) -> Plan {
        for at in 0..self.columns.len() {
            let (strong, weak) = (self.controls.strong.contains(&at), self.controls.weak.contains(&at));
            let plain = self.columns[at].several.is_none() && self.columns[at].parts.is_empty();
            if !plain || !(strong || weak) {
                continue;
            }
            let mut beside = Vec::new();
            for number in 1..=BESIDE {
                let column = self.columns[at].clone();
                beside.push(self.columns.len());
                let links = if strong { &mut self.controls.strong } else { &mut self.controls.weak };
                links.push(self.columns.len());
                let name = format!("{} (corrected {number})", column.name);
                self.columns.push(Column { name, max_raw: None, identified: true, ..column });
            }
            self.corrected.push(CorrectedColumn { column: at, beside });
        }
        self
    }
}
