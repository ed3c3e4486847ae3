-- Words that occur in a large part of all events. The search index leaves them out; see docs/decisions/0081-common-words.md. Words are only added, because
-- the index of stored events does not contain them. At most 500.
create table common_words (
    -- When the word was added. Ingest leaves it out of the index ten minutes later, when no search runs that does not know it.
    added_at timestamptz not null default now(),
    -- In the form of `events.search`: between two characters that separate words.
    word     text constraint common_words_pkey primary key
);
