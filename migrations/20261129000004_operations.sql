-- Operations: the outbox to Redis, quarantined elements, refused deliveries, alarms and retired partitions.

-- Committed events and notifications that are not yet published to Redis. A row is written in the transaction that stores what it
-- announces, claimed with SKIP LOCKED, and deleted once published. One row announces a whole commit as two ranges of ids.
-- Written by ingest, and by the notifier for messages. The table is small and changes constantly, so it is vacuumed early.
create table outbox (
    -- Orders publication.
    id                   bigint generated always as identity constraint outbox_pkey primary key,
    -- When the row was written, by the database's clock. Kept if ingest splits the row.
    created_at           timestamptz not null default now(),
    -- First event of the range. Null if the row announces only a notification.
    event_id             bigint,
    -- Last event of the range. Null if there are no events, and in some rows with a single event.
    last_event_id        bigint,
    -- `received_at` of these events. Null exactly when `event_id` is null.
    event_received_at    timestamptz,
    -- First notification of the range. Null if there is none. Notifications of other commits can lie within the range; a row
    -- with events announces only the notifications of its own events.
    notification_id      bigint,
    -- Last notification of the range. Null if there are none, and in some rows with a single notification.
    last_notification_id bigint,
    -- How many events the row announces, or 1 for a notification without an event. An estimate if ingest has split the row.
    items                integer not null default 1,
    -- How many times Redis rejected the row. At 20 it moves to quarantine. Failures to reach Redis do not count.
    attempts             smallint not null default 0,
    constraint outbox_announces_something check (event_id is not null or notification_id is not null),
    constraint outbox_event_whole check ((event_id is null) = (event_received_at is null)),
    constraint outbox_run_whole check (last_event_id is null or event_id is not null)
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);

-- Verified input that could not be stored as an event, or that Redis rejected when publishing. An admin retries or discards it.
create table quarantine (
    -- Identifies the item in the API.
    id           bigint generated always as identity constraint quarantine_pkey primary key,
    -- When these bytes were first quarantined.
    received_at  timestamptz not null default now(),
    -- When these bytes were last quarantined.
    last_seen_at timestamptz not null default now(),
    -- When the item was retried successfully or discarded. Null exactly while `state` is 'open'.
    resolved_at  timestamptz,
    -- The user who resolved the item. Null while `state` is 'open', and after that user's row is deleted.
    resolved_by  bigint constraint quarantine_resolver_fkey references users on delete set null,
    -- How many times these bytes were quarantined.
    times_seen   integer not null default 1,
    -- True if a signed-in user or an API token posted it.
    simulated    boolean not null,
    -- Label of the webhook key that verified the delivery. Null for simulated input; empty for a refused notification.
    webhook      text,
    -- What `raw` is: an 'element' of a delivery, the whole value of a 'delivery', or an item of the 'outbox' that Redis rejected.
    origin       text not null default 'element'
                 constraint quarantine_origin_known check (origin in ('element', 'delivery', 'outbox')),
    -- Stable code of the cause, such as not_an_object.
    reason       text not null,
    -- The cause as a sentence.
    detail       text not null,
    -- 'open', 'retried' (stored or published by a retry), or 'discarded'. Repeated bytes do not reopen an item.
    state        text not null default 'open'
                 constraint quarantine_state_known check (state in ('open', 'retried', 'discarded')),
    -- Outcome of the last retry, or why the item was discarded; 'erased' if the recipient was erased. Null before either.
    resolution   text,
    -- SHA-256 of `raw` (32 bytes): the same bytes are stored once. Kept when `raw` is erased.
    digest       bytea not null constraint quarantine_digest_key unique,
    -- The bytes as received. Empty if erased.
    raw          bytea not null,
    constraint quarantine_resolved_whole check ((state = 'open') = (resolved_at is null))
);
create index quarantine_state_idx on quarantine (state, id);

-- Refused deliveries, aggregated by reason, network and hour. Bodies are not stored, since refused requests are not verified.
-- Ingest writes its counts every second and keeps the 1,000 most recent rows.
create table refusals (
    -- Start of the UTC hour in which the deliveries were refused.
    hour      timestamptz not null,
    -- First refusal in the hour, to the second. Null in rows from services older than the column; use `hour` instead.
    first_at  timestamptz,
    -- Last refusal in the hour, to the second.
    last_at   timestamptz not null,
    -- How many deliveries were refused.
    count     bigint not null,
    -- Stable code of the cause, such as wrong_signature.
    reason    text not null,
    -- The client's /24 or /48, or 'elsewhere' when too many networks are refused at once.
    network   text not null,
    -- Configuration mistakes that explain a wrong signature: codes joined by '+', such as 'scheme+slash'. Null if no explanation
    -- was found or none was searched for.
    near_miss text,
    -- What to change, as a sentence with credentials masked. Null when `near_miss` is null.
    hint      text,
    constraint refusals_pkey primary key (reason, network, hour)
);
create index refusals_last_at_idx on refusals (last_at);

-- State of each alarm, so that admins are notified once when it is raised and once when it is cleared.
-- An alarm that was never raised has no row.
create table alarms (
    -- When `raised` last changed.
    changed_at timestamptz not null default now(),
    -- True while the alarm is raised.
    raised     boolean not null,
    -- 'refusals' (signed deliveries are refused) or 'silence' (no deliveries arrive).
    name       text constraint alarms_pkey primary key,
    -- Text of the alert that announced the alarm; empty while it is cleared.
    detail     text not null
);

-- Months of events that retention has dropped. Ingest deletes their event keys 30 days after the drop, however late the drop was.
create table retired_partitions (
    -- End of the month: all events received before this time are dropped.
    until        timestamptz not null,
    -- When the partition was dropped.
    retired_at   timestamptz not null default now(),
    -- When the event keys of the month were deleted. Null until then.
    forgotten_at timestamptz,
    -- Name of the partition, events_YYYY_MM.
    name         text constraint retired_partitions_pkey primary key
);
