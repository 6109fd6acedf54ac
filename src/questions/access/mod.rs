//! Answers a person who asks for their data (Art. 15 and 20 GDPR; Civ. Code §1798.110): rows as published, records of
//! raw exports, requests, and what was left out. The only question whose answer holds raw values: they go to who asks,
//! and nowhere else.

mod corrected;
mod former;
mod past;
mod person;
mod published;
mod raw;
mod report;

pub(super) use past::PublishedPast;
pub(super) use raw::ExportSearch;
pub use report::*;

use super::find;
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::{LedgerEntry, LedgerEvent};
use crate::job::{Desk, PublishedDataset, SubjectCall, identities_asked, note, published as published_datasets};
use crate::monitor::Monitor;
use crate::requests::{COMMAND, half};
use crate::state::in_hex;
use person::Asker;
use published::Searched;
use raw::InExports;
use std::collections::BTreeSet;

/// What is asked for, apart from who is meant.
#[derive(Clone, Debug)]
pub struct AccessAsked {
    /// The right that the person exercises.
    pub right: Right,
    /// Id of the request.
    pub request: String,
    /// When it was received; now when it is not said.
    pub received: Option<Instant>,
    /// Why rows that may be another person's are shown; none leaves them out.
    pub include_doubtful: Option<String>,
    /// Why raw exports are not searched; none searches them.
    pub without_raw: Option<String>,
}

/// The answer, and what the privacy officer looks at before it is handed over.
pub struct AccessAnswer {
    /// The part that is handed to the person.
    pub report: AccessReport,
    /// Not for the person.
    pub officer: OfficerSheet,
}

const ALSO_KEPT: [&str; 4] = [
    "Earlier versions of the datasets, until they are removed.",
    "For each published row a companion that holds keyed hashes of identifiers and dates, without readable values.",
    "Requests of the person, stored as keyed hashes of identifiers with the request's id and dates.",
    "Request files, as long as nobody has deleted them.",
];

/// Specs, stores, keys and state, opened once for an answer and the note that it was made.
pub struct AccessDesk(Desk);

impl AccessDesk {
    /// Opens an installation.
    ///
    /// # Errors
    /// Policy errors of specs, keys and state; evidence errors when parts of the state do not fit together; storage errors.
    pub fn open(call: &SubjectCall) -> Result<AccessDesk> {
        Desk::open(call).map(AccessDesk)
    }

    /// Finds everything of the person. That it was asked is in the ledger first; of whom is not.
    ///
    /// # Errors
    /// Policy errors for what was typed; evidence errors when a published file or its companion is not what was written;
    /// storage errors.
    pub fn answer(&self, call: &SubjectCall, asked: &AccessAsked, monitor: &dyn Monitor) -> Result<AccessAnswer> {
        let desk = &self.0;
        check(asked, call.now)?;
        let values = identities_asked(desk, &call.values)?;
        let command = format!("subject export ({})", asked.right.name());
        note(desk, call, "export", LedgerEvent::Asked { command })?;
        Search { desk, asked, now: call.now }.answer(&values, monitor)
    }

    /// Writes down that the answer was made: id, right, outcome and dates, nothing of the person.
    ///
    /// # Errors
    /// Evidence and storage errors of the state.
    pub fn answered(&self, call: &SubjectCall, asked: &AccessAsked, report: &AccessReport) -> Result<()> {
        let event = LedgerEvent::Answered {
            request: asked.request.clone(),
            right: asked.right.name().into(),
            received: report.received,
            found: report.processed,
            unclear: report.outcome == AccessOutcome::Unclear,
            doubtful: asked.include_doubtful.clone(),
        };
        note(&self.0, call, "answered", event)
    }
}

fn check(asked: &AccessAsked, now: Instant) -> Result<()> {
    let wrong = |what: &str, help: &str| Err(Error::new(Code::RequestWrong, what).help(help));
    let plain = |id: &str| (1..=40).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !plain(&asked.request) {
        return wrong(
            "a request id is letters, digits and hyphens, at most 40",
            "use an opaque id, such as a case number",
        );
    }
    if asked.received.is_some_and(|received| received > now) {
        return wrong("the request would have been received later than now", "correct --received");
    }
    let empty = |text: &Option<String>| text.as_ref().is_some_and(|text| text.trim().is_empty());
    if empty(&asked.include_doubtful) || empty(&asked.without_raw) {
        return wrong(
            "a reason has to say something",
            "write why, in a few words; it goes into the ledger or onto the page",
        );
    }
    if asked.right == Right::Portability && asked.without_raw.is_some() {
        return wrong(
            "portable data are taken from raw exports alone",
            "leave --without-raw out: published values are treated, and no longer what the person gave",
        );
    }
    Ok(())
}

struct Search<'a> {
    desk: &'a Desk,
    asked: &'a AccessAsked,
    now: Instant,
}

impl Search<'_> {
    fn answer(&self, values: &[([u8; 32], bool)], monitor: &dyn Monitor) -> Result<AccessAnswer> {
        let published = published_datasets(&self.desk.state, &self.desk.project)?;
        let ledger = self.desk.state.ledger().entries()?;
        let past = PublishedPast::read(&self.desk.state, &ledger)?;
        let mut tables = Vec::new();
        for of in &published {
            tables.extend(Searched::open(self.desk, of, &past)?);
        }
        let mut asker = Asker::of(values, self.desk.project.links.max_strong_fanout);
        let mut exports = match &self.asked.without_raw {
            None => Some(ExportSearch::list(self.desk, &past, self.asked.right, self.now)?),
            Some(_) => None,
        };
        let found = loop {
            let known = asker.knows();
            for table in &tables {
                table.teach(self.desk.root(), &mut asker)?;
            }
            let found = exports.as_mut().map(|exports| exports.search(&mut asker, monitor)).transpose()?;
            if asker.knows() == known {
                break found.unwrap_or_default();
            }
        };
        let all = self.asked.include_doubtful.is_some();
        let mut in_tables = Vec::new();
        if self.asked.right == Right::Access {
            for table in &tables {
                in_tables.push(table.show(self.desk, &asker, all)?);
            }
        }
        let in_exports = exports.as_ref().map(|exports| exports.show(&found, self.asked.right, all));
        let mut in_exports = in_exports.transpose()?.unwrap_or_default();
        let wanted = values.iter().map(|(identity, _)| *half(identity)).collect();
        let requests = find::of_person(self.desk, &published, &wanted)?;
        let known = match self.asked.right {
            Right::Access => KnownBeside::of(self.desk, &published, &ledger, &asker, requests, self.now)?,
            Right::Portability => KnownBeside { requests, ..KnownBeside::default() },
        };
        let raw = self.raw_answer(exports.as_ref(), std::mem::take(&mut in_exports.records));
        Ok(self.put_together(values, &asker, in_tables, in_exports, raw, known))
    }

    fn raw_answer(&self, exports: Option<&ExportSearch<'_>>, records: Vec<RawRecord>) -> RawAnswer {
        RawAnswer {
            not_searched: self.asked.without_raw.clone(),
            unreadable: exports.iter().flat_map(|exports| exports.unreadable.iter().cloned()).collect(),
            objects: exports.map_or(0, ExportSearch::objects_count),
            keep: self.desk.project.removal.raw_keep.as_ref().map(ToString::to_string),
            records,
        }
    }

    fn put_together(
        &self,
        values: &[([u8; 32], bool)],
        asker: &Asker,
        in_tables: Vec<published::InTable>,
        in_exports: InExports,
        raw_exports: RawAnswer,
        known: KnownBeside,
    ) -> AccessAnswer {
        let (mut datasets, mut withheld) = (Vec::new(), Vec::new());
        let (mut doubtful, mut hidden) = (Vec::new(), Vec::new());
        for table in in_tables {
            datasets.extend(table.dataset);
            withheld.extend(table.withheld);
            doubtful.extend(table.doubtful);
            hidden.extend(table.hidden);
        }
        withheld.extend(in_exports.withheld);
        doubtful.extend(in_exports.doubtful);
        hidden.extend(in_exports.hidden);
        let received = self.asked.received.unwrap_or(self.now.to_seconds());
        let doubt = asker.too_many().then(|| {
            "links lead to more persons than max_strong_fanout allows, so only values that were given prove a row (R13)".into()
        });
        let request = self.asked.request.clone();
        let processed = !datasets.is_empty() || !raw_exports.records.is_empty();
        let former_recipients = known.former_beside(&datasets);
        let report = AccessReport {
            schema: "tamis-access/1",
            right: self.asked.right,
            controller: self.desk.project.controller.clone(),
            contact: self.desk.register.contact.clone(),
            request: request.clone(),
            received,
            due: self.desk.due(COMMAND, received),
            answered: self.now,
            processed,
            outcome: AccessOutcome::of(processed, !doubtful.is_empty()),
            datasets,
            raw_exports,
            requests: known.requests,
            corrections: known.corrections,
            former_recipients,
            withheld,
            also_kept: if self.asked.right == Right::Access { ALSO_KEPT.to_vec() } else { Vec::new() },
        };
        let officer = OfficerSheet {
            schema: "tamis-access-officer/1",
            request,
            identities: values.len(),
            raw: values.iter().filter(|(_, raw)| *raw).count(),
            doubt,
            doubtful_included: self.asked.include_doubtful.clone(),
            doubtful,
            withheld: hidden,
        };
        AccessAnswer { report, officer }
    }
}

/// What is known of the person apart from rows and records.
#[derive(Default)]
struct KnownBeside {
    requests: Vec<find::OfRequest>,
    corrections: Vec<PersonCorrection>,
    former: Vec<FormerRecipient>,
}

impl KnownBeside {
    fn of(
        desk: &Desk,
        published: &[PublishedDataset<'_>],
        ledger: &[LedgerEntry],
        asker: &Asker,
        requests: Vec<find::OfRequest>,
        now: Instant,
    ) -> Result<KnownBeside> {
        let (corrections, mut entries) = corrected::corrected(desk, published, ledger, asker, now)?;
        let named = requests.iter().filter(|request| request.named);
        entries.extend(named.map(|request| in_hex(&request.entry)));
        let former: Vec<FormerRecipient> = former::former(desk, ledger, asker, &entries)?;
        Ok(KnownBeside { requests, corrections, former })
    }

    /// Recipients that no dataset with rows of the person names already.
    fn former_beside(&self, datasets: &[AccessDataset]) -> Vec<FormerRecipient> {
        let named: BTreeSet<(&str, &str)> = datasets
            .iter()
            .flat_map(|of| of.recipients.iter().map(|one| (of.dataset.as_str(), one.name.as_str())))
            .collect();
        let beside =
            |former: &&FormerRecipient| !named.contains(&(former.dataset.as_str(), former.recipient.name.as_str()));
        self.former.iter().filter(beside).cloned().collect()
    }
}
