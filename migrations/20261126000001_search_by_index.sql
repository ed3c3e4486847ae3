-- Finds words anywhere in what is searched: free text and subjects, and with them tags and metadata, which are in there too.
-- It costs each event about 30 microseconds, more than all else that is stored for it; without it a search reads every event.
-- Building it takes about half a minute for each million events, while deliveries wait.
create extension if not exists pg_trgm;
create index events_search_idx on events using gin (search gin_trgm_ops);
create index events_sender_idx on events (lower(sender collate "C"), received_at, id);
-- Exact values that are not among the words. Most events have none of them.
create index events_template_idx on events (template, received_at, id) where template is not null;
create index events_subaccount_idx on events (subaccount, received_at, id) where subaccount is not null;
create index events_ip_idx on events (ip, received_at, id) where ip is not null;
-- Links may be longer than an index takes.
create index events_url_idx on events (left(url, 256), received_at, id) where url is not null;
