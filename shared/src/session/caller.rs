//! The user who makes a request, and what the request is allowed to do.

use crate::session::secret::Hash;
use crate::session::user::{Role, User};

/// An authenticated user and the credential that they used.
#[derive(Debug, Clone)]
pub struct Caller {
    pub user: User,
    pub credential: Credential,
}

/// What authenticates a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// The hash of a session cookie.
    Session(Hash),
    /// An API token, identified by its hash.
    Token {
        hash: Hash,
        /// Any combination of `read` and `simulate`.
        scopes: Vec<String>,
    },
}

impl Credential {
    /// Returns the hash under which the credential is stored in the database.
    pub fn hash(&self) -> &Hash {
        match self {
            Self::Session(hash) | Self::Token { hash, .. } => hash,
        }
    }
}

impl Caller {
    /// Returns true if the caller is allowed to read events: any session, or a token with the `read` scope.
    pub fn may_read(&self) -> bool {
        self.has_scope_or_session("read")
    }

    /// Returns true if the caller is allowed to simulate events: an admin's session, or a token with the `simulate` scope.
    pub fn may_simulate(&self) -> bool {
        match &self.credential {
            Credential::Session(_) => self.user.role == Role::Admin,
            Credential::Token { .. } => self.has_scope_or_session("simulate"),
        }
    }

    /// Returns true if the caller is allowed to see operational data: an admin with a session or a token with the `read` scope.
    pub fn may_operate(&self) -> bool {
        self.user.role == Role::Admin && self.may_read()
    }

    /// Returns true if the caller is allowed to manage accounts: an admin's session. Tokens are never allowed to, not even an admin's.
    pub fn may_manage(&self) -> bool {
        self.user.role == Role::Admin && matches!(self.credential, Credential::Session(_))
    }

    fn has_scope_or_session(&self, scope: &str) -> bool {
        match &self.credential {
            Credential::Session(_) => true,
            Credential::Token { scopes, .. } => scopes.iter().any(|granted| granted == scope),
        }
    }
}
