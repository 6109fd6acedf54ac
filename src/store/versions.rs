//! What a bucket keeps that listings do not show: versions that are no longer current, and parts of uploads that were
//! never finished. S3 only, by requests that the store's own credentials sign; the trait of stores has no such calls.

use super::answer::{denied, failed, missing};
use super::bucket::S3Bucket;
use super::listing::addressable;
use super::root::Root;
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use object_store::path::Path;
use object_store::signer::Method;
use serde::Deserialize;

const RIGHTS: &str = "removal for good needs s3:ListBucketVersions, s3:DeleteObjectVersion, \
                      s3:ListBucketMultipartUploads and s3:AbortMultipartUpload on the buckets of lake and state";

/// Whether bytes that were deleted are gone from a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgets {
    /// It forgets bytes as soon as they are deleted.
    AtOnce,
    /// Earlier versions may stay; they can be listed and removed.
    ByVersion,
    /// tamis has no way to find out.
    Unknown,
}

/// A version that is no longer current, or the mark of a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastVersion {
    /// Path below the root.
    pub path: String,
    /// Id that the bucket gave the version.
    pub version: String,
    /// Length; 0 of a mark.
    pub bytes: u64,
    /// When it was written.
    pub modified: Instant,
}

/// An upload that was never finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenUpload {
    /// Path below the root.
    pub path: String,
    /// Id that the bucket gave the upload.
    pub id: String,
    /// When somebody began the upload.
    pub began: Instant,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Versions {
    #[serde(default)]
    is_truncated: bool,
    next_key_marker: Option<String>,
    next_version_id_marker: Option<String>,
    #[serde(default, rename = "Version")]
    versions: Vec<VersionItem>,
    #[serde(default, rename = "DeleteMarker")]
    markers: Vec<VersionItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VersionItem {
    key: String,
    version_id: String,
    is_latest: bool,
    last_modified: String,
    #[serde(default)]
    size: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Uploads {
    #[serde(default)]
    is_truncated: bool,
    next_key_marker: Option<String>,
    next_upload_id_marker: Option<String>,
    #[serde(default, rename = "Upload")]
    uploads: Vec<UploadItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UploadItem {
    key: String,
    upload_id: String,
    initiated: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RetainUntil {
    retain_until_date: Option<String>,
}

impl Root {
    /// Whether bytes that are deleted here are gone.
    pub fn forgets(&self) -> Forgets {
        match (&self.folder, &self.bucket) {
            (Some(_), _) => Forgets::AtOnce,
            (None, Some(_)) => Forgets::ByVersion,
            (None, None) => Forgets::Unknown,
        }
    }

    /// Versions below `prefix` that are not current, and marks of deletions that are, in the order of the store. None on
    /// a root that has no versions.
    ///
    /// # Errors
    /// A storage error when the store is away or does not let these credentials list versions.
    pub fn past_versions(&self, prefix: &str) -> Result<Vec<PastVersion>> {
        let Some(bucket) = &self.bucket else { return Ok(Vec::new()) };
        let (mut found, mut from) = (Vec::new(), (None, None));
        loop {
            let (key, id) = &from;
            let query = [("versions", Some("")), ("key-marker", key.as_deref()), ("version-id-marker", id.as_deref())];
            let page: Versions = self.page(bucket, ("listing versions of", RIGHTS), prefix, &query)?;
            let past = page.versions.into_iter().filter(|item| !item.is_latest);
            for item in past.chain(page.markers) {
                found.extend(self.past_version(item, prefix)?);
            }
            let next = (page.next_key_marker, page.next_version_id_marker);
            match page.is_truncated {
                false => return Ok(found),
                true if next.0.is_none() || next == from => return Err(self.broken(prefix)),
                true => from = next,
            }
        }
    }

    /// Removes a version for good; false when the store protects it (object lock).
    ///
    /// # Errors
    /// A storage error when the store is away or fails.
    pub fn remove_version(&self, past: &PastVersion) -> Result<bool> {
        let Some(bucket) = &self.bucket else { return Ok(true) };
        let (place, at) = (self.display(&past.path), self.at(&past.path)?);
        let sent = self.runtime.block_on(bucket.send(Method::DELETE, &at, &[("versionId", &past.version)]));
        match sent.map_err(|e| failed("removing a version of", &place, &e))?.0 {
            200..300 | 404 => Ok(true),
            403 => Ok(false),
            _ => Err(Error::new(Code::StoreAway, format!("removing a version of {place}: the store failed"))),
        }
    }

    /// Until when the store protects a version; none when it does not say.
    ///
    /// # Errors
    /// A storage error when the store is away.
    pub fn protected_until(&self, past: &PastVersion) -> Result<Option<Instant>> {
        let Some(bucket) = &self.bucket else { return Ok(None) };
        let (place, at) = (self.display(&past.path), self.at(&past.path)?);
        let query = [("retention", ""), ("versionId", past.version.as_str())];
        let sent = self.runtime.block_on(bucket.send(Method::GET, &at, &query));
        let (status, body) = sent.map_err(|e| failed("asking for the retention of", &place, &e))?;
        let said = std::str::from_utf8(&body).ok().filter(|_| status == 200);
        let said = said.and_then(|body| quick_xml::de::from_str::<RetainUntil>(body).ok());
        Ok(said.and_then(|retention| Instant::parse(&retention.retain_until_date?)))
    }

    /// Uploads below `prefix` that were begun and neither finished nor given up.
    ///
    /// # Errors
    /// As [`Root::past_versions`].
    pub fn open_uploads(&self, prefix: &str) -> Result<Vec<OpenUpload>> {
        let Some(bucket) = &self.bucket else { return Ok(Vec::new()) };
        let (mut found, mut from) = (Vec::new(), (None, None));
        loop {
            let (key, id) = &from;
            let query = [("uploads", Some("")), ("key-marker", key.as_deref()), ("upload-id-marker", id.as_deref())];
            let page: Uploads = self.page(bucket, ("listing uploads of", RIGHTS), prefix, &query)?;
            for item in page.uploads {
                let began = Instant::parse(&item.initiated).ok_or_else(|| self.broken(prefix))?;
                found.extend(self.below(&item.key).map(|path| OpenUpload { path, id: item.upload_id, began }));
            }
            let next = (page.next_key_marker, page.next_upload_id_marker);
            match page.is_truncated {
                false => return Ok(found),
                true if next.0.is_none() || next == from => return Err(self.broken(prefix)),
                true => from = next,
            }
        }
    }

    /// Gives an upload up: its parts go.
    ///
    /// # Errors
    /// A storage error when the store is away or refuses.
    pub fn abort_upload(&self, upload: &OpenUpload) -> Result<()> {
        let Some(bucket) = &self.bucket else { return Ok(()) };
        let (place, at) = (self.display(&upload.path), self.at(&upload.path)?);
        let sent = self.runtime.block_on(bucket.send(Method::DELETE, &at, &[("uploadId", &upload.id)]));
        match sent.map_err(|e| failed("ending an upload of", &place, &e))?.0 {
            200..300 | 404 => Ok(()),
            403 => Err(denied("ending an upload of", &place, false)),
            _ => Err(Error::new(Code::StoreAway, format!("ending an upload of {place}: the store failed"))),
        }
    }

    /// One page of a listing of the bucket. Of what is asked only what has a value is sent.
    pub(super) fn page<T: for<'de> Deserialize<'de>>(
        &self,
        bucket: &S3Bucket,
        (doing, rights): (&str, &str),
        prefix: &str,
        asked: &[(&str, Option<&str>)],
    ) -> Result<T> {
        let place = self.display(prefix);
        let below = format!("{}/", self.at(prefix)?).trim_start_matches('/').to_string();
        let mut query: Vec<(&str, &str)> = asked.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
        query.push(("prefix", below.as_str()));
        let sent = self.runtime.block_on(bucket.send(Method::GET, &Path::default(), &query));
        let (status, body) = sent.map_err(|e| failed(doing, &place, &e))?;
        match status {
            401 | 403 if !rights.is_empty() => return Err(denied(doing, &place, false).help(rights)),
            401 | 403 => return Err(denied(doing, &place, false)),
            404 => return Err(missing(doing, &place)),
            _ => {}
        }
        let text = std::str::from_utf8(&body).ok().filter(|_| status == 200);
        text.and_then(|text| quick_xml::de::from_str(text).ok()).ok_or_else(|| self.broken(prefix))
    }

    fn past_version(&self, item: VersionItem, prefix: &str) -> Result<Option<PastVersion>> {
        let modified = Instant::parse(&item.last_modified).ok_or_else(|| self.broken(prefix))?;
        let past = |path| PastVersion { path, version: item.version_id, bytes: item.size, modified };
        Ok(self.below(&item.key).map(past))
    }

    /// The path below the root of a key of the bucket; none of a key that cannot be asked for, which is never tamis's.
    fn below(&self, key: &str) -> Option<String> {
        let path = match self.prefix.as_ref() {
            "" => key,
            prefix => key.strip_prefix(prefix)?.strip_prefix('/')?,
        };
        (!path.is_empty() && addressable(key)).then(|| path.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_are_read_whatever_the_order_of_their_parts() {
        let page: Versions = quick_xml::de::from_str(
            "<?xml version=\"1.0\"?><ListVersionsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <Name>b</Name><Prefix>p/</Prefix><IsTruncated>true</IsTruncated><NextKeyMarker>p/a&amp;b</NextKeyMarker>\
             <NextVersionIdMarker>2</NextVersionIdMarker>\
             <Version><Key>p/a&amp;b</Key><VersionId>1</VersionId><IsLatest>false</IsLatest>\
             <LastModified>2026-11-24T01:02:03.000Z</LastModified><ETag>&quot;x&quot;</ETag><Size>7</Size></Version>\
             <DeleteMarker><Key>p/a&amp;b</Key><VersionId>2</VersionId><IsLatest>true</IsLatest>\
             <LastModified>2026-11-24T01:02:04Z</LastModified></DeleteMarker>\
             <Version><Key>p/c</Key><VersionId>null</VersionId><IsLatest>true</IsLatest>\
             <LastModified>2026-11-24T01:02:05Z</LastModified><Size>1</Size></Version></ListVersionsResult>",
        )
        .expect("a page");
        assert!(page.is_truncated && page.next_key_marker.as_deref() == Some("p/a&b"));
        let told: Vec<_> = page.versions.iter().chain(&page.markers).map(|v| (v.key.as_str(), v.is_latest)).collect();
        assert_eq!(told, [("p/a&b", false), ("p/c", true), ("p/a&b", true)]);
        let none: Uploads =
            quick_xml::de::from_str("<ListMultipartUploadsResult><Bucket>b</Bucket></ListMultipartUploadsResult>")
                .expect("a page");
        assert!(none.uploads.is_empty() && !none.is_truncated);
    }
}
