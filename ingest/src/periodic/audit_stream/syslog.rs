//! Sends messages to a syslog server: RFC 5424, over TCP with octet counting (RFC 6587), UDP (RFC 5426) or a local socket.

use std::io;
use std::net::{Ipv6Addr, SocketAddr};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UdpSocket, UnixDatagram};

use crate::audit::SyslogAddress;

/// Facility 13 (log audit) and severity 5 (notice).
const PRIORITY: u8 = 13 * 8 + 5;

/// The longest message in a datagram: 65,507 bytes fit, with the header.
const MAX_DATAGRAM_BYTES: usize = 60_000;

/// A connection to a syslog server. It is opened when it is needed, and again after an error.
pub(super) struct SyslogClient {
    address: SyslogAddress,
    connection: Option<Connection>,
}

enum Connection {
    Tcp(TcpStream),
    Udp(UdpSocket),
    Unix(UnixDatagram),
}

impl SyslogClient {
    pub(super) fn new(address: SyslogAddress) -> Self {
        Self { address, connection: None }
    }

    /// Returns true if the message can be sent. A datagram has a greatest length.
    pub(super) fn has_room_for(&self, message: &str) -> bool {
        matches!(self.address, SyslogAddress::Tcp(_)) || message.len() <= MAX_DATAGRAM_BYTES
    }

    /// Sends one message.
    pub(super) async fn send(&mut self, at: OffsetDateTime, message: &str) -> io::Result<()> {
        let message = message_of(at, message);
        let mut connection = match self.connection.take().filter(|connection| !connection.is_closed()) {
            Some(connection) => connection,
            None => connect(&self.address).await?,
        };
        match &mut connection {
            Connection::Tcp(stream) => stream.write_all(format!("{} {message}", message.len()).as_bytes()).await?,
            Connection::Udp(socket) => drop(socket.send(message.as_bytes()).await?),
            Connection::Unix(socket) => drop(socket.send(message.as_bytes()).await?),
        }
        self.connection = Some(connection);
        Ok(())
    }
}

impl Connection {
    /// Returns true if the server has gone away, which is noticed by the end of what it sends.
    fn is_closed(&self) -> bool {
        let Self::Tcp(stream) = self else { return false };
        !matches!(stream.try_read(&mut [0; 64]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

async fn connect(address: &SyslogAddress) -> io::Result<Connection> {
    match address {
        SyslogAddress::Tcp(address) => Ok(Connection::Tcp(TcpStream::connect(address).await?)),
        SyslogAddress::Udp(address) => {
            let server = tokio::net::lookup_host(address).await?.next().ok_or(io::ErrorKind::NotFound)?;
            let any: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
            let socket = UdpSocket::bind(any).await?;
            socket.connect(server).await?;
            Ok(Connection::Udp(socket))
        }
        SyslogAddress::Unix(path) => {
            let socket = UnixDatagram::unbound()?;
            socket.connect(path)?;
            Ok(Connection::Unix(socket))
        }
    }
}

fn message_of(at: OffsetDateTime, message: &str) -> String {
    let at = at.format(&Rfc3339).unwrap_or_else(|_| "-".to_owned());
    format!("<{PRIORITY}>1 {at} - mandrill-listener {} audit - {message}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn messages_have_the_fields_of_the_standard() {
        let message = message_of(datetime!(2026-01-02 03:04:05.678901 UTC), "{}");
        let expected = format!("<109>1 2026-01-02T03:04:05.678901Z - mandrill-listener {} audit - {{}}", std::process::id());
        assert_eq!(message, expected);
    }
}
