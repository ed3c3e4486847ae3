//! Direct access to the database, for inspecting state that no interface exposes and for changing the age of rows.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use stack::Stack;

use crate::wait::until;

/// A connection to the stack's database.
#[derive(Debug)]
pub struct Database(PgConnection);

impl Database {
    /// Connects as the database's owner.
    pub async fn of(stack: &Stack) -> Self {
        Self::at(&stack.database_url()).await
    }

    /// Connects to the database at `url`.
    pub async fn at(url: &str) -> Self {
        Self(PgConnection::connect(url).await.expect("Postgres should accept the connection"))
    }

    /// Counts the rows in a table, or in a parenthesised query with an alias.
    pub async fn count(&mut self, table: &str) -> i64 {
        let sql = format!("select count(*) from {table}");
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.0).await.expect("the query should return a count")
    }

    /// Returns the number that the query selects, or `None` if it returns null or no rows.
    pub async fn number(&mut self, query: &str) -> Option<i64> {
        sqlx::query_scalar::<_, Option<i64>>(AssertSqlSafe(query.to_owned()))
            .fetch_optional(&mut self.0)
            .await
            .expect("the query should return a number")
            .flatten()
    }

    /// Returns the ids that the query selects.
    pub async fn ids(&mut self, query: &str) -> std::collections::BTreeSet<i64> {
        let ids: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
            .fetch_all(&mut self.0)
            .await
            .expect("the query should return ids");
        ids.into_iter().collect()
    }

    /// Returns the query's text rows, joined with newlines.
    pub async fn text(&mut self, query: &str) -> String {
        let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
            .fetch_all(&mut self.0)
            .await
            .expect("the query should return text");
        lines.join("\n")
    }

    /// Repeats the query until it returns a non-zero number.
    ///
    /// # Panics
    /// If this takes more than a minute; `what` completes the message "timed out waiting until …".
    pub async fn until(&mut self, what: &str, query: &str) {
        let database = tokio::sync::Mutex::new(self);
        until(what, || async { database.lock().await.number(query).await.filter(|number| *number != 0) }).await;
    }

    /// Runs one or more statements.
    pub async fn run(&mut self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.0).await.expect("the statement should succeed");
    }

    /// Inserts this many events, typical of a busy shop and spread over last month, without going through ingest.
    pub async fn fill_events(&mut self, rows: u32) {
        self.run(&format!("set fill.rows = '{rows}'")).await;
        self.run(include_str!("../../tools/bench/fill.sql")).await;
    }

    /// Creates the partition of the month that is so many months ago. On the first day of a month, even an hour ago was last month.
    pub async fn create_month(&mut self, months_ago: u32) {
        self.run(&format!(
            "do $$ declare first date := date_trunc('month', now()) - interval '{months_ago} months'; begin
               execute format('create table if not exists events_%s partition of events for values from (%L) to (%L)',
                              to_char(first, 'YYYY_MM'), first, first + interval '1 month');
             end $$"
        ))
        .await;
    }

    /// Moves the receive time of the events that `condition` selects, and creates the partition of the month that is so many months ago.
    pub async fn move_events(&mut self, condition: &str, months: u32, target_months_ago: u32) {
        self.create_month(target_months_ago).await;
        self.run(&format!("update events set received_at = received_at - interval '{months} months' where {condition}")).await;
    }

    /// Moves the receive time of all events this many months into the past, and that of their keys and notifications.
    pub async fn age_events(&mut self, months: u32) {
        self.move_events("true", months, months).await;
        self.run(&format!(
            "update event_keys set received_at = received_at - interval '{months} months';
             update notifications set created_at = created_at - interval '{months} months'"
        ))
        .await;
    }
}
