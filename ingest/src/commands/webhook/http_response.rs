//! A response from another server, whose body is read only up to a limit.

use reqwest::{RequestBuilder, StatusCode};

/// Maximum number of bytes read from a body. The rest is discarded.
const MAX_BODY: usize = 1 << 20;

/// Has no `Debug`, because the body may contain keys.
pub(crate) struct HttpResponse {
    pub(crate) status: StatusCode,
    /// The body, or its first MiB.
    pub(crate) body: Vec<u8>,
}

impl HttpResponse {
    /// Sends the request and reads the response.
    ///
    /// # Errors
    /// If no response arrives in time. The error does not contain the URL, which may contain credentials.
    pub(crate) async fn fetch(request: RequestBuilder) -> reqwest::Result<Self> {
        Self::read(request).await.map_err(reqwest::Error::without_url)
    }

    async fn read(request: RequestBuilder) -> reqwest::Result<Self> {
        let mut response = request.send().await?;
        let status = response.status();
        let mut body = Vec::new();
        while body.len() < MAX_BODY
            && let Some(chunk) = response.chunk().await?
        {
            body.extend_from_slice(&chunk[..chunk.len().min(MAX_BODY - body.len())]);
        }
        Ok(Self { status, body })
    }
}
