//! Settings for deliveries, shared by the service and several commands.

use clap::Args;

use crate::webhook::signature::{Keys, Urls};

/// Keys, addresses and limits of the webhook.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Webhook")]
pub struct Webhook {
    /// Keys that Mandrill signs with, separated by commas; each is `KEY` or `LABEL=KEY`. If unset, every delivery is rejected.
    #[arg(long, env = "WEBHOOK_KEYS", hide_env_values = true, default_value = "")]
    pub webhook_keys: Keys,

    /// Public addresses of the webhook, exactly as entered in Mandrill, separated by commas. Mandrill also signs the address.
    #[arg(long, env = "WEBHOOK_URLS", default_value = "")]
    pub webhook_urls: Urls,

    /// Maximum size of a delivery in bytes. A full batch is 2 to 3 MB; inbound mail with attachments is larger.
    #[arg(long, env = "WEBHOOK_MAX_BODY", default_value_t = 32 << 20)]
    pub webhook_max_body: usize,

    /// Maximum number of bytes of deliveries held in memory: half for deliveries not yet verified, half for deliveries being
    /// stored. Further deliveries wait up to 2 seconds and are then rejected with 503.
    #[arg(long, env = "WEBHOOK_MEMORY", default_value_t = 64 << 20)]
    pub webhook_memory: usize,

    /// Time limit for a client to send a body, in seconds.
    #[arg(long, env = "BODY_TIMEOUT_SECONDS", default_value_t = 30)]
    pub body_timeout_seconds: u64,
}
