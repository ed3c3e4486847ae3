//! Splits an SMTP reply into its code, its enhanced status code and its words.
//!
//! Only the code at the start of a reply and the enhanced status code beside it count: numbers further on are queue ids, sizes, durations
//! and IP addresses. Host names, addresses and ids can contain any word, so words in them do not count either.

use std::ops::Range;

/// Words that introduce a reply quoted in another server's sentence, as in `host mx.example.com said: 550 …`.
const INTRODUCERS: [&str; 9] = ["said", "replied", "responded", "response", "reply", "returned", "reason", "smtp", "error"];
/// The class of a status code is a digit; its subject and detail have up to three digits.
const MAX_STATUS_DIGITS: usize = 3;

/// The parts of a reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// The code, such as 550.
    pub(super) code: Option<u16>,
    /// The subject and detail of the enhanced status code: (1, 1) for 5.1.1.
    pub(super) status: Option<(u16, u16)>,
    /// The words in lower case, outside host names, addresses, brackets and ids, each preceded and followed by a space.
    pub(super) words: String,
}

impl Reply {
    /// Splits a reply.
    pub(super) fn parse(text: &str) -> Self {
        let (code, status) = leading_codes(text).or_else(|| quoted_codes(text)).unwrap_or_default();
        Self { code, status: status.or_else(|| qmail_status(text)), words: words(text) }
    }

    /// True if the reply reports success.
    pub(super) fn is_success(&self) -> bool {
        self.code.is_some_and(|code| code / 100 == 2)
    }
}

type Codes = (Option<u16>, Option<(u16, u16)>);

/// The codes at the start of the text, after an optional `smtp;`.
fn leading_codes(text: &str) -> Option<Codes> {
    let text = text.trim_start();
    let text = match text.get(..5) {
        Some(prefix) if prefix.eq_ignore_ascii_case("smtp;") => text[5..].trim_start(),
        _ => text,
    };
    codes_at_start(text)
}

/// The first codes that follow an introducer and a colon, or the `>:` after a quoted command.
fn quoted_codes(text: &str) -> Option<Codes> {
    text.match_indices(':').find_map(|(at, _)| {
        let before = text[..at].trim_end();
        let word = before.rsplit(|character: char| !character.is_ascii_alphabetic()).next().unwrap_or_default();
        let introduces = before.ends_with('>') || INTRODUCERS.iter().any(|known| word.eq_ignore_ascii_case(known));
        introduces.then(|| codes_at_start(text[at + 1..].trim_start())).flatten()
    })
}

/// The status code in `(#5.1.1)`, with which qmail ends its sentences.
fn qmail_status(text: &str) -> Option<(u16, u16)> {
    let (_, rest) = text.rsplit_once("(#")?;
    let (status, _) = rest.split_once(')')?;
    status_at_start(status, None)
}

/// A code and an optional enhanced status code, or an enhanced status code alone. A status code of another class than the code is not one.
fn codes_at_start(text: &str) -> Option<Codes> {
    let Some(code) = code_at_start(text) else { return status_at_start(text, None).map(|status| (None, Some(status))) };
    let rest = text[3..].trim_start_matches([' ', '-', '#', '(', '[']);
    Some((Some(code), status_at_start(rest, Some(code / 100))))
}

/// Three digits of which the first is 2, 4 or 5, and then a space, a hyphen or the end.
fn code_at_start(text: &str) -> Option<u16> {
    let code: u16 = text.get(..3).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()?;
    let is_followed = text[3..].chars().next().is_none_or(|next| matches!(next, ' ' | '-' | ':' | ';' | ',' | '#' | '(' | '\t'));
    (matches!(code / 100, 2 | 4 | 5) && is_followed).then_some(code)
}

fn status_at_start(text: &str, class: Option<u16>) -> Option<(u16, u16)> {
    let text = text.trim_start_matches(['#', '(']);
    let end = text.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(text.len());
    let mut parts = text[..end].trim_end_matches('.').split('.');
    let mut number = |max: usize| parts.next().filter(|digits| (1..=max).contains(&digits.len()))?.parse::<u16>().ok();
    let (first, subject, detail) = (number(1)?, number(MAX_STATUS_DIGITS)?, number(MAX_STATUS_DIGITS)?);
    let is_status = matches!(first, 2 | 4 | 5) && class.is_none_or(|class| class == first) && parts.next().is_none();
    is_status.then_some((subject, detail))
}

/// The words of a reply, each preceded and followed by a space.
fn words(text: &str) -> String {
    let mut words = String::from(" ");
    for token in without_brackets(text).split_whitespace() {
        // `550-Blocked` continues a reply, and `dmarc=fail` states a property.
        let token = code_at_start(token).and_then(|_| token[3..].strip_prefix('-')).unwrap_or(token);
        let token = token.split_once('=').map_or(token, |(name, _)| name);
        if names_something(token) {
            continue;
        }
        let letters = token.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
        for word in letters {
            words.extend(word.chars().flat_map(char::to_lowercase));
            words.push(' ');
        }
    }
    words
}

/// The text without `<…>`, `[…]` and the words attached to them, such as the host name in `mx1[192.0.2.1]`.
fn without_brackets(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(found) = next_bracket(rest) {
        let before = &rest[..found.start];
        let attached = before.rfind(char::is_whitespace).map_or(0, |space| space + 1);
        // `TO:<a@example.com>` is attached to a command, and `(<…>` to a parenthesis.
        let is_name = before[attached..].bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        kept.push_str(if is_name { &before[..attached] } else { before });
        kept.push(' ');
        rest = &rest[found.end..];
    }
    kept + rest
}

fn next_bracket(text: &str) -> Option<Range<usize>> {
    let start = text.find(['<', '['])?;
    let close = if text[start..].starts_with('<') { '>' } else { ']' };
    let end = text[start..].find(close).map_or(text.len(), |length| start + length + 1);
    Some(start..end)
}

/// True for a host name, an address, a link or an id: it contains `@`, `://`, a digit, or a dot between letters.
fn names_something(token: &str) -> bool {
    let token = token.trim_matches(|character: char| !character.is_alphanumeric());
    let has_inner_dot = token.split('.').filter(|part| !part.is_empty()).count() > 1;
    has_inner_dot || token.contains('@') || token.contains("://") || token.bytes().any(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_leading_codes_count() {
        let table = [
            ("550 5.1.1 <a@example.com> user unknown", Some(550), Some((1, 1))),
            ("smtp; 552-5.2.2 over quota", Some(552), Some((2, 2))),
            ("SMTP;421 4.7.0", Some(421), Some((7, 0))),
            ("550 #5.1.0 Address rejected.", Some(550), Some((1, 0))),
            ("5.4.4 host not found", None, Some((4, 4))),
            ("250 2.0.0 OK  1700000000 d9443c01a7336-2.456 - gsmtp", Some(250), Some((0, 0))),
            ("550 5.1.1.20 refused", Some(550), None),
            ("550 [5.1.1.20] refused", Some(550), None),
            ("550 4.2.2 two classes", Some(550), None),
            ("host mx.example.com[192.0.2.1] said: 554 5.7.1 blocked", Some(554), Some((7, 1))),
            ("SMTP error from remote mail server after RCPT TO:<a@example.com>: 550 no", Some(550), None),
            ("timed out after 421 seconds, queue 552123", None, None),
            ("accepted in 0.552 by 5.2.2.example", None, None),
            ("Sorry, no mailbox here by that name. (#5.1.1)", None, Some((1, 1))),
            ("", None, None),
        ];
        for (text, code, status) in table {
            let reply = Reply::parse(text);
            assert_eq!((reply.code, reply.status), (code, status), "{text}");
        }
    }

    #[test]
    fn words_in_names_do_not_count() {
        let table = [
            ("Mailbox (full)", " mailbox full "),
            ("user <spam@example.com> unknown", " user unknown "),
            ("from mx1.antispam.example (dmarc@example.com)", " from "),
            ("host mx-spam[192.0.2.1] said no", " host said no "),
            ("RCPT TO:<quota@example.com>: Over-Quota", " rcpt to over quota "),
            ("see https://example.com/spam?x=1 id spam77a", " see id "),
            ("Unbekannter Empfänger.", " unbekannter empfänger "),
            ("550-Blocked, dmarc=fail id=77aspam", " blocked dmarc id "),
            ("broken <bracket", " broken "),
        ];
        for (text, words) in table {
            assert_eq!(Reply::parse(text).words, words, "{text}");
        }
    }
}
