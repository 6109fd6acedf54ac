//! The value of a cell as text, or why it has none that can be believed (R58).

use super::number::{BadNumber, add, add_iso, is_cut};
use super::rows::{CellFound, CellKind};
use super::sheet::Sheet;
use super::styles::NumberKind;
use crate::error::Code;
use crate::policy::Formulas;
use crate::read::format::OddReason;

const SAVE: &str = "open the workbook in a spreadsheet program and save it anew, or have it exported again";

const ERROR: OddReason = OddReason {
    code: Code::CellWithoutValue,
    what: "an error such as #N/A instead of a value",
    help: "correct the cell, or leave the column out of the job",
};
const FORMULA: OddReason = OddReason {
    code: Code::CellWithoutValue,
    what: "a formula, and read.formulas says refuse",
    help: "have the values exported, or set read.formulas = \"cached\" in the source",
};
const UNCALCULATED: OddReason = OddReason {
    code: Code::CellWithoutValue,
    what: "a formula whose value is not in the file, or is out of date as the file itself says",
    help: SAVE,
};
const NO_STRING: OddReason = OddReason {
    code: Code::RecordMalformed,
    what: "a reference to a text that the workbook does not have",
    help: SAVE,
};
const NO_STYLE: OddReason = OddReason {
    code: Code::RecordMalformed,
    what: "a reference to a style that the workbook does not have",
    help: SAVE,
};
const NO_NUMBER: OddReason =
    OddReason { code: Code::RecordMalformed, what: "a value that is declared as a number and is none", help: SAVE };
const NO_BOOLEAN: OddReason =
    OddReason { code: Code::RecordMalformed, what: "a value that is declared as a boolean and is none", help: SAVE };
const NO_DATE: OddReason = OddReason {
    code: Code::RecordMalformed,
    what: "a date before the first or after the last that a workbook can have",
    help: "correct the cell, or give it the format of a number",
};
const NO_ISO_DATE: OddReason =
    OddReason { code: Code::RecordMalformed, what: "what is called a date and is none", help: SAVE };
/// A number that may have lost digits, where it names somebody.
pub(super) const CUT: OddReason = OddReason {
    code: Code::CellWithoutValue,
    what: "an identifier that is a number of more than 15 digits, of which a spreadsheet keeps 15",
    help: "have the ids written as text: give the column the format Text before they are put in, or export as CSV",
};
const UNKNOWN: OddReason =
    OddReason { code: Code::RecordMalformed, what: "a value of a kind that is not known", help: SAVE };
/// A cell that is one with others.
pub(super) const MERGED: OddReason = OddReason {
    code: Code::CellWithoutValue,
    what: "it is merged with other cells, so nobody knows to which of them its value belongs",
    help: "undo the merging (Home, Merge & Center), or leave the column out of the job",
};

/// Returns what stands in place of a value that cannot be believed. The name of an error may be a word of the source for
/// null; what stands for anything else is none, and must not be blank, which would be null too.
pub(super) fn in_place<'a>(why: &OddReason, written: &'a str) -> &'a str {
    match written.trim() {
        name if why.what == ERROR.what && !name.is_empty() => name,
        _ => "\u{fffd}",
    }
}

impl Sheet {
    /// Returns whether a cell holds anything but blanks, whatever it is worth.
    pub fn is_filled(&self, cell: &CellFound, written: &str) -> bool {
        match cell.kind {
            CellKind::Shared => self.shared(written).is_none_or(|text| !text.trim().is_empty()),
            _ => cell.formula || !written.trim().is_empty(),
        }
    }

    /// Adds the value of a cell; an empty cell adds nothing.
    ///
    /// # Errors
    /// Why it has no value that can be believed.
    pub fn add_value(&self, cell: &CellFound, written: &str, text: &mut String) -> Result<(), &'static OddReason> {
        if cell.formula {
            let text_of_none = cell.valued && cell.kind == CellKind::Text;
            match self.formulas {
                Formulas::Refuse => return Err(&FORMULA),
                Formulas::Cached if self.stale || written.trim().is_empty() && !text_of_none => {
                    return Err(&UNCALCULATED);
                }
                Formulas::Cached => {}
            }
        }
        if written.is_empty() {
            return Ok(());
        }
        match cell.kind {
            CellKind::Shared => text.push_str(self.shared(written).ok_or(&NO_STRING)?),
            CellKind::Text | CellKind::Inline => text.push_str(written),
            CellKind::Number => {
                let kind: NumberKind = self.styles.kind(cell.style).ok_or(&NO_STYLE)?;
                add(written, kind, self.system, text).map_err(|bad| match bad {
                    BadNumber::NotANumber => &NO_NUMBER,
                    BadNumber::NoDate => &NO_DATE,
                })?;
            }
            CellKind::Boolean => text.push_str(match written.trim() {
                "1" | "true" => "TRUE",
                "0" | "false" => "FALSE",
                _ => return Err(&NO_BOOLEAN),
            }),
            CellKind::Date => {
                let kind: NumberKind = self.styles.kind(cell.style).ok_or(&NO_STYLE)?;
                add_iso(written, kind, self.system, text).map_err(|bad| match bad {
                    BadNumber::NotANumber => &NO_ISO_DATE,
                    BadNumber::NoDate => &NO_DATE,
                })?;
            }
            CellKind::Error => return Err(&ERROR),
            CellKind::Unknown => return Err(&UNKNOWN),
        }
        Ok(())
    }

    /// Returns whether a value just added may be less than what was put in (R66).
    pub fn lost_digits(&self, cell: &CellFound, added: &str) -> bool {
        cell.kind == CellKind::Number && self.styles.kind(cell.style) == Some(NumberKind::Plain) && is_cut(added)
    }

    /// The shared string that a cell names by its number.
    fn shared(&self, written: &str) -> Option<&str> {
        let digits = written.trim();
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        self.strings.get(digits.parse().ok().filter(|_| plain)?)
    }
}
