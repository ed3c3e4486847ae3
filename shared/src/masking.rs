//! Hides addresses from callers who may see events, but not whom they concern.
//!
//! `ada@example.com` becomes `a•••@example.com`. [`Masking`] is made from a caller in one place (`Caller::masking`). Everything that tells such a
//! caller of an event goes through [`Masking::event`] and [`Masking::json`].

mod address;
mod decode;
mod plain;
mod recipient_ids;
mod text;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::Event;

pub use self::address::MASK;
pub use self::plain::may_hold_address;
pub use self::recipient_ids::RecipientIds;
pub use self::text::reveals_address;

/// How a user or token sees addresses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Addresses {
    /// As they are.
    #[default]
    Full,
    /// As `a•••@example.com`.
    Masked,
}

impl Addresses {
    /// Masked if `is_masked`.
    pub fn masked_if(is_masked: bool) -> Self {
        if is_masked { Self::Masked } else { Self::Full }
    }

    /// The name under which the database stores it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Masked => "masked",
        }
    }
}

/// What a caller sees of addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Masking {
    is_on: bool,
    ids: RecipientIds,
}

impl Masking {
    /// Masks addresses if `is_on`.
    pub fn new(is_on: bool, ids: RecipientIds) -> Self {
        Self { is_on, ids }
    }

    /// Returns true if the caller does not see addresses.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// The event as the caller sees it, except for addresses within texts and metadata, which [`Masking::json`] hides.
    #[must_use]
    pub fn event(&self, mut event: Event) -> Event {
        if self.is_on {
            event.recipient_id = event.recipient.as_deref().and_then(|recipient| self.ids.id_of(recipient));
            event.recipient = event.recipient.map(|recipient| text::mask_address(&recipient));
            event.sender = event.sender.map(|sender| text::mask_address(&sender));
        }
        event
    }

    /// The events as the caller sees them, with the same exception.
    #[must_use]
    pub fn events(&self, events: Vec<Event>) -> Vec<Event> {
        if self.is_on { events.into_iter().map(|event| self.event(event)).collect() } else { events }
    }

    /// An address as the caller sees it, also if it is malformed.
    pub fn address<'a>(&self, address: &'a str) -> Cow<'a, str> {
        if self.is_on { Cow::Owned(text::mask_address(address)) } else { Cow::Borrowed(address) }
    }

    /// A text as the caller sees it: without addresses, in whichever encoding.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.is_on { text::mask(text) } else { Cow::Borrowed(text) }
    }

    /// A JSON text as the caller sees it: without addresses in its strings and names.
    pub fn json<'a>(&self, json: &'a str) -> Cow<'a, str> {
        if self.is_on { Cow::Owned(text::mask_json(json)) } else { Cow::Borrowed(json) }
    }

    /// The id under which a caller who does not see addresses knows a recipient; `None` for a caller who sees them.
    pub fn recipient_id(&self, address: &str) -> Option<String> {
        if self.is_on { self.ids.id_of(address) } else { None }
    }

    /// The address that a caller names: by its id, or by itself if the caller sees addresses. `None` if it is not for the caller to name.
    pub fn recipient<'a>(&self, named: &'a str) -> Option<Cow<'a, str>> {
        match self.ids.address_of(named) {
            Some(address) => Some(Cow::Owned(address)),
            None => (!self.is_on).then_some(Cow::Borrowed(named)),
        }
    }

    /// Returns true if the caller may ask for events with exactly this value. One that holds an address would tell whether there is such an
    /// address.
    pub fn may_name(&self, value: &str) -> bool {
        !self.is_on || !(reveals_address(value) || value.contains(MASK))
    }
}
