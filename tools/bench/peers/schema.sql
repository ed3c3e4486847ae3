-- The table that every peer writes to, created in an empty database for each peer.
-- It has the same columns as our `events` table, but no partitions, outbox or other parts of our schema, which favours the peers.

create table events (
    id          bigint generated always as identity primary key,
    -- The first 16 bytes of the SHA-256 hash of the fields that identify an event, so that a repeated delivery adds no rows.
    digest      bytea not null unique,
    received_at timestamptz not null default now(),
    occurred_at timestamptz not null,
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
    diagnostic  text,
    payload     text not null
);

create index events_kind_idx on events (kind, received_at, id);
create index events_message_idx on events (message_id, received_at, id);
create index events_recipient_idx on events (lower(recipient), received_at, id);
