//! `[newest]` of a source: which of several versions of a record counts (R75).

use super::check_source::{ColumnEntry, Inventory};
use super::finding::Page;
use super::gather::Gather;
use super::job_spec::{JobSpec, ObserveSpec, OnBadRecord};
use super::plan::NewestRules;
use super::source_spec::TypeName;
use super::spec::At;
use jiff::{Timestamp, tz::TimeZone};

const CODE: &str = "newest";

/// Checks what a source says of versions of its records.
pub(super) fn source(inventory: &Inventory) {
    let Some(spec) = &inventory.spec.newest else { return };
    let page = inventory.page;
    if inventory.nobody() {
        let help = "leave [newest] out: records are told apart by the subject's key, and the source has none";
        page.fault(spec.span(), CODE, "the source says that no row is about a person", help);
    }
    let ordered = |column: &ColumnEntry| column.timed() || column.spec.kind() == TypeName::Integer;
    of_type(inventory, &spec.version, ordered, "name a column of type integer, date or timestamp");
    in_order(inventory, &spec.version);
    if inventory.spec.others.iter().flatten().next().is_some() {
        let help = "leave [[others]] out: a request that meets an earlier version would not reach their cells in the newest (R75)";
        page.fault(spec.span(), CODE, "the source names other persons of a row, and has several versions of it", help);
    }
    if let Some(at) = &spec.deleted {
        let mark = |column: &ColumnEntry| column.timed() || column.spec.kind() == TypeName::Boolean;
        of_type(inventory, at, mark, "name a column of type boolean, or the date or timestamp of the deletion");
    }
}

/// Refuses local times that come twice: nobody could tell the later version by them.
fn in_order(inventory: &Inventory, version: &At<String>) {
    let column = inventory.place(version).map(|place| &inventory.columns[place]);
    let zone = column.and_then(|column| column.spec.zone.as_ref()).and_then(|zone| TimeZone::get(zone).ok());
    if zone.is_some_and(|zone| zone.following(Timestamp::UNIX_EPOCH).next().is_some()) {
        let help = "name a number, or a time with its offset or in UTC: an hour comes twice when clocks go back";
        inventory.page.fault(version.span(), CODE, "versions are ordered by local times", help);
    }
}

fn of_type(inventory: &Inventory, at: &At<String>, fits: impl Fn(&ColumnEntry) -> bool, help: &str) {
    let Some(place) = inventory.find_cells(inventory.page, at) else { return };
    if !fits(&inventory.columns[place]) {
        inventory.page.fault(at.span(), CODE, "the column is of another type", help);
    }
}

/// Returns what of `[newest]` a job reads; inner `None` = the source does not have it.
pub(super) fn of_job(
    page: Page,
    spec: &JobSpec,
    inventory: &Inventory,
    gather: &mut Gather,
) -> Option<Option<NewestRules>> {
    let Some(newest) = &inventory.spec.newest else { return Some(None) };
    let on_bad_record = spec.limits.as_ref().and_then(|limits| limits.on_bad_record.as_ref());
    if let Some(at) = on_bad_record.filter(|on| ***on == OnBadRecord::Drop) {
        let help = "leave it out: the dropped record may be the newest version, or the end, of any record (R75)";
        page.fault(
            at.span(),
            CODE,
            "of each record only the newest version counts, and the job drops bad records",
            help,
        );
    }
    let version = gather.add(inventory.place(&newest.version)?);
    let deleted = match &newest.deleted {
        Some(at) => Some(gather.add(inventory.place(at)?)),
        None => None,
    };
    Some(Some(NewestRules { version, deleted }))
}

/// Refuses activity of which earlier versions would count.
pub(super) fn observed(page: Page, at: &At<ObserveSpec>, inventory: &Inventory) {
    if inventory.spec.newest.is_some() {
        let help = "observe an export that has each record once, such as a folder that is written in place (R75)";
        page.fault(at.source.span(), CODE, "the observed source has several versions of a record", help);
    }
}
