//! The webhook as configured here, as opposed to the one in Mandrill.

use anyhow::{Context, bail};
use clap::Args;
use reqwest::Url;
use shared::tls::AuthorityFile;

use crate::redact::printable;
use crate::webhook::signature::{Keys, Urls};

/// The configured keys and addresses, as for `ingest serve`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Webhook")]
pub struct ConfiguredWebhook {
    /// Keys that Mandrill signs with, separated by commas; each is `KEY` or `LABEL=KEY`.
    #[arg(long, env = "WEBHOOK_KEYS", hide_env_values = true, default_value = "")]
    pub webhook_keys: Keys,

    /// Public addresses of the webhook, separated by commas.
    #[arg(long, env = "WEBHOOK_URLS", hide_env_values = true, default_value = "")]
    pub webhook_urls: Urls,

    /// File with the certificate authorities (PEM) that sign the certificate of the webhook's address, for `webhook test` and `simulate`. If
    /// unset, the public authorities count.
    #[arg(long, env = "WEBHOOK_CA_FILE", default_value = "")]
    pub webhook_ca_file: AuthorityFile,
}

impl ConfiguredWebhook {
    /// Returns the `given` address, or else the first configured one.
    ///
    /// # Errors
    /// If there is none, or it is not an http or https URL.
    pub(crate) fn address<'a>(&'a self, given: Option<&'a str>) -> anyhow::Result<&'a str> {
        let url = given.or(self.webhook_urls.first()).context("no address is given; set WEBHOOK_URLS, or use --url")?;
        let is_http = |parsed: Url| matches!(parsed.scheme(), "http" | "https") && parsed.has_host();
        if url.contains(|character: char| character.is_whitespace() || character.is_control())
            || !Url::parse(url).is_ok_and(is_http)
        {
            bail!("`{}` is not an http or https address", printable(url));
        }
        Ok(url)
    }

    /// True if exactly this address is configured.
    pub(crate) fn has_address(&self, url: &str) -> bool {
        self.webhook_urls.iter().any(|configured| configured == url)
    }
}
