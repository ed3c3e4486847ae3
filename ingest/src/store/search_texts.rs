//! The stored searchable texts of events.

use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use time::OffsetDateTime;

/// The background job that folds texts again. Until it has finished, a search also looks for the form of version 0.2.0.
pub(crate) const FOLD_JOB: &str = "search_fold";

/// An event's searchable text.
pub(crate) struct SearchText {
    pub(crate) received_at: OffsetDateTime,
    pub(crate) id: i64,
    pub(crate) search: String,
}

/// Locks the events between two positions, the second included, whose texts are not ASCII alone: all others are folded alike by every
/// version.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn lock_between(
    connection: &mut PgConnection,
    after: (OffsetDateTime, i64),
    end: (OffsetDateTime, i64),
) -> Result<Vec<SearchText>, sqlx::Error> {
    sqlx::query_as!(
        SearchText,
        r#"select received_at as "received_at!", id as "id!", search as "search!" from events
           where (received_at, id) > ($1, $2) and (received_at, id) <= ($3, $4) and octet_length(search) <> char_length(search)
           order by received_at, id for update"#,
        after.0,
        after.1,
        end.0,
        end.1
    )
    .fetch_all(connection)
    .await
}

/// Replaces the texts and their search terms. Returns their number.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn replace(connection: &mut PgConnection, texts: Vec<SearchText>) -> Result<i64, sqlx::Error> {
    let received: Vec<OffsetDateTime> = texts.iter().map(|text| text.received_at).collect();
    let ids: Vec<i64> = texts.iter().map(|text| text.id).collect();
    let searches: Vec<String> = texts.into_iter().map(|text| text.search).collect();
    let replaced = sqlx::query!(
        "update events set search = folded.search, terms = event_terms(folded.search, template, subaccount, url, ip)
         from unnest($1::timestamptz[], $2::bigint[], $3::text[]) as folded (received_at, id, search)
         where events.received_at = folded.received_at and events.id = folded.id",
        &received,
        &ids,
        &searches
    );
    Ok(i64::try_from(replaced.execute(connection).await?.rows_affected()).unwrap_or_default())
}

/// Whether all stored texts have the present form: version 0.2.0 has never stored any, or the job has passed the moment from which it no
/// longer runs.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn are_refolded(pool: &PgPool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select (at = 'epoch' or at <= (select to_timestamp(split_part(position, '-', 1)::bigint / 1000000.0)
                                       from background_jobs where name = $1)) is true as "are!"
           from upgrade_moments where name = 'sync_senders'"#,
        FOLD_JOB
    )
    .fetch_one(pool)
    .await
}
