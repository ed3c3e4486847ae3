//! Stored dictionaries, and the codec that is made of them.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgExecutor, PgPool};
use time::OffsetDateTime;

use crate::payload::codec::{Codec, CodecError};
use crate::payload::dictionary::Dictionary;
use crate::payload::row_values::RowValues;
use crate::store::cached::Cached;
use crate::store::upgrade_moments;

/// Longer payloads have little in common with others.
const MAX_SAMPLE_BYTES: i32 = 16 << 10;
/// Maximum delay before writers use a new dictionary.
const MAX_AGE: Duration = Duration::from_secs(60);

/// Stores a dictionary, unless one with its id exists. Returns whether it did.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn add(executor: impl PgExecutor<'_>, dictionary: &Dictionary) -> Result<bool, sqlx::Error> {
    let id = i64::from(dictionary.id);
    let digest = Sha256::digest(&dictionary.content);
    let added = sqlx::query!(
        "insert into payload_dictionaries (id, digest, content) values ($1, $2, $3) on conflict do nothing",
        id,
        &digest[..],
        dictionary.content
    )
    .execute(executor)
    .await?;
    Ok(added.rows_affected() > 0)
}

/// Reads all dictionaries.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn all(connection: &mut PgConnection) -> Result<Vec<Dictionary>, sqlx::Error> {
    let rows = sqlx::query!("select id, digest, content from payload_dictionaries").fetch_all(&mut *connection).await?;
    let mut dictionaries = Vec::with_capacity(rows.len());
    for row in rows {
        if Sha256::digest(&row.content)[..] == row.digest[..] {
            dictionaries.push(Dictionary { id: u32::try_from(row.id).unwrap_or_default(), content: row.content });
        } else {
            tracing::error!(id = row.id, "a dictionary is damaged, and payloads that were compressed with it cannot be read");
        }
    }
    Ok(dictionaries)
}

/// Prepares all dictionaries. The codec compresses once every replica can read compressed payloads.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn codec(connection: &mut PgConnection) -> Result<Codec, sqlx::Error> {
    let dictionaries = all(&mut *connection).await?;
    let compresses = upgrade_moments::compressed_payloads_from(connection).await? <= OffsetDateTime::now_utc();
    Ok(Codec::new(&dictionaries, compresses))
}

/// Reads about `count` payloads of events that have not been erased, from the whole time for which events are stored.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn random_payloads(connection: &mut PgConnection, count: u32) -> Result<Vec<StoredPayload>, sqlx::Error> {
    sqlx::query_as!(
        StoredPayload,
        r#"with span as (select min(id) as first, max(id) as last from events),
                chosen as (
                  select distinct (first + random() * (last - first))::bigint as id from span, generate_series(1, $1::bigint * 2)
                )
           select payload as "payload!", payload_frame, payload_values(events) as "values!: _" from events join chosen using (id)
           where erased_at is null and octet_length(payload) <= $2 limit $1"#,
        i64::from(count),
        MAX_SAMPLE_BYTES
    )
    .fetch_all(connection)
    .await
}

/// A payload as it is stored: plain, or as a frame.
#[derive(Debug)]
pub(crate) struct StoredPayload {
    /// Empty if there is a frame.
    pub(crate) payload: String,
    pub(crate) payload_frame: Option<Vec<u8>>,
    /// What `payload_values` returns for the row.
    pub(crate) values: Vec<Option<String>>,
}

impl StoredPayload {
    /// The values of the row that the payload may repeat.
    pub(crate) fn row_values(&self) -> RowValues<'_> {
        RowValues::from_database(&self.values)
    }

    /// The payload as it was received.
    ///
    /// # Errors
    /// If it is damaged, or compressed with a dictionary that `codec` does not know.
    pub(crate) fn read(&self, codec: &Codec) -> Result<Cow<'_, str>, CodecError> {
        match &self.payload_frame {
            Some(frame) => codec.decompress(frame, self.row_values()).map(Cow::Owned),
            None => Ok(Cow::Borrowed(&self.payload)),
        }
    }
}

/// The reason that a stored payload could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PayloadError {
    #[error(transparent)]
    Postgres(#[from] sqlx::Error),
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// A cache of the codec.
#[derive(Debug, Default)]
pub(crate) struct CodecCache {
    cached: Cached<Codec>,
}

impl CodecCache {
    /// Returns the codec, which is at most a minute old.
    ///
    /// # Errors
    /// Returns an error if Postgres fails.
    pub(crate) async fn get(&self, pool: &PgPool) -> Result<Arc<Codec>, sqlx::Error> {
        self.get_since(pool, Instant::now().checked_sub(MAX_AGE)).await
    }

    /// Reads a payload. A dictionary that is not known was stored by another replica just now.
    ///
    /// # Errors
    /// If Postgres fails, or if the payload is damaged.
    pub(crate) async fn read(&self, pool: &PgPool, stored: StoredPayload) -> Result<String, PayloadError> {
        if stored.payload_frame.is_none() {
            return Ok(stored.payload);
        }
        let known = self.get(pool).await?;
        match stored.read(&known) {
            Err(CodecError::UnknownDictionary(_)) => {
                let newer = self.get_since(pool, Some(Instant::now())).await?;
                Ok(stored.read(&newer)?.into_owned())
            }
            read => Ok(read?.into_owned()),
        }
    }

    async fn get_since(&self, pool: &PgPool, since: Option<Instant>) -> Result<Arc<Codec>, sqlx::Error> {
        self.cached.get_since(since, async { codec(&mut *pool.acquire().await?).await }).await
    }
}
