//! A bucket of S3 that is asked by requests which the store's own credentials sign: for what the trait of stores has no
//! call.

use bytes::Bytes;
use object_store::aws::{AmazonS3, AmazonS3ConfigKey};
use object_store::client::{HttpClient, HttpConnector, HttpRequest, HttpRequestBody, ReqwestConnector};
use object_store::signer::{Method, SignedUrlOptions, Signer};
use object_store::{ClientOptions, path::Path};
use std::sync::Arc;
use std::time::Duration;

/// How long a signed request is good for.
const SIGNED_FOR: Duration = Duration::from_secs(300);

/// Requests that fail for the store's reasons are sent this often.
const TRIES: usize = 3;

/// A bucket of S3: what signs, and what sends.
pub(super) struct S3Bucket {
    signer: AmazonS3,
    http: HttpClient,
}

impl S3Bucket {
    /// With the HTTP settings of the environment (`AWS_*`), as the store itself has them.
    pub fn new(signer: AmazonS3) -> object_store::Result<Arc<S3Bucket>> {
        let settings = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok().filter(|name| name.starts_with("AWS_"))?;
            match name.to_ascii_lowercase().parse() {
                Ok(AmazonS3ConfigKey::Client(key)) => Some((key, value.into_string().ok()?)),
                _ => None,
            }
        });
        let options = settings.fold(ClientOptions::new(), |options, (key, value)| options.with_config(key, value));
        Ok(Arc::new(S3Bucket { signer, http: ReqwestConnector::default().connect(&options)? }))
    }

    /// Sends a signed request without a body; status and body of the answer. Server errors are tried again.
    pub async fn send(&self, method: Method, at: &Path, query: &[(&str, &str)]) -> object_store::Result<(u16, Bytes)> {
        let options = SignedUrlOptions::new().with_query(query.iter().copied());
        let mut tries = 1;
        loop {
            let url = self.signer.signed_url_opts(method.clone(), at, SIGNED_FOR, &options).await?;
            let answer = self.once(method.clone(), url.as_str()).await;
            match answer {
                Ok((status, body)) if status < 500 || tries == TRIES => return Ok((status, body)),
                Err(error) if tries == TRIES => return Err(error),
                _ => tokio::time::sleep(Duration::from_millis(200 << tries)).await,
            }
            tries += 1;
        }
    }

    async fn once(&self, method: Method, url: &str) -> object_store::Result<(u16, Bytes)> {
        let away =
            |source: Box<dyn std::error::Error + Send + Sync>| object_store::Error::Generic { store: "S3", source };
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.method_mut() = method;
        *request.uri_mut() = url.parse().map_err(|_| away("a URL that is none".into()))?;
        let answer = self.http.execute(request).await.map_err(|e| away(e.into()))?;
        let status = answer.status().as_u16();
        let body = answer.into_body().bytes().await.map_err(|e| away(e.into()))?;
        Ok((status, body))
    }
}
