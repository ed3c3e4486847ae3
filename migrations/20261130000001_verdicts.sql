-- Verdicts on events, and counts by them. The version before does not know these columns and tables: it leaves the columns null, and
-- counts in `event_count_deltas` and `event_counts`, which a background job replaces hour by hour.

-- Adding nullable columns changes no row.
alter table events
    -- Why mail bounced, was deferred or was rejected: a code such as no_mailbox. Null for all other kinds.
    add column reason_class  text,
    -- Who or what opened or clicked: a code such as person or scanner. Null for all other kinds.
    add column actor         text,
    -- The evidence for `actor`: a code such as google_proxy. Null when `actor` is null.
    add column actor_reason  text,
    -- Version of the rules that decided on the three columns before. Null in rows from services older than the column, until a
    -- background job fills it in, and for kinds that have no verdict.
    add column verdict_rules smallint;

-- Outcomes of elements, appended by ingest in each commit, so that concurrent commits never wait for each other's rows.
-- A changed verdict appends a negative count for the old one. A background job moves the rows into `event_tallies` every few seconds.
create table event_tally_deltas (
    -- When the elements were received.
    at           timestamptz not null default now(),
    -- Start of the quarter of an hour in which the events happened; `at` for quarantined elements.
    occurred     timestamptz not null,
    -- How many elements. Negative for a verdict that was replaced.
    count        bigint not null,
    -- True if a signed-in user or an API token posted the elements, false if Mandrill's signature verified them.
    simulated    boolean not null,
    -- Label of the webhook key that verified the delivery. Empty for simulated elements.
    webhook      text not null,
    -- `kind` of the events. Empty for quarantined elements, which have none.
    kind         text not null,
    -- 'stored' as a new event, 'duplicate' of one, or 'quarantined'.
    outcome      text not null
                 constraint event_tally_deltas_outcome_known check (outcome in ('stored', 'duplicate', 'quarantined')),
    -- `reason_class` of the events. Empty if they have none, and for all other outcomes than 'stored'.
    reason_class text not null,
    -- `actor` of the events. Empty if they have none, and for all other outcomes than 'stored'.
    actor        text not null
) with (autovacuum_vacuum_scale_factor = 0.05);

-- The same outcomes, aggregated by quarter of an hour, because some time zones are offset from UTC by quarters of an hour.
create table event_tallies (
    -- Start of the quarter of an hour in which the elements were received.
    at           timestamptz not null,
    -- As in `event_tally_deltas`.
    occurred     timestamptz not null,
    -- When the newest of these elements was received; shows how long a webhook has been silent.
    last_at      timestamptz not null,
    -- How many elements.
    count        bigint not null,
    -- As in `event_tally_deltas`.
    simulated    boolean not null,
    -- As in `event_tally_deltas`.
    webhook      text not null,
    -- As in `event_tally_deltas`.
    kind         text not null,
    -- As in `event_tally_deltas`.
    outcome      text not null,
    -- As in `event_tally_deltas`.
    reason_class text not null,
    -- As in `event_tally_deltas`.
    actor        text not null,
    constraint event_tallies_pkey primary key (at, occurred, webhook, simulated, kind, outcome, reason_class, actor)
);
-- Serves statistics by the time at which events happened.
create index event_tallies_occurred_idx on event_tallies (occurred);

-- The start of the quarter of an hour that contains a time, independent of the session's time zone.
create function quarter_hour(at timestamptz) returns timestamptz language sql immutable parallel safe
    return date_bin('15 minutes', at, timestamptz '2000-01-01 00:00+00');

-- Feed items that are neither events nor notifications, such as a changed verdict. Rows with an item begin with -1 attempts, because the
-- version before takes rows with 0 attempts and would drop the item.
alter table outbox
    -- The item as JSON. Null if the row announces events or notifications.
    add column item jsonb,
    drop constraint outbox_announces_something,
    add constraint outbox_announces_something
        check (event_id is not null or notification_id is not null or item is not null) not valid;
