//! Users and their roles.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::masking::Addresses;
use crate::visibility::Restriction;

/// A user's role. Each can do everything that those before it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Can read events and notifications, and send messages.
    Viewer,
    /// Can also simulate events, see system checks, and see to the quarantine and refusals.
    Operator,
    /// Can also manage users and tokens, erase recipients, and read the audit log.
    Admin,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        })
    }
}

/// Error returned if a string is not a valid role.
#[derive(Debug, thiserror::Error)]
#[error("expected `viewer`, `operator` or `admin`")]
pub struct RoleError;

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "viewer" => Ok(Self::Viewer),
            "operator" => Ok(Self::Operator),
            "admin" => Ok(Self::Admin),
            _ => Err(RoleError),
        }
    }
}

/// A user account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct User {
    /// The user's id.
    pub id: i64,
    /// The email address, as entered when the account was created.
    pub email: String,
    /// The user's role.
    pub role: Role,
    /// The events that the user is limited to. Null if the user may see all events.
    pub restriction: Option<Restriction>,
    /// How the user sees addresses.
    pub addresses: Addresses,
}

/// The reason a role cannot have a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    #[error("only viewers can be limited to a part of all events")]
    LimitedRole,
    #[error("admins always see addresses")]
    MaskedAdmin,
}

/// What a user may do and see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub role: Role,
    /// `None` for all events.
    pub restriction: Option<Restriction>,
    /// `None` for what is usual for the role.
    pub addresses: Option<Addresses>,
}

impl Grant {
    /// A viewer of no events.
    pub fn nothing() -> Self {
        Self { role: Role::Viewer, restriction: Some(Restriction::default()), addresses: None }
    }

    /// Checks that the role can have these limits.
    ///
    /// # Errors
    /// If an operator or admin would be limited to a part of all events, or an admin would see no addresses.
    pub fn check(&self) -> Result<(), GrantError> {
        if self.role != Role::Viewer && self.restriction.is_some() {
            return Err(GrantError::LimitedRole);
        }
        if self.role == Role::Admin && self.addresses == Some(Addresses::Masked) {
            return Err(GrantError::MaskedAdmin);
        }
        Ok(())
    }
}
