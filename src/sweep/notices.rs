//! What recipients of a dataset have to be told (Art. 19 GDPR, R72): before files of earlier versions go for good, the
//! tokens of persons in them whom requests have taken out are written down, for the recipient that the version went to.
//! Tokens that a recipient may still know are looked through again for later requests.

use crate::clock::Instant;
use crate::decide::{self, Carrier};
use crate::error::{Kind, Result};
use crate::evidence::{LedgerEntry, Manifest};
use crate::job::{Ready, due};
use crate::monitor::{Event, Monitor};
use crate::policy::{Effect, Grounds, Project};
use crate::publish::{Companions, Target, show_column};
use crate::requests::Requests;
use crate::state::{
    Dataset, FormerFile, Notice, NoticeItem, PublishedFile, RECTIFY, State, bytes_of, in_hex, last_answered,
};
use std::collections::{BTreeMap, BTreeSet};

/// A dataset of which recipients are told.
pub struct NoticeScene<'a> {
    /// Where notices are stored.
    pub state: &'a State,
    /// Recipients and deadlines.
    pub project: &'a Project,
    /// Stored requests, with the persons they name.
    pub requests: &'a Requests,
    /// The record of the dataset whose recipients are told.
    pub dataset: &'a Dataset,
    /// Folders of its files and companions.
    pub target: Target<'a>,
    /// Every name of its job, the one of today first.
    pub names: Vec<String>,
    /// Purpose of the dataset.
    pub purpose: &'a str,
    /// What decides which requests bind it.
    pub grounds: Grounds,
    /// The recipient that its next version goes to, if any.
    pub recipient: Option<&'a str>,
    /// The moment that the notices are dated.
    pub now: Instant,
}

/// A version of which files go for good.
struct GoingVersion {
    version: u64,
    epoch: String,
    /// Nothing is published under its tokens any more: they are kept for requests that come later.
    former: bool,
    files: Vec<PublishedFile>,
    manifest: Option<Manifest>,
}

/// A person who was found in a file, with a token of theirs, and the requests that reach them there.
struct NoticedRow {
    person: [u8; 16],
    token: [u8; 16],
    entries: BTreeSet<u32>,
}

/// Writes down what recipients have to be told of the versions of a job that wait for their removal.
///
/// # Errors
/// Storage errors.
pub fn note(ready: &Ready, requests: &Requests, monitor: &dyn Monitor) -> Result<()> {
    let plan = ready.plan();
    let names = std::iter::once(&ready.call.job).chain(&ready.names).cloned().collect();
    let scene = NoticeScene {
        state: &ready.state,
        project: &ready.project,
        requests,
        dataset: &ready.dataset,
        target: ready.target(),
        names,
        purpose: &plan.purpose.name,
        grounds: plan.grounds(),
        recipient: plan.recipient.as_ref().map(|recipient| recipient.name.as_str()),
        now: ready.call.now,
    };
    scene.note(false, monitor)
}

impl NoticeScene<'_> {
    /// Writes down what recipients have to be told of the versions that wait for their removal, or of `all` of the table when
    /// it ends. What cannot be read of them is said and keeps nothing from being removed.
    ///
    /// # Errors
    /// Storage errors.
    pub fn note(&self, all: bool, monitor: &dyn Monitor) -> Result<()> {
        match self.of_all(all, monitor) {
            Err(error) if matches!(error.kind(), Kind::Evidence | Kind::Fault) => {
                monitor.event(Event::Warning(format!("recipients cannot be told of everybody: {error}")));
                Ok(())
            }
            done => done,
        }
    }

    fn of_all(&self, all: bool, monitor: &dyn Monitor) -> Result<()> {
        let ledger = self.state.ledger().entries()?;
        let mut by_recipient: BTreeMap<String, Vec<GoingVersion>> = BTreeMap::new();
        for name in self.recipient.into_iter().map(str::to_owned).chain(self.state.recipients_of(&self.names)?) {
            by_recipient.entry(name).or_default();
        }
        for version in self.going(all, &ledger)? {
            let of = version.manifest.as_ref().map_or(self.recipient, |manifest| manifest.recipient.as_deref());
            if let Some(name) = of {
                by_recipient.entry(name.to_owned()).or_default().push(version);
            }
        }
        let mut first = Ok(());
        for (name, versions) in by_recipient {
            match self.project.recipients.get(&name) {
                Some(of) if of.internal => {}
                Some(of) => {
                    let grounds = Grounds { sale: of.sale, ..self.grounds };
                    let done = NoticeWriter { scene: self, ledger: &ledger, recipient: &name, grounds }
                        .all(&versions, monitor);
                    first = first.and(done);
                }
                None if versions.iter().any(|version| !version.files.is_empty()) => {
                    let what = format!("recipient {name} is not in the policy any more: it is told of nobody");
                    monitor.event(Event::Warning(what));
                }
                None => {}
            }
        }
        first
    }

    /// Versions whose files go, each with its manifest as far as the ledger names it.
    fn going(&self, all: bool, ledger: &[LedgerEntry]) -> Result<Vec<GoingVersion>> {
        let newest = self.dataset.current.as_ref().map(|current| current.epoch.clone());
        let mut going = Vec::new();
        for replaced in &self.dataset.replaced {
            let manifest = self.manifest(replaced.version, ledger)?;
            let epoch = replaced.epoch.clone().or(newest.clone()).unwrap_or_default();
            let other = manifest.as_ref().is_some_and(|manifest| manifest.recipient.as_deref() != self.recipient);
            let former = other || newest.as_ref().is_some_and(|newest| *newest != epoch);
            going.push(GoingVersion {
                version: replaced.version,
                epoch,
                former,
                files: replaced.files.clone(),
                manifest,
            });
        }
        for current in self.dataset.current.iter().filter(|_| all) {
            let (version, epoch) = (current.version, current.epoch.clone());
            let manifest = self.manifest(version, ledger)?;
            going.push(GoingVersion { version, epoch, former: false, files: current.files.clone(), manifest });
        }
        Ok(going)
    }

    fn manifest(&self, version: u64, ledger: &[LedgerEntry]) -> Result<Option<Manifest>> {
        let ours = |entry: &&LedgerEntry| {
            let job = entry.event.record().is_some_and(|(job, _)| self.names.iter().any(|name| name == job));
            job && entry.event.version().is_some_and(|(number, _)| number == version)
        };
        let Some(entry) = ledger.iter().rev().find(ours) else { return Ok(None) };
        let Some((_, digest)) = entry.event.version() else { return Ok(None) };
        self.state.manifest(&entry.run, entry.attempt, digest).map(Some)
    }
}

struct NoticeWriter<'a> {
    scene: &'a NoticeScene<'a>,
    ledger: &'a [LedgerEntry],
    recipient: &'a str,
    grounds: Grounds,
}

impl NoticeWriter<'_> {
    fn all(&self, versions: &[GoingVersion], monitor: &dyn Monitor) -> Result<()> {
        let notices = self.notices(versions)?;
        let mut items = BTreeSet::new();
        let mut unread = Ok(());
        for version in versions {
            for file in &version.files {
                monitor.proceed()?;
                match self.file(file, version) {
                    Ok(found) => found.iter().for_each(|found| self.add(found, version, &mut items)),
                    Err(error) if matches!(error.kind(), Kind::Evidence | Kind::Fault) => {
                        unread = unread.and(Err(error))
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        self.of_told(&notices, &mut items);
        // What is kept of former epochs may not be readable; that is no reason not to tell of the others.
        let former = self.of_former(&mut items);
        let told: BTreeSet<(&str, &str)> =
            notices.iter().flat_map(|of| &of.items).map(|of| (of.entry.as_str(), of.token.as_str())).collect();
        items.retain(|item: &NoticeItem| !told.contains(&(item.entry.as_str(), item.token.as_str())));
        if !items.is_empty() {
            let (at, job, dataset) = (self.scene.now, self.scene.names[0].clone(), self.scene.dataset.dataset.clone());
            let notice = Notice { format: 0, number: 0, at, job, dataset, items: items.into_iter().collect() };
            self.scene.state.add_notice(self.recipient, notice, self.ledger)?;
        }
        unread.and(former)
    }

    /// Returns what the recipient was told of this dataset. Tokens of the erased that were answered and that no version has
    /// any more are forgotten; of a person who is restricted, has objected or opted out a token stays, because an erasure may follow.
    fn notices(&self, versions: &[GoingVersion]) -> Result<Vec<Notice>> {
        let state = self.scene.state;
        let all = state.notices(self.recipient, self.ledger)?.into_iter();
        let notices: Vec<Notice> = all.filter(|of| of.dataset == self.scene.dataset.dataset).collect();
        let answered = last_answered(self.ledger, self.recipient);
        let there = |item: &NoticeItem| versions.iter().any(|of| of.version <= item.last_version);
        let (done, open): (Vec<&Notice>, Vec<&Notice>) = notices.iter().partition(|notice| notice.number <= answered);
        let erased = done.iter().flat_map(|notice| &notice.items);
        let erased =
            erased.filter(|item| item.effect == Effect::Erase.name() && !item.token.is_empty() && !there(item));
        let mut gone: BTreeSet<String> = erased.map(|item| item.token.clone()).collect();
        open.iter().flat_map(|notice| &notice.items).for_each(|item| {
            gone.remove(&item.token);
        });
        if !gone.is_empty() {
            state.forget_former(self.recipient, &self.scene.names, &gone)?;
        }
        // Of a correction nothing follows that would need the token.
        let forgotten = |item: &NoticeItem| {
            let corrected = item.effect == RECTIFY && !item.token.is_empty() && !there(item);
            corrected || gone.contains(&item.token)
        };
        for notice in done.iter().filter(|notice| notice.items.iter().any(forgotten)) {
            state.forget_tokens(self.recipient, (*notice).clone(), &forgotten)?;
        }
        // What was just forgotten is as good as told.
        Ok(notices)
    }

    fn add(&self, found: &NoticedRow, version: &GoingVersion, items: &mut BTreeSet<NoticeItem>) {
        for entry in &found.entries {
            items.insert(self.item(*entry, (&found.person, &found.token), &version.epoch, version.version));
        }
    }

    /// Returns whom requests reach in a file. The tokens of a file of a former epoch or recipient are kept.
    fn file(&self, file: &PublishedFile, version: &GoingVersion) -> Result<Vec<NoticedRow>> {
        let scene = self.scene;
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let (job, epoch) = (scene.names[0].as_str(), version.epoch.as_str());
        let of = FormerFile { recipient: self.recipient, job, epoch, version: version.version, name };
        let keep = version.former && !scene.state.has_former(&of)?;
        let mut rows: Vec<([u8; 16], BTreeSet<u32>)> = Vec::new();
        let mut companions = Companions::open_identities(scene.state.root(), &file.companion)?;
        while let Some(group) = companions.next_group()? {
            for row in 0..group.rows() {
                rows.push((*group.person(row), self.reached(Carrier::identities(&group, row).map(|(_, id)| id))));
            }
        }
        if !keep && rows.iter().all(|(_, entries)| entries.is_empty()) {
            return Ok(Vec::new());
        }
        let subject = version.manifest.iter().flat_map(|manifest| &manifest.fields).find(|field| field.subject);
        let shown = subject.map(|field| show_column(&scene.target, name, &field.name)).transpose()?;
        let Some(tokens) = shown.flatten() else { return Ok(Vec::new()) };
        let tokens = tokens.into_iter().map(|token| token.as_deref().and_then(bytes_of));
        let found = rows.into_iter().zip(tokens);
        let found = found.filter_map(|((person, entries), token)| Some(NoticedRow { person, token: token?, entries }));
        let found: Vec<NoticedRow> = found.collect();
        if keep {
            scene.state.keep_former(&of, found.iter().map(|found| (found.person, found.token)).collect())?;
        }
        Ok(found.into_iter().filter(|found| !found.entries.is_empty()).collect())
    }

    /// Requests that a recipient is told of and that reach a row with these identities.
    fn reached<'i>(&self, identities: impl Iterator<Item = &'i [u8; 16]>) -> BTreeSet<u32> {
        let told = |entry: &u32| {
            let entry = self.scene.requests.entry(*entry);
            let passed_on = matches!(entry.effect, Effect::Erase | Effect::Restrict | Effect::Object | Effect::OptOut);
            let binds = decide::binding(entry.effect, self.grounds).is_ok();
            passed_on && binds && entry.in_force(self.scene.now) && entry.concerns(self.scene.purpose)
        };
        identities.flat_map(|id| self.scene.requests.effects(id)).map(|found| found.entry()).filter(told).collect()
    }

    /// Adds what has come since of persons of whom the recipient was told before, and who are in no file any more.
    fn of_told(&self, notices: &[Notice], items: &mut BTreeSet<NoticeItem>) {
        for told in notices.iter().flat_map(|notice| &notice.items) {
            let Some((person, token)) = bytes_of(&told.person).zip(bytes_of(&told.token)) else { continue };
            for entry in self.reached(std::iter::once(&person)) {
                items.insert(self.item(entry, (&person, &token), &told.epoch, told.last_version));
            }
        }
    }

    /// Adds tokens of former epochs, or of before the recipient changed, by which it got persons whom requests reach.
    fn of_former(&self, items: &mut BTreeSet<NoticeItem>) -> Result<()> {
        for name in &self.scene.names {
            self.scene.state.former(self.recipient, name, &mut |epoch, version, tokens| {
                for (person, token) in tokens {
                    for entry in self.reached(std::iter::once(person)) {
                        items.insert(self.item(entry, (person, token), epoch, version));
                    }
                }
            })?;
        }
        Ok(())
    }

    fn item(&self, entry: u32, (person, token): (&[u8; 16], &[u8; 16]), epoch: &str, last_version: u64) -> NoticeItem {
        let of = self.scene.requests.entry(entry);
        NoticeItem {
            token: in_hex(token),
            person: in_hex(person),
            epoch: epoch.into(),
            effect: of.effect.name().into(),
            received: of.received,
            due: due(self.scene.project, of.list, of.received),
            last_version,
            entry: in_hex(of.id),
        }
    }
}
