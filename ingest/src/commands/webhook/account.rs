//! The Mandrill account whose webhooks the commands manage.

use clap::Args;
use shared::config::Secret;

use crate::commands::webhook::mandrill_api::{CallError, MandrillApi};

/// Access to Mandrill's API.
#[derive(Debug, Args)]
#[command(next_help_heading = "Mandrill")]
pub struct Account {
    /// Mandrill API key for `ingest webhook add` and `list`. This is not the key that signs deliveries.
    #[arg(long, env = "MANDRILL_API_KEY", hide_env_values = true)]
    pub mandrill_api_key: Secret,

    /// Base URL of Mandrill's API.
    #[arg(long, env = "MANDRILL_API_URL", hide_env_values = true, default_value = "https://mandrillapp.com/api/1.0")]
    pub mandrill_api_url: String,
}

impl Account {
    /// # Errors
    /// If the key is empty, or the HTTP client cannot be created.
    pub(crate) fn api(&self) -> Result<MandrillApi, CallError> {
        MandrillApi::new(&self.mandrill_api_url, self.mandrill_api_key.clone())
    }
}
