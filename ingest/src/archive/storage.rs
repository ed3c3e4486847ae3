//! The storage: a bucket of S3 or a folder.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ObjectStore, ObjectStoreExt, RetryConfig};
use shared::config::{Secret, SettingError};
use shared::tls::AuthorityFile;

use super::connector::Connector;
use super::error::ArchiveError;

/// Time limits for a connection and for a request. Files have up to about 50 MB.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
/// Retries of a request, and the time after which no other begins.
const MAX_RETRIES: usize = 3;
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);

/// The file that is written to try the storage.
const PROBE_PATH: &str = "probe";
const PROBE: &[u8] = b"This file may be deleted.";

/// Where expired partitions are archived.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Archive")]
pub struct ArchiveArgs {
    /// Where partitions are archived as Parquet files before retention drops them: `s3://BUCKET[/PREFIX]` or `file:///FOLDER`. Unset: they are
    /// dropped.
    #[arg(long, env = "ARCHIVE_URL", default_value = "")]
    pub archive_url: Location,

    /// Address of an S3 server that is not Amazon's, as `http[s]://HOST[:PORT]`.
    #[arg(long, env = "ARCHIVE_ENDPOINT", default_value = "")]
    pub archive_endpoint: String,

    /// Region of the bucket.
    #[arg(long, env = "ARCHIVE_REGION", default_value = "us-east-1")]
    pub archive_region: String,

    /// Access key of S3. If unset, the credentials are those that Amazon's own programs find: `AWS_ACCESS_KEY_ID`, a web identity, or the role of
    /// the task or machine.
    #[arg(long, env = "ARCHIVE_ACCESS_KEY_ID", default_value = "")]
    pub archive_access_key_id: String,

    /// Secret access key of S3.
    #[arg(long, env = "ARCHIVE_SECRET_ACCESS_KEY", hide_env_values = true, default_value = "")]
    pub archive_secret_access_key: Secret,

    /// File with the certificate authorities (PEM) that sign the certificate of the endpoint, instead of the public ones.
    #[arg(long, env = "ARCHIVE_CA_FILE", default_value = "")]
    pub archive_ca_file: AuthorityFile,
}

/// `ARCHIVE_URL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// Nothing is archived.
    Unset,
    Bucket {
        name: String,
        /// Empty if files are at the top.
        prefix: String,
    },
    Folder(PathBuf),
}

/// The reason that `ARCHIVE_URL` cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("expected `s3://BUCKET[/PREFIX]` or `file:///FOLDER`")]
pub struct LocationError;

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::Unset);
        }
        if let Some(folder) = text.strip_prefix("file://") {
            return if folder.starts_with('/') { Ok(Self::Folder(folder.into())) } else { Err(LocationError) };
        }
        let bucket = text.strip_prefix("s3://").ok_or(LocationError)?;
        let (name, prefix) = bucket.split_once('/').unwrap_or((bucket, ""));
        let is_valid = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        if is_valid {
            Ok(Self::Bucket { name: name.into(), prefix: prefix.trim_matches('/').into() })
        } else {
            Err(LocationError)
        }
    }
}

/// The storage below `ARCHIVE_URL`.
#[derive(Debug, Clone)]
pub struct Storage(Arc<dyn ObjectStore>);

impl Storage {
    /// Prepares the storage. Connects to nothing. `None` if no `ARCHIVE_URL` is set.
    ///
    /// # Errors
    /// If the settings are unusable.
    pub fn open(args: &ArchiveArgs) -> Result<Option<Self>, SettingError> {
        let unusable = |error: &dyn ToString| SettingError::new("ARCHIVE_URL", error.to_string());
        match &args.archive_url {
            Location::Unset => Ok(None),
            Location::Folder(folder) => {
                std::fs::create_dir_all(folder).map_err(|error| unusable(&error))?;
                let files = LocalFileSystem::new_with_prefix(folder).map_err(|error| unusable(&error))?;
                Ok(Some(Self(Arc::new(files.with_fsync(true)))))
            }
            Location::Bucket { name, prefix } => {
                let client = reqwest::Client::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .timeout(REQUEST_TIMEOUT)
                    .redirect(reqwest::redirect::Policy::none());
                let client = args.archive_ca_file.trusted_by(client).and_then(reqwest::ClientBuilder::build);
                let client = client.map_err(|error| SettingError::new("ARCHIVE_CA_FILE", error.to_string()))?;
                let bucket = s3(args, name).with_http_connector(Connector(client)).build().map_err(|error| unusable(&error))?;
                Ok(Some(if prefix.is_empty() {
                    Self(Arc::new(bucket))
                } else {
                    Self(Arc::new(PrefixStore::new(bucket, Path::from(prefix.as_str()))))
                }))
            }
        }
    }

    /// Writes a small file and reads it, so that a storage which takes nothing is noticed before a partition expires.
    ///
    /// # Errors
    /// If the storage fails or returns something else.
    pub(crate) async fn probe(&self) -> Result<(), ArchiveError> {
        self.put(PROBE_PATH, Bytes::from_static(PROBE)).await?;
        if self.get(PROBE_PATH).await? == PROBE {
            Ok(())
        } else {
            Err(ArchiveError::damaged(PROBE_PATH, "is not read as it was written"))
        }
    }

    /// Writes a file, or replaces it. The file is durable afterwards.
    ///
    /// # Errors
    /// If the storage fails.
    pub(crate) async fn put(&self, path: &str, content: Bytes) -> Result<(), ArchiveError> {
        let put = self.0.put(&Path::from(path), content.into()).await;
        put.map(|_| ()).map_err(|error| ArchiveError::storage("write", path, &error))
    }

    /// Whether a file exists.
    ///
    /// # Errors
    /// If the storage fails.
    pub(crate) async fn exists(&self, path: &str) -> Result<bool, ArchiveError> {
        match self.0.head(&Path::from(path)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(ArchiveError::storage("look for", path, &error)),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If the storage fails or does not have it.
    pub(crate) async fn get(&self, path: &str) -> Result<Bytes, ArchiveError> {
        let read = async { self.0.get(&Path::from(path)).await?.bytes().await };
        read.await.map_err(|error| ArchiveError::storage("read", path, &error))
    }
}

/// Amazon's variables count first, as far as they have a value, and then ours.
fn s3(args: &ArchiveArgs, bucket: &str) -> AmazonS3Builder {
    let amazon = std::env::vars().filter(|(name, value)| name.starts_with("AWS_") && !value.is_empty());
    let mut builder = amazon.fold(AmazonS3Builder::new(), |builder, (name, value)| {
        match name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
            Ok(key) => builder.with_config(key, value),
            Err(_) => builder,
        }
    });
    let set = |value: &str| (!value.is_empty()).then(|| value.to_owned());
    if let (Some(id), Some(secret)) = (set(&args.archive_access_key_id), set(args.archive_secret_access_key.reveal())) {
        builder = builder.with_access_key_id(id).with_secret_access_key(secret);
    }
    if let Some(endpoint) = set(&args.archive_endpoint) {
        // Only an address that says so is not encrypted.
        let is_plain = endpoint.starts_with("http://");
        builder = builder.with_endpoint(endpoint).with_allow_http(is_plain);
    }
    let retries = RetryConfig { backoff: BackoffConfig::default(), max_retries: MAX_RETRIES, retry_timeout: RETRY_TIMEOUT };
    builder.with_bucket_name(bucket).with_region(&args.archive_region).with_retry(retries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_buckets_or_folders() {
        let bucket = |name: &str, prefix: &str| Location::Bucket { name: name.into(), prefix: prefix.into() };
        for (text, location) in [
            ("", Location::Unset),
            ("s3://mail", bucket("mail", "")),
            ("s3://mail/", bucket("mail", "")),
            ("s3://mail.example/events/old/", bucket("mail.example", "events/old")),
            ("file:///srv/archive", Location::Folder("/srv/archive".into())),
        ] {
            assert_eq!(text.parse::<Location>().ok(), Some(location), "{text}");
        }
        for text in ["mail", "s3://", "s3:///x", "s3://a b/x", "file://relative", "https://example.com/bucket", "/srv/archive"] {
            assert!(text.parse::<Location>().is_err(), "{text}");
        }
    }
}
