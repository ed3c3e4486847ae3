//! Reading a request's body within bounds of size and time.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures::{Stream, StreamExt};
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// Largest JSON that the API takes, the webhook aside.
pub const MAX_JSON: usize = 64 << 10;

/// The whole body. Past the limit it is read on and thrown away, so that the client has sent all and can read the answer.
///
/// # Errors
/// `TooLarge`, `SlowBody`, or `BrokenBody` when the connection ends early.
pub async fn read<B: Buf>(
    body: impl Stream<Item = Result<B, warp::Error>>,
    limit: usize,
    time: Duration,
) -> Result<Bytes, ApiError> {
    let whole = async {
        futures::pin_mut!(body);
        let mut bytes = BytesMut::new();
        let mut total = 0;
        while let Some(chunk) = body.next().await {
            let mut chunk = chunk.map_err(|_| ApiError::BrokenBody)?;
            total += chunk.remaining();
            if total > limit.saturating_mul(4) {
                break;
            }
            if total <= limit {
                bytes.extend_from_slice(&chunk.copy_to_bytes(chunk.remaining()));
            }
        }
        if total > limit { Err(ApiError::TooLarge { limit }) } else { Ok(bytes.freeze()) }
    };
    tokio::time::timeout(time, whole).await.map_err(|_| ApiError::SlowBody)?
}

/// A small JSON body.
///
/// # Errors
/// As [`read`]; `NotJson` when it is none, or not of the shape that is wanted.
pub async fn json<T: DeserializeOwned, B: Buf>(body: impl Stream<Item = Result<B, warp::Error>>) -> Result<T, ApiError> {
    let bytes = read(body, MAX_JSON, Duration::from_secs(10)).await?;
    serde_json::from_slice(&bytes).map_err(|error| ApiError::NotJson(error.to_string()))
}
