-- The search text that `schema.sql` omits, for the `…_search_batch` rows. It is applied after `schema.sql` and before one
-- of our migrations, which indexes the text's trigrams. It omits tags and metadata, which favours the peers.

alter table events add column search text not null generated always as (
    lower(coalesce(recipient, '') || ' ' || coalesce(sender, '') || ' ' || coalesce(subject, ''))
) stored;
