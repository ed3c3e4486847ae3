//! What a stack is made with: given by the environment, kept in its folder, or made once and kept there.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::error::{Doing, Error};
use crate::place;

/// Secrets and addresses of one stack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settings {
    /// Of the database's only user; made once.
    pub postgres_password: String,
    /// Of the Valkey server; made once.
    pub redis_password: String,
    /// `ADMIN_EMAIL`: who can sign in.
    pub admin_email: String,
    /// `ADMIN_PASSWORD`, or made once.
    pub admin_password: String,
    /// `WEBHOOK_KEYS`, or one made once.
    pub webhook_keys: String,
    /// `WEBHOOK_URLS`; none means this stack's own address.
    pub webhook_urls: Option<String>,
}

impl Settings {
    /// Fresh secrets, for a stack that is thrown away.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn fresh() -> Result<Self, Error> {
        Ok(Self {
            postgres_password: secret()?,
            redis_password: secret()?,
            admin_email: "admin@example.com".to_owned(),
            admin_password: secret()?,
            webhook_keys: secret()?,
            webhook_urls: None,
        })
    }

    /// Those kept in `folder`, or fresh ones; the environment wins, and what results is kept.
    ///
    /// # Errors
    /// When the file cannot be read, understood or written.
    pub fn kept_in(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("settings.json");
        let mut settings = Self::read(&path)?.map_or_else(Self::fresh, Ok)?;
        let given = |variable| std::env::var(variable).ok().filter(|value| !value.is_empty());
        settings.admin_email = given("ADMIN_EMAIL").unwrap_or(settings.admin_email);
        settings.admin_password = given("ADMIN_PASSWORD").unwrap_or(settings.admin_password);
        settings.webhook_keys = given("WEBHOOK_KEYS").unwrap_or(settings.webhook_keys);
        settings.webhook_urls = given("WEBHOOK_URLS").or(settings.webhook_urls);
        let text = serde_json::to_string_pretty(&settings).unwrap_or_default();
        place::write_private(&path, &text)?;
        Ok(settings)
    }

    fn read(path: &Path) -> Result<Option<Self>, Error> {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                serde_json::from_str(&text).map(Some).map_err(|source| Error::Settings { path: path.to_path_buf(), source })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).doing(format!("reading {}", path.display())),
        }
    }
}

/// 16 random bytes, in URL-safe text: the form of Mandrill's own keys, and good for a password.
fn secret() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string())).doing("making a secret")?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}
