//! The keys by which repeats are recognised are kept while events are recent. Afterwards, the digests in the rows do the same.

use sqlx::PgPool;

/// Number of rows deleted per transaction.
const CHUNK_ROWS: i64 = 5_000;

/// How long keys are kept.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Repeats")]
pub struct KeyWindowArgs {
    /// Days for which the key of an event is kept, at least. Later, repeats are looked for in the events, which costs more for each.
    #[arg(long, env = "KEY_WINDOW_DAYS", default_value_t = 45, value_parser = clap::value_parser!(u16).range(35..=3650))]
    pub key_window_days: u16,
}

/// Moves the window, and deletes keys of late events, whose rows have been visible to everyone for days.
///
/// # Errors
/// When Postgres fails, or a table stays locked for 200 ms. The next run picks up where this one stopped.
pub(crate) async fn maintain(pool: &PgPool, window: KeyWindowArgs) -> Result<(), sqlx::Error> {
    sqlx::query!("select move_key_window($1)", i32::from(window.key_window_days)).fetch_one(pool).await?;
    loop {
        let chunk = sqlx::query!(
            "delete from late_keys where digest = any(array(
               select digest from late_keys where stored_at < now() - interval '7 days' order by stored_at limit $1))",
            CHUNK_ROWS
        );
        if chunk.execute(pool).await?.rows_affected() == 0 {
            return Ok(());
        }
    }
}
