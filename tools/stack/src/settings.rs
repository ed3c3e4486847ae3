//! A stack's secrets and addresses. They are read from the environment or from its directory, or generated and saved there.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorContext};
use crate::paths;

/// The secrets and addresses of one stack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settings {
    /// The generated password of the owner of the tables.
    pub postgres_password: String,
    /// The generated password of the role that the services connect with. Generated too for a directory of version 0.3.0 or older.
    #[serde(default)]
    pub service_password: String,
    /// The generated Valkey password.
    pub redis_password: String,
    /// `ADMIN_EMAIL`, the email address of the admin account.
    pub admin_email: String,
    /// `ADMIN_PASSWORD`, or a generated password.
    pub admin_password: String,
    /// `WEBHOOK_KEYS`, or a single generated key.
    pub webhook_keys: String,
    /// `SECRET_KEY`, or a generated key. Generated too for a directory of version 0.2.0.
    #[serde(default)]
    pub secret_key: String,
    /// `WEBHOOK_URLS`. `None` means the stack's own webhook URL.
    pub webhook_urls: Option<String>,
}

impl Settings {
    /// Generates new secrets.
    ///
    /// # Errors
    /// Returns an error if the system's random source fails.
    pub fn fresh() -> Result<Self, Error> {
        Ok(Self {
            postgres_password: secret()?,
            service_password: secret()?,
            redis_password: secret()?,
            admin_email: "admin@example.com".to_owned(),
            admin_password: secret()?,
            webhook_keys: secret()?,
            secret_key: secret()?,
            webhook_urls: None,
        })
    }

    /// Loads the settings from `settings.json` in `folder`, or generates them if it is missing. Environment variables take
    /// precedence. The result is saved.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, parsed or written.
    pub fn load_or_create(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("settings.json");
        let mut settings = Self::read(&path)?.map_or_else(Self::fresh, Ok)?;
        let from_env = |variable| std::env::var(variable).ok().filter(|value| !value.is_empty());
        settings.admin_email = from_env("ADMIN_EMAIL").unwrap_or(settings.admin_email);
        settings.admin_password = from_env("ADMIN_PASSWORD").unwrap_or(settings.admin_password);
        settings.webhook_keys = from_env("WEBHOOK_KEYS").unwrap_or(settings.webhook_keys);
        if settings.service_password.is_empty() {
            settings.service_password = secret()?;
        }
        settings.secret_key = match from_env("SECRET_KEY") {
            Some(key) => key,
            None if settings.secret_key.is_empty() => secret()?,
            None => settings.secret_key,
        };
        settings.webhook_urls = from_env("WEBHOOK_URLS").or(settings.webhook_urls);
        let text = serde_json::to_string_pretty(&settings).unwrap_or_default();
        paths::write_private(&path, &text)?;
        Ok(settings)
    }

    fn read(path: &Path) -> Result<Option<Self>, Error> {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                serde_json::from_str(&text).map(Some).map_err(|source| Error::Settings { path: path.to_path_buf(), source })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context(format!("reading {}", path.display())),
        }
    }
}

/// Returns 16 random bytes in URL-safe base64, the format of Mandrill's keys.
fn secret() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string())).context("generating a secret")?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}
