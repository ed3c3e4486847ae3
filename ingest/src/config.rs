//! Settings of deliveries, which several commands share with the service.

use clap::Args;

use crate::webhook::signature::{Keys, Urls};

/// Keys, addresses and limits of the webhook.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Webhook")]
pub struct Webhook {
    /// Keys with which Mandrill signs, separated by commas; each is `KEY` or `LABEL=KEY`. Unset: every delivery is refused.
    #[arg(long, env = "WEBHOOK_KEYS", hide_env_values = true, default_value = "")]
    pub webhook_keys: Keys,

    /// Public addresses of the webhook, exactly as entered in Mandrill, separated by commas. Mandrill signs the address too.
    #[arg(long, env = "WEBHOOK_URLS", default_value = "")]
    pub webhook_urls: Urls,

    /// Maximum size of a delivery in bytes. A full batch has 2 to 3 MB; inbound mail with attachments has more.
    #[arg(long, env = "WEBHOOK_MAX_BODY", default_value_t = 32 << 20)]
    pub webhook_max_body: usize,

    /// Bytes of deliveries held in memory: half for deliveries not yet verified, half for deliveries being stored. Further
    /// deliveries wait 2 seconds, then get a 503.
    #[arg(long, env = "WEBHOOK_MEMORY", default_value_t = 64 << 20)]
    pub webhook_memory: usize,

    /// Seconds that a client may take to send a body.
    #[arg(long, env = "BODY_TIMEOUT_SECONDS", default_value_t = 30)]
    pub body_timeout_seconds: u64,
}
