-- Events from Mandrill, the keys that detect duplicates, and the functions behind the search index.

-- Ids of events. A separate sequence, because identity columns on partitioned tables require PostgreSQL 17.
create sequence events_id_seq;

-- One row per event, written by ingest. Partitioned by month of receipt, so that retention can detach and drop whole months.
-- Ingest truncates values that are too long for a column; `payload` keeps the whole element.
-- Partitions are named events_YYYY_MM and are created by `ingest migrate` and the running service, not by migrations.
create table events (
    -- Unique across all partitions. Within one commit, ids follow `occurred_at`.
    id          bigint not null default nextval('events_id_seq'),
    -- Start of the transaction that stored the event. All events of one commit share it.
    received_at timestamptz not null default now(),
    -- Mandrill's `ts`. Equals `received_at` if `ts` is missing, not positive, or more than a day in the future.
    occurred_at timestamptz not null,
    -- When an admin erased the recipient: the personal data in this row is blank, the rest stays. Null for all other events.
    erased_at   timestamptz,
    -- True if a signed-in user or an API token posted the event, false if Mandrill's signature verified it.
    simulated   boolean not null,
    -- Mandrill's event name, such as open, hard_bounce or inbound. Sync events join type and action, as in blacklist_add.
    kind        text not null,
    -- Label of the webhook key that verified the delivery. Null for simulated events.
    webhook     text,
    -- Mandrill's `_id` of the message, or the Message-Id header of inbound mail. Null if absent or empty.
    message_id  text,
    -- Address the message was sent to, or the listed address of a sync event. Null if absent or erased.
    recipient   text,
    -- Address the message was sent from. Null if absent, and for erased inbound mail.
    sender      text,
    -- Subject of the message. Null if absent or erased.
    subject     text,
    -- Tags of the message; empty if it has none.
    tags        text[] not null,
    -- Metadata object of the message. Null if absent, not an object, too long, or erased.
    metadata    jsonb,
    -- Name of the message's template. Null if absent.
    template    text,
    -- Name of the message's subaccount. Null if absent.
    subaccount  text,
    -- Clicked link. Null if absent or erased.
    url         text,
    -- IP address of the client that opened or clicked, as text. Null if absent or erased.
    ip          text,
    -- User agent of the client that opened or clicked. Null if absent or erased.
    user_agent  text,
    -- Country of that client, as Mandrill located it. Null if absent or erased.
    country     text,
    -- City of that client, as Mandrill located it. Null if absent or erased.
    city        text,
    -- SMTP reply, bounce text, or reason for a rejection or listing. Null if absent or erased.
    diagnostic  text,
    -- Text for free-text search: addresses, subject, tags and metadata values, in lower case, separated by single spaces.
    -- The characters U+001E and U+001F enclose the subject. Empty if erased.
    search      text not null,
    -- Result of `event_terms` for this row, computed by ingest. Null in rows from services older than the column, until
    -- `ingest migrate` or the running service fills it in.
    terms       integer[],
    -- The element of the delivery as received, byte for byte. '{}' if erased.
    payload     text not null,
    constraint events_pkey primary key (received_at, id)
) partition by range (received_at);

-- Finds an event by id. The primary key serves the list, newest first.
create index events_id_idx on events (id);
create index events_kind_idx on events (kind, received_at, id);
create index events_message_idx on events (message_id, received_at, id);
-- Address comparison ignores the case of ASCII letters only, whatever the database's locale: the notifier compares the same way.
create index events_recipient_idx on events (lower(recipient collate "C"), received_at, id);
create index events_sender_idx on events (lower(sender collate "C"), received_at, id);
-- Serves free-text search and the filters by template, subaccount, url and ip.
create index events_search_idx on events using gin (terms);
-- Finds rows that still need their terms; empty otherwise.
create index events_without_terms_idx on events (received_at, id) where terms is null;

-- Digests of stored events: an event whose digest is here is a duplicate. A key outlives its event, so that a late repeat is
-- still recognised. Retention deletes keys 30 days after their month was dropped.
create table event_keys (
    -- When the event was stored.
    received_at timestamptz not null default now(),
    -- First 16 bytes of a SHA-256 over the fields that identify the event, or over the whole element if they are missing.
    digest      bytea constraint event_keys_pkey primary key
);
-- Finds keys that are old enough to delete. A block range index adds almost nothing to the cost of an insert.
create index event_keys_received_at_idx on event_keys using brin (received_at);

-- One number for each three consecutive characters of a word. Never negative. ASCII characters other than letters and digits
-- separate words; every other character counts. Ingest computes the same for new events; this function serves backfills.
create function event_grams(search text) returns integer[] language sql immutable parallel safe as $$
    select coalesce(array_agg(distinct ((first << 20) # (second << 10) # third) & 2147483647), '{}')::integer[]
    from (
        select lag(code, 2) over (order by place) as first, lag(code) over (order by place) as second, code as third,
               place - coalesce(max(place) filter (where is_between) over (order by place), 0) as length
        from (
            select ascii(sign)::bigint as code, place, sign ~ '[\u0001-\u007f]' and sign !~ '[0-9A-Za-z]' as is_between
            from unnest(string_to_array(search, null)) with ordinality as signs (sign, place)
        ) as coded
    ) as windows
    where length >= 3
$$;

-- A number for the whole value of a field: FNV-1a of `field=value` with the highest bit set. Always negative, so that it never
-- equals a gram. Null if the value is null. Ingest computes the same for new events.
create function event_value(field text, value text) returns integer language plpgsql immutable strict parallel safe as $$
declare
    bytes bytea := convert_to(field || '=' || value, 'UTF8');
    hash bigint := 2166136261;
begin
    for place in 0 .. length(bytes) - 1 loop
        hash := ((hash # get_byte(bytes, place)) * 16777619) & 4294967295;
    end loop;
    return (hash | 2147483648) - 4294967296;
end $$;

-- The terms by which the search index finds an event: the grams of its text and the values of four fields, sorted and unique.
-- Ingest computes the same for new events; this function serves backfills and erasure.
create function event_terms(search text, template text, subaccount text, url text, ip text) returns integer[]
language sql immutable parallel safe as $$
    select coalesce(array_agg(term order by term), '{}') from (
        select unnest(event_grams(search)) as term
        union
        select unnest(array[event_value('template', template), event_value('subaccount', subaccount),
                            event_value('url', url), event_value('ip', ip)])
    ) as terms
    where term is not null
$$;

-- The planner's estimate of how many events have a search text that matches all of these LIKE patterns. It is accurate for texts
-- and poor for terms, so queries use it to choose between the search index and a scan from the newest event.
create function events_like(patterns text[]) returns float8 language plpgsql as $$
declare plan json;
begin
    execute format('explain (format json) select from events where search like all (%L::text[])', patterns) into plan;
    return plan -> 0 -> 'Plan' ->> 'Plan Rows';
end $$;
