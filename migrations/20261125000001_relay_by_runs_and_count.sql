-- One row of the outbox announces all that one commit stored: a run of events, and a run of their notifications. Both are
-- read by range, and a commit of a thousand events writes one row here rather than a thousand.
alter table outbox
    -- The last event, where the row announces several; `event_id` is the first.
    add column last_event_id bigint,
    add column last_notification_id bigint,
    -- How many events, or 1 for a notification alone.
    add column items integer not null default 1,
    add constraint outbox_run_whole check (last_event_id is null or event_id is not null);

-- What became of elements, by hour of receipt; outlives the events themselves. Every commit appends deltas, so that writers
-- never wait for each other's rows, and maintenance folds them.
create table event_count_deltas (
    at        timestamptz not null default now(),
    -- The label of the key; empty when simulated.
    webhook   text not null,
    simulated boolean not null,
    -- Empty for what was quarantined: it has none.
    kind      text not null,
    outcome   text not null
              constraint event_count_deltas_outcome_known check (outcome in ('stored', 'duplicate', 'quarantined')),
    count     bigint not null
) with (autovacuum_vacuum_scale_factor = 0.05);

create table event_counts (
    hour      timestamptz not null,
    webhook   text not null,
    simulated boolean not null,
    kind      text not null,
    outcome   text not null,
    count     bigint not null,
    -- The newest delivery counted here: how long a webhook has been silent.
    last_at   timestamptz not null,
    constraint event_counts_pkey primary key (hour, webhook, simulated, kind, outcome)
);

-- What was stored before counting began.
insert into event_counts (hour, webhook, simulated, kind, outcome, count, last_at)
select date_trunc('hour', received_at), coalesce(webhook, ''), simulated, kind, 'stored', count(*), max(received_at)
from events group by 1, 2, 3, 4;

-- Finds keys old enough to forget; a block range index costs an insert nothing.
create index event_keys_received_at_idx on event_keys using brin (received_at);
