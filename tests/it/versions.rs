//! A versioned bucket of a real S3 server: once a person is removed, neither a listing of versions nor any byte that S3
//! gives out holds their raw value or their token, and no open upload is left. Versions are listed here by requests of
//! this file's own.

use crate::canary::{Canary, Sweep};
use crate::installation::{Installation, contacts};
use crate::servers::S3;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::signer::{Method, SignedUrlOptions, Signer};
use object_store::{ObjectStore, ObjectStoreExt, path::Path as Key};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;
use tamis::by_hand;
use tamis::error::Code;
use tamis::monitor::Silent;

const CHILD: &str = "TAMIS_TEST_VERSIONS";

/// Credentials come from the environment, so the work is done by a process of its own.
#[test]
fn after_removal_no_version_in_a_bucket_holds_the_person() {
    let Some(server) = S3::shared() else { return };
    let bucket = server.bucket("erase-versions", true);
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "versions::child", "--nocapture", "--test-threads=1"])
        .env(CHILD, &bucket.url)
        .envs(bucket.env.iter().cloned())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned() + &String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn child() {
    let Ok(url) = std::env::var(CHILD) else { return };
    let mut installation = Installation::new();
    installation.roots = ["lake", "state"].map(|name| (name.to_string(), format!("{url}/{name}"))).to_vec();
    installation.create();
    let bucket = Bucket::new(&installation, url.trim_start_matches("s3://"));
    let people = contacts(0..30, -10);
    installation.export("s1", &people);
    installation.run(0).unwrap();
    let before = bucket.tokens();
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    installation.sweep(1).unwrap().outcome().unwrap();
    bucket.open_upload("lake/crm/contacts/part-00000-contacts-lost-1.parquet");
    assert_eq!(bucket.uploads().len(), 1);
    let removal = installation.sweep(5).unwrap();
    removal.outcome().unwrap();
    let removal = &removal.datasets[0].removal;
    assert_eq!((removal.waiting, removal.held, removal.protected), (0, 0, 0), "{removal:?}");
    for what in ["files", "companions", "log", "versions", "uploads"] {
        assert!(removal.objects.contains_key(what), "{what}: {:?}", removal.objects);
    }
    assert_eq!(removal.watermark, Some(installation.at(1)));

    let after = bucket.tokens();
    let gone: Vec<&String> = before.difference(&after).collect();
    assert_eq!((before.len(), after.len(), gone.len()), (30, 29, 1));
    let token: Vec<u8> = (0..32).step_by(2).map(|at| u8::from_str_radix(&gone[0][at..at + 2], 16).unwrap()).collect();
    let mut sweep = vec![Canary::whole("e-mail", people[4].email.as_str()), Canary::secret("token", &token)];
    sweep.push(Canary::whole("id", people[4].id.as_str()));
    let sweep = Sweep::new(&sweep);
    let versions = bucket.versions();
    assert!(versions.len() > 20, "state and lake are there");
    for (key, version) in &versions {
        assert_eq!(sweep.bytes(key, &bucket.get(key, version)), [], "{key} {version}");
    }
    // Positive control: somebody who stays is found the same way.
    let token: Vec<u8> =
        (0..32).step_by(2).map(|at| u8::from_str_radix(&after.first().unwrap()[at..at + 2], 16).unwrap()).collect();
    let control = Sweep::new(&[Canary::secret("token", &token)]);
    assert!(versions.iter().any(|(key, version)| !control.bytes(key, &bucket.get(key, version)).is_empty()));
    assert_eq!(bucket.uploads(), Vec::<String>::new());
    // The table is read from its checkpoint and goes on.
    installation.export("s2", &people);
    assert_eq!(installation.run(6).unwrap().manifest.rows_out, 29);
    // The table is removed by hand, and its versions stay: that is not nothing.
    let of_table = || bucket.versions().into_iter().filter(|(key, _)| key.starts_with("lake/crm/")).count();
    bucket.delete_all("lake/crm/contacts");
    assert!(of_table() > 0);
    let retire = |remove| {
        let asked = by_hand::Retiring { of: "contacts".into(), reason: "over".into(), by: None, remove };
        by_hand::retire(&installation.asking(7, ""), &asked, &Silent)
    };
    let error = retire(false).unwrap_err();
    assert_eq!(error.code(), Code::TableNotEmpty, "{error}");
    assert!(retire(true).unwrap().objects["versions"] > 0);
    let companions = bucket.versions().into_iter().filter(|(key, _)| key.starts_with("state/companions/")).count();
    assert_eq!((of_table(), companions), (0, 0));
}

struct Bucket {
    store: AmazonS3,
    runtime: tokio::runtime::Handle,
}

impl Bucket {
    fn new(installation: &Installation, name: &str) -> Bucket {
        let store = AmazonS3Builder::from_env().with_bucket_name(name).build().unwrap();
        Bucket { store, runtime: installation.handle() }
    }

    /// Subject tokens in all data files that are listed and that the newest log entry does not remove.
    fn tokens(&self) -> BTreeSet<String> {
        use arrow::array::AsArray;
        use futures::TryStreamExt;
        let listed = self.store.list(Some(&Key::from("lake/crm/contacts"))).try_collect::<Vec<_>>();
        let listed = self.runtime.block_on(listed).unwrap();
        let entries = listed.iter().filter(|o| o.location.as_ref().ends_with(".json")).map(|o| o.location.clone());
        let newest = self.read(&entries.max().unwrap());
        let mut tokens = BTreeSet::new();
        for line in std::str::from_utf8(&newest).unwrap().lines() {
            let action: serde_json::Value = serde_json::from_str(line).unwrap();
            let Some(path) = action["add"]["path"].as_str() else { continue };
            let bytes = bytes::Bytes::from(self.read(&Key::from(format!("lake/crm/contacts/{path}"))));
            for batch in ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap() {
                let batch = batch.unwrap();
                tokens.extend(batch.column(0).as_string::<i32>().iter().map(|token| token.unwrap().to_string()));
            }
        }
        tokens
    }

    fn read(&self, key: &Key) -> Vec<u8> {
        self.runtime.block_on(async { self.store.get(key).await.unwrap().bytes().await.unwrap().to_vec() })
    }

    fn delete_all(&self, prefix: &str) {
        use futures::TryStreamExt;
        let listed = self.store.list(Some(&Key::from(prefix))).try_collect::<Vec<_>>();
        for object in self.runtime.block_on(listed).unwrap() {
            self.runtime.block_on(self.store.delete(&object.location)).unwrap();
        }
    }

    /// Begins an upload, sends a part and lets it lie, as a crash does.
    fn open_upload(&self, key: &str) {
        self.runtime.block_on(async {
            let mut upload = self.store.put_multipart(&Key::from(key)).await.unwrap();
            upload.put_part(vec![7; 5 << 20].into()).await.unwrap();
            std::mem::forget(upload);
        });
    }

    fn signed(&self, key: &str, query: &[(&str, &str)]) -> Vec<u8> {
        let options = SignedUrlOptions::new().with_query(query.iter().copied());
        let (key, time) = (Key::from(key), Duration::from_secs(60));
        let signed = self.store.signed_url_opts(Method::GET, &key, time, &options);
        let url = self.runtime.block_on(signed).unwrap();
        let mut stream = TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).unwrap();
        let target = format!("{}?{}", url.path(), url.query().unwrap());
        let host = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        write!(stream, "GET {target} HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        assert!(answer.starts_with(b"HTTP/1.") && answer[9..].starts_with(b"200"), "{target}");
        answer.split_off(head + 4)
    }

    fn elements(xml: &str, name: &str) -> Vec<String> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        xml.split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap().to_string()).collect()
    }

    /// Key and version of everything the bucket holds, current or not. No mark of a deletion has bytes.
    fn versions(&self) -> Vec<(String, String)> {
        let xml = String::from_utf8(self.signed("", &[("versions", "")])).unwrap();
        assert!(!xml.contains("<IsTruncated>true"), "more than one page");
        let one = |item: &String, name: &str| Bucket::elements(item, name).remove(0);
        let items = Bucket::elements(&xml, "Version");
        items.iter().map(|item| (one(item, "Key"), one(item, "VersionId"))).collect()
    }

    fn get(&self, key: &str, version: &str) -> Vec<u8> {
        self.signed(key, &[("versionId", version)])
    }

    fn uploads(&self) -> Vec<String> {
        let xml = String::from_utf8(self.signed("", &[("uploads", "")])).unwrap();
        Bucket::elements(&xml, "UploadId")
    }
}
