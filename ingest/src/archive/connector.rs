//! Sends the requests of the storage with the HTTP client that everything else uses, so that TLS works in the same way everywhere.

use futures::future::BoxFuture;
use http_body_util::BodyExt;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};

/// Hands out one client.
#[derive(Debug)]
pub(super) struct Connector(pub(super) reqwest::Client);

impl HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Service(self.0.clone())))
    }
}

#[derive(Debug)]
struct Service(reqwest::Client);

impl HttpService for Service {
    // As the macro `async_trait` declares it.
    fn call<'s, 'f>(&'s self, request: HttpRequest) -> BoxFuture<'f, Result<HttpResponse, HttpError>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            // Files are sent from one buffer.
            let body = body.collect().await?.to_bytes();
            let request = http::Request::from_parts(parts, body);
            let request = reqwest::Request::try_from(request).map_err(failed)?;
            let response: http::Response<reqwest::Body> = self.0.execute(request).await.map_err(failed)?.into();
            let (parts, body) = response.into_parts();
            Ok(http::Response::from_parts(parts, HttpResponseBody::new(body.map_err(failed))))
        })
    }
}

fn failed(error: reqwest::Error) -> HttpError {
    let kind = if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_connect() {
        HttpErrorKind::Connect
    } else if error.is_decode() {
        HttpErrorKind::Decode
    } else {
        HttpErrorKind::Request
    };
    HttpError::new(kind, error.without_url())
}
