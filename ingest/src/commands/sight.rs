//! Options that say what a user or token sees.

use clap::Args;
use shared::visibility::{Restriction, RestrictionError};

/// The part of all events that a user or token may see.
#[derive(Debug, Clone, Args)]
pub struct RestrictionArgs {
    /// Limits what is seen to events of this subaccount; can be repeated. With several limits, any of them suffices.
    #[arg(long = "subaccount", value_name = "NAME")]
    subaccounts: Vec<String>,
    /// Limits what is seen to events with this tag; can be repeated.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Limits what is seen to events whose sender has an address of this domain; can be repeated.
    #[arg(long = "domain", value_name = "DOMAIN")]
    domains: Vec<String>,
}

impl RestrictionArgs {
    /// The restriction; `None` without any limit.
    ///
    /// # Errors
    /// If there are too many values, or an invalid one.
    pub(super) fn restriction(&self) -> Result<Option<Restriction>, RestrictionError> {
        let Self { subaccounts, tags, domains } = self.clone();
        let restriction = Restriction { subaccounts, tags, domains }.normalize()?;
        Ok(Some(restriction).filter(|restriction| *restriction != Restriction::default()))
    }
}
