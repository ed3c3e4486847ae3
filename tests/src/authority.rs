//! A private certificate authority, and the files that it issues.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};

/// A certificate authority with its own temporary folder, which is removed when it is dropped.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

/// A certificate with its key, as PEM files.
#[derive(Debug, Clone)]
pub struct Identity {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    /// Creates an authority with a new key.
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("authority-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(format!("mandrill-listener-{name}"));
        fs::create_dir_all(&folder).expect("the folder should be created");
        let mut params = CertificateParams::new(Vec::new()).expect("the parameters should be valid");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key should be generated");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("the certificate should be signed");
        fs::write(folder.join("ca.pem"), issuer.pem()).expect("the file should be written");
        Self { issuer, folder }
    }

    /// The authority's certificate.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Issues a certificate for a host name or address.
    pub fn issue(&self, host: &str) -> Identity {
        self.issue_until(host, 2040)
    }

    /// Issues a certificate that is valid until the start of a year.
    pub fn issue_until(&self, host: &str, year: i32) -> Identity {
        let mut params = CertificateParams::new(vec![host.to_owned()]).expect("the name should be valid");
        params.distinguished_name.push(DnType::CommonName, host);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().expect("a key should be generated");
        let certificate = params.signed_by(&key, &self.issuer).expect("the certificate should be signed");
        let identity = Identity {
            certificate: self.folder.join(format!("{host}-{year}.pem")),
            key: self.folder.join(format!("{host}-{year}-key.pem")),
        };
        fs::write(&identity.certificate, certificate.pem()).expect("the file should be written");
        fs::write(&identity.key, key.serialize_pem()).expect("the file should be written");
        identity
    }

    /// A file in the authority's folder.
    pub fn file(&self, name: &str, contents: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, contents).expect("the file should be written");
        path
    }

    /// The authority's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
