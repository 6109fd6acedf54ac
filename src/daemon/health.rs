//! `GET /healthz` on loopback: 200 while every run, sweep and request is in time, 503 when one is overdue, an audit has
//! found something or the loop stands still. A request is answered and forgotten.

use super::audits::AuditStatus;
use crate::clock::{Clock, Instant};
use crate::error::{Code, Error, Result};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A loop that has said nothing for so long stands still.
const STILL_MICROS: i64 = 300_000_000;
const MAX_REQUEST: usize = 8 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections at once. One more ends the oldest: a probe that asks is answered at once, and whoever opens connections
/// and says nothing takes no descriptors from runs and sweeps.
const CONNECTIONS: usize = 16;

/// What the daemon says of itself.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Health {
    /// When the loop said so.
    pub at: Instant,
    /// All jobs, by name.
    pub jobs: Vec<JobHealth>,
    /// Tables that are published and that no job serves, as `ROOT:path`.
    pub no_job: Vec<String>,
    /// How audits by schedule stand; none without a schedule.
    pub audit: Option<AuditStatus>,
    /// Whether the specs on disk are broken, so that older ones are in force.
    pub specs_broken: bool,
}

/// What the health page says of one job.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct JobHealth {
    /// Name of the job, as its spec has it.
    pub job: String,
    /// Whether a scheduled run is overdue.
    pub overdue: bool,
    /// Whether a sweep of its dataset is overdue, or was refused.
    pub sweep_overdue: bool,
    /// Whether a request is past its deadline and not done in its dataset.
    pub request_overdue: bool,
    /// Whether it is run or swept just now, here.
    pub running: bool,
    /// Exit code of its last turn here.
    pub last_exit: Option<u8>,
    /// Name of the error that its last turn here ended with (`docs/errors.md`).
    pub last_code: Option<&'static str>,
}

impl JobHealth {
    fn late(&self) -> bool {
        self.overdue || self.sweep_overdue || self.request_overdue
    }
}

/// Where the loop leaves its health for the page.
pub type Board = Arc<Mutex<Health>>;

/// Opens the page. Returns the address it is at.
///
/// # Errors
/// A policy error for an address that is not on loopback or not free.
pub async fn open(at: SocketAddr, board: Board, clock: Arc<dyn Clock>) -> Result<SocketAddr> {
    if !at.ip().is_loopback() {
        return Err(Error::new(Code::ArgumentWrong, format!("{at} is not a loopback address"))
            .help("the health page has no access control: use 127.0.0.1 or [::1], and a probe on this host"));
    }
    let taken = |_| {
        Error::new(Code::ArgumentWrong, format!("cannot listen on {at}"))
            .help("another program has that port: use --listen")
    };
    let listener = TcpListener::bind(at).await.map_err(taken)?;
    let address = listener.local_addr().map_err(taken)?;
    tokio::spawn(answer_all(listener, board, clock));
    Ok(address)
}

async fn answer_all(listener: TcpListener, board: Board, clock: Arc<dyn Clock>) {
    let mut open: VecDeque<JoinHandle<()>> = VecDeque::new();
    loop {
        // Out of descriptors or the like: not to be asked again in a tight loop.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        open.retain(|connection| !connection.is_finished());
        while open.len() >= CONNECTIONS {
            let Some(oldest) = open.pop_front() else { break };
            oldest.abort();
            // Its descriptor is free when it has ended.
            let _ = oldest.await;
        }
        let (board, clock) = (board.clone(), clock.clone());
        open.push_back(tokio::spawn(async move {
            let _ = tokio::time::timeout(PATIENCE, serve(stream, board, clock)).await;
        }));
    }
}

async fn serve(mut stream: TcpStream, board: Board, clock: Arc<dyn Clock>) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < MAX_REQUEST {
        if stream.read_buf(&mut request).await? == 0 {
            break;
        }
    }
    let health = board.lock().map(|health| health.clone()).ok();
    let answer = answer(&request, health.as_ref(), clock.now());
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

fn answer(request: &[u8], health: Option<&Health>, now: Instant) -> String {
    let (status, body) = match request.split(|byte| *byte == b' ').collect::<Vec<_>>().as_slice() {
        [b"GET", b"/healthz", ..] => page(health, now),
        _ => ("404 Not Found", serde_json::json!({ "error": "only GET /healthz" })),
    };
    let body = format!("{body}\n");
    let head = "content-type: application/json\r\ncache-control: no-store\r\nconnection: close";
    format!("HTTP/1.1 {status}\r\n{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn page(health: Option<&Health>, now: Instant) -> (&'static str, serde_json::Value) {
    let still = health.is_none_or(|health| now.0.saturating_sub(health.at.0) > STILL_MICROS);
    let audit = health.and_then(|health| health.audit.as_ref()).is_some_and(AuditStatus::wants_attention);
    let overdue = health.is_some_and(|health| health.jobs.iter().any(JobHealth::late) || !health.no_job.is_empty());
    let (status, word) = match (still, overdue) {
        (true, _) => ("503 Service Unavailable", "still"),
        (_, true) => ("503 Service Unavailable", "overdue"),
        _ if audit => ("503 Service Unavailable", "audit"),
        _ => ("200 OK", "ok"),
    };
    (status, serde_json::json!({ "schema": "tamis-health/1", "status": word, "health": health }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(overdue: bool) -> Health {
        of(overdue, false, false)
    }

    fn of(overdue: bool, sweep_overdue: bool, request_overdue: bool) -> Health {
        let job = "crm".into();
        let job = JobHealth {
            job,
            overdue,
            sweep_overdue,
            request_overdue,
            running: false,
            last_exit: None,
            last_code: None,
        };
        Health { at: Instant(0), jobs: vec![job], no_job: Vec::new(), audit: None, specs_broken: false }
    }

    #[test]
    fn only_healthz_is_answered_and_only_in_time_is_ok() {
        let get = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
        let status = |request: &[u8], health: &Health, now| answer(request, Some(health), now)[9..12].to_owned();
        assert_eq!(status(get, &health(false), Instant(1)), "200");
        assert_eq!(status(get, &health(true), Instant(1)), "503");
        let no_job = Health { no_job: vec!["lake:x".into()], audit: None, ..health(false) };
        assert_eq!(status(get, &no_job, Instant(1)), "503", "a table of no job");
        assert_eq!(status(get, &of(false, true, false), Instant(1)), "503", "a sweep");
        assert_eq!(status(get, &of(false, false, true), Instant(1)), "503", "a request");
        assert_eq!(status(get, &health(false), Instant(STILL_MICROS + 1)), "503", "the loop stands still");
        assert_eq!(answer(get, None, Instant(0))[9..12], *"503");
        for other in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"POST /healthz HTTP/1.1\r\n\r\n", b"", b"\xff\xfe"] {
            assert_eq!(status(other, &health(false), Instant(1)), "404");
        }
    }

    #[test]
    fn an_audit_that_found_something_or_is_late_is_told() {
        let get = &b"GET /healthz HTTP/1.1\r\n\r\n"[..];
        let found = |errors, not_checked, overdue| {
            let (warnings, found) = (1, Vec::new());
            let standing = AuditStatus { due: None, overdue, last: None, errors, warnings, not_checked, found };
            let answer = answer(get, Some(&Health { audit: Some(standing), ..health(false) }), Instant(1));
            answer[9..12].to_owned()
        };
        assert_eq!(found(0, 0, false), "200", "things to look at are no faults");
        assert_eq!([found(1, 0, false), found(0, 1, false), found(0, 0, true)], ["503", "503", "503"]);
    }

    #[test]
    fn connections_that_say_nothing_are_few_and_keep_no_probe_waiting() {
        use std::io::{Read, Write};
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let board = Arc::new(Mutex::new(health(false)));
        let clock = Arc::new(crate::clock::Fixed(Instant(1)));
        let at = runtime.block_on(open("127.0.0.1:0".parse().unwrap(), board, clock)).unwrap();
        let connect = || {
            let stream = std::net::TcpStream::connect(at).unwrap();
            stream.set_read_timeout(Some(PATIENCE / 2)).unwrap();
            stream
        };
        let mut silent: Vec<_> = (0..3 * CONNECTIONS).map(|_| connect()).collect();
        silent.iter_mut().for_each(|stream| stream.write_all(b"GET /h").unwrap());
        let mut probe = connect();
        probe.write_all(b"GET /healthz HTTP/1.1\r\n\r\n").unwrap();
        let mut said = String::new();
        probe.read_to_string(&mut said).unwrap();
        assert!(said.starts_with("HTTP/1.1 200"), "{said}");
        for stream in &mut silent[..2 * CONNECTIONS] {
            let ended = stream.read(&mut [0; 1]);
            let reset = |e: &std::io::Error| e.kind() == std::io::ErrorKind::ConnectionReset;
            assert!(matches!(&ended, Ok(0)) || ended.is_err_and(|e| reset(&e)), "the oldest make room at once");
        }
    }

    #[test]
    fn a_body_is_as_long_as_it_says() {
        let answer = answer(b"GET /healthz HTTP/1.1\r\n\r\n", Some(&health(true)), Instant(1));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())));
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((&body["status"], &body["health"]["jobs"][0]["job"]), (&"overdue".into(), &"crm".into()));
    }
}
