//! Words that occur in a large part of all events, such as those of a sender's address. The search index leaves them out.
//!
//! An index is of no use for such a word: reading from the newest event on finds a page of matches at once. But its grams would be most of the entries
//! of each event. A text that is a part of a common word is not looked up, so no search misses an event.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::PgPool;

use super::cached::Cached;
use super::search_terms::{self, CommonWords};
use crate::payload::codec::Codec;

/// Maximum number of words: every look-up compares its words with all of them.
const MAX_WORDS: i64 = 500;
/// Maximum delay before writers leave out a word.
const MAX_AGE: Duration = Duration::from_secs(60);
/// Number of events in which words are counted, and of days in which these were received.
const SAMPLE_EVENTS: i32 = 5_000;
const SAMPLE_DAYS: i32 = 7;
/// With fewer events in the sample, no word counts as common.
const MIN_EVENTS: usize = 1_000;
/// A word is common if one of this many events contains it.
const COMMON: usize = 20;
/// A word that occurs only in events of fewer recipients may come from a person's address.
const MIN_RECIPIENTS: usize = 20;
/// Longer words are rarely common. In bytes.
const MAX_WORD_BYTES: usize = 64;

/// A cache of the words that ingest leaves out of the index.
#[derive(Debug, Default)]
pub(crate) struct CommonWordsCache {
    cached: Cached<CommonWords>,
}

impl CommonWordsCache {
    /// Returns the words, which were read at most a minute ago. None of them are left out until every replica knows of them, which is when payloads are
    /// compressed: a replica of the version before would look them up.
    ///
    /// # Errors
    /// Returns an error if Postgres fails.
    pub(crate) async fn get(&self, pool: &PgPool, codec: &Codec) -> Result<Arc<CommonWords>, sqlx::Error> {
        if !codec.compresses() {
            return Ok(Arc::default());
        }
        self.cached.get_since(Instant::now().checked_sub(MAX_AGE), known_to_all(pool)).await
    }
}

/// The words that every running search knows.
async fn known_to_all(pool: &PgPool) -> Result<CommonWords, sqlx::Error> {
    let known = sqlx::query_scalar!("select word from common_words where added_at < now() - interval '10 minutes'");
    Ok(known.fetch_all(pool).await?.into_iter().collect())
}

/// Those of the words that are a part of a common word, so that the index does not contain them everywhere.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn parts_of_common(pool: &PgPool, words: &[String]) -> Result<CommonWords, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"select asked as "word!" from unnest($1::text[]) as asked
           where exists (select from common_words where position((asked collate "C") in (word collate "C")) > 0)"#,
        words
    );
    Ok(found.fetch_all(pool).await?.into_iter().collect())
}

/// Adds the words that are common in events of the last days, as long as there is room.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn learn(pool: &PgPool) -> Result<(), sqlx::Error> {
    let sample = sqlx::query!(
        r#"with span as (
             select (select id from events where received_at >= now() - make_interval(days => $2) order by received_at, id limit 1) as first,
                    (select id from events order by received_at desc, id desc limit 1) as last
           ), chosen as (
             select distinct (first + random() * (last - first))::bigint as id from span, generate_series(1, $1::integer)
           )
           select search as "search!", recipient from events join chosen using (id)
           where received_at >= now() - make_interval(days => $2)"#,
        SAMPLE_EVENTS,
        SAMPLE_DAYS
    );
    let sample = sample.fetch_all(pool).await?;
    let events: Vec<(&str, &str)> =
        sample.iter().map(|event| (event.search.as_str(), event.recipient.as_deref().unwrap_or_default())).collect();
    let words = common(&events);
    let added = sqlx::query!(
        "insert into common_words (word)
         select word from unnest($1::text[]) as asked (word)
         where not exists (select from common_words as known where known.word = asked.word)
         limit greatest($2 - (select count(*) from common_words), 0)
         on conflict do nothing",
        &words,
        MAX_WORDS
    );
    let added = added.execute(pool).await?.rows_affected();
    if added > 0 {
        tracing::info!(added, "the search index leaves out words that are common");
    }
    Ok(())
}

/// The words that are common in events, given by their searchable texts and recipients. The commonest come first.
fn common(events: &[(&str, &str)]) -> Vec<String> {
    if events.len() < MIN_EVENTS {
        return Vec::new();
    }
    let mut found: HashMap<&str, (usize, HashSet<&str>)> = HashMap::new();
    for (search, recipient) in events {
        let words: HashSet<&str> = search_terms::words(search).filter(|word| word.len() <= MAX_WORD_BYTES).collect();
        for word in words {
            let (count, recipients) = found.entry(word).or_default();
            *count += 1;
            if recipients.len() < MIN_RECIPIENTS {
                recipients.insert(recipient);
            }
        }
    }
    let mut common: Vec<(usize, &str)> = found
        .into_iter()
        .filter(|(_, (count, recipients))| count * COMMON >= events.len() && recipients.len() >= MIN_RECIPIENTS)
        .map(|(word, (count, _))| (count, word))
        .collect();
    common.sort_unstable_by(|left, right| right.cmp(left));
    common.into_iter().map(|(_, word)| word.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_many_events_and_recipients_are_common() {
        let texts: Vec<String> = (0..2_000)
            .map(|number| {
                format!("person{number}@example.com your order {number} {}", if number % 20 == 0 { "sale" } else { "" })
            })
            .collect();
        let recipients: Vec<String> = (0..2_000).map(|number| format!("person{number}@example.com")).collect();
        let mut events: Vec<(&str, &str)> =
            texts.iter().zip(&recipients).map(|(text, to)| (text.as_str(), to.as_str())).collect();
        // A tenth of all events is about one person.
        events.extend(std::iter::repeat_n(("ada@example.com your order", "ada@example.com"), 200));
        let mut words = common(&events);
        words.sort_unstable();
        assert_eq!(words, ["com", "example", "order", "your"]);
        assert!(common(&events[..2_000]).iter().any(|word| word == "sale"));
        assert!(common(&events[..999]).is_empty());
    }
}
