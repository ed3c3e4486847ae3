//! The user who makes a request, and what the request is allowed to do.

use crate::session::secret::Hash;
use crate::session::user::{Role, User};
use crate::visibility::{Restriction, Visibility};

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
        /// The events that the token is limited to.
        restriction: Option<Restriction>,
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

/// What a request wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Read events.
    Read,
    /// Simulate events, which stores them.
    Simulate,
    /// See operational data, such as the quarantine, which concern all events.
    Operate,
    /// Read the audit log.
    Audit,
    /// Manage accounts.
    Manage,
}

impl Caller {
    /// Returns true if both the user's present role and the credential permit it. A token acts within its scopes, and never manages
    /// accounts, so that a leaked one cannot create another. A caller who may not see all events sees no operational data.
    pub fn may(&self, permission: Permission) -> bool {
        let sees_everything = self.visibility().is_everything();
        let by_role = match permission {
            Permission::Read => true,
            Permission::Simulate => self.user.role >= Role::Operator,
            Permission::Operate => self.user.role >= Role::Operator && sees_everything,
            Permission::Audit | Permission::Manage => self.user.role >= Role::Admin && sees_everything,
        };
        let by_credential = match (&self.credential, permission) {
            (Credential::Session(_), _) => true,
            (Credential::Token { scopes, .. }, Permission::Read | Permission::Operate | Permission::Audit) => {
                has_scope(scopes, "read")
            }
            (Credential::Token { scopes, .. }, Permission::Simulate) => has_scope(scopes, "simulate"),
            (Credential::Token { .. }, Permission::Manage) => false,
        };
        by_role && by_credential
    }

    /// What the caller may see. All that reads events on behalf of a caller goes through this.
    pub fn visibility(&self) -> Visibility {
        let of_token = match &self.credential {
            Credential::Session(_) => None,
            Credential::Token { restriction, .. } => restriction.clone(),
        };
        Visibility::new(self.user.restriction.clone(), of_token)
    }
}

fn has_scope(scopes: &[String], scope: &str) -> bool {
    scopes.iter().any(|granted| granted == scope)
}
