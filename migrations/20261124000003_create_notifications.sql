-- What people are told: opens, messages from one another, alerts of the system.
create table notifications (
    id         bigint generated always as identity constraint notifications_pkey primary key,
    kind       text not null constraint notifications_kind_known check (kind in ('open', 'message', 'alert')),
    title      text not null,
    body       text not null,
    -- The event behind an open. No foreign key: notifications outlive dropped partitions.
    event_id   bigint,
    message_id text,
    recipient  text,
    -- The user who sent a message.
    sender_id  bigint constraint notifications_sender_fkey references users on delete set null,
    -- Who sees it: 'all', 'user:ID' or 'role:NAME'.
    audience   text not null
               constraint notifications_audience_shape check (audience ~ '^(all|user:[0-9]+|role:[a-z]+)$'),
    created_at timestamptz not null default now()
);

-- What is committed and not yet relayed to Redis. Written in the transaction of what it announces,
-- read with SKIP LOCKED, deleted once published. Small and hot, so vacuumed early.
create table outbox (
    id                bigint generated always as identity constraint outbox_pkey primary key,
    event_id          bigint,
    event_received_at timestamptz,
    notification_id   bigint,
    -- Failures while Redis answered; at 20 the row moves to quarantine.
    attempts          smallint not null default 0,
    created_at        timestamptz not null default now(),
    constraint outbox_announces_something check (event_id is not null or notification_id is not null),
    constraint outbox_event_whole check ((event_id is null) = (event_received_at is null))
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
