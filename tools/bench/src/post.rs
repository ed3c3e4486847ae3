//! Posts deliveries over HTTP/1.1. The client is minimal because it shares two cores with the service, and a full-featured client
//! would take CPU time from it.

use std::io::{Error, ErrorKind, Write};

use anyhow::{Context, bail};
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::corpus::Body;

/// Forms up to this size are sent in a single write together with the request head.
const INLINE_BODY_BYTES: usize = 64 << 10;
/// Maximum number of response headers.
const MAX_HEADERS: usize = 32;

/// A reusable connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    response: Vec<u8>,
}

struct Response {
    status: StatusCode,
    /// Whether the server keeps the connection open.
    keep_alive: bool,
}

/// Posts one delivery, reusing the existing connection if it is still open. Some servers close the connection after each
/// response, sometimes without announcing it.
///
/// # Errors
/// Returns an error if the server does not respond, or does not speak HTTP.
pub(crate) async fn post(connection: &mut Option<Connection>, address: &str, body: &Body) -> anyhow::Result<StatusCode> {
    let host = address.strip_prefix("http://").unwrap_or(address);
    for _ in 0..5 {
        let mut open = match connection.take() {
            Some(open) => open,
            None => Connection::open(host).await?,
        };
        // If the server closed the connection, retry on a new one. The delivery may arrive twice, as with Mandrill's retries.
        let Ok(response) = open.post(host, body).await else { continue };
        if response.keep_alive {
            *connection = Some(open);
        }
        return Ok(response.status);
    }
    bail!("no response to a delivery from {address} after 5 attempts")
}

impl Connection {
    async fn open(host: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(host).await.with_context(|| format!("cannot connect to {host}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, request: Vec::new(), response: Vec::with_capacity(1 << 10) })
    }

    async fn post(&mut self, host: &str, Body { form, signature, .. }: &Body) -> Result<Response, Error> {
        self.request.clear();
        write!(
            self.request,
            "POST /webhook/ HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             user-agent: Mandrill-Webhook/1.0\r\nx-mandrill-signature: {signature}\r\ncontent-length: {}\r\n\r\n",
            form.len()
        )?;
        if form.len() <= INLINE_BODY_BYTES {
            self.request.extend_from_slice(form);
            self.stream.write_all(&self.request).await?;
        } else {
            self.stream.write_all(&self.request).await?;
            self.stream.write_all(form).await?;
        }
        self.response.clear();
        loop {
            if self.stream.read_buf(&mut self.response).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if let Some(response) = parse_response(&self.response)? {
                return Ok(response);
            }
        }
    }
}

/// Parses a response. Returns `None` if it is still incomplete.
fn parse_response(bytes: &[u8]) -> Result<Option<Response>, Error> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(bytes).map_err(Error::other)? else { return Ok(None) };
    let header = |name: &str| {
        let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(found.value).ok()
    };
    let is_complete =
        match (header("content-length").and_then(|length| length.parse::<usize>().ok()), header("transfer-encoding")) {
            (Some(length), _) => bytes.len() >= head + length,
            // The responses are short JSON documents, so these bytes can only be the last chunk.
            (None, Some("chunked")) => bytes.ends_with(b"\r\n0\r\n\r\n"),
            _ => return Err(Error::other("a response has neither a length nor chunks")),
        };
    let status = response.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(ErrorKind::InvalidData)?;
    let keep_alive = header("connection").is_none_or(|connection| !connection.eq_ignore_ascii_case("close"));
    Ok(is_complete.then_some(Response { status, keep_alive }))
}
