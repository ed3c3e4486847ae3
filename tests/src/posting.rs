//! Posts at a steady rate, whatever the server takes, until it is stopped.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

/// Mandrill posts over few connections at a time, and nginx refuses more than 64 from one address.
const MAX_IN_FLIGHT: usize = 32;

/// Posts in progress, each of which ends with a `T`.
#[derive(Debug)]
pub struct Posting<T> {
    stop: watch::Sender<bool>,
    task: JoinHandle<(usize, Vec<T>)>,
}

impl<T: Send + 'static> Posting<T> {
    /// Starts `post` this many times a second, with numbers from 0.
    pub fn start<F>(per_second: u64, mut post: impl FnMut(usize) -> F + Send + 'static) -> Self
    where
        F: Future<Output = T> + Send + 'static,
    {
        let (stop, mut stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / per_second));
            let (mut posts, in_flight, mut number) = (JoinSet::new(), Arc::new(Semaphore::new(MAX_IN_FLIGHT)), 0);
            loop {
                tokio::select! {
                    _ = ticks.tick() => {}
                    _ = stopped.changed() => return (number, posts.join_all().await),
                }
                let permit = Arc::clone(&in_flight).acquire_owned().await;
                let post = post(number);
                posts.spawn(async move {
                    let _permit = permit;
                    post.await
                });
                number += 1;
            }
        });
        Self { stop, task }
    }

    /// Starts no more posts, and returns how many there were and how each ended.
    ///
    /// # Panics
    /// If a post panics.
    pub async fn stop(self) -> (usize, Vec<T>) {
        self.stop.send_replace(true);
        self.task.await.expect("posting should end")
    }
}
