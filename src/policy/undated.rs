//! The ways in which rows are kept that say no date (R42).

/// How rows are kept that say no date (R42).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Undated {
    /// From when a run first read a row of the person.
    FirstSeen,
    /// From the date of the export.
    ExportDate,
    /// As long as exports name them, and no longer than `max_keep` after the last one that did.
    UntilAbsent,
}

impl Undated {
    /// Every way, in the order in which docs list them.
    pub const ALL: [Undated; 3] = [Undated::FirstSeen, Undated::ExportDate, Undated::UntilAbsent];

    /// Returns the name as written in specs and evidence.
    pub fn name(self) -> &'static str {
        match self {
            Undated::FirstSeen => "first-seen",
            Undated::ExportDate => "export-date",
            Undated::UntilAbsent => "until-absent",
        }
    }

    /// Returns whether rows stay as long as exports bring them, however old they are.
    pub fn never_runs_out(self) -> bool {
        self != Undated::FirstSeen
    }
}
