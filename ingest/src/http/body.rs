//! Reading a request's body within bounds of size and time.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use bytes::Buf;
use futures::{Stream, StreamExt};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};

use crate::http::error::ApiError;

/// Largest JSON that the API takes, the webhook aside.
pub const MAX_JSON: usize = 64 << 10;
/// Bytes that a body may bring before room is taken for it: whoever announces much and sends little takes nobody's place.
const FREE: usize = 16 << 10;
/// A body that brings nothing for so long has been given up by its sender.
const STALLED: Duration = Duration::from_secs(5);

/// Bounds of a body.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes.
    pub most: usize,
    /// Bytes that are announced.
    pub expected: usize,
    /// From its first byte to its last.
    pub time: Duration,
}

/// The whole body, and the room that was taken for it once it had begun in earnest. Past the limit, or without room, it is read
/// on and thrown away, so that the client has sent all and can read the answer.
///
/// # Errors
/// `TooLarge`, `SlowBody`, `BrokenBody` when the connection ends early, or what taking room fails with.
pub async fn read<B: Buf, R>(
    body: impl Stream<Item = Result<B, warp::Error>>,
    limits: Limits,
    room: impl Future<Output = Result<R, ApiError>>,
) -> Result<(Vec<u8>, R), ApiError> {
    let whole = async {
        futures::pin_mut!(body);
        let (mut wanted, mut taken) = (Some(room), None);
        let mut refused = None;
        let mut bytes = Vec::new();
        let mut total = 0;
        while let Some(chunk) = tokio::time::timeout(STALLED, body.next()).await.map_err(|_| ApiError::SlowBody)? {
            let mut chunk = chunk.map_err(|_| ApiError::BrokenBody)?;
            total += chunk.remaining();
            if total > limits.most.saturating_mul(4) {
                break;
            }
            if total > limits.most {
                refused = Some(ApiError::TooLarge { limit: limits.most });
            } else if total > FREE
                && let Some(room) = wanted.take()
            {
                match room.await {
                    Ok(room) => taken = Some(room),
                    Err(error) => refused = Some(error),
                }
                bytes.reserve_exact(limits.expected.min(limits.most).saturating_sub(bytes.len()));
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
        match (refused, taken, wanted) {
            (Some(error), _, _) => Err(error),
            (None, Some(taken), _) => Ok((bytes, taken)),
            (None, None, Some(room)) => Ok((bytes, room.await?)),
            (None, None, None) => Err(ApiError::Internal("a body without room")),
        }
    };
    tokio::time::timeout(limits.time, whole).await.map_err(|_| ApiError::SlowBody)?
}

/// A small JSON body.
///
/// # Errors
/// As [`read`]; `NotJson` when it is none, or not of the shape that is wanted.
pub async fn json<T: DeserializeOwned, B: Buf>(body: impl Stream<Item = Result<B, warp::Error>>) -> Result<T, ApiError> {
    let limits = Limits { most: MAX_JSON, expected: 0, time: Duration::from_secs(10) };
    let (bytes, ()) = read(body, limits, async { Ok(()) }).await?;
    let Object(value) = serde_json::from_slice(&bytes).map_err(|error| ApiError::NotJson(error.to_string()))?;
    Ok(value)
}

/// What is read from a JSON object alone. By itself, serde also fills a struct from an array, by the order of its fields.
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
