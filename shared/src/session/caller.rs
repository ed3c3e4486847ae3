//! The user behind a request, and what the request may do.

use crate::session::secret::Hash;
use crate::session::user::{Role, User};

/// A user, and what vouches for them.
#[derive(Debug, Clone)]
pub struct Caller {
    /// On whose behalf.
    pub user: User,
    /// By what.
    pub credential: Credential,
}

/// What vouches for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A cookie from signing in, by its hash.
    Session(Hash),
    /// An API token, by its hash, with what it is good for.
    Token {
        /// Row of `api_tokens`.
        hash: Hash,
        /// `read`, `simulate`.
        scopes: Vec<String>,
    },
}

impl Credential {
    /// What the database knows it by.
    pub fn hash(&self) -> &Hash {
        match self {
            Self::Session(hash) | Self::Token { hash, .. } => hash,
        }
    }
}

impl Caller {
    /// True when the caller may read events: anybody signed in, or a token made for it.
    pub fn may_read(&self) -> bool {
        self.has_scope_or_session("read")
    }

    /// True when the caller may post events of their own making: an admin, or a token made for it.
    pub fn may_simulate(&self) -> bool {
        match &self.credential {
            Credential::Session(_) => self.user.role == Role::Admin,
            Credential::Token { .. } => self.has_scope_or_session("simulate"),
        }
    }

    /// True when the caller may see how the service runs: an admin, by a session or a token for reading.
    pub fn may_operate(&self) -> bool {
        self.user.role == Role::Admin && self.may_read()
    }

    /// True when the caller may manage accounts: an admin by a session. A token manages nobody, whoever made it.
    pub fn may_manage(&self) -> bool {
        self.user.role == Role::Admin && matches!(self.credential, Credential::Session(_))
    }

    fn has_scope_or_session(&self, scope: &str) -> bool {
        match &self.credential {
            Credential::Session(_) => true,
            Credential::Token { scopes, .. } => scopes.iter().any(|has| has == scope),
        }
    }
}
