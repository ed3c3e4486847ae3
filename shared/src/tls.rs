//! Certificates and keys that are read from PEM files when a service starts.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::{fmt, io};

use reqwest::ClientBuilder;
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};

/// The contents of a PEM file with certificate authorities. An empty path counts as unset.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AuthorityFile(Option<Pem>);

/// The contents of a PEM file with a certificate and the intermediate certificates after it. An empty path counts as unset.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CertificateFile(Option<Pem>);

/// The contents of a PEM file with a private key. An empty path counts as unset.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PrivateKeyFile(Option<Pem>);

/// A file as it was when it was read.
#[derive(Clone, PartialEq, Eq)]
struct Pem {
    path: Arc<Path>,
    text: Arc<[u8]>,
}

/// Why a file cannot be used. The messages contain nothing of the file.
#[derive(Debug, thiserror::Error)]
pub enum PemError {
    #[error("the file cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("the file contains no certificate in PEM format")]
    NoCertificate,
    #[error("the file contains a malformed certificate")]
    MalformedCertificate,
    #[error("the file contains no private key in PEM format (PKCS #8, PKCS #1 or SEC 1, without a passphrase)")]
    NoKey,
    #[error("the key does not belong to the certificate")]
    Mismatch,
}

impl FromStr for AuthorityFile {
    type Err = PemError;

    fn from_str(path: &str) -> Result<Self, PemError> {
        let Some(pem) = read(path)? else { return Ok(Self(None)) };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&pem.text)? {
            roots.add(certificate).map_err(|_| PemError::MalformedCertificate)?;
        }
        Ok(Self(Some(pem)))
    }
}

impl FromStr for CertificateFile {
    type Err = PemError;

    fn from_str(path: &str) -> Result<Self, PemError> {
        let Some(pem) = read(path)? else { return Ok(Self(None)) };
        certificates(&pem.text)?;
        Ok(Self(Some(pem)))
    }
}

impl FromStr for PrivateKeyFile {
    type Err = PemError;

    fn from_str(path: &str) -> Result<Self, PemError> {
        let Some(pem) = read(path)? else { return Ok(Self(None)) };
        signing_key(&pem.text)?;
        Ok(Self(Some(pem)))
    }
}

fn read(path: &str) -> Result<Option<Pem>, PemError> {
    if path.is_empty() {
        return Ok(None);
    }
    let text = std::fs::read(path)?.into();
    Ok(Some(Pem { path: Path::new(path).into(), text }))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(PemError::NoCertificate),
        Ok(certificates) => Ok(certificates),
        Err(_) => Err(PemError::MalformedCertificate),
    }
}

fn signing_key(pem: &[u8]) -> Result<Arc<dyn SigningKey>, PemError> {
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| PemError::NoKey)?;
    ring::sign::any_supported_type(&key).map_err(|_| PemError::NoKey)
}

/// Checks that a key belongs to a certificate.
///
/// # Errors
/// If it does not, or either is malformed.
pub fn check_pair(certificate: &[u8], key: &[u8]) -> Result<(), PemError> {
    CertifiedKey::new(certificates(certificate)?, signing_key(key)?).keys_match().map_err(|_| PemError::Mismatch)
}

/// Whether TLS failed, rather than the network.
pub fn is_tls_failure(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|cause| cause.is::<rustls::Error>())
}

macro_rules! accessors {
    ($($name:ident),*) => {$(
        impl $name {
            /// The PEM text, as it was when the service started; `None` if no file is set.
            pub fn pem(&self) -> Option<&[u8]> {
                self.0.as_ref().map(|pem| &*pem.text)
            }

            /// The file; `None` if none is set.
            pub fn path(&self) -> Option<&Path> {
                self.0.as_ref().map(|pem| &*pem.path)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(if self.0.is_some() { "[a file]" } else { "[unset]" })
            }
        }
    )*};
}
accessors!(AuthorityFile, CertificateFile, PrivateKeyFile);

impl AuthorityFile {
    /// Lets an HTTP client trust these authorities alone, if a file is set.
    ///
    /// # Errors
    /// If a certificate is malformed.
    pub fn trusted_by(&self, client: ClientBuilder) -> reqwest::Result<ClientBuilder> {
        let Some(pem) = self.pem() else { return Ok(client) };
        let certificates = reqwest::Certificate::from_pem_bundle(pem)?;
        Ok(certificates.into_iter().fold(client.tls_built_in_root_certs(false), ClientBuilder::add_root_certificate))
    }
}
