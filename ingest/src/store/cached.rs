//! A value that is read from Postgres now and then.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Mutex;

/// The value that was read last, and when that began.
#[derive(Debug, Default)]
pub(crate) struct Cached<T>(Mutex<(Option<Instant>, Arc<T>)>);

impl<T> Cached<T> {
    /// Returns the value, which was read after `since`, if there is such a moment. `read` runs only if the value has to be read again.
    ///
    /// # Errors
    /// The error of `read`.
    pub(crate) async fn get_since<E>(
        &self,
        since: Option<Instant>,
        read: impl Future<Output = Result<T, E>>,
    ) -> Result<Arc<T>, E> {
        let mut cached = self.0.lock().await;
        let (read_at, value) = &mut *cached;
        if read_at.is_none_or(|at| since.is_some_and(|since| at <= since)) {
            let now = Instant::now();
            *value = Arc::new(read.await?);
            *read_at = Some(now);
        }
        Ok(Arc::clone(value))
    }
}
