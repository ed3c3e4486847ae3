//! Decides which of a filter's texts to look up in the search term index.
//!
//! The index is suited to rare texts: Postgres fetches all events that contain the text. A common text is found quickly by scanning from
//! the newest event, whereas the time to fetch all matching events grows with their number. Postgres cannot distinguish the two cases from
//! the terms: it assumes that the grams of a word are independent of each other, and so underestimates every common word. Postgres can
//! estimate how common a string is, so the plan runs those estimate queries first.

use std::cmp::Reverse;

use shared::event::{fold, fold_as_version_0_2};
use shared::filter::{Filter, Part, PartField};
use shared::visibility::Restriction;
use sqlx::PgPool;

use crate::store::search_terms::{self, CommonWords};
use crate::store::{common_words, search_texts};

/// Number of characters looked up for a word that contains a long number.
const MAX_PIECE_CHARS: usize = 6;
/// Maximum number of pieces for which Postgres estimates the number of events.
const MAX_ESTIMATES: usize = 4;

/// The number of selected events that a query reads.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RowLimit {
    /// Up to this many of the newest events.
    Newest(i64),
    All,
}

/// How a query finds the filter's texts.
#[derive(Debug, Clone, Default)]
pub(crate) struct SearchPlan {
    /// The index terms to look up. Empty if the filter contains no text that the index can match, or if scanning from the newest event is
    /// cheaper.
    pub(crate) terms: Vec<i32>,
    /// Whether stored texts can still have the form of version 0.2.0, which differs for this filter.
    pub(crate) with_earlier_forms: bool,
}

/// Chooses how to find the filter's texts.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn choose(pool: &PgPool, filter: &Filter, limit: RowLimit) -> Result<SearchPlan, sqlx::Error> {
    if has_earlier_forms(filter) && !search_texts::are_refolded(pool).await? {
        // The index contains the terms of one form or the other.
        return Ok(SearchPlan { terms: Vec::new(), with_earlier_forms: true });
    }
    Ok(SearchPlan { terms: choose_terms(pool, filter, limit).await?, with_earlier_forms: false })
}

/// Whether version 0.2.0 folded one of the filter's texts differently.
fn has_earlier_forms(filter: &Filter) -> bool {
    let differs = |text: &str| fold(text) != fold_as_version_0_2(text);
    !filter.earlier_words.is_empty()
        || filter.earlier_subject.is_some()
        || filter.tag.as_deref().is_some_and(differs)
        || filter.visibility.restrictions().filter_map(only_text).any(|text| differs(&text))
        || filter.metadata.iter().any(|(_, value)| differs(value))
}

async fn choose_terms(pool: &PgPool, filter: &Filter, limit: RowLimit) -> Result<Vec<i32>, sqlx::Error> {
    let texts = required_texts(filter);
    let pieces = indexed_pieces(&texts);
    if pieces.is_empty() {
        return Ok(Vec::new());
    }
    let words: Vec<String> = pieces.iter().flat_map(|piece| search_terms::words(piece)).map(str::to_owned).collect();
    let common = common_words::parts_of_common(pool, &words).await?;
    let pieces: Vec<&str> = pieces.into_iter().filter(|piece| !grams_of(piece, &common).is_empty()).collect();
    let RowLimit::Newest(rows) = limit else {
        return Ok(pieces.into_iter().flat_map(|piece| grams_of(piece, &common)).collect());
    };
    Ok(choose_piece(pool, &pieces, &texts, rows).await?.map(|piece| grams_of(piece, &common)).unwrap_or_default())
}

/// The rarest piece, if fetching all its events is cheaper than scanning from the newest event until `rows` events contain all texts. If
/// `m` of `n` events contain the piece and `k` contain all texts, fetching reads `m` events and scanning reads `rows * n / k`.
async fn choose_piece<'a>(
    pool: &PgPool,
    pieces: &[&'a str],
    texts: &[String],
    rows: i64,
) -> Result<Option<&'a str>, sqlx::Error> {
    let pieces = &pieces[..pieces.len().min(MAX_ESTIMATES)];
    if pieces.is_empty() {
        return Ok(None);
    }
    let estimates = sqlx::query!(
        r#"select array(select events_like(array[piece]) from unnest($1::text[]) with ordinality as asked (piece, place) order by place)
                    as "pieces!",
                  events_like($2) as "whole!", coalesce(sum(greatest(reltuples, 0)), 0)::float8 as "all!"
           from pg_inherits join pg_class on pg_class.oid = inhrelid where inhparent = 'events'::regclass"#,
        &pieces.iter().map(|piece| contains_pattern(piece)).collect::<Vec<_>>(),
        &texts.iter().map(|text| contains_pattern(text)).collect::<Vec<_>>()
    );
    let estimates = estimates.fetch_one(pool).await?;
    let rows = f64::from(i32::try_from(rows).unwrap_or(i32::MAX));
    let rarest = pieces.iter().zip(estimates.pieces).min_by(|(_, left), (_, right)| left.total_cmp(right));
    Ok(rarest.filter(|(_, events)| events * estimates.whole <= rows * estimates.all).map(|(piece, _)| *piece))
}

/// The texts that must occur in the searchable text of every selected event.
fn required_texts(filter: &Filter) -> Vec<String> {
    let tag = filter.tag.as_deref().map(fold);
    let metadata = filter.metadata.iter().filter(|(_, value)| !may_be_reformatted(value)).map(|(_, value)| fold(value));
    let parts = filter.parts.iter().filter_map(searchable_part);
    let texts = filter.words.iter().cloned().chain(filter.subject.clone()).chain(tag).chain(metadata);
    let domain = filter.domain.as_deref().filter(|domain| domain.is_ascii()).map(fold);
    texts.chain(parts).chain(domain).chain(filter.visibility.restrictions().filter_map(only_text)).collect()
}

/// The text that every event contains that the restriction selects, if it selects them by a single tag or domain.
fn only_text(Restriction { subaccounts, tags, domains }: &Restriction) -> Option<String> {
    match (subaccounts.as_slice(), tags.as_slice(), domains.as_slice()) {
        ([], [tag], []) => Some(fold(tag)),
        ([], [], [domain]) if domain.is_ascii() => Some(fold(domain)),
        _ => None,
    }
}

/// The text that the searchable text contains if a tag has this part. Marks that follow the part can change its last character.
fn searchable_part(part: &Part) -> Option<String> {
    let is_searchable = part.field == PartField::Tag && part.text.is_ascii();
    is_searchable.then(|| fold(&part.text[..part.text.len().saturating_sub(1)]))
}

/// One piece of each text that the index can match, ordered from the likely rarest to the most common.
fn indexed_pieces(texts: &[String]) -> Vec<&str> {
    let words = texts.iter().filter_map(|text| rarest_word(text));
    let mut pieces: Vec<&str> = words.map(rarest_piece).filter(|piece| search_terms::words(piece).next().is_some()).collect();
    pieces.sort_by_key(|piece| Reverse(rarity(piece)));
    pieces
}

/// The grams by which the index finds a piece. It leaves out words that are a part of a common one.
fn grams_of(piece: &str, parts_of_common: &CommonWords) -> Vec<i32> {
    let mut grams = Vec::new();
    for word in search_terms::words(piece).filter(|word| !parts_of_common.contains(*word)) {
        search_terms::grams(word, &mut grams);
    }
    grams
}

/// Orders words by how rare they are likely to be: first by number of digits (such as order numbers), then by length.
fn rarity(word: &str) -> (usize, usize) {
    (word.bytes().filter(u8::is_ascii_digit).count(), word.len())
}

/// The word in a text that is likely to be the rarest. The index cannot match words of fewer than three characters.
fn rarest_word(text: &str) -> Option<&str> {
    text.split(' ').filter(|word| word.chars().count() >= 3).max_by_key(|word| rarity(word))
}

/// The six characters up to the end of a word's longest number, or the whole word if it contains no number with three digits.
fn rarest_piece(word: &str) -> &str {
    let is_digit = |character: char| character.is_ascii_digit();
    let numbers = word.split(|character| !is_digit(character)).filter(|number| number.len() >= 3);
    let Some(number) = numbers.max_by_key(|number| number.len()) else { return word };
    let end = word.find(number).map_or(word.len(), |start| start + number.len());
    let start = word[..end].char_indices().rev().nth(MAX_PIECE_CHARS - 1).map_or(0, |(start, _)| start);
    &word[start..end]
}

/// True for numbers that Postgres might format differently from the searchable text: those with a decimal point, an exponent or many
/// digits.
fn may_be_reformatted(value: &str) -> bool {
    let is_plain = value.len() <= 15 && value.bytes().all(|digit| digit.is_ascii_digit());
    !is_plain && value.parse::<f64>().is_ok()
}

/// The `LIKE` pattern that matches texts containing this one.
pub(crate) fn contains_pattern(text: &str) -> String {
    format!("%{}%", escape_like(text))
}

/// Escapes a string so that `LIKE` matches it literally.
pub(crate) fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::visibility::Visibility;

    #[test]
    fn numbers_rank_as_rarer_than_words_and_long_words_than_short_ones() {
        assert_eq!(rarest_word("your order 4711 is on its way"), Some("4711"));
        assert_eq!(rarest_word("your invoice 7"), Some("invoice"));
        assert_eq!((rarest_word("it is"), rarest_word("")), (None, None));
    }

    #[test]
    fn the_piece_of_a_word_ends_with_its_longest_number() {
        assert_eq!(rarest_piece("ada.lovelace1234"), "ce1234");
        assert_eq!(rarest_piece("12-é4567890x"), "567890");
        assert_eq!((rarest_piece("é123"), rarest_piece("4711"), rarest_piece("ab12")), ("é123", "4711", "ab12"));
        assert_eq!((rarest_piece("invoice"), rarest_piece("")), ("invoice", ""));
    }

    #[test]
    fn pieces_come_from_texts_that_every_selected_event_contains() {
        let pairs =
            [("q", "an Invoice"), ("subject", "order 4711"), ("tag", "Eu"), ("metadata.n", "1.50"), ("metadata.plan", "Gold")];
        let filter = Filter::of_visible(pairs, Visibility::everything()).expect("the filter should be valid");
        assert_eq!(required_texts(&filter), ["an", "invoice", "order 4711", "eu", "gold"]);
        assert_eq!(indexed_pieces(&required_texts(&filter)), ["4711", "invoice", "gold"]);
        assert!(indexed_pieces(&["a-b-c".to_owned(), String::new()]).is_empty());
        let client = Restriction { tags: vec!["Client 4711".to_owned()], ..Restriction::default() };
        let either = Restriction { domains: vec!["example.com".to_owned()], ..client.clone() };
        let texts = |restriction| {
            let visibility = Visibility::new(Some(restriction), None);
            required_texts(&Filter { visibility, ..Filter::default() })
        };
        assert_eq!((texts(client), texts(either)), (vec!["client 4711".to_owned()], Vec::new()));
    }
}
