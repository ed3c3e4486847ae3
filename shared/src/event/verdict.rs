//! The verdicts that ingest stores with an event: why mail was not delivered, and who opened or clicked.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Defines an enum whose variants have stable codes in snake case.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every variant, in the order of its definition.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The stable code, as in the API and the database.
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }
        }

        impl FromStr for $name {
            type Err = UnknownCode;

            fn from_str(text: &str) -> Result<Self, UnknownCode> {
                Self::ALL.iter().copied().find(|known| known.code() == text).ok_or(UnknownCode)
            }
        }
    };
}

/// There is no variant with this code.
#[derive(Debug, thiserror::Error)]
#[error("the code is unknown")]
pub struct UnknownCode;

codes! {
    /// Why mail bounced, was deferred or was rejected.
    ReasonClass {
        /// The address does not exist at its domain, or is malformed.
        NoMailbox = "no_mailbox",
        /// The domain does not exist or accepts no mail.
        NoDomain = "no_domain",
        /// The mailbox has no room.
        MailboxFull = "mailbox_full",
        /// The mailbox exists but is closed, suspended or inactive.
        Disabled = "disabled",
        /// The sending IP address or domain has a bad reputation or is on a blocklist.
        Reputation = "reputation",
        /// The message was taken for spam, or contains something forbidden.
        Content = "content",
        /// SPF, DKIM, DMARC or reverse DNS failed.
        Authentication = "authentication",
        /// Too many messages, connections or recipients in a period.
        RateLimited = "rate_limited",
        /// The server defers the first messages of unknown senders.
        Greylisted = "greylisted",
        /// The message is too large.
        TooLarge = "too_large",
        /// The server, or the connection to it, failed.
        Network = "network",
        /// A rule of the recipient's server forbids the message.
        Policy = "policy",
        /// The address is on Mandrill's denylist.
        Suppressed = "suppressed",
        /// The sender's address, domain or Mandrill account is not set up.
        SenderSetup = "sender_setup",
        /// The reply does not say.
        Unknown = "unknown",
    }
}

codes! {
    /// Who or what opened or clicked.
    Actor {
        /// A person.
        Person = "person",
        /// A person, through a proxy that hides their client and location.
        Proxy = "proxy",
        /// A program that loads images whether or not anyone reads the message.
        Prefetch = "prefetch",
        /// A security product that inspects messages and links.
        Scanner = "scanner",
        /// A crawler or a link preview.
        Bot = "bot",
        /// A command line tool, a library or an automated browser.
        Script = "script",
    }
}

codes! {
    /// The evidence for an actor.
    ActorReason {
        /// Nothing indicates a machine.
        NoMachineSigns = "no_machine_signs",
        /// The user agent is Gmail's image proxy, which loads images when a person opens a message.
        GoogleProxy = "google_proxy",
        /// The user agent is Yahoo Mail's image proxy, which loads images when a person opens a message.
        YahooProxy = "yahoo_proxy",
        /// The user agent is another provider's image proxy.
        ImageProxy = "image_proxy",
        /// The user agent is exactly `Mozilla/5.0`, as in Apple's Mail Privacy Protection.
        ApplePrivacy = "apple_privacy",
        /// The user agent is the one with which Gmail loads images before a message is opened.
        GooglePrefetch = "google_prefetch",
        /// A link was followed by a client that only names itself `Mozilla/5.0` or an image proxy.
        NotABrowser = "not_a_browser",
        /// The user agent names a security product.
        ScannerAgent = "scanner_agent",
        /// The IP address belongs to a mail security service.
        ScannerNetwork = "scanner_network",
        /// The user agent names a crawler or a link preview.
        BotAgent = "bot_agent",
        /// Mandrill identified the client as a robot.
        MandrillRobot = "mandrill_robot",
        /// The user agent names a tool, a library or an automated browser.
        ScriptAgent = "script_agent",
        /// It happened within seconds of the sending, sooner than a person can react.
        SoonAfterSending = "soon_after_sending",
        /// It happened within seconds of the delivery, sooner than a person can react.
        SoonAfterDelivery = "soon_after_delivery",
        /// Several links of the message were followed within a second.
        ManyLinksAtOnce = "many_links_at_once",
    }
}

impl Actor {
    /// True if a person caused the event, directly or through a proxy.
    pub fn is_person(self) -> bool {
        matches!(self, Self::Person | Self::Proxy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_serialised_names() {
        let name = |value: Result<serde_json::Value, _>| value.ok().and_then(|value| Some(value.as_str()?.to_owned()));
        for class in ReasonClass::ALL {
            assert_eq!(name(serde_json::to_value(class)).as_deref(), Some(class.code()));
        }
        for actor in Actor::ALL {
            assert_eq!(name(serde_json::to_value(actor)).as_deref(), Some(actor.code()));
        }
        for reason in ActorReason::ALL {
            assert_eq!(name(serde_json::to_value(reason)).as_deref(), Some(reason.code()));
        }
    }
}
