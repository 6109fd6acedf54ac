//! A practice for people who learn to publish CRM data: a made-up export, specs that load and have twenty mistakes, and a
//! score of what a learner has mended. Must not know where it is written, nor who learns.

mod needs;
mod people;
mod traps;

pub use people::export;
pub use traps::{Regime, TRAPS, Trap};

use crate::clock::Instant;
use crate::policy::{Project, Register};
use jiff::civil::Date;

/// The specs of a practice, by their path below the folder of specs.
pub const SPECS: [(&str, &str); 6] = [
    ("policy.toml", include_str!("../../templates/practice/policy.toml")),
    ("sources/contact.toml", include_str!("../../templates/practice/contact.toml")),
    ("newsletter.toml", include_str!("../../templates/practice/newsletter.toml")),
    ("planning.toml", include_str!("../../templates/practice/planning.toml")),
    ("invoices.toml", include_str!("../../templates/practice/invoices.toml")),
    ("partner.toml", include_str!("../../templates/practice/partner.toml")),
];

/// Returns the request files of a practice, by their path: received some days before a day.
pub fn requests(today: Date) -> [(&'static str, String); 3] {
    let received = people::days_before(today, 5);
    let file = |case: &str, person: u8| format!("Case,Received,Email\n{case},{received},person{person}@example.com\n");
    [
        ("requests/erasure/1.csv", file("E-1", 1)),
        ("requests/no-advertising/1.csv", file("A-1", 2)),
        ("requests/proof/1.csv", file("P-1", 3)),
    ]
}

/// What a learner has reached. It says nothing of the learner.
#[derive(serde::Serialize)]
pub struct PracticeScore {
    /// Version of this form.
    pub schema: &'static str,
    /// Traps that are mended.
    pub mended: usize,
    /// Traps that there are.
    pub traps: usize,
    /// Things that somebody needs, and that were taken away.
    pub too_much: usize,
    /// Mended traps without what was taken away too much.
    pub points: usize,
    /// Each trap.
    pub told: Vec<TrapTold>,
    /// What was taken away, and who needs it.
    pub missing: Vec<&'static str>,
}

/// How one trap stands.
#[derive(serde::Serialize)]
pub struct TrapTold {
    /// What is wrong, and where to read about it.
    #[serde(flatten)]
    pub trap: &'static Trap,
    /// Whether somebody has mended it.
    pub mended: bool,
}

/// Says what a learner has mended, and what was taken away too much.
pub fn score(project: &Project, register: &Register, now: Instant) -> PracticeScore {
    let told = |trap: &'static Trap| TrapTold { trap, mended: (trap.mended)(project, register, now) };
    let told: Vec<TrapTold> = TRAPS.iter().map(told).collect();
    let missing = needs::missing(project);
    let (mended, too_much) = (told.iter().filter(|trap| trap.mended).count(), missing.len());
    let points = mended.saturating_sub(too_much);
    PracticeScore { schema: "tamis-practice/1", mended, traps: told.len(), too_much, points, told, missing }
}
