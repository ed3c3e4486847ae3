//! A filter said in SQL.

use std::borrow::Cow;

use shared::event::{SUBJECT, fold};
use shared::filter::{Field, Filter, FilterError};
use sqlx::{Postgres, QueryBuilder};

/// Letters by which the index looks up a word with a number in it.
const PIECE: usize = 6;

/// The filter of a query string's pairs.
pub(super) fn filter_of(pairs: &[(Cow<'_, str>, Cow<'_, str>)]) -> Result<Filter, FilterError> {
    Filter::from_pairs(pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())))
}

/// Says a filter in SQL; `Filter::matches` says the same in memory. It only binds: no value becomes part of the text.
pub(super) fn select(sql: &mut QueryBuilder<Postgres>, filter: &Filter) {
    if let [kind] = filter.kinds.as_slice() {
        // An array, even of one, would keep the index from giving the order.
        sql.push(" and kind = ").push_bind(kind.clone());
    } else if !filter.kinds.is_empty() {
        sql.push(" and kind = any(").push_bind(filter.kinds.clone()).push(")");
    }
    let exact = [
        (" and lower(recipient collate \"C\") = ", &filter.recipient),
        (" and lower(sender collate \"C\") = ", &filter.sender),
        (" and template = ", &filter.template),
        (" and subaccount = ", &filter.subaccount),
        (" and message_id = ", &filter.message_id),
        (" and ip = ", &filter.ip),
        (" and url = ", &filter.url),
    ];
    for (condition, value) in exact {
        if let Some(value) = value {
            sql.push(condition).push_bind(value.clone());
        }
    }
    if let Some(url) = &filter.url {
        sql.push(" and left(url, 256) = left(").push_bind(url.clone()).push(", 256)");
    }
    if let Some(part) = &filter.subject {
        let pattern = format!("%{}%{}%{}%", SUBJECT.0, escaped(part), SUBJECT.1);
        looked_up(sql, rarest(part).map(rarest_piece), pattern);
    }
    if let Some(tag) = &filter.tag {
        sql.push(" and ").push_bind(tag.clone()).push(" = any(tags)");
        contains(sql, &fold(tag));
    }
    for (key, value) in &filter.metadata {
        if !is_written_otherwise(value) {
            contains(sql, &fold(value));
        }
        // As a case, since Postgres takes any comparison of an expression for a rare one, and would fetch all that has a common value.
        sql.push(" and case when metadata ->> ").push_bind(key.clone()).push(" = ").push_bind(value.clone());
        sql.push(" then jsonb_typeof(metadata -> ").push_bind(key.clone()).push(") not in ('array', 'object') else false end");
    }
    if let Some(from) = filter.from {
        sql.push(" and received_at >= ").push_bind(from);
    }
    if let Some(to) = filter.to {
        sql.push(" and received_at < ").push_bind(to);
    }
    if let Some(simulated) = filter.simulated {
        sql.push(" and simulated = ").push_bind(simulated);
    }
    for word in &filter.words {
        contains(sql, word);
    }
    for (field, value) in &filter.not {
        exclude(sql, field, value);
    }
}

/// The searchable text has this word. Of tags and metadata it is a consequence, which lets the index find those.
fn contains(sql: &mut QueryBuilder<Postgres>, word: &str) {
    let piece = rarest_piece(word);
    looked_up(sql, Some(piece).filter(|piece| *piece != word), format!("%{}%", escaped(word)));
}

/// The searchable text is like this. The index goes by one piece of it, if one is given, where it would go through all that have the
/// common ones; by all of it otherwise.
fn looked_up(sql: &mut QueryBuilder<Postgres>, piece: Option<&str>, pattern: String) {
    if let Some(piece) = piece {
        sql.push(" and search like ").push_bind(format!("%{}%", escaped(piece)));
        sql.push(" and case when search like ").push_bind(pattern).push(" then true else false end");
    } else {
        sql.push(" and search like ").push_bind(pattern);
    }
}

/// The end of a word's longest number with what stands before it, six letters in all; the whole word where it has no such number.
fn rarest_piece(word: &str) -> &str {
    let is_digit = |letter: char| letter.is_ascii_digit();
    let numbers = word.split(|letter| !is_digit(letter)).filter(|number| number.len() >= 3);
    let Some(number) = numbers.max_by_key(|number| number.len()) else { return word };
    let end = word.find(number).map_or(word.len(), |start| start + number.len());
    let start = word[..end].char_indices().rev().nth(PIECE - 1).map_or(0, |(start, _)| start);
    &word[start..end]
}

/// The word of a subject that fewest others are likely to have: one with digits, such as an order's number, else the longest. The index
/// finds none of fewer than three letters.
fn rarest(subject: &str) -> Option<&str> {
    let digits = |word: &str| word.bytes().filter(u8::is_ascii_digit).count();
    subject.split(' ').filter(|word| word.chars().count() >= 3).max_by_key(|word| (digits(word), word.len()))
}

/// True for numbers that Postgres may write otherwise than the searchable text does: with a point, an exponent, or many digits.
fn is_written_otherwise(value: &str) -> bool {
    let is_plain = value.len() <= 15 && value.bytes().all(|digit| digit.is_ascii_digit());
    !is_plain && value.parse::<f64>().is_ok()
}

fn exclude(sql: &mut QueryBuilder<Postgres>, field: &Field, value: &str) {
    let column = match field {
        Field::Kind => "kind",
        Field::Recipient => "lower(recipient collate \"C\")",
        Field::Sender => "lower(sender collate \"C\")",
        Field::Template => "template",
        Field::Subaccount => "subaccount",
        Field::MessageId => "message_id",
        Field::Ip => "ip",
        Field::Url => "url",
        Field::Tag => {
            sql.push(" and ").push_bind(value.to_owned()).push(" <> all(tags)");
            return;
        }
        Field::Metadata(key) => {
            sql.push(" and (metadata ->> ").push_bind(key.clone()).push(" is distinct from ").push_bind(value.to_owned());
            sql.push(" or jsonb_typeof(metadata -> ").push_bind(key.clone()).push(") in ('array', 'object'))");
            return;
        }
    };
    sql.push(" and ").push(column).push(" is distinct from ").push_bind(value.to_owned());
}

/// Text that LIKE takes literally.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_rarer_than_a_word_and_a_long_word_than_a_short_one() {
        assert_eq!(rarest("your order 4711 is on its way"), Some("4711"));
        assert_eq!(rarest("your invoice 7"), Some("invoice"));
        assert_eq!((rarest("it is"), rarest("")), (None, None));
    }

    #[test]
    fn a_word_is_looked_up_by_the_end_of_its_longest_number() {
        assert_eq!(rarest_piece("ada.lovelace1234"), "ce1234");
        assert_eq!(rarest_piece("12-é4567890x"), "567890");
        assert_eq!((rarest_piece("é123"), rarest_piece("4711"), rarest_piece("ab12")), ("é123", "4711", "ab12"));
        assert_eq!((rarest_piece("invoice"), rarest_piece("")), ("invoice", ""));
    }
}
