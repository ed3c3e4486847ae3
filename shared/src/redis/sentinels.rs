//! Asks the sentinels which server is the master.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use redis::aio::MultiplexedConnection;
use redis::{Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError};
use tokio::sync::{Mutex, watch};

use super::error::ConnectError;
use super::timeouts::connection_config;

/// A sentinel that does not respond within this time does not count.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The host and port of a server.
pub(super) type HostPort = Arc<(String, u16)>;

/// The sentinels, and the master that they last named.
pub(super) struct Sentinels {
    sentinels: Vec<Sentinel>,
    name: String,
    /// Credentials and certificates for the master.
    node: ConnectionInfo,
    master: watch::Sender<Option<HostPort>>,
}

struct Sentinel {
    client: Client,
    /// Stays open between the questions, which follow each other every second.
    connection: Mutex<Option<MultiplexedConnection>>,
}

/// What the sentinels say.
pub(super) struct Answer {
    pub(super) master: HostPort,
    /// Whether most of all sentinels say so, including those that do not respond.
    pub(super) is_agreed: bool,
}

impl Sentinels {
    pub(super) fn new(sentinels: Vec<ConnectionInfo>, name: String, node: ConnectionInfo) -> Result<Self, RedisError> {
        let sentinels =
            sentinels.into_iter().map(|info| Ok(Sentinel { client: Client::open(info)?, connection: Mutex::default() }));
        Ok(Self { sentinels: sentinels.collect::<Result<_, RedisError>>()?, name, node, master: watch::Sender::default() })
    }

    /// The master that the sentinels last named, and its changes.
    pub(super) fn watch(&self) -> watch::Receiver<Option<HostPort>> {
        self.master.subscribe()
    }

    /// Whether the sentinels last named this server.
    pub(super) fn is_master(&self, server: Option<&HostPort>) -> bool {
        self.master.borrow().as_ref() == server
    }

    pub(super) fn is_encrypted(&self) -> bool {
        matches!(self.node.addr(), ConnectionAddr::TcpTls { .. })
    }

    /// Asks all sentinels at once, and remembers what most of those say that respond. Does not wait for the others once more than half agree.
    pub(super) async fn ask(&self) -> Result<Answer, ConnectError> {
        let is_majority = |count: usize| count * 2 > self.sentinels.len();
        let mut answers: FuturesUnordered<_> = self.sentinels.iter().map(|sentinel| sentinel.ask(&self.name)).collect();
        let mut votes: Vec<(HostPort, usize)> = Vec::new();
        let (mut is_unknown, mut failure) = (false, None);
        while !votes.iter().any(|(_, count)| is_majority(*count))
            && let Some(answer) = answers.next().await
        {
            match answer {
                Ok(Some(master)) => match votes.iter_mut().find(|(voted, _)| **voted == master) {
                    Some((_, count)) => *count += 1,
                    None => votes.push((Arc::new(master), 1)),
                },
                Ok(None) => is_unknown = true,
                Err(error) => failure = Some(error),
            }
        }
        let most = votes.into_iter().rev().max_by_key(|(_, count)| *count);
        let Some((master, count)) = most else {
            let silent = || RedisError::from((ErrorKind::Io, "no sentinel is configured"));
            return Err(if is_unknown {
                ConnectError::UnknownMaster
            } else {
                ConnectError::NoSentinel(failure.unwrap_or_else(silent))
            });
        };
        self.master.send_if_modified(|known| {
            let is_new = known.as_ref() != Some(&master);
            *known = Some(Arc::clone(&master));
            is_new
        });
        Ok(Answer { master, is_agreed: is_majority(count) })
    }

    /// A client for the master.
    pub(super) async fn client(&self) -> Result<(HostPort, Client), ConnectError> {
        let Answer { master, .. } = self.ask().await?;
        let (host, port) = (master.0.clone(), master.1);
        let addr = match self.node.addr() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
            }
            ConnectionAddr::Tcp(..) | ConnectionAddr::Unix(_) | _ => ConnectionAddr::Tcp(host, port),
        };
        Ok((master, Client::open(self.node.clone().set_addr(addr))?))
    }
}

impl Sentinel {
    /// The address of the master; `None` if this sentinel knows none with this name.
    async fn ask(&self, name: &str) -> Result<Option<(String, u16)>, RedisError> {
        let mut kept = self.connection.lock().await;
        let mut connection = match &*kept {
            Some(connection) => connection.clone(),
            None => {
                let connection = self.client.get_multiplexed_async_connection_with_config(&connection_config(TIMEOUT)).await?;
                kept.insert(connection).clone()
            }
        };
        let answer = redis::cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(name).query_async(&mut connection).await;
        answer.inspect_err(|_| *kept = None)
    }
}
