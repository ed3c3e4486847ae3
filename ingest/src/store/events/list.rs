//! Reading events by range.

use shared::event::Event;
use sqlx::{PgConnection, QueryBuilder};
use time::OffsetDateTime;

#[derive(sqlx::FromRow)]
struct WithSearch {
    #[sqlx(flatten)]
    event: Event,
    search: String,
}

/// The events of one commit in the order of their ids, each with its search text.
pub(crate) async fn read_range(
    connection: &mut PgConnection,
    received_at: OffsetDateTime,
    first: i64,
    last: i64,
) -> Result<Vec<(Event, String)>, sqlx::Error> {
    let mut sql = QueryBuilder::new(
        "select id, kind, occurred_at, received_at, message_id, recipient, sender, subject, tags, metadata, template, subaccount, url,
           ip, user_agent, country, city, diagnostic, simulated, webhook, erased_at, search from events where received_at = ",
    );
    sql.push_bind(received_at).push(" and id between ").push_bind(first).push(" and ").push_bind(last).push(" order by id");
    let rows: Vec<WithSearch> = sql.build_query_as().fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| (row.event, row.search)).collect())
}
