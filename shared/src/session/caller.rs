//! The user behind a request, and what the request is allowed to do.

use crate::session::secret::Hash;
use crate::session::user::{Role, User};

/// An authenticated user with the credential that was used.
#[derive(Debug, Clone)]
pub struct Caller {
    pub user: User,
    pub credential: Credential,
}

/// What authenticates a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A session cookie, by its hash.
    Session(Hash),
    /// An API token, by its hash.
    Token {
        hash: Hash,
        /// Any of `read` and `simulate`.
        scopes: Vec<String>,
    },
}

impl Credential {
    /// The hash under which the database stores the credential.
    pub fn hash(&self) -> &Hash {
        match self {
            Self::Session(hash) | Self::Token { hash, .. } => hash,
        }
    }
}

impl Caller {
    /// True when the caller may read events: any session, or a token with the scope `read`.
    pub fn may_read(&self) -> bool {
        self.has_scope_or_session("read")
    }

    /// True when the caller may simulate events: an admin's session, or a token with the scope `simulate`.
    pub fn may_simulate(&self) -> bool {
        match &self.credential {
            Credential::Session(_) => self.user.role == Role::Admin,
            Credential::Token { .. } => self.has_scope_or_session("simulate"),
        }
    }

    /// True when the caller may see operational data: an admin, by a session or a token with the scope `read`.
    pub fn may_operate(&self) -> bool {
        self.user.role == Role::Admin && self.may_read()
    }

    /// True when the caller may manage accounts: an admin's session. Tokens never may, not even an admin's.
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
