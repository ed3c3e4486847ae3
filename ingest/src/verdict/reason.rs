//! Classifies why mail bounced, was deferred or was rejected.
//!
//! The enhanced status code decides if it has a single meaning in practice. Otherwise the words decide, and last the reply code alone.
//! Sources: RFC 3463, RFC 5321, RFC 7505, and the public lists of the large providers' replies.

use shared::event::ReasonClass::{
    self, Authentication, Content, Disabled, MailboxFull, Network, NoDomain, NoMailbox, Policy, RateLimited, Reputation,
    SenderSetup, Suppressed, TooLarge, Unknown,
};

use super::phrases;
use super::reply::Reply;

/// What an event says about a failure.
#[derive(Debug, Default)]
pub(crate) struct Failure<'a> {
    /// The SMTP reply.
    pub(crate) reply: Option<&'a str>,
    /// Mandrill's own classification of a bounce, such as `bad_mailbox`.
    pub(crate) description: Option<&'a str>,
    /// Mandrill's reason for rejecting a message, such as `unsub`.
    pub(crate) rejection: Option<&'a str>,
}

/// True for kinds that have a reason.
pub(crate) fn is_failure(kind: &str) -> bool {
    matches!(kind, "hard_bounce" | "soft_bounce" | "deferral" | "reject")
}

/// Classifies an event of this kind. `None` if the kind is not a failure.
pub(crate) fn classify(kind: &str, failure: &Failure<'_>) -> Option<ReasonClass> {
    match kind {
        "hard_bounce" | "soft_bounce" | "deferral" => Some(of_bounce(failure)),
        "reject" => Some(of_rejection(failure)),
        _ => None,
    }
}

/// The reply decides; Mandrill's own classification serves if the reply says nothing.
fn of_bounce(failure: &Failure<'_>) -> ReasonClass {
    let by_reply = failure.reply.map_or(Unknown, of_reply);
    match by_reply {
        Unknown => failure.description.map_or(Unknown, of_description),
        known => known,
    }
}

fn of_rejection(failure: &Failure<'_>) -> ReasonClass {
    match failure.rejection.map(|reason| reason.trim().to_ascii_lowercase().replace('_', "-")).as_deref() {
        Some("hard-bounce" | "soft-bounce" | "spam" | "unsub" | "custom") => Suppressed,
        Some("invalid-sender" | "unsigned" | "test-mode-limit" | "recipient-limit") => SenderSetup,
        Some("invalid") => NoMailbox,
        Some("rule") => Policy,
        _ => Unknown,
    }
}

/// Mandrill's `bounce_description`.
fn of_description(description: &str) -> ReasonClass {
    match description.trim().to_ascii_lowercase().replace('-', "_").as_str() {
        "bad_mailbox" | "invalid_mailbox" => NoMailbox,
        "invalid_domain" => NoDomain,
        "mailbox_full" => MailboxFull,
        "message_too_large" => TooLarge,
        "dns_failure" => Network,
        "spam" | "spam_detected" | "spam_content" | "attachment_detected" => Content,
        "known_spammer" => Reputation,
        "relay_denied" => Policy,
        _ => Unknown,
    }
}

fn of_reply(text: &str) -> ReasonClass {
    let reply = Reply::parse(text);
    if reply.is_success() {
        return Unknown;
    }
    let by_words = phrases::class_of(&reply.words);
    by_status(&reply, by_words).or(by_words).or_else(|| by_usual_status(&reply)).or_else(|| by_code(&reply)).unwrap_or(Unknown)
}

/// Status codes that servers use with one meaning only, apart from the few exceptions that words tell.
fn by_status(reply: &Reply, by_words: Option<ReasonClass>) -> Option<ReasonClass> {
    let class = match (reply.status?, by_words) {
        // Servers also report closed accounts as unknown users, and messages over a mailbox's size limit as full mailboxes.
        ((1, 1), Some(class @ (Disabled | MailboxFull))) => class,
        ((2, 2), Some(TooLarge)) => TooLarge,
        ((1, 1 | 3 | 6), _) => NoMailbox,
        ((1, 2) | (4, 310), _) => NoDomain,
        ((1, 7 | 8) | (7, 27), _) => SenderSetup,
        ((2, 2), _) => MailboxFull,
        ((2, 3) | (3, 4), _) => TooLarge,
        ((4, 6 | 14), _) => Network,
        ((7, 20..=26 | 29 | 509 | 515), _) => Authentication,
        ((7, 511 | 606..=649 | 705 | 708), _) => Reputation,
        // Exchange's delivery restrictions, whose texts speak of authentication.
        ((7, 101..=199), _) => Policy,
        _ => return None,
    };
    Some(class)
}

/// Status codes with a usual meaning, which words override.
fn by_usual_status(reply: &Reply) -> Option<ReasonClass> {
    let class = match reply.status? {
        (1, 0 | 4 | 5 | 10) => NoMailbox,
        (2, 1) => Disabled,
        (5, 3) | (7, 28 | 508) => RateLimited,
        (2, 4) | (5 | 7, _) => Policy,
        (3, _) | (4, _) => Network,
        (6, _) => Content,
        _ => return None,
    };
    Some(class)
}

/// Reply codes with a usual meaning. 450, 451, 550 and 554 have none.
fn by_code(reply: &Reply) -> Option<ReasonClass> {
    // The status code beside it has already been considered, and it says more.
    if reply.status.is_some() {
        return None;
    }
    let class = match reply.code? {
        421 | 432 | 441..=447 | 452 => Network,
        521 | 556 => NoDomain,
        523 => TooLarge,
        552 => MailboxFull,
        530 | 535 | 538 | 571 => Policy,
        _ => return None,
    };
    Some(class)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Replies in the public forms of the large providers and servers: kind, class, reply.
    const CORPUS: &str = include_str!("../../../tests/fixtures/replies.tsv");

    fn corpus() -> Vec<(&'static str, &'static str, &'static str)> {
        CORPUS
            .lines()
            .map(|line| {
                let mut fields = line.splitn(3, '\t');
                let mut next = || fields.next().expect("each line should have three fields");
                (next(), next(), next())
            })
            .collect()
    }

    fn class_of(kind: &str, reply: &str) -> &'static str {
        let failure = Failure { reply: Some(reply), ..Failure::default() };
        classify(kind, &failure).expect("the kind should be a failure").code()
    }

    #[test]
    fn each_reply_of_the_corpus_has_its_class() {
        let corpus = corpus();
        assert!(corpus.len() >= 200, "{}", corpus.len());
        let wrong: Vec<String> = corpus
            .iter()
            .filter(|(kind, class, reply)| class_of(kind, reply) != *class)
            .map(|(kind, class, reply)| format!("{class}, not {}: {reply}", class_of(kind, reply)))
            .collect();
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), corpus.len(), wrong.join("\n"));
    }

    #[test]
    fn a_success_explains_no_failure_and_mandrills_own_words_serve_instead() {
        let reply = Some("250 2.0.0 OK 1700000000 d9443c01a7336.456 - gsmtp");
        let class = |description| classify("soft_bounce", &Failure { reply, description, rejection: None });
        assert_eq!(class(None), Some(Unknown));
        assert_eq!(class(Some("mailbox_full")), Some(MailboxFull));
        assert_eq!(classify("delivered", &Failure { reply, ..Failure::default() }), None);
    }

    #[test]
    fn only_five_rejections_mean_the_denylist() {
        let class = |rejection| classify("reject", &Failure { rejection, ..Failure::default() });
        for reason in ["hard-bounce", "soft_bounce", "spam", " Unsub ", "custom"] {
            assert_eq!(class(Some(reason)), Some(Suppressed), "{reason}");
        }
        for (reason, expected) in [
            ("unsigned", SenderSetup),
            ("invalid-sender", SenderSetup),
            ("test-mode-limit", SenderSetup),
            ("recipient-limit", SenderSetup),
            ("invalid", NoMailbox),
            ("rule", Policy),
            ("something new", Unknown),
        ] {
            assert_eq!(class(Some(reason)), Some(expected), "{reason}");
        }
        assert_eq!(class(None), Some(Unknown));
    }

    /// Something that a server adds to a reply: a queue id, a host, an address or a duration.
    fn addition() -> impl Strategy<Value = String> {
        prop_oneof![
            "[0-9a-f]{8,12}\\.[245][0-9]{2}",
            "[0-9A-Z]{3}[0-9][0-9A-Z]{6}",
            "id=[0-9A-Za-z]{6}-[0-9A-Za-z]{6}",
            "in 0\\.[245][0-9]{2}",
            "[245]\\.[1-7]\\.[0-9]{1,2}\\.[0-9]{1,3}".prop_map(|address| format!("[{address}]")),
            "(antispam|quota|dmarc|greylist|blacklist|unknown-user)[0-9]?".prop_map(|name| format!("{name}.example.net")),
            "(spam|full|disabled|quota)[0-9]?".prop_map(|name| format!("<{name}@example.com>")),
            "(spam|dkim|relay)".prop_map(|name| format!("{name}@example.org")),
        ]
    }

    proptest! {
        #[test]
        fn what_a_server_adds_changes_no_verdict(at in 0..200_usize, added in addition(), last in any::<bool>()) {
            let corpus = corpus();
            let (kind, class, reply) = corpus[at % corpus.len()];
            let changed = if last {
                format!("{reply} {added}")
            } else {
                // After the codes, where a server names the recipient or itself.
                let is_code = |token: &str| token.bytes().all(|byte| byte.is_ascii_digit() || b".-#;smtpSMTP".contains(&byte));
                let codes: usize = reply.split_inclusive(' ').take_while(|token| is_code(token.trim_end())).map(str::len).sum();
                format!("{} {added} {}", &reply[..codes], &reply[codes..])
            };
            prop_assert_eq!(class_of(kind, &changed), class, "{}", changed);
        }
    }
}
