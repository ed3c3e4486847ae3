//! Which of the things that a filter asks for are looked up in the index of terms.
//!
//! What is rare is fetched from there, all of it. What is common is met soon enough on the way from the newest, where fetching all of
//! it would take the longer the more there is. Postgres cannot tell which: it takes the grams of a word for independent of each other,
//! and so each common word for a rare one. It can tell of texts, and is asked about those first.

use shared::event::fold;
use shared::filter::Filter;
use sqlx::PgPool;

use crate::store::search_terms as terms;

/// Letters of a word with a number in it that are looked up.
const PIECE: usize = 6;
/// Pieces that Postgres is asked about, at most.
const ASKED: usize = 4;

/// How many of the selected events are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted {
    /// The newest, so many.
    Newest(i64),
    /// All of them.
    All,
}

/// The terms of the filter's text by which it is best looked up; none where it has no text, or is better met on the way.
///
/// # Errors
/// When Postgres fails.
pub(crate) async fn grams(pool: &PgPool, filter: &Filter, wanted: Wanted) -> Result<Vec<i32>, sqlx::Error> {
    let texts = texts(filter);
    let pieces = pieces(&texts);
    let Wanted::Newest(rows) = wanted else {
        return Ok(pieces.into_iter().flat_map(grams_of).collect());
    };
    Ok(rarest_of(pool, &pieces, &texts, rows).await?.map(grams_of).unwrap_or_default())
}

/// The rarest piece, if fetching all that have it takes less than walking from the newest until so many were met that have all texts:
/// of `n` events, `m` with the piece and `k` with all, one reads `m`, the other `rows * n / k`.
async fn rarest_of<'a>(pool: &PgPool, pieces: &[&'a str], texts: &[String], rows: i64) -> Result<Option<&'a str>, sqlx::Error> {
    let pieces = &pieces[..pieces.len().min(ASKED)];
    if pieces.is_empty() {
        return Ok(None);
    }
    let believed = sqlx::query!(
        r#"select array(select events_like(array[piece]) from unnest($1::text[]) with ordinality as asked (piece, place) order by place)
                    as "pieces!",
                  events_like($2) as "whole!", coalesce(sum(greatest(reltuples, 0)), 0)::float8 as "all!"
           from pg_inherits join pg_class on pg_class.oid = inhrelid where inhparent = 'events'::regclass"#,
        &pieces.iter().map(|piece| containing(piece)).collect::<Vec<_>>(),
        &texts.iter().map(|text| containing(text)).collect::<Vec<_>>()
    );
    let believed = believed.fetch_one(pool).await?;
    let rows = f64::from(i32::try_from(rows).unwrap_or(i32::MAX));
    let rarest = pieces.iter().zip(believed.pieces).min_by(|(_, one), (_, other)| one.total_cmp(other));
    Ok(rarest.filter(|(_, found)| found * believed.whole <= rows * believed.all).map(|(piece, _)| *piece))
}

/// What the searchable text of each selected event contains.
fn texts(filter: &Filter) -> Vec<String> {
    let tag = filter.tag.as_deref().map(fold);
    let metadata = filter.metadata.iter().filter(|(_, value)| !is_written_otherwise(value)).map(|(_, value)| fold(value));
    filter.words.iter().cloned().chain(filter.subject.clone()).chain(tag).chain(metadata).collect()
}

/// What of that the index finds, a piece of each; first what is likely to be rare.
fn pieces(texts: &[String]) -> Vec<&str> {
    let words = texts.iter().filter_map(|text| rarest(text));
    let mut pieces: Vec<&str> = words.map(rarest_piece).filter(|piece| !grams_of(piece).is_empty()).collect();
    pieces.sort_by_key(|piece| std::cmp::Reverse(rarity(piece)));
    pieces
}

fn grams_of(piece: &str) -> Vec<i32> {
    let mut grams = Vec::new();
    terms::grams(piece, &mut grams);
    grams
}

/// Of two words fewer events are likely to have the one with more digits, such as an order's number, or else the longer one.
fn rarity(word: &str) -> (usize, usize) {
    (word.bytes().filter(u8::is_ascii_digit).count(), word.len())
}

/// The word of a text that fewest are likely to have. The index finds none of fewer than three letters.
fn rarest(text: &str) -> Option<&str> {
    text.split(' ').filter(|word| word.chars().count() >= 3).max_by_key(|word| rarity(word))
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

/// True for numbers that Postgres may write otherwise than the searchable text does: with a point, an exponent, or many digits.
fn is_written_otherwise(value: &str) -> bool {
    let is_plain = value.len() <= 15 && value.bytes().all(|digit| digit.is_ascii_digit());
    !is_plain && value.parse::<f64>().is_ok()
}

/// The pattern of LIKE for texts that contain this one.
pub(crate) fn containing(text: &str) -> String {
    format!("%{}%", escaped(text))
}

/// Text that LIKE takes literally.
pub(crate) fn escaped(text: &str) -> String {
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

    #[test]
    fn what_is_looked_up_is_in_the_text_of_all_that_is_selected() {
        let asked =
            [("q", "an Invoice"), ("subject", "order 4711"), ("tag", "Eu"), ("metadata.n", "1.50"), ("metadata.plan", "Gold")];
        let filter = Filter::from_pairs(asked).expect("a filter");
        assert_eq!(texts(&filter), ["an", "invoice", "order 4711", "eu", "gold"]);
        assert_eq!(pieces(&texts(&filter)), ["4711", "invoice", "gold"]);
        assert!(pieces(&["a-b-c".to_owned(), String::new()]).is_empty());
    }
}
