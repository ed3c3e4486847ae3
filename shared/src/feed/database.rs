//! What the feed knows of the database from which its items come.

use redis::AsyncCommands;

use crate::feed::keys::META;
use crate::redis::{Connection, Error};

/// A history of the database, and how far it has got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabasePosition {
    /// Identifies the history: another one begins when the database is restored.
    pub history: String,
    /// The highest number that was given to an event. It never falls within a history.
    pub last_event: i64,
}

/// Returns the position that was noted last in this epoch.
///
/// # Errors
/// When Redis is unavailable.
pub async fn noted_position(connection: &mut Connection) -> Result<Option<DatabasePosition>, Error> {
    let key = connection.key(META);
    let (history, last_event): (Option<String>, Option<i64>) = connection.hmget(key, &["history", "last_event"]).await?;
    Ok(history.zip(last_event).map(|(history, last_event)| DatabasePosition { history, last_event }))
}

/// Notes a position.
///
/// # Errors
/// When Redis is unavailable.
pub async fn note_position(connection: &mut Connection, position: &DatabasePosition) -> Result<(), Error> {
    let key = connection.key(META);
    let fields = [("history", position.history.clone()), ("last_event", position.last_event.to_string())];
    Ok(connection.hset_multiple(key, &fields).await?)
}
