-- The words that searches go through, which `schema.sql` leaves out. Applied after it, and before one of our migrations that indexes
-- their trigrams, for the rows that compare like with like. Tags and metadata are left out of the words, which favours the peers.

alter table events add column search text not null generated always as (
    lower(coalesce(recipient, '') || ' ' || coalesce(sender, '') || ' ' || coalesce(subject, ''))
) stored;
