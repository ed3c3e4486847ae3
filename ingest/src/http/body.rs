//! Reads a request body within size and time limits.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use bytes::Buf;
use futures::{Stream, StreamExt};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};

use crate::http::error::ApiError;

/// Maximum size of a JSON body in the API, except for the webhook.
pub const MAX_JSON: usize = 64 << 10;
/// Bytes read before memory is reserved for a body: a client that announces a lot but sends little takes no memory from others.
const FREE_BYTES: usize = 16 << 10;
/// A body for which no data arrives for this long is considered abandoned by its client.
const STALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Limits for a body.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Maximum number of bytes.
    pub max: usize,
    /// Number of bytes announced by the client.
    pub expected: usize,
    /// Maximum time from the first byte to the last.
    pub time: Duration,
}

/// Reads the whole body, and acquires a reservation once the body exceeds 16 KiB. If a body exceeds the limit or
/// gets no reservation, the rest is read and discarded, so that the client finishes sending and can read the response.
///
/// # Errors
/// `TooLarge`, `SlowBody`, `BrokenBody` when the connection ends early, or the error of the reservation.
pub async fn read<B: Buf, R>(
    body: impl Stream<Item = Result<B, warp::Error>>,
    limits: Limits,
    reservation: impl Future<Output = Result<R, ApiError>>,
) -> Result<(Vec<u8>, R), ApiError> {
    let whole = async {
        futures::pin_mut!(body);
        let (mut pending, mut reserved) = (Some(reservation), None);
        let mut refused = None;
        let mut bytes = Vec::new();
        let mut total = 0;
        while let Some(chunk) = tokio::time::timeout(STALL_TIMEOUT, body.next()).await.map_err(|_| ApiError::SlowBody)? {
            let mut chunk = chunk.map_err(|_| ApiError::BrokenBody)?;
            total += chunk.remaining();
            if total > limits.max.saturating_mul(4) {
                break;
            }
            if total > limits.max {
                refused = Some(ApiError::TooLarge { limit: limits.max });
            } else if total > FREE_BYTES
                && let Some(reservation) = pending.take()
            {
                match reservation.await {
                    Ok(granted) => reserved = Some(granted),
                    Err(error) => refused = Some(error),
                }
                bytes.reserve_exact(limits.expected.min(limits.max).saturating_sub(bytes.len()));
            }
            if refused.is_some() {
                bytes = Vec::new();
                continue;
            }
            while chunk.has_remaining() {
                bytes.extend_from_slice(chunk.chunk());
                chunk.advance(chunk.chunk().len());
            }
        }
        match (refused, reserved, pending) {
            (Some(error), _, _) => Err(error),
            (None, Some(reserved), _) => Ok((bytes, reserved)),
            (None, None, Some(reservation)) => Ok((bytes, reservation.await?)),
            (None, None, None) => Err(ApiError::Internal("a body without a reservation")),
        }
    };
    tokio::time::timeout(limits.time, whole).await.map_err(|_| ApiError::SlowBody)?
}

/// Reads a small JSON body, which must be an object.
///
/// # Errors
/// Same as [`read`], plus `NotJson` if the body is not JSON of this shape.
pub async fn json<T: DeserializeOwned, B: Buf>(body: impl Stream<Item = Result<B, warp::Error>>) -> Result<T, ApiError> {
    let limits = Limits { max: MAX_JSON, expected: 0, time: Duration::from_secs(10) };
    let (bytes, ()) = read(body, limits, async { Ok(()) }).await?;
    let Object(value) = serde_json::from_slice(&bytes).map_err(|error| ApiError::NotJson(error.to_string()))?;
    Ok(value)
}

/// A value that is deserialized only from a JSON object. By default, serde also deserializes a struct from an array, in field order.
#[derive(Debug, Clone, Default)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }
        deserializer.deserialize_map(Fields(PhantomData)).map(Self)
    }
}
