//! A real S3 server, SeaweedFS, installed from `tools/archive.txt`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::json;
use stack::ports::Port;

use crate::wait::until;

const BUCKET: &str = "mail";
const ACCESS_KEY: &str = "archive";
const SECRET_KEY: &str = "a secret of this test";

/// A running server with one bucket. Dropping it ends the server.
#[derive(Debug)]
pub struct ObjectStorage {
    server: Child,
    /// Reserved for as long as the server runs: two for each of its parts.
    ports: Vec<Port>,
}

impl ObjectStorage {
    /// Starts a server that keeps its data in this folder.
    ///
    /// # Panics
    /// If the server does not start.
    pub async fn start(folder: &Path) -> Self {
        fs::create_dir_all(folder).expect("the folder should be created");
        let access = json!({"identities": [{"name": "archive", "actions": ["Admin"],
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]}]});
        let settings = folder.join("s3.json");
        fs::write(&settings, access.to_string()).expect("the settings should be written");
        let ports: Vec<Port> = (0..8).map(|_| Port::free().expect("a port should be free")).collect();
        let mut command = Command::new(Self::programs().join("weed"));
        command.args([
            "server",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-filer",
            "-s3",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-master.telemetry=false",
            "-master.volumeSizeLimitMB=64",
        ]);
        for (name, port) in ["s3.port", "filer.port", "master.port", "volume.port"].iter().zip(ports.chunks(2)) {
            command.arg(format!("-{name}={}", port[0].number())).arg(format!("-{name}.grpc={}", port[1].number()));
        }
        command.arg(format!("-dir={}", folder.display())).arg(format!("-s3.config={}", settings.display()));
        let log = fs::File::create(folder.join("weed.log")).expect("the log should be created");
        let server = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("the server should start");
        let storage = Self { server, ports };
        until("the bucket exists", || async {
            let created = reqwest::Client::new().post(storage.file_url("")).send().await.ok()?;
            let listed = reqwest::get(storage.endpoint()).await.ok()?;
            let exists = created.status().is_success() || created.status() == 409;
            (exists && listed.status() == 403).then_some(())
        })
        .await;
        storage
    }

    /// Where the programs of `tools/archive.txt` are.
    ///
    /// # Panics
    /// If `ARCHIVE_TOOLS` is not set.
    pub fn programs() -> PathBuf {
        std::env::var_os("ARCHIVE_TOOLS").expect("ARCHIVE_TOOLS should name the folder of the programs").into()
    }

    pub fn port(&self) -> u16 {
        self.ports[0].number()
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// The address at which anybody may read a file of the bucket, past S3.
    pub fn file_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/buckets/{BUCKET}/{path}", self.ports[2].number())
    }

    /// The settings of ingest for an archive in the bucket.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("ARCHIVE_URL", format!("s3://{BUCKET}/archive")),
            ("ARCHIVE_ENDPOINT", self.endpoint()),
            ("ARCHIVE_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("ARCHIVE_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
        ]
    }
}

impl Drop for ObjectStorage {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
