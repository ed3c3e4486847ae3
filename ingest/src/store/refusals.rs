//! Refused requests, counted per reason, network and hour.

use serde::Serialize;
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;

/// Requests from one network that were refused for one reason within one hour.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Refusal {
    reason: String,
    /// The sender's network: /24 for IPv4, /48 for IPv6.
    network: String,
    /// The start of the hour.
    #[serde(with = "time::serde::rfc3339")]
    hour: OffsetDateTime,
    count: i64,
    /// How many of them one of our keys signed.
    proven: i64,
    /// How many of the others look like Mandrill's deliveries, which anyone can imitate.
    likely: i64,
    #[serde(with = "time::serde::rfc3339")]
    first_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    last_at: OffsetDateTime,
    /// Codes of the suspected mistakes, joined by `+`, such as `scheme+slash`.
    near_miss: Option<String>,
    /// How to fix the suspected mistakes.
    hint: Option<String>,
}

/// Refusals starting at position `offset`, latest first.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn list(pool: &PgPool, offset: i64, limit: i64) -> Result<Vec<Refusal>, sqlx::Error> {
    sqlx::query_as!(
        Refusal,
        r#"select reason, network, hour, count, proven, likely, coalesce(first_at, hour) as "first_at!", last_at, near_miss, hint from refusals
           order by last_at desc, reason, network limit $1 offset $2"#,
        limit,
        offset
    )
    .fetch_all(pool)
    .await
}
