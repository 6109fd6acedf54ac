//! What the recipient of a dataset has to be told (Art. 19 GDPR, R72): before files of earlier versions go for good, the
//! tokens of persons in them whom requests have taken out are written down, those of former epochs too. Must not know who
//! is told, nor when.

use crate::decide::{self, Carrier};
use crate::error::{Kind, Result};
use crate::evidence::LedgerEntry;
use crate::job::{Ready, due};
use crate::monitor::{Event, Monitor};
use crate::policy::Effect;
use crate::publish::{Companions, show_column};
use crate::requests::Requests;
use crate::state::{FormerFile, Notice, NoticeItem, PublishedFile, in_hex, last_answered};
use std::collections::{BTreeMap, BTreeSet};

/// A person who was found in a file, with a token of theirs, and the requests that reach them there.
struct NoticedRow {
    person: [u8; 16],
    token: [u8; 16],
    entries: BTreeSet<u32>,
}

/// Writes down what the recipient of a dataset has to be told of the versions that wait for their removal. What cannot be
/// read of them is said and keeps nothing from being removed.
///
/// # Errors
/// Storage errors.
pub fn note(ready: &Ready, requests: &Requests, monitor: &dyn Monitor) -> Result<()> {
    let Some(recipient) = ready.plan().recipient.as_ref().filter(|recipient| !recipient.internal) else {
        return Ok(());
    };
    let notes = NoticeWriter { ready, requests, recipient: &recipient.name };
    match notes.all(monitor) {
        Err(error) if matches!(error.kind(), Kind::Evidence | Kind::Fault) => {
            let what = format!("recipient {} cannot be told of everybody: {error}", recipient.name);
            monitor.event(Event::Warning(what));
            Ok(())
        }
        done => done,
    }
}

struct NoticeWriter<'a> {
    ready: &'a Ready,
    requests: &'a Requests,
    recipient: &'a str,
}

impl NoticeWriter<'_> {
    fn all(&self, monitor: &dyn Monitor) -> Result<()> {
        let (state, job) = (&self.ready.state, &self.ready.call.job);
        let ledger = state.ledger().entries()?;
        let told = self.told(&ledger)?;
        let newest = self.ready.dataset.current.as_ref().map(|current| current.epoch.clone());
        let (mut items, mut met) = (BTreeSet::new(), BTreeMap::new());
        for replaced in &self.ready.dataset.replaced {
            let epoch = replaced.epoch.clone().or(newest.clone()).unwrap_or_default();
            let former = newest.as_ref().is_some_and(|newest| *newest != epoch);
            for file in &replaced.files {
                monitor.proceed()?;
                for found in self.file(file, (&epoch, replaced.version, former))? {
                    for entry in found.entries {
                        items.insert(self.item(entry, &found.token, &epoch, replaced.version));
                        met.entry(found.person).or_insert_with(BTreeSet::new).insert(entry);
                    }
                }
            }
        }
        // What is kept of former epochs may not be readable; that is no reason not to tell of the others.
        let former = self.of_former(&met, &mut items);
        items.retain(|item| !told.contains(&(item.entry.clone(), item.token.clone())));
        if items.is_empty() {
            return former;
        }
        let (at, dataset) = (self.ready.call.now, self.ready.dataset.dataset.clone());
        let notice = Notice { format: 0, number: 0, at, job: job.clone(), dataset, items: items.into_iter().collect() };
        state.add_notice(self.recipient, notice, &ledger)?;
        former
    }

    /// Returns which tokens were written down before, each with its request. Tokens that were answered and that no version
    /// has any more are forgotten.
    fn told(&self, ledger: &[LedgerEntry]) -> Result<BTreeSet<(String, String)>> {
        let (state, job) = (&self.ready.state, &self.ready.call.job);
        let notices = state.notices(self.recipient, ledger)?.into_iter().filter(|of| of.job == *job);
        let notices: Vec<Notice> = notices.collect();
        let open = |notice: &Notice| notice.items.iter().any(|item| !item.token.is_empty());
        let answered = last_answered(ledger, self.recipient);
        let there = |item: &NoticeItem| self.ready.dataset.replaced.iter().any(|of| of.version <= item.last_version);
        for notice in notices.iter().filter(|notice| notice.number <= answered && open(notice)) {
            if !notice.items.iter().any(there) {
                state.forget_tokens(self.recipient, notice.clone())?;
            }
        }
        Ok(notices.into_iter().flat_map(|notice| notice.items).map(|item| (item.entry, item.token)).collect())
    }

    /// Returns whom requests reach in a file. The tokens of a file of a former epoch are kept.
    fn file(&self, file: &PublishedFile, (epoch, version, former): (&str, u64, bool)) -> Result<Vec<NoticedRow>> {
        let (state, plan) = (&self.ready.state, self.ready.plan());
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let of = FormerFile { recipient: self.recipient, job: &plan.job, epoch, version, name };
        let keep = former && !state.has_former(&of)?;
        let mut rows: Vec<([u8; 16], BTreeSet<u32>)> = Vec::new();
        let mut companions = Companions::open_identities(state.root(), &file.companion)?;
        while let Some(group) = companions.next_group()? {
            for row in 0..group.rows() {
                rows.push((*group.person(row), self.reached(Carrier::identities(&group, row).map(|(_, id)| id))));
            }
        }
        if !keep && rows.iter().all(|(_, entries)| entries.is_empty()) {
            return Ok(Vec::new());
        }
        let field = plan.subject_field().map(|at| plan.fields[at].name.as_str());
        let shown = field.map(|field| show_column(&self.ready.target(), name, field)).transpose()?;
        let Some(tokens) = shown.flatten() else { return Ok(Vec::new()) };
        let tokens = tokens.into_iter().map(|token| token.as_deref().and_then(bytes));
        let found = rows.into_iter().zip(tokens);
        let found = found.filter_map(|((person, entries), token)| Some(NoticedRow { person, token: token?, entries }));
        let found: Vec<NoticedRow> = found.collect();
        if keep {
            state.keep_former(&of, found.iter().map(|found| (found.person, found.token)).collect())?;
        }
        Ok(found.into_iter().filter(|found| !found.entries.is_empty()).collect())
    }

    /// Requests that a recipient is told of and that reach a row with these identities.
    fn reached<'i>(&self, identities: impl Iterator<Item = &'i [u8; 16]>) -> BTreeSet<u32> {
        let plan = self.ready.plan();
        let told = |entry: &u32| {
            let entry = self.requests.entry(*entry);
            let passed_on = matches!(entry.effect, Effect::Erase | Effect::Restrict | Effect::Object | Effect::OptOut);
            let binds = decide::binding(entry.effect, plan.grounds()).is_ok();
            passed_on && binds && entry.in_force(self.ready.call.now) && entry.concerns(&plan.purpose.name)
        };
        identities.flat_map(|id| self.requests.effects(id)).map(|found| found.entry()).filter(told).collect()
    }

    /// Adds tokens of former epochs by which the recipient got the persons.
    fn of_former(&self, met: &BTreeMap<[u8; 16], BTreeSet<u32>>, items: &mut BTreeSet<NoticeItem>) -> Result<()> {
        if met.is_empty() {
            return Ok(());
        }
        self.ready.state.former(self.recipient, &self.ready.call.job, &mut |epoch, version, tokens| {
            for (person, entries) in met {
                let from = tokens.partition_point(|(other, _)| other < person);
                let theirs = tokens[from..].iter().take_while(|(other, _)| other == person);
                for (_, token) in theirs {
                    items.extend(entries.iter().map(|entry| self.item(*entry, token, epoch, version)));
                }
            }
        })
    }

    fn item(&self, entry: u32, token: &[u8; 16], epoch: &str, last_version: u64) -> NoticeItem {
        let of = self.requests.entry(entry);
        NoticeItem {
            token: in_hex(token),
            epoch: epoch.into(),
            effect: of.effect.name().into(),
            received: of.received,
            due: due(&self.ready.project, of.list, of.received),
            last_version,
            entry: in_hex(of.id),
        }
    }
}

/// Reads 32 hex digits, which is how a token is shown in both of its formats.
fn bytes(text: &str) -> Option<[u8; 16]> {
    u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32).map(u128::to_be_bytes)
}
