-- What `schema.sql` leaves out of our own indexes: every filter, and any part of any word. Applied after it, for the rows that compare
-- like with like. Tags and metadata are left out of the words, which favours the peers.

create extension if not exists pg_trgm;

alter table events add column search text not null generated always as (
    lower(coalesce(recipient, '') || ' ' || coalesce(sender, '') || ' ' || coalesce(subject, ''))
) stored;

create index events_search_idx on events using gin (search gin_trgm_ops);
create index events_sender_idx on events (lower(sender collate "C"), received_at, id);
create index events_template_idx on events (template, received_at, id) where template is not null;
create index events_subaccount_idx on events (subaccount, received_at, id) where subaccount is not null;
create index events_ip_idx on events (ip, received_at, id) where ip is not null;
create index events_url_idx on events (left(url, 256), received_at, id) where url is not null;
