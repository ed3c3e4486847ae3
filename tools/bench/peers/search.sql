-- The search text that `schema.sql` omits, and trigram indexes for searches, for the `…_search_batch` rows. It is applied after `schema.sql`.
-- It omits tags and metadata, which favours the peers.

alter table events add column search text not null generated always as (
    lower(coalesce(recipient, '') || ' ' || coalesce(sender, '') || ' ' || coalesce(subject, ''))
) stored;

create extension if not exists pg_trgm;
create index events_search_idx on events using gin (search gin_trgm_ops);
create index events_sender_idx on events (lower(sender collate "C"), received_at, id);
create index events_template_idx on events (template, received_at, id) where template is not null;
create index events_subaccount_idx on events (subaccount, received_at, id) where subaccount is not null;
create index events_ip_idx on events (ip, received_at, id) where ip is not null;
-- An index entry is limited to about 2,700 bytes, and a URL can be longer.
create index events_url_idx on events (left(url, 256), received_at, id) where url is not null;
