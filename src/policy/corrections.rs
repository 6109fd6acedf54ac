//! The columns by which requests still find a person whose e-mail address or number was corrected (R81). Must not know
//! values.

use super::plan::{Column, CorrectedColumn, Plan};

/// How many values a corrected link may have beside its own: what the export had, and what it has.
const BESIDE: usize = 2;

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
