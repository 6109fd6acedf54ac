//! What a store's refusal means, in our own words: the only place that looks inside its errors.
//! They print URLs, queries and bodies, so only their variant, an I/O kind and `ROOT:path` are passed on.

use crate::error::{Code, Error, Result};
use object_store::client::{HttpError, HttpErrorKind};
use std::error::Error as _;

/// Turns a store's error into ours. `doing` is a verb phrase ("reading"), `place` is `ROOT:path`.
pub(super) fn failed(doing: &str, place: &str, error: &object_store::Error) -> Error {
    use object_store::Error as E;
    match error {
        E::NotFound { .. } => missing(doing, place),
        E::Precondition { .. } | E::NotModified { .. } => changed(place),
        E::PermissionDenied { .. } | E::Unauthenticated { .. } => denied(doing, place, false),
        E::NotSupported { .. } | E::NotImplemented { .. } => {
            Error::new(Code::StoreIncapable, format!("{doing} {place}: this store cannot do it"))
                .help("tamis needs create-only writes (If-None-Match); for S3 unset AWS_CONDITIONAL_PUT")
        }
        E::InvalidPath { .. } => unusable(place),
        E::AlreadyExists { .. } => {
            Error::new(Code::Overtaken, format!("{doing} {place}: something else is already there"))
        }
        other => away(doing, place, other),
    }
}

/// The place itself is not there.
pub(super) fn missing(doing: &str, place: &str) -> Error {
    Error::new(Code::ObjectMissing, format!("{doing} {place}: it, or its bucket, is not there"))
        .help("check the URL of the root in the policy, or --root")
}

/// The object is no longer the one that was listed.
pub(super) fn changed(place: &str) -> Error {
    Error::new(Code::ExportChangedWhileRead, format!("{place} changed or went away while it was being read"))
        .help("let the export finish before the run, then run again")
}

/// A path that no store can hold.
pub(super) fn unusable(place: &str) -> Error {
    Error::new(Code::PlaceUnusable, format!("{place} is not a usable path"))
        .help("no empty, `.` or `..` segments and no control characters")
}

/// An I/O error of a local file, by its kind.
pub(super) fn local(doing: &str, place: &str, error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => denied(doing, place, true),
        kind => Error::new(of_disk(kind), format!("{doing} {place}: {kind}"))
            .help("look at the folder and its file system, then run again"),
    }
}

fn of_disk(kind: std::io::ErrorKind) -> Code {
    match kind {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Code::DiskFull,
        _ => Code::DiskFailed,
    }
}

/// The store does not let us do it: the file system (`local`) this user, or a cloud store these credentials.
pub(super) fn denied(doing: &str, place: &str, local: bool) -> Error {
    Error::new(Code::StoreDenied, format!("{doing} {place}: permission denied")).help(if local {
        "check who owns it and every folder above it, and which user runs tamis (ls -ld, id), then run again"
    } else {
        "check the credentials in the environment (AWS_*, AZURE_*, GOOGLE_*) and their rights, then run again"
    })
}

fn away(doing: &str, place: &str, error: &object_store::Error) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = error.source();
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return local(doing, place, io);
        }
        if let Some(http) = inner.downcast_ref::<HttpError>() {
            let what = match http.kind() {
                HttpErrorKind::Connect => "no connection to the store",
                HttpErrorKind::Timeout => "the store did not answer in time",
                _ => "the store broke off the answer",
            };
            return Error::new(Code::StoreAway, format!("{doing} {place}: {what}"))
                .help("check the network and the endpoint (AWS_ENDPOINT_URL, AZURE_STORAGE_ENDPOINT), then run again");
        }
        cause = inner.source();
    }
    Error::new(Code::StoreAway, format!("{doing} {place}: the store failed or gave an answer that makes no sense"))
        .help("check the endpoint and its settings in the environment (AWS_*, AZURE_*, GOOGLE_*), then run again")
}

/// Gets our error back out of an I/O error that a reader or an upload gave; any other becomes a storage error about
/// `place`. Decoders hand the I/O errors of their input on unchanged, so this works behind them too.
pub fn from_io(place: &str, error: std::io::Error) -> Error {
    if error.get_ref().is_some_and(|inner| inner.is::<Error>()) {
        return match error.into_inner().map(|inner| inner.downcast::<Error>()) {
            Some(Ok(ours)) => *ours,
            _ => Error::new(Code::StoreAway, format!("reading {place} failed")),
        };
    }
    local("reading or writing", place, &error)
}

/// Our error as an I/O error, for `Read` and `Write`.
pub(super) fn to_io<T>(result: Result<T>) -> std::io::Result<T> {
    result.map_err(std::io::Error::other)
}
