//! A store that misbehaves at its k-th operation: fails before or after doing it, says "already there" of its own write,
//! is slow, or takes the process down. Wraps any store, delta_kernel's use of it included.

use futures::stream::{self, BoxStream, StreamExt};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart, path::Path,
};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// What happens at the chosen operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is done, an error comes back.
    FailBefore,
    /// It is done, an error comes back: the answer was lost.
    FailAfter,
    /// A put is done and answered "already there", as S3 does after a retry; any other operation as `FailAfter`.
    AnswerExists,
    /// It is done after a while.
    Hang(Duration),
    /// It is done when [`Fault::release`] says so.
    Held,
    /// The process dies before it.
    Abort,
    /// The thread panics before it.
    Panic,
}

/// What an operation does to the store.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Read,
    /// Writes an object in one go: the one operation that stores answer with "already there".
    Put,
    Change,
}

/// Counts operations and knows which one goes wrong. Shared by the stores of a run, so that k runs over all of them.
pub struct Fault {
    count: AtomicUsize,
    changes: Mutex<Vec<usize>>,
    at: usize,
    for_ever: bool,
    mode: Mode,
    told: Option<Box<dyn Fn() + Send + Sync>>,
    held: tokio::sync::Semaphore,
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fault({:?} at {})", self.mode, self.at)
    }
}

impl Fault {
    fn of(mode: Mode, at: usize, for_ever: bool, told: Option<Box<dyn Fn() + Send + Sync>>) -> Arc<Fault> {
        let (count, held) = (AtomicUsize::new(0), tokio::sync::Semaphore::new(0));
        Arc::new(Fault { count, changes: Mutex::default(), at, for_ever, mode, told, held })
    }
    /// Goes wrong at operation `at` (from 1; 0 = never) and, with `for_ever`, at all later ones.
    pub fn new(mode: Mode, at: usize, for_ever: bool) -> Arc<Fault> {
        Fault::of(mode, at, for_ever, None)
    }
    /// Never goes wrong, only counts.
    pub fn counting() -> Arc<Fault> {
        Fault::new(Mode::FailBefore, 0, false)
    }
    /// Never goes wrong, but calls back before each operation.
    pub fn telling(told: impl Fn() + Send + Sync + 'static) -> Arc<Fault> {
        Fault::of(Mode::FailBefore, 0, false, Some(Box::new(told)))
    }
    /// Lets the operation go on that [`Mode::Held`] holds, and all that would be held after it.
    pub fn release(&self) {
        self.held.close();
    }
    /// Operations so far.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
    /// Which of them, from 1, changed something: all others only read, and an error and a lost answer are the same there.
    pub fn changes(&self) -> Vec<usize> {
        self.changes.lock().unwrap().clone()
    }
    fn now(&self, does: Does) -> Option<Mode> {
        let n = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(told) = &self.told {
            told();
        }
        if does != Does::Read {
            self.changes.lock().unwrap().push(n);
        }
        (self.at > 0 && (n == self.at || self.for_ever && n > self.at)).then_some(self.mode)
    }
    async fn around<T>(&self, does: Does, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mode = self.now(does);
        match mode {
            Some(Mode::FailBefore) => return Err(broken()),
            Some(Mode::Abort) => std::process::abort(),
            Some(Mode::Panic) => panic!("injected"),
            Some(Mode::Hang(time)) => tokio::time::sleep(time).await,
            Some(Mode::Held) => assert!(self.held.acquire().await.is_err(), "there are no permits"),
            _ => {}
        }
        let done = work.await;
        match mode {
            Some(Mode::AnswerExists) if does == Does::Put => {
                done.and(Err(Error::AlreadyExists { path: "x".into(), source: "injected".into() }))
            }
            Some(Mode::FailAfter | Mode::AnswerExists) => done.and(Err(broken())),
            _ => done,
        }
    }
}

fn broken() -> Error {
    Error::Generic { store: "fault", source: "injected".into() }
}

/// The wrapped store.
#[derive(Debug)]
pub struct FaultStore {
    inner: Arc<dyn ObjectStore>,
    fault: Arc<Fault>,
    /// End of the name of an object that is there and that no listing has.
    unlisted: Option<String>,
}

impl FaultStore {
    pub fn new(inner: Arc<dyn ObjectStore>, fault: Arc<Fault>) -> Arc<FaultStore> {
        Arc::new(FaultStore { inner, fault, unlisted: None })
    }
    /// A store whose listings lag behind: an object is there and in none of them.
    pub fn lagging(inner: Arc<dyn ObjectStore>, unlisted: &str) -> Arc<FaultStore> {
        Arc::new(FaultStore { inner, fault: Fault::counting(), unlisted: Some(unlisted.to_owned()) })
    }
}

impl std::fmt::Display for FaultStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FaultStore({})", self.inner)
    }
}

impl ObjectStore for FaultStore {
    fn put_opts<'s, 'l, 'a>(&'s self, at: &'l Path, bytes: PutPayload, options: PutOptions) -> Answer<'a, PutResult>
    where
        's: 'a,
        'l: 'a,
        Self: 'a,
    {
        Box::pin(self.fault.around(Does::Put, self.inner.put_opts(at, bytes, options)))
    }

    fn put_multipart_opts<'s, 'l, 'a>(
        &'s self,
        at: &'l Path,
        options: PutMultipartOptions,
    ) -> Answer<'a, Box<dyn MultipartUpload>>
    where
        's: 'a,
        'l: 'a,
        Self: 'a,
    {
        Box::pin(self.fault.around(Does::Change, async move {
            let inner = self.inner.put_multipart_opts(at, options).await?;
            Ok(Box::new(FaultUpload { inner, fault: self.fault.clone() }) as _)
        }))
    }

    fn get_opts<'s, 'l, 'a>(&'s self, at: &'l Path, options: GetOptions) -> Answer<'a, GetResult>
    where
        's: 'a,
        'l: 'a,
        Self: 'a,
    {
        Box::pin(self.fault.around(Does::Read, self.inner.get_opts(at, options)))
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let (inner, fault) = (self.inner.clone(), self.fault.clone());
        let delete = move |path: Result<Path>| {
            let (inner, fault) = (inner.clone(), fault.clone());
            async move {
                let path = path?;
                fault.around(Does::Change, inner.delete(&path)).await?;
                Ok(path)
            }
        };
        paths.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (inner, fault) = (self.inner.clone(), self.fault.clone());
        let (prefix, unlisted) = (prefix.cloned(), self.unlisted.clone());
        let whole = async move {
            let listed = move |meta: &Result<ObjectMeta>| {
                let name = meta.as_ref().map_or("", |meta| meta.location.as_ref());
                unlisted.as_ref().is_none_or(|unlisted| !name.ends_with(unlisted))
            };
            let found = inner.list(prefix.as_ref()).collect::<Vec<_>>();
            fault.around(Does::Read, async { Ok(found.await.into_iter().filter(listed).collect::<Vec<_>>()) }).await
        };
        stream::once(whole)
            .flat_map(|answer| match answer {
                Ok(found) => stream::iter(found).boxed(),
                Err(e) => stream::iter([Err(e)]).boxed(),
            })
            .boxed()
    }

    fn list_with_delimiter<'s, 'p, 'a>(&'s self, prefix: Option<&'p Path>) -> Answer<'a, ListResult>
    where
        's: 'a,
        'p: 'a,
        Self: 'a,
    {
        Box::pin(self.fault.around(Does::Read, async move {
            let mut found = self.inner.list_with_delimiter(prefix).await?;
            let unlisted = self.unlisted.as_ref();
            found.objects.retain(|meta| unlisted.is_none_or(|unlisted| !meta.location.as_ref().ends_with(unlisted)));
            Ok(found)
        }))
    }

    fn copy_opts<'s, 'f, 't, 'a>(&'s self, from: &'f Path, to: &'t Path, options: CopyOptions) -> Answer<'a, ()>
    where
        's: 'a,
        'f: 'a,
        't: 'a,
        Self: 'a,
    {
        Box::pin(self.fault.around(Does::Put, self.inner.copy_opts(from, to, options)))
    }
}

#[derive(Debug)]
struct FaultUpload {
    inner: Box<dyn MultipartUpload>,
    fault: Arc<Fault>,
}

impl MultipartUpload for FaultUpload {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        let sent = self.inner.put_part(part);
        let fault = self.fault.clone();
        Box::pin(async move { fault.around(Does::Change, sent).await })
    }

    fn complete<'s, 'a>(&'s mut self) -> Answer<'a, PutResult>
    where
        's: 'a,
        Self: 'a,
    {
        Box::pin(self.fault.around(Does::Change, self.inner.complete()))
    }

    fn abort<'s, 'a>(&'s mut self) -> Answer<'a, ()>
    where
        's: 'a,
        Self: 'a,
    {
        Box::pin(self.fault.around(Does::Change, self.inner.abort()))
    }
}
