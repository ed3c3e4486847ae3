-- What every peer writes to: one plain table, made anew in an empty database for each of them.
-- The columns are those of our own events; partitions, outbox and the rest of our schema are left out, which favours the peers.

create table events (
    id          bigint generated always as identity primary key,
    -- The first 16 bytes of SHA-256 over what tells one event from another; makes a repeated delivery harmless.
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
