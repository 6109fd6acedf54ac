//! Real object storage on loopback: SeaweedFS for S3, Azurite for Azure Blob. Each is started once per test binary,
//! listens on 127.0.0.1 only, and is killed and cleaned up when the test process ends, however it ends.

use super::tool::tool;
use object_store::ObjectStore;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// An S3 bucket or an Azure container on a server of ours.
pub struct Bucket {
    /// `s3://bucket` or `az://container`.
    pub url: String,
    /// What a process needs in its environment to reach it (object_store's variables).
    pub env: Vec<(&'static str, String)>,
}

impl Bucket {
    /// Opens it for this process, whatever its environment is.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        let options = self.env.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
        object_store::parse_url_opts(&self.url.parse().unwrap(), options).unwrap().0.into()
    }
}

/// Runs a test of this binary once more, in a process whose `TAMIS_TEST_ROOTS` names a new bucket and a new container:
/// a test cannot set variables for itself. `name` is theirs.
pub fn again(test: &str, name: &str) {
    let (Some(s3), Some(azure)) = (S3::shared(), Azure::shared()) else { return };
    let buckets = [s3.bucket(name, false), azure.container(name)];
    let urls = buckets.each_ref().map(|bucket| format!("{}/x", bucket.url));
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("TAMIS_TEST_ROOTS", urls.join(" "))
        .envs(buckets.into_iter().flat_map(|bucket| bucket.env))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// Says to its watcher that this process lives: it kills the server when the pipe closes.
struct Watched {
    _pipe: ChildStdin,
    _watcher: Child,
}

/// Starts a program under a watcher. A static is never dropped and a killed process drops nothing, so it is the end
/// of the pipe that stops the server; SeaweedFS takes too long for SIGTERM, hence SIGKILL.
fn watched(program: &Path, arguments: Vec<OsString>, folder: &Path, leftovers: &str) -> Watched {
    const WATCH: &str = r#"folder=$1 leftovers=$2; shift 2
        "$@" </dev/null >"$folder/log" 2>&1 & server=$!
        cat >/dev/null
        kill -9 $server; wait $server 2>/dev/null; rm -rf "$folder" $leftovers"#;
    let mut watcher = Command::new("sh")
        .args(["-c", WATCH, "watch"])
        .arg(folder)
        .arg(leftovers)
        .arg(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Watched { _pipe: watcher.stdin.take().unwrap(), _watcher: watcher }
}

/// Ports that were free a moment ago.
fn free_ports<const N: usize>() -> [u16; N] {
    let held: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    std::array::from_fn(|i| held[i].local_addr().unwrap().port())
}

/// A folder of this process for one server.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("tamis-{name}-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("data")).unwrap();
    folder
}

/// Waits until the server answers HTTP, then returns; after half a minute the test fails with the server's log.
fn wait_for(port: u16, folder: &Path) {
    let start = Instant::now();
    while http(port, "GET", "/", &[]).is_none() {
        if start.elapsed() > Duration::from_secs(30) {
            panic!("no answer from port {port}:\n{}", std::fs::read_to_string(folder.join("log")).unwrap_or_default());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// One request without a body; the status, or none when nobody answers.
fn http(port: u16, method: &str, path: &str, headers: &[(&str, &str)]) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}");
    stream.write_all(format!("{head}Content-Length: 0\r\nConnection: close\r\n\r\n").as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    String::from_utf8_lossy(&answer).split_whitespace().nth(1)?.parse().ok()
}

/// SeaweedFS: a real S3 server with versions and conditional writes.
pub struct S3 {
    weed: PathBuf,
    port: u16,
    master: String,
    filer: String,
    _server: Watched,
}

impl S3 {
    const KEY: &'static str = "test-key";
    /// The server's secret.
    pub const SECRET: &'static str = "test-secret";

    /// The server of this test binary, started when first asked for; none, said loudly, without `TAMIS_WEED`.
    pub fn shared() -> Option<&'static S3> {
        static SERVER: OnceLock<S3> = OnceLock::new();
        let weed = tool("TAMIS_WEED")?;
        Some(SERVER.get_or_init(|| S3::start(weed)))
    }

    fn start(weed: PathBuf) -> S3 {
        let folder = folder("s3");
        let config = serde_json::json!({"identities": [{
            "name": "test",
            "credentials": [{"accessKey": S3::KEY, "secretKey": S3::SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }]});
        std::fs::write(folder.join("s3.json"), config.to_string()).unwrap();
        let ports: [u16; 8] = free_ports();
        let [master, master_rpc, volume, volume_rpc, filer, filer_rpc, s3, s3_rpc] = ports;
        let mut arguments: Vec<OsString> = [
            "server -filer=true -s3 -ip=127.0.0.1 -ip.bind=127.0.0.1 -master.telemetry=false -volume.max=400",
            " -master.volumeSizeLimitMB=64 -s3.port.iceberg=0 -s3.port.lance=0",
            &format!(" -master.port={master} -master.port.grpc={master_rpc}"),
            &format!(" -volume.port={volume} -volume.port.grpc={volume_rpc}"),
            &format!(" -filer.port={filer} -filer.port.grpc={filer_rpc} -s3.port={s3} -s3.port.grpc={s3_rpc}"),
        ]
        .concat()
        .split(' ')
        .map(OsString::from)
        .collect();
        arguments.push(format!("-dir={}", folder.join("data").display()).into());
        arguments.push(format!("-s3.config={}", folder.join("s3.json").display()).into());
        let sockets: String = ports.iter().map(|port| format!(" /tmp/seaweedfs-*-{port}.sock")).collect();
        let server = watched(&weed, arguments, &folder, &sockets);
        wait_for(s3, &folder);
        let (master, filer) = (format!("127.0.0.1:{master}.{master_rpc}"), format!("127.0.0.1:{filer}.{filer_rpc}"));
        S3 { weed, port: s3, master, filer, _server: server }
    }

    /// A new bucket, with or without object versions.
    pub fn bucket(&self, name: &str, versioned: bool) -> Bucket {
        self.shell(&format!("s3.bucket.create -name {name}"));
        if versioned {
            self.shell(&format!("s3.bucket.versioning -name {name} -enable"));
        }
        Bucket { url: format!("s3://{name}"), env: self.env(S3::KEY) }
    }

    /// The environment of a client with this key; any but the server's own is refused by it.
    pub fn env(&self, key: &str) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT", format!("http://127.0.0.1:{}", self.port)),
            ("AWS_ALLOW_HTTP", "true".into()),
            ("AWS_REGION", "us-east-1".into()),
            ("AWS_ACCESS_KEY_ID", key.into()),
            ("AWS_SECRET_ACCESS_KEY", S3::SECRET.into()),
        ]
    }

    fn shell(&self, line: &str) {
        let mut shell = Command::new(&self.weed)
            .args(["shell", &format!("-master={}", self.master), &format!("-filer={}", self.filer)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(shell.stdin.take().unwrap(), "{line}").unwrap();
        let output = shell.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains("error"), "{line}: {said}");
    }
}

/// Azurite: Microsoft's stand-in for Azure Blob storage; holds everything in memory.
pub struct Azure {
    port: u16,
    _server: Watched,
}

impl Azure {
    /// The account that every Azurite has.
    pub const ACCOUNT: &'static str = "devstoreaccount1";
    /// The key that every Azurite has, published by Microsoft.
    const KEY: &'static str =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    /// The server of this test binary, started when first asked for; none, said loudly, without `TAMIS_AZURITE`.
    pub fn shared() -> Option<&'static Azure> {
        static SERVER: OnceLock<Azure> = OnceLock::new();
        let azurite = tool("TAMIS_AZURITE")?;
        Some(SERVER.get_or_init(|| Azure::start(&azurite)))
    }

    fn start(azurite: &Path) -> Azure {
        let folder = folder("azure");
        let [port] = free_ports();
        let mut arguments: Vec<OsString> =
            "--silent --inMemoryPersistence --skipApiVersionCheck --disableTelemetry --blobHost 127.0.0.1"
                .split(' ')
                .map(OsString::from)
                .collect();
        arguments.extend(["--blobPort".into(), port.to_string().into()]);
        let server = watched(azurite, arguments, &folder, "");
        wait_for(port, &folder);
        Azure { port, _server: server }
    }

    /// A new container.
    pub fn container(&self, name: &str) -> Bucket {
        use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
        let (account, date) = (Azure::ACCOUNT, "Tue, 24 Nov 2026 02:00:00 GMT");
        let signed = format!(
            "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:2021-12-02\n/{account}/{account}/{name}\nrestype:container"
        );
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &BASE64.decode(Azure::KEY).unwrap());
        let signature = BASE64.encode(aws_lc_rs::hmac::sign(&key, signed.as_bytes()));
        let authorization = format!("SharedKey {account}:{signature}");
        let headers = [("x-ms-date", date), ("x-ms-version", "2021-12-02"), ("Authorization", authorization.as_str())];
        let status = http(self.port, "PUT", &format!("/{account}/{name}?restype=container"), &headers);
        assert_eq!(status, Some(201), "container {name}");
        Bucket { url: format!("az://{name}"), env: self.env(Azure::KEY) }
    }

    /// The environment of a client with this key; any but the server's own is refused by it.
    pub fn env(&self, key: &str) -> Vec<(&'static str, String)> {
        vec![
            ("AZURE_STORAGE_ACCOUNT_NAME", Azure::ACCOUNT.into()),
            ("AZURE_STORAGE_ACCOUNT_KEY", key.into()),
            ("AZURE_STORAGE_ENDPOINT", format!("http://127.0.0.1:{}/{}", self.port, Azure::ACCOUNT)),
            ("AZURE_ALLOW_HTTP", "true".into()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_dies_with_the_process_that_holds_its_pipe() {
        let folder = folder("watched");
        let sleep = watched(Path::new("/bin/sleep"), vec!["600".into()], &folder, "");
        let Watched { _pipe: pipe, _watcher: mut watcher } = sleep;
        drop(pipe);
        assert!(watcher.wait().is_ok());
        assert!(!folder.exists(), "the watcher cleans up after the server is gone");
    }
}
