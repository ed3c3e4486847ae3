//! The user who makes a request, and what the request is allowed to do.

use crate::masking::{Addresses, Masking, RecipientIds};
use crate::session::secret::Hash;
use crate::session::user::{Role, User};
use crate::visibility::{Restriction, Visibility};

/// An authenticated user and the credential that they used.
#[derive(Debug, Clone)]
pub struct Caller {
    pub user: User,
    pub credential: Credential,
    /// Makes ids that stand for addresses.
    pub recipient_ids: RecipientIds,
}

/// What authenticates a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// The hash of a session cookie.
    Session(Hash),
    /// An API token, identified by its hash.
    Token {
        /// The token's id.
        id: i64,
        hash: Hash,
        /// Any combination of `read` and `simulate`.
        scopes: Vec<String>,
        /// The events that the token is limited to.
        restriction: Option<Restriction>,
        /// How the token sees addresses, if its user sees them.
        addresses: Addresses,
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
    /// accounts, so that a leaked one cannot create another. A caller who may not see all events sees no operational data; one who sees
    /// no addresses sees no audit log.
    pub fn may(&self, permission: Permission) -> bool {
        let sees_everything = self.visibility().is_everything();
        let by_role = match permission {
            Permission::Read => true,
            Permission::Simulate => self.user.role >= Role::Operator,
            Permission::Operate => self.user.role >= Role::Operator && sees_everything,
            Permission::Audit | Permission::Manage => self.user.role >= Role::Admin && sees_everything && !self.is_masked(),
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

    /// What the caller sees of addresses. All that tells a caller of events goes through this.
    pub fn masking(&self) -> Masking {
        Masking::new(self.is_masked(), self.recipient_ids.clone())
    }

    /// Returns true if the user or the token sees no addresses.
    pub fn is_masked(&self) -> bool {
        let by_token = matches!(self.credential, Credential::Token { addresses: Addresses::Masked, .. });
        by_token || self.user.addresses == Addresses::Masked
    }
}

fn has_scope(scopes: &[String], scope: &str) -> bool {
    scopes.iter().any(|granted| granted == scope)
}
