//! From the URL of a root to a store and a prefix.

use super::bucket::S3Bucket;
use super::root::{Lister, Root};
use crate::error::{Code, Error, Result};
use object_store::{
    ObjectStore, aws::AmazonS3Builder, azure::MicrosoftAzureBuilder, gcp::GoogleCloudStorageBuilder,
    local::LocalFileSystem, path::Path,
};
use std::path::{Component, PathBuf};
use std::sync::Arc;
use url::Url;

const SCHEMES: &str = "use a path, file:///…, s3://bucket/prefix, az://container/prefix or gs://bucket/prefix";

impl Root {
    /// Opens a root. `url` is `file:///…`, a path, `s3://bucket/prefix`, `az://container/prefix` or `gs://…`; cloud
    /// credentials, endpoints and options come from the environment (`AWS_*`, `AZURE_*`, `GOOGLE_*`) as object_store
    /// documents them. Nothing is asked of the store yet.
    ///
    /// # Errors
    /// A policy error for an unknown scheme, a bad URL or settings that do not fit together.
    pub fn open(name: &str, url: &str, runtime: tokio::runtime::Handle) -> Result<Root> {
        if !url.contains("://") {
            return local(name, std::path::Path::new(url), runtime);
        }
        let url = Url::parse(url).map_err(|_| bad(name, "is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(bad(name, "may hold no user, password, query or fragment")
                .help("credentials belong in the environment (AWS_*, AZURE_*, GOOGLE_*)"));
        }
        if url.scheme() == "file" {
            let path = url.to_file_path().map_err(|()| bad(name, "is not a file URL"))?;
            return local(name, &path, runtime);
        }
        let prefix = Path::from_url_path(url.path()).map_err(|_| bad(name, "has an unusable path"))?;
        let (store, bucket) = cloud(name, &url)?;
        let lister = if bucket.is_some() && !unsigned() { Lister::Bucket } else { Lister::Store };
        Ok(Root { name: name.into(), url, prefix, store, runtime, folder: None, direct: false, lister, bucket })
    }
}

type Cloud = (Arc<dyn ObjectStore>, Option<Arc<S3Bucket>>);

fn cloud(name: &str, url: &Url) -> Result<Cloud> {
    let bucket = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| bad(name, "names no bucket"))?;
    let unset = |_| {
        bad(name, "cannot be opened with the settings in the environment")
            .help("check AWS_*, AZURE_* or GOOGLE_*: credentials, region, endpoint")
    };
    Ok(match url.scheme() {
        "s3" => {
            let store = AmazonS3Builder::from_env().with_bucket_name(bucket).build().map_err(unset)?;
            (Arc::new(store.clone()), Some(S3Bucket::new(store).map_err(unset)?))
        }
        "az" => {
            let store = MicrosoftAzureBuilder::from_env().with_container_name(bucket).build().map_err(unset)?;
            (Arc::new(store), None)
        }
        "gs" => {
            let store = GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket).build().map_err(unset)?;
            (Arc::new(store), None)
        }
        _ => return Err(bad(name, "has a scheme that tamis does not know").help(SCHEMES)),
    })
}

/// Whether requests to S3 are not signed as usual: then only the store itself knows how to list.
fn unsigned() -> bool {
    ["AWS_SKIP_SIGNATURE", "AWS_S3_EXPRESS"].iter().any(|name| {
        std::env::var(name).is_ok_and(|value| !matches!(value.to_ascii_lowercase().as_str(), "" | "0" | "false" | "no"))
    })
}

/// The store is the whole file system, so that paths of URLs and paths in the store are the same: libraries of table
/// formats take them for each other.
fn local(name: &str, path: &std::path::Path, runtime: tokio::runtime::Handle) -> Result<Root> {
    let folder = settle(path).ok_or_else(|| bad(name, "has no usable path"))?;
    let url = Url::from_directory_path(&folder).map_err(|()| bad(name, "has no usable path"))?;
    let prefix = Path::from_url_path(url.path()).map_err(|_| bad(name, "has an unusable path"))?;
    let store = Arc::new(LocalFileSystem::new().with_fsync(true));
    Ok(Root {
        name: name.into(),
        url,
        prefix,
        store,
        runtime,
        folder: Some(folder),
        direct: true,
        lister: Lister::Folder,
        bucket: None,
    })
}

/// The folder that a URL or path of the policy names, when it is a local one.
pub(crate) fn local_folder(url: &str) -> Option<PathBuf> {
    if !url.contains("://") {
        return settle(std::path::Path::new(url));
    }
    let url = Url::parse(url).ok().filter(|url| url.scheme() == "file")?;
    settle(&url.to_file_path().ok()?)
}

/// A path in a folder. An empty one is the folder, not what a slash behind it would ask for.
pub(crate) fn inside(folder: &std::path::Path, path: &str) -> PathBuf {
    if path.is_empty() { folder.to_path_buf() } else { folder.join(path) }
}

/// Absolute, without `.` and `..`; links in the part that exists are resolved.
pub(crate) fn settle(path: &std::path::Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    let mut known = absolute.as_path();
    loop {
        if let Ok(real) = std::fs::canonicalize(known) {
            let rest = absolute.strip_prefix(known).ok()?;
            return Some(rest.components().fold(real, step));
        }
        known = known.parent()?;
    }
}

fn step(mut path: PathBuf, component: Component<'_>) -> PathBuf {
    match component {
        Component::ParentDir => {
            path.pop();
        }
        Component::Normal(part) => path.push(part),
        _ => {}
    }
    path
}

fn bad(name: &str, what: &str) -> Error {
    Error::new(Code::PlaceUnusable, format!("root {name:?} {what}")).help(SCHEMES)
}
