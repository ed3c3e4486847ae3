//! Decides who or what opened or clicked.

use shared::event::{Actor, ActorReason};
use time::{Duration, OffsetDateTime};

use super::{agents, networks};

/// A person takes longer than this to open a message once it has been sent or delivered.
const MIN_OPEN_DELAY: Duration = Duration::seconds(3);
/// A person takes longer than this to open a message, read it and follow a link.
const MIN_CLICK_DELAY: Duration = Duration::seconds(10);
/// A person does not follow this many different links of a message within this time.
pub(crate) const MIN_BURST_LINKS: usize = 3;
pub(crate) const LINK_BURST: Duration = Duration::SECOND;
/// Mandrill's timestamps have a resolution of a second, and its clocks differ by a little.
const CLOCK_TOLERANCE: Duration = Duration::seconds(2);

/// An actor and the evidence for it.
pub(crate) type ActorVerdict = (Actor, ActorReason);

/// What an open or click says about its client.
#[derive(Debug, Default)]
pub(crate) struct Client<'a> {
    /// The user agent.
    pub(crate) agent: Option<&'a str>,
    /// Mandrill's `user_agent_parsed.type`, such as `robot`.
    pub(crate) parsed_type: Option<&'a str>,
    /// The IP address.
    pub(crate) ip: Option<&'a str>,
    /// When the event happened.
    pub(crate) occurred_at: Option<OffsetDateTime>,
    /// When the message was sent.
    pub(crate) sent_at: Option<OffsetDateTime>,
}

/// True for kinds that have an actor.
pub(crate) fn has_actor(kind: &str) -> bool {
    matches!(kind, "open" | "click")
}

/// Decides from the event alone. `None` if the kind has no actor.
pub(crate) fn judge(kind: &str, client: &Client<'_>) -> Option<ActorVerdict> {
    if !has_actor(kind) {
        return None;
    }
    let is_click = kind == "click";
    let named = client.agent.and_then(agents::identify);
    let known = named
        .or_else(|| client.parsed_type.and_then(agents::of_type))
        .or_else(|| client.ip.filter(|ip| networks::is_scanner(ip)).map(|_| (Actor::Scanner, ActorReason::ScannerNetwork)));
    let verdict = known.unwrap_or((Actor::Person, ActorReason::NoMachineSigns));
    let verdict = match verdict {
        // Image proxies and Apple's prefetching load images; they follow no links.
        (Actor::Proxy | Actor::Prefetch, _) if is_click => (Actor::Scanner, ActorReason::NotABrowser),
        other => other,
    };
    let is_too_soon = client.occurred_at.zip(client.sent_at).is_some_and(|(at, sent_at)| is_soon_after(kind, at, sent_at));
    Some(match verdict {
        (Actor::Person | Actor::Proxy, _) if is_too_soon => (machine_for(kind), ActorReason::SoonAfterSending),
        other => other,
    })
}

/// Decides again once the time of delivery is known. `None` if the verdict stands.
pub(crate) fn judge_after_delivery(kind: &str, at: OffsetDateTime, delivered_at: OffsetDateTime) -> Option<ActorVerdict> {
    is_soon_after(kind, at, delivered_at).then(|| (machine_for(kind), ActorReason::SoonAfterDelivery))
}

fn machine_for(kind: &str) -> Actor {
    if kind == "click" { Actor::Scanner } else { Actor::Prefetch }
}

/// True if the event happened so soon after `start` that no person can have caused it.
fn is_soon_after(kind: &str, at: OffsetDateTime, start: OffsetDateTime) -> bool {
    let min_delay = if kind == "click" { MIN_CLICK_DELAY } else { MIN_OPEN_DELAY };
    at < start + min_delay && at >= start - CLOCK_TOLERANCE
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const SENT: OffsetDateTime = datetime!(2026-11-29 12:00 UTC);
    const BROWSER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0";

    fn verdict(kind: &str, agent: &str, seconds: i64) -> (&'static str, &'static str) {
        let occurred_at = Some(SENT + Duration::seconds(seconds));
        let client = Client { agent: Some(agent), occurred_at, sent_at: Some(SENT), ..Client::default() };
        let (actor, reason) = judge(kind, &client).expect("opens and clicks should have a verdict");
        (actor.code(), reason.code())
    }

    #[test]
    fn the_agent_decides_and_then_the_time_since_the_sending() {
        let gmail = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)";
        let table = [
            ("open", BROWSER, 600, ("person", "no_machine_signs")),
            ("open", BROWSER, 2, ("prefetch", "soon_after_sending")),
            ("open", BROWSER, 3, ("person", "no_machine_signs")),
            ("open", BROWSER, -60, ("person", "no_machine_signs")),
            ("click", BROWSER, 9, ("scanner", "soon_after_sending")),
            ("click", BROWSER, 10, ("person", "no_machine_signs")),
            ("open", gmail, 600, ("proxy", "google_proxy")),
            ("open", gmail, 1, ("prefetch", "soon_after_sending")),
            ("click", gmail, 600, ("scanner", "not_a_browser")),
            ("open", "Mozilla/5.0", 600, ("prefetch", "apple_privacy")),
            ("click", "Mozilla/5.0", 600, ("scanner", "not_a_browser")),
            ("click", "curl/8.5.0", 1, ("script", "script_agent")),
        ];
        for (kind, agent, seconds, expected) in table {
            assert_eq!(verdict(kind, agent, seconds), expected, "{kind} {agent} {seconds}");
        }
        assert_eq!(judge("send", &Client::default()), None);
    }

    #[test]
    fn mandrills_type_and_the_address_count_if_the_agent_says_nothing() {
        let judged = |client| judge("open", &client).map(|(_, reason)| reason.code());
        assert_eq!(judged(Client { parsed_type: Some("Robot"), ..Client::default() }), Some("mandrill_robot"));
        assert_eq!(judged(Client { parsed_type: Some("Email client"), ..Client::default() }), Some("no_machine_signs"));
        assert_eq!(judged(Client { ip: Some("209.222.82.5"), ..Client::default() }), Some("scanner_network"));
    }

    #[test]
    fn each_agent_of_the_corpus_has_its_actor() {
        let corpus = include_str!("../../../tests/fixtures/agents.tsv");
        let wrong: Vec<String> = corpus
            .lines()
            .filter_map(|line| {
                let mut fields = line.splitn(3, '\t');
                let (kind, actor, agent) = (fields.next()?, fields.next()?, fields.next()?);
                let judged = verdict(kind, agent, 600).0;
                (judged != actor).then(|| format!("{actor}, not {judged}: {kind} {agent}"))
            })
            .collect();
        assert!(corpus.lines().count() >= 50 && wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
