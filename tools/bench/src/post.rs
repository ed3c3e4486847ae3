//! A delivery over a connection of HTTP/1.1. Load and service share two cores, and what a full client took of them, the service would lack.

use std::io::{Error, ErrorKind, Write};

use anyhow::{Context, bail};
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::corpus::Body;

/// Forms up to this size go out together with their head.
const TOGETHER: usize = 64 << 10;
/// Headers of an answer, at most.
const MOST_HEADERS: usize = 32;

/// A connection that may be posted over again.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

/// What a server answered.
struct Answer {
    status: StatusCode,
    /// It goes on over this connection.
    keeps: bool,
}

/// One post, over the connection if it still stands. Some servers close theirs after each answer, sometimes unannounced.
///
/// # Errors
/// When nobody answers, or what is no HTTP.
pub(crate) async fn post(connection: &mut Option<Connection>, address: &str, body: &Body) -> anyhow::Result<StatusCode> {
    let host = address.strip_prefix("http://").unwrap_or(address);
    for _ in 0..5 {
        let mut open = match connection.take() {
            Some(open) => open,
            None => Connection::open(host).await?,
        };
        // A connection that the server closed meanwhile is opened anew; the delivery may then come twice, as Mandrill's may.
        let Ok(answer) = open.post(host, body).await else { continue };
        if answer.keeps {
            *connection = Some(open);
        }
        return Ok(answer.status);
    }
    bail!("nobody answered a delivery at {address}")
}

impl Connection {
    async fn open(host: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(host).await.with_context(|| format!("nobody listens at {host}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, request: Vec::new(), answer: Vec::with_capacity(1 << 10) })
    }

    async fn post(&mut self, host: &str, Body { form, signature, .. }: &Body) -> Result<Answer, Error> {
        self.request.clear();
        write!(
            self.request,
            "POST /webhook/ HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             user-agent: Mandrill-Webhook/1.0\r\nx-mandrill-signature: {signature}\r\ncontent-length: {}\r\n\r\n",
            form.len()
        )?;
        if form.len() <= TOGETHER {
            self.request.extend_from_slice(form);
            self.stream.write_all(&self.request).await?;
        } else {
            self.stream.write_all(&self.request).await?;
            self.stream.write_all(form).await?;
        }
        self.answer.clear();
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if let Some(answer) = whole(&self.answer)? {
                return Ok(answer);
            }
        }
    }
}

/// The answer, once all of it is there.
fn whole(bytes: &[u8]) -> Result<Option<Answer>, Error> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(bytes).map_err(Error::other)? else { return Ok(None) };
    let header = |name: &str| {
        let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(found.value).ok()
    };
    let is_there = match (header("content-length").and_then(|length| length.parse::<usize>().ok()), header("transfer-encoding")) {
        (Some(length), _) => bytes.len() >= head + length,
        // The answers are short JSON, which ends otherwise.
        (None, Some("chunked")) => bytes.ends_with(b"\r\n0\r\n\r\n"),
        _ => return Err(Error::other("no length of an answer")),
    };
    let status = response.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(ErrorKind::InvalidData)?;
    let keeps = header("connection").is_none_or(|connection| !connection.eq_ignore_ascii_case("close"));
    Ok(is_there.then_some(Answer { status, keeps }))
}
