//! Treatments: what may become of a value. A treatment is one file, with its name, its keys, the column types it takes,
//! what it does and how that is told; the table below names it once, and policy, minimize, evidence and docs read it
//! there. Must not know rows beyond the one at hand, nor what is decided by them.

mod about;
mod age_band;
mod apply;
mod as_is;
mod bucket;
mod calendar;
mod constant;
mod date_shift;
mod day;
mod email_domain;
mod field_kind;
mod map;
mod mask;
mod month;
mod name;
mod number;
mod pick;
mod prefix;
mod present;
mod pseudonymize;
mod quarter;
mod redact;
mod round;
mod table;
#[cfg(test)]
mod tests;
mod week;
mod year;

pub use about::{About, FieldKeys, KeyAbout, KeyShape};
pub use apply::{Apply, Counts, Given, Row, TreatOutcome, Typed};
pub use as_is::is_readable;
pub use calendar::Births;
pub use field_kind::FieldKind;

use about::Treats;

table::treatments! {
    as_is::AsIs,
    pseudonymize::Pseudonymize,
    prefix::Prefix,
    mask::Mask,
    year::Year,
    quarter::Quarter,
    month::Month,
    week::Week,
    day::Day,
    date_shift::DateShift,
    age_band::AgeBand,
    bucket::Bucket,
    round::Round,
    map::Map,
    pick::Pick,
    redact::Redact,
    email_domain::EmailDomain,
    present::Present,
    constant::Constant,
}

/// Returns every key of every treatment once, with the names of the treatments that have it.
pub fn keys() -> Vec<(&'static KeyAbout, Vec<&'static str>)> {
    let mut keys: Vec<(&'static KeyAbout, Vec<&'static str>)> = Vec::new();
    for about in Treat::ALL.iter().map(|treat| treat.about()) {
        for key in about.keys {
            match keys.iter_mut().find(|(known, _)| known.name == key.name) {
                Some((_, of)) => of.push(about.name),
                None => keys.push((key, vec![about.name])),
            }
        }
    }
    keys
}
