//! User agents of machines that open and click.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Match};
use shared::event::{Actor, ActorReason};

/// Image proxies that load images when a person opens a message. The text is a part of the user agent in lower case.
const PROXIES: [(&str, ActorReason); 4] = [
    ("googleimageproxy", ActorReason::GoogleProxy),
    ("yahoomailproxy", ActorReason::YahooProxy),
    ("imageproxy", ActorReason::ImageProxy),
    ("image proxy", ActorReason::ImageProxy),
];
/// The end of the user agent with which Gmail loads images before a message is opened.
const GMAIL_PREFETCH: &str = " edge/12.246 mozilla/5.0";
/// Security products.
const SCANNERS: [&str; 31] = [
    "barracuda",
    "mimecast",
    "proofpoint",
    "urldefense",
    "safelinks",
    "safe links",
    "fireeye",
    "trendmicro",
    "trend micro",
    "symantec",
    "messagelabs",
    "sophos",
    "fortinet",
    "fortiguard",
    "fortimail",
    "cloudmark",
    "ironport",
    "mailscanner",
    "spamassassin",
    "bitdefender",
    "kaspersky",
    "zscaler",
    "vadesecure",
    "hornetsecurity",
    "retarus",
    "trustwave",
    "urlscan",
    "virustotal",
    "phishtank",
    "netcraft",
    "google-safety",
];
/// Crawlers and link previews whose names do not end in `bot`.
const BOTS: [&str; 25] = [
    "facebookexternalhit",
    "meta-externalagent",
    "meta-externalfetcher",
    "whatsapp/",
    "skypeuripreview",
    "bingpreview",
    "microsoftpreview",
    "google web preview",
    "google-pagerenderer",
    "googleother",
    "mediapartners-google",
    "feedfetcher",
    "slack-imgproxy",
    "slackbot",
    "pinterest/",
    "embedly",
    "iframely",
    "vkshare",
    "link preview",
    "linkpreview",
    "crawler",
    "spider",
    "uptimerobot",
    "pingdom",
    "yandeximages",
];
/// Libraries and automated browsers.
const SCRIPTS: [&str; 30] = [
    "python-requests",
    "urllib",
    "aiohttp",
    "http-client",
    "httpclient",
    "http client",
    "lua-resty",
    "zgrab",
    "jakarta commons",
    "okhttp",
    "libwww-perl",
    "lwp::",
    "guzzle",
    "node-fetch",
    "axios/",
    "undici",
    "headlesschrome",
    "headless",
    "phantomjs",
    "puppeteer",
    "playwright",
    "selenium",
    "scrapy",
    "postmanruntime",
    "powershell",
    "winhttp",
    "httpie",
    "reqwest/",
    "rest-client",
    "mechanize",
];
/// Tools and languages whose short names identify a script only at the start of a user agent.
const SCRIPT_STARTS: [&str; 13] =
    ["curl", "wget", "java/", "php", "ruby", "perl", "node", "dart/", "python", "httpx", "hyper/", "faraday", "libcurl"];

/// The end of most robots' names. It counts at the end of a word only, and `CUBOT` is a brand of telephones.
const BOT: &str = "bot";

static NAMES: LazyLock<Names> = LazyLock::new(Names::new);

/// Finds all names in one pass.
struct Names {
    automaton: AhoCorasick,
    /// What each name means. Earlier ones precede later ones.
    verdicts: Vec<(Actor, ActorReason)>,
}

impl Names {
    fn new() -> Self {
        let proxies = PROXIES.iter().map(|(name, reason)| (*name, (Actor::Proxy, *reason)));
        let all_of = |names: &'static [&'static str], verdict| names.iter().map(move |name| (*name, verdict));
        let (names, verdicts): (Vec<&str>, Vec<_>) = proxies
            .chain(all_of(&SCANNERS, (Actor::Scanner, ActorReason::ScannerAgent)))
            .chain(all_of(&BOTS, (Actor::Bot, ActorReason::BotAgent)))
            .chain(all_of(&[BOT], (Actor::Bot, ActorReason::BotAgent)))
            .chain(all_of(&SCRIPTS, (Actor::Script, ActorReason::ScriptAgent)))
            .unzip();
        // Every open and click is searched, and this kind is the fastest. A few hundred states take little memory.
        let automaton = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(names);
        Self { automaton: automaton.unwrap_or_else(|_| unreachable!("the names are few and short")), verdicts }
    }

    /// The first of the names that occur in a user agent in lower case.
    fn first_in(&self, agent: &str) -> Option<(Actor, ActorReason)> {
        let counts = |name: &Match| &agent[name.range()] != BOT || is_bot_token(agent, name.range());
        let first = self.automaton.find_overlapping_iter(agent).filter(counts).map(|name| name.pattern().as_usize()).min()?;
        self.verdicts.get(first).copied()
    }
}

/// What a user agent identifies itself as; `None` if it looks like a person's mail client or browser.
pub(super) fn identify(agent: &str) -> Option<(Actor, ActorReason)> {
    let agent = agent.trim().to_ascii_lowercase();
    if agent == "mozilla/5.0" {
        return Some((Actor::Prefetch, ActorReason::ApplePrivacy));
    }
    if agent.ends_with(GMAIL_PREFETCH) {
        return Some((Actor::Prefetch, ActorReason::GooglePrefetch));
    }
    let is_script = || SCRIPT_STARTS.iter().any(|start| agent.starts_with(start));
    NAMES.first_in(&agent).or_else(|| is_script().then_some((Actor::Script, ActorReason::ScriptAgent)))
}

/// True if `bot` at this position ends a product's name.
fn is_bot_token(agent: &str, bot: Range<usize>) -> bool {
    let ends = agent[bot.end..].chars().next().is_none_or(|next| !next.is_ascii_alphanumeric() && next != '_');
    let start = agent[..bot.start].rfind(|character: char| !character.is_ascii_alphabetic()).map_or(0, |before| before + 1);
    ends && &agent[start..bot.start] != "cu"
}

/// What Mandrill's `user_agent_parsed.type` says about a client, beyond browsers and mail clients.
pub(super) fn of_type(kind: &str) -> Option<(Actor, ActorReason)> {
    let is = |known: &&str| kind.trim().eq_ignore_ascii_case(known);
    if ["robot", "crawler", "validator", "feed reader", "offline browser"].iter().any(is) {
        Some((Actor::Bot, ActorReason::MandrillRobot))
    } else if is(&"library") {
        Some((Actor::Script, ActorReason::MandrillRobot))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telephones_are_not_robots() {
        let agent = |model: &str| {
            format!(
                "Mozilla/5.0 (Linux; Android 11; {model}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Mobile Safari/537.36"
            )
        };
        for model in ["CUBOT NOTE 20", "CUBOT_P50", "Cubot X30 Build/QP1A", "Robotics 5"] {
            assert_eq!(identify(&agent(model)), None, "{model}");
        }
        for name in ["Googlebot/2.1", "compatible; bingbot/2.0", "AdsBot-Google", "a bot"] {
            assert_eq!(identify(&agent(name)), Some((Actor::Bot, ActorReason::BotAgent)), "{name}");
        }
    }
}
