//! What a run that was refused still owes: lists, consent and retention applied to the version that is published
//! (design section 5, "A bad night"). Must not know why the run was refused.

use super::current::PublishedVersion;
use super::notices;
use super::removal::{self, Removal};
use super::scene::{CorrectionsLeft, DatasetRequests, Scene};
use super::version::{self, Making, Swept};
use crate::decide::Links;
use crate::error::{Code, Error, Result};
use crate::evidence::{Manifest, segments};
use crate::job::matching::{self, Followed};
use crate::job::{Awake, CompanionFiles, Ready, Watched, intake};
use crate::monitor::Monitor;
use crate::policy::Effect;
use crate::requests::{RequestState, Requests, Standing};

/// Sweeps the published version and says with the refusal what readers have now. After an unknown outcome nothing is
/// touched and nothing can be said: the run's commit may still be on its way.
pub fn refused(ready: &mut Ready, requests: &mut Requests, error: Error, monitor: &dyn Monitor) -> Error {
    if error.kind().leaves_open() {
        return error;
    }
    let error = ready.call.caller.explained(error);
    if ready.call.caller.is_lost() || ready.call.stop.asked() {
        return error;
    }
    let watched = Watched { monitor, stop: ready.call.stop.without_time() };
    let swept = apply(ready, requests, false, &watched);
    let dataset = &ready.dataset;
    let said = match (&dataset.current, swept) {
        (None, _) => format!("nothing has been published to {}", dataset.dataset),
        (Some(current), Ok(None)) => format!("version {} of {} is unchanged", current.version, dataset.dataset),
        (Some(_), Ok(Some(swept))) => removed(&swept),
        (Some(_), Err(failed)) if failed.published().is_some() => {
            format!("requests and retention were applied to {}: {failed}", dataset.dataset)
        }
        (Some(current), Err(failed)) => format!(
            "nothing was published after version {} of {}: requests and retention could not be applied to it: {failed}",
            current.version, dataset.dataset
        ),
    };
    let help = error.help_text().map_or(said.clone(), |help| format!("{help}\n{said}"));
    error.help(help)
}

fn removed(swept: &Swept) -> String {
    let Manifest { output, rows_in, rows_out, .. } = &swept.manifest;
    let (dataset, version, gone) = (&output.dataset, output.version, rows_in - rows_out);
    format!("requests and retention were applied to {dataset}: {gone} rows dropped, now version {version}")
}

/// Applies lists, consent and retention to the current version of one dataset. With `removal`, files of attempts that
/// were never committed are about to go: those that still could be are kept from it by a version of their own.
///
/// # Errors
/// Those of a sweep; what had been committed before stays.
pub fn apply(
    ready: &mut Ready,
    requests: &mut Requests,
    removal: bool,
    monitor: &dyn Monitor,
) -> Result<Option<Swept>> {
    let news = requests.fresh(&ready.call.job) || behind(ready);
    let (mut dataset, behind) = (ready.dataset.clone(), behind(ready));
    let (links, followed, swept) = {
        let scene = Scene::of(ready);
        let Some(published) = PublishedVersion::find(&scene, &dataset)? else { return Ok(None) };
        let (links, lists) = matching::learn(ready, requests, &published.companions, |_, _| (), monitor)?;
        let asked = DatasetRequests {
            entries: links.entries(),
            lists,
            holds: holds(ready, requests),
            corrections: None,
            segment: requests.last_segment(),
        };
        let may = || ready.may_commit(ready.call.now);
        let fence = removal && removal::awaited(&scene, &dataset)?;
        let making = Making { fence, may: &may };
        let swept = version::apply(&scene, &mut dataset, &published, &asked, &making, monitor)?;
        if swept.is_none() {
            check_seen(ready, &published)?;
        }
        let followed: Vec<String> = published.files.iter().map(|(_, companion)| companion.clone()).collect();
        (links, followed, swept)
    };
    ready.dataset = dataset;
    let ours = ready.call.caller.check_hold();
    let noted = ours.and_then(|()| {
        let followed = (Followed::Published(&followed), behind);
        note(ready, requests, &links, followed, news || swept.is_some(), monitor)
    });
    let version = ready.dataset.current.as_ref().map_or(0, |current| current.version);
    match &swept {
        Some(_) => noted.map_err(|error| error.after_publishing(&ready.dataset.dataset, version))?,
        None => noted?,
    }
    Ok(swept)
}

/// What was looked through is what readers see, and nobody else came in between: else nothing is said of it.
fn check_seen(ready: &Ready, published: &PublishedVersion<'_>) -> Result<()> {
    ready.may_commit(ready.call.now)?;
    if published.is_current(&Scene::of(ready))? {
        return Ok(());
    }
    Err(Error::new(Code::Overtaken, format!("{}: another version came in between", ready.dataset.dataset))
        .help("nothing was noted of it; sweep again"))
}

fn note(
    ready: &mut Ready,
    requests: &mut Requests,
    links: &Links,
    followed: (Followed<'_>, bool),
    news: bool,
    monitor: &dyn Monitor,
) -> Result<()> {
    if !matching::note(ready, requests, links, followed, monitor)? {
        return Ok(());
    }
    let mut dataset = ready.dataset.clone();
    dataset.noted = dataset.current.as_ref().map(|current| current.version);
    version::confirm(&Scene::of(ready), &mut dataset, news)?;
    ready.dataset = dataset;
    seal(ready, requests)
}

/// Whether a crash has kept it from being noted which requests are applied to the current version. The next note looks
/// through the versions that are left; what the run had learned was stored before its commit.
pub fn behind(ready: &Ready) -> bool {
    ready.dataset.noted < ready.dataset.current.as_ref().map(|current| current.version)
}

/// Everything is noted of the current version.
///
/// # Errors
/// Storage errors.
pub fn noted(ready: &mut Ready, requests: &Requests) -> Result<()> {
    ready.dataset.noted = ready.dataset.current.as_ref().map(|current| current.version);
    ready.dataset.stored = requests.stored(0);
    ready.state.save_dataset(&mut ready.dataset)
}

/// Says in the dataset's record which segments of stored requests there are now, notes included, so that the loss of the
/// newest one is found.
fn seal(ready: &mut Ready, requests: &Requests) -> Result<()> {
    let seen = ready.dataset.witness.as_ref().map(|witness| witness.segment);
    if seen >= Some(requests.last_segment()) {
        return Ok(());
    }
    ready.dataset.stored = requests.stored(0);
    ready.state.save_dataset(&mut ready.dataset)
}

/// Removes for good what is due of one dataset, and notes which requests are done by that. Nothing goes while a list of
/// holds could not be read (`blind`, R34), and no request is done while rows may be left in files of corrections.
///
/// # Errors
/// Storage errors; what went before stays gone.
pub fn remove(
    ready: &mut Ready,
    requests: &mut Requests,
    (blind, corrections): (bool, Option<CorrectionsLeft>),
    monitor: &dyn Monitor,
) -> Result<Removal> {
    if blind {
        return Ok(Removal { withheld: true, watermark: ready.dataset.removed, ..Removal::default() });
    }
    monitor.proceed()?;
    // A hold may have come while the version was looked through.
    if segments::last(ready.state.root())? > requests.last_segment() {
        *requests = intake::stored(&ready.state, &ready.keys.identity)?;
    }
    notices::note(ready, requests, monitor)?;
    let holds = holds(ready, requests);
    let links = if holds {
        let scene = Scene::of(ready);
        let prefixes = scene.earlier.iter().map(String::as_str).chain([scene.target.companions]);
        matching::follow(ready, requests, &CompanionFiles::below(ready.state.root(), prefixes)?, monitor)?
    } else {
        Links::default()
    };
    let asked = DatasetRequests {
        entries: links.entries(),
        lists: Vec::new(),
        holds,
        corrections,
        segment: requests.last_segment(),
    };
    let mut dataset = ready.dataset.clone();
    let awake = Awake::new(&ready.call.caller, monitor);
    let removed = removal::remove(&Scene::of(ready), &mut dataset, &asked, &awake);
    ready.dataset = dataset;
    let removed = removed?;
    done(ready, requests)?;
    seal(ready, requests)?;
    Ok(removed)
}

fn holds(ready: &Ready, requests: &Requests) -> bool {
    requests.keeps_bytes_of(&ready.plan().purpose.name, ready.as_of)
}

/// Requests that were applied before the dataset's watermarks have come as far as these say.
fn done(ready: &Ready, requests: &mut Requests) -> Result<()> {
    let (job, dataset) = (&ready.call.job, &ready.dataset);
    let further = |(entry, of, standing): (u32, &str, Standing)| {
        let takes = !matches!(requests.entry(entry).effect, Effect::Hold | Effect::Consent | Effect::Lift);
        let open = matches!(standing.state, RequestState::Applied | RequestState::AwaitingLifecycle);
        if of != job || !takes || !open || requests.learned_since(entry, job) {
            return None;
        }
        let (state, until) = match Some(standing.at) {
            at if at <= dataset.removed => (RequestState::Removed, None),
            at if at <= dataset.deleted => (RequestState::AwaitingLifecycle, dataset.kept_until),
            _ => return None,
        };
        // The instant it was applied at is what watermarks are held against, so it stays until the end.
        let at = if state == RequestState::Removed { ready.call.now } else { standing.at };
        Some((entry, Standing { state, at, until, ..standing }))
    };
    let noted: Vec<(u32, Standing)> = requests.states().filter_map(further).collect();
    requests.saw(ready.state.witness()?);
    requests.note(ready.state.root(), job, &noted, None).map(|_| ())
}
