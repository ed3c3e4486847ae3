//! What verdicts mean, in sentences. The API's document contains this table, and the dashboard is generated from it.

use serde_json::{Map, Value, json};
use shared::event::{Actor, ActorReason, ReasonClass};

use super::standing::Standing;

/// A label, an explanation and what to do.
type Sentences = (&'static str, &'static str, &'static str);

fn of_reason(class: ReasonClass) -> Sentences {
    match class {
        ReasonClass::NoMailbox => {
            ("No such mailbox", "The address does not exist at its domain.", "Check it for typing errors, or stop sending to it.")
        }
        ReasonClass::NoDomain => (
            "No such domain",
            "The domain of the address does not exist or accepts no mail.",
            "Check the part after the @ for typing errors.",
        ),
        ReasonClass::MailboxFull => ("Mailbox full", "The mailbox has no room for the message.", "Try again in a few days."),
        ReasonClass::Disabled => {
            ("Mailbox disabled", "The mailbox exists, but it is closed, suspended or inactive.", "Stop sending to the address.")
        }
        ReasonClass::Reputation => (
            "Sender blocked",
            "The receiving server blocks the sending IP address or domain, because of its reputation or a blocklist.",
            "Look up the IP address and the domain in the blocklist that the reply names, and check recent complaints.",
        ),
        ReasonClass::Content => (
            "Content rejected",
            "The receiving server took the message for spam, or found something forbidden in it.",
            "Check the message's links, attachments and wording.",
        ),
        ReasonClass::Authentication => (
            "Authentication failed",
            "The message failed SPF, DKIM, DMARC or the check of the sending server's name.",
            "Check the DNS records of the sending domain in Mandrill's settings.",
        ),
        ReasonClass::RateLimited => (
            "Too many messages",
            "The receiving server accepts fewer messages, connections or recipients in this period.",
            "Spread large mailings over a longer time.",
        ),
        ReasonClass::Greylisted => (
            "Greylisted",
            "The receiving server defers the first messages of a sender that it does not know yet.",
            "Wait. The next attempt usually succeeds.",
        ),
        ReasonClass::TooLarge => (
            "Message too large",
            "The message is larger than the receiving server accepts.",
            "Send links instead of attachments.",
        ),
        ReasonClass::Network => {
            ("Server unreachable", "The receiving server, or the connection to it, failed.", "Wait, unless it lasts for days.")
        }
        ReasonClass::Policy => (
            "Refused by a rule",
            "A rule of the receiving server forbids the message.",
            "Ask the recipient, or the administrator of the recipient's server.",
        ),
        ReasonClass::Suppressed => (
            "On the denylist",
            "The address is on Mandrill's denylist, after a bounce, a complaint, an unsubscription or an entry by hand.",
            "Remove the entry in Mandrill if the recipient wants mail again.",
        ),
        ReasonClass::SenderSetup => (
            "Sender not set up",
            "The sender's address, its domain or the Mandrill account is not ready to send.",
            "Check the sender's address, the sending domain and the account's limits in Mandrill.",
        ),
        ReasonClass::Unknown => (
            "No reason given",
            "Neither Mandrill nor the reply tells the reason.",
            "Open the event, and read the reply if there is one.",
        ),
    }
}

/// What follows from a failure. It depends on the kind alone: Mandrill tries only deferred mail again.
const OUTCOMES: [(&str, &str); 4] = [
    ("deferral", "Mandrill tries again."),
    ("soft_bounce", "Mandrill has stopped trying."),
    ("hard_bounce", "Mandrill has stopped trying, and puts the address on its denylist."),
    ("reject", "Mandrill did not send the message."),
];

fn label_of(actor: Actor) -> &'static str {
    match actor {
        Actor::Person => "a person",
        Actor::Proxy => "a person, through a proxy",
        Actor::Prefetch => "a machine that loads images in advance",
        Actor::Scanner => "a security scanner",
        Actor::Bot => "a bot",
        Actor::Script => "a script",
    }
}

fn of_actor_reason(reason: ActorReason) -> &'static str {
    match reason {
        ActorReason::NoMachineSigns => "Nothing indicates a machine.",
        ActorReason::GoogleProxy => "Gmail's image proxy loads images when a person opens a message. The place is the proxy's.",
        ActorReason::YahooProxy => {
            "Yahoo Mail's image proxy loads images when a person opens a message. The place is the proxy's."
        }
        ActorReason::ImageProxy => "An image proxy loads images when a person opens a message. The place is the proxy's.",
        ActorReason::ApplePrivacy => "Apple's Mail Privacy Protection loads images whether or not anyone reads the message.",
        ActorReason::GooglePrefetch => "Gmail loaded the images before the message was opened.",
        ActorReason::NotABrowser => "A client that is not a browser followed the link.",
        ActorReason::ScannerAgent => "The client names itself as a security product.",
        ActorReason::ScannerNetwork => "The IP address belongs to a mail security service.",
        ActorReason::BotAgent => "The client names itself as a crawler or a link preview.",
        ActorReason::MandrillRobot => "Mandrill identified the client as a robot.",
        ActorReason::ScriptAgent => "The client names itself as a tool, a library or an automated browser.",
        ActorReason::SoonAfterSending => "It happened within seconds of the sending, sooner than a person can react.",
        ActorReason::SoonAfterDelivery => "It happened within seconds of the delivery, sooner than a person can react.",
        ActorReason::ManyLinksAtOnce => "Several links of the message were followed within a second.",
    }
}

fn of_standing(standing: Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::Unknown => ("Nothing known", "Nothing tells yet whether mail arrives."),
        Standing::Released => ("No longer blocked", "Nothing tells yet whether mail arrives."),
        Standing::Reachable => ("Reachable", "Mail arrives at this address."),
        Standing::Deferred => ("Delayed", "The receiving server defers the last mail. Mandrill tries again."),
        Standing::SoftBounced => ("Bounced lately", "The last mail came back, perhaps not for good."),
        Standing::Bounced => ("Bounces", "Mail came back for good."),
        Standing::Complained => ("Complained", "The recipient marked mail as spam."),
        Standing::Unsubscribed => ("Unsubscribed", "The recipient unsubscribed."),
        Standing::Denylisted => ("On the denylist", "Mandrill sends no mail to this address."),
    }
}

/// The whole table: `reasons`, `outcomes`, `actors`, `actor_reasons` and `standings`, each by code.
pub(crate) fn table() -> Value {
    let reasons: Map<String, Value> = ReasonClass::ALL
        .iter()
        .map(|class| {
            let (label, explanation, advice) = of_reason(*class);
            (class.code().to_owned(), json!({"label": label, "explanation": explanation, "advice": advice}))
        })
        .collect();
    let actors: Map<String, Value> = Actor::ALL.iter().map(|actor| (actor.code().to_owned(), label_of(*actor).into())).collect();
    let actor_reasons: Map<String, Value> =
        ActorReason::ALL.iter().map(|reason| (reason.code().to_owned(), of_actor_reason(*reason).into())).collect();
    let outcomes: Map<String, Value> = OUTCOMES.iter().map(|(kind, sentence)| ((*kind).to_owned(), (*sentence).into())).collect();
    let standings: Map<String, Value> = Standing::ALL
        .iter()
        .map(|standing| {
            let (label, explanation) = of_standing(*standing);
            (standing.code().to_owned(), json!({"label": label, "explanation": explanation}))
        })
        .collect();
    json!({"standings": standings, "reasons": reasons, "outcomes": outcomes, "actors": actors, "actor_reasons": actor_reasons})
}
