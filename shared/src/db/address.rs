//! Reads the address of Postgres, and how connections to it are protected.

use std::str::FromStr;

use percent_encoding::percent_decode_str;
use reqwest::Url;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::config::{self, Secret, SettingError};
use crate::tls::{self, AuthorityFile, CertificateFile, PrivateKeyFile};

const URL_FORM: &str = "the address must have the form postgres://USER:PASSWORD@HOST:PORT/DATABASE";
/// Parameters of libpq that we honour.
const PARAMETERS: [&str; 11] =
    ["sslmode", "sslrootcert", "sslcert", "sslkey", "host", "hostaddr", "port", "dbname", "user", "password", "application_name"];

/// An address of Postgres, and where it comes from. All addresses share the certificates.
#[derive(Debug, Clone, Copy)]
pub struct Address<'a> {
    /// The name of the setting.
    pub setting: &'static str,
    pub url: &'a Secret,
    /// The password if the address contains none; may be empty.
    pub password: &'a Secret,
}

impl<'a> Address<'a> {
    /// `DATABASE_URL`.
    pub fn of_service(config: &'a config::Database) -> Self {
        Self { setting: "DATABASE_URL", url: &config.database_url, password: &config.database_password }
    }

    fn parse(self) -> Result<Url, SettingError> {
        let malformed = || SettingError::new(self.setting, URL_FORM);
        let url = Url::parse(self.url.reveal()).map_err(|_| malformed())?;
        if matches!(url.scheme(), "postgres" | "postgresql") { Ok(url) } else { Err(malformed()) }
    }

    /// The user and the password; an empty password if there is none.
    ///
    /// # Errors
    /// If the address is malformed or specifies no user.
    pub fn credentials(self) -> Result<(String, Secret), SettingError> {
        self.credentials_in(&self.parse()?)
    }

    fn credentials_in(self, url: &Url) -> Result<(String, Secret), SettingError> {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let user = parameter(url, "user").unwrap_or_else(|| decoded(url.username()));
        if user.is_empty() {
            // Without a user, sqlx would connect as "anonymous".
            return Err(SettingError::new(self.setting, "the address must specify a user"));
        }
        let password = parameter(url, "password").or_else(|| url.password().map(decoded));
        Ok((user, password.map_or_else(|| self.password.clone(), Secret::from)))
    }
}

/// Reads the settings of connections to `address`.
///
/// # Errors
/// If one is malformed, is missing, or contradicts another. The message contains no value.
pub(super) fn options(config: &config::Database, address: Address<'_>) -> Result<PgConnectOptions, SettingError> {
    let setting = address.setting;
    let mut url = address.parse()?;
    let (_, password) = address.credentials_in(&url)?;
    ignore_unknown_parameters(&mut url, setting);
    let authority = match parameter(&url, "sslrootcert").as_deref() {
        // libpq's name for the authorities that the system trusts.
        Some("system") => AuthorityFile::default(),
        Some(path) => file(setting, path, "sslrootcert")?,
        None => config.database_ca_file.clone(),
    };
    let certificate = match parameter(&url, "sslcert") {
        Some(path) => file::<CertificateFile>(setting, &path, "sslcert")?,
        None => config.database_client_cert_file.clone(),
    };
    let key = match parameter(&url, "sslkey") {
        Some(path) => file::<PrivateKeyFile>(setting, &path, "sslkey")?,
        None => config.database_client_key_file.clone(),
    };
    remove_parameters(&mut url, &["sslrootcert", "sslcert", "sslkey"]);
    let mut options = PgConnectOptions::from_str(url.as_str()).map_err(|_| SettingError::new(setting, URL_FORM))?;
    let mode = mode(options.get_ssl_mode(), authority.pem().is_some(), setting)?;
    let uses_files = authority.path().is_some() || certificate.path().is_some();
    if matches!(mode, PgSslMode::Disable) && uses_files {
        return Err(SettingError::new(setting, "certificates are set, but `sslmode` forbids TLS"));
    }
    options = options.ssl_mode(mode);
    // Files are read again for each connection, so that they can be renewed while the service runs.
    if let Some(path) = authority.path() {
        options = options.ssl_root_cert(path);
    }
    match (certificate.path().zip(certificate.pem()), key.path().zip(key.pem())) {
        (None, None) => {}
        (Some((certificate_path, certificate)), Some((key_path, key))) => {
            tls::check_pair(certificate, key)
                .map_err(|error| SettingError::new("DATABASE_CLIENT_KEY_FILE", error.to_string()))?;
            options = options.ssl_client_cert(certificate_path).ssl_client_key(key_path);
        }
        (Some(_), None) => return Err(SettingError::new("DATABASE_CLIENT_KEY_FILE", "the key of the certificate is missing")),
        (None, Some(_)) => return Err(SettingError::new("DATABASE_CLIENT_CERT_FILE", "the certificate of the key is missing")),
    }
    if !password.reveal().is_empty() {
        options = options.password(password.reveal());
    }
    // PgBouncer knows neither this start-up parameter nor `options`. Servers that we support print all digits anyway.
    Ok(options.extra_float_digits(None))
}

/// The mode that does what libpq means by `mode`.
fn mode(mode: PgSslMode, has_authority: bool, setting: &'static str) -> Result<PgSslMode, SettingError> {
    match mode {
        // libpq tries without TLS first, and with it if the server insists. With TLS first, either server is served.
        PgSslMode::Allow => Ok(PgSslMode::Prefer),
        PgSslMode::Require if has_authority => Ok(PgSslMode::VerifyCa),
        PgSslMode::VerifyCa if !has_authority => Err(SettingError::new(
            setting,
            "`sslmode=verify-ca` needs `sslrootcert` or DATABASE_CA_FILE; for public authorities, use `verify-full`",
        )),
        other => Ok(other),
    }
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn file<T: FromStr<Err = tls::PemError>>(setting: &'static str, path: &str, name: &str) -> Result<T, SettingError> {
    path.parse().map_err(|error| SettingError::new(setting, format!("`{name}`: {error}")))
}

/// Removes parameters that sqlx would log together with their values.
fn ignore_unknown_parameters(url: &mut Url, setting: &str) {
    let unknown: Vec<String> =
        url.query_pairs().map(|(key, _)| key.into_owned()).filter(|key| !PARAMETERS.contains(&key.as_str())).collect();
    for name in &unknown {
        tracing::warn!(setting, name, "an address of Postgres has a parameter that is not known here; it is ignored");
    }
    remove_parameters(url, &unknown.iter().map(String::as_str).collect::<Vec<_>>());
}

fn remove_parameters(url: &mut Url, names: &[&str]) {
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| !names.contains(&&**key))
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    if kept.is_empty() {
        url.set_query(None);
    } else {
        url.query_pairs_mut().clear().extend_pairs(kept);
    }
}
