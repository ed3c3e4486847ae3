//! The open connections of this replica and their limits.

use std::collections::{HashMap, HashSet};
use std::hash;
use std::net::IpAddr;
use std::sync::Arc;

use shared::session::{Hash, Role, User};
use shared::visibility::Visibility;

use crate::config::ConnectionLimits;
use crate::error::ApiError;
use crate::fanout::close_signal::CloseSignal;
use crate::fanout::protocol::Close;

/// An open connection, with the data needed for the limits and the session check.
pub struct Connection {
    pub user: Arc<User>,
    /// What it was allowed when it was opened.
    pub access: Access,
    /// The session or token that opened it.
    pub credential: Hash,
    pub address: IpAddr,
    pub close_signal: Arc<CloseSignal>,
}

/// What a session or token allows at present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    pub role: Role,
    pub visibility: Visibility,
    /// True if addresses are masked.
    pub is_masked: bool,
}

/// The open connections by id, counted per user and per address.
#[derive(Default)]
pub struct Connections {
    open: HashMap<u64, Connection>,
    per_user: HashMap<i64, usize>,
    per_address: HashMap<IpAddr, usize>,
}

impl Connections {
    /// Checks that the limits allow one more connection.
    ///
    /// # Errors
    /// Returns `NotReady` if the replica is full, and `TooManyConnections` if the user or the address has reached its limit.
    pub fn check_limits(&self, user: i64, address: IpAddr, limits: ConnectionLimits) -> Result<(), ApiError> {
        if self.open.len() >= limits.max_sockets {
            return Err(ApiError::NotReady);
        }
        let of_user = self.per_user.get(&user).copied().unwrap_or_default();
        let of_address = self.per_address.get(&address).copied().unwrap_or_default();
        if of_user >= limits.max_sockets_per_user || of_address >= limits.max_sockets_per_address {
            return Err(ApiError::TooManyConnections);
        }
        Ok(())
    }

    /// Adds a connection.
    pub fn insert(&mut self, id: u64, connection: Connection) {
        *self.per_user.entry(connection.user.id).or_default() += 1;
        *self.per_address.entry(connection.address).or_default() += 1;
        self.open.insert(id, connection);
    }

    /// Removes a connection; does nothing if it does not exist.
    pub fn remove(&mut self, id: u64) {
        if let Some(connection) = self.open.remove(&id) {
            decrement(&mut self.per_user, connection.user.id);
            decrement(&mut self.per_address, connection.address);
        }
    }

    /// The number of open connections.
    pub fn count(&self) -> usize {
        self.open.len()
    }

    /// The number of open connections per user. Users without a connection are not included.
    pub fn per_user(&self) -> &HashMap<i64, usize> {
        &self.per_user
    }

    /// The sessions and tokens of the open connections.
    pub fn credentials(&self) -> HashSet<Hash> {
        self.open.values().map(|connection| connection.credential).collect()
    }

    /// Closes connections whose credential is in `checked` but not in `valid`, and connections whose access has changed.
    /// Connections whose credential was not checked stay open.
    pub fn close_invalid(&self, checked: &HashSet<Hash>, valid: &HashMap<Hash, Access>) {
        for connection in self.open.values() {
            match valid.get(&connection.credential) {
                _ if !checked.contains(&connection.credential) => {}
                None => connection.close_signal.send(Close::SignedOut),
                Some(access) if *access != connection.access => connection.close_signal.send(Close::Resync),
                Some(_) => {}
            }
        }
    }
}

fn decrement<K: hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}
