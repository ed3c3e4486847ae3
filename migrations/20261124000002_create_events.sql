-- What Mandrill told us. Partitioned by the time of receipt: retention drops whole partitions.
-- Ids come from a sequence of our own, since identity columns on partitioned tables need PostgreSQL 17.
create sequence events_id_seq;

create table events (
    id          bigint not null default nextval('events_id_seq'),
    -- This database's clock, one for all replicas.
    received_at timestamptz not null default now(),
    -- Mandrill's `ts`; the time of receipt where that is missing or absurd.
    occurred_at timestamptz not null,
    -- Mandrill's own word: open, hard_bounce, inbound … For sync events type and action: blacklist_add.
    kind        text not null,
    message_id  text,
    recipient   text,
    sender      text,
    subject     text,
    tags        text[] not null,
    metadata    jsonb,
    template    text,
    subaccount  text,
    url         text,
    ip          text,
    user_agent  text,
    country     text,
    city        text,
    -- The SMTP reply or bounce text.
    diagnostic  text,
    -- Posted by a signed-in person or a token rather than proved by a Mandrill signature.
    simulated   boolean not null,
    -- The label of the key that proved the delivery; null when simulated.
    webhook     text,
    -- The words that free text looks in, folded once by ingest.
    search      text not null,
    -- The element as received, byte for byte.
    payload     text not null,
    constraint events_pkey primary key (received_at, id)
) partition by range (received_at);

-- Finds one event by its id alone; the primary key serves the list, newest first.
create index events_id_idx on events (id);
create index events_kind_idx on events (kind, received_at, id);
create index events_message_idx on events (message_id, received_at, id);
create index events_recipient_idx on events (lower(recipient), received_at, id);

-- What makes an event the same event. Outlives the events themselves, so that a late repeat is still a repeat.
create table event_keys (
    -- The first 16 bytes of SHA-256 over the provider's identity of the event.
    digest      bytea constraint event_keys_pkey primary key,
    received_at timestamptz not null default now()
);
