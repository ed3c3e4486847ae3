//! What a server answers to a request of ours, read only so far.

use reqwest::{RequestBuilder, StatusCode};

/// Most bytes of an answer that are read; what comes after them is left.
const MOST: usize = 1 << 20;

/// What came back. It may hold keys, so it has no `Debug`.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body, or the first MiB of it.
    pub body: Vec<u8>,
}

impl Answer {
    /// Sends the request, and reads the answer.
    ///
    /// # Errors
    /// When there is none in time. The error does not name the address, which may hold credentials.
    pub async fn of(request: RequestBuilder) -> reqwest::Result<Self> {
        Self::read(request).await.map_err(reqwest::Error::without_url)
    }

    async fn read(request: RequestBuilder) -> reqwest::Result<Self> {
        let mut response = request.send().await?;
        let status = response.status();
        let mut body = Vec::new();
        while body.len() < MOST
            && let Some(chunk) = response.chunk().await?
        {
            body.extend_from_slice(&chunk[..chunk.len().min(MOST - body.len())]);
        }
        Ok(Self { status, body })
    }
}
