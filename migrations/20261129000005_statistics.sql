-- Statistics: counts of elements by outcome, and counts of events by domain, tag, template and bounce. They outlive the events.

-- Outcomes of elements, appended by ingest in each commit, so that concurrent commits never wait for each other's rows.
-- A background job moves them into `event_counts` every few seconds.
create table event_count_deltas (
    -- When the elements were received.
    at        timestamptz not null default now(),
    -- How many elements.
    count     bigint not null,
    -- True if a signed-in user or an API token posted the elements, false if Mandrill's signature verified them.
    simulated boolean not null,
    -- Label of the webhook key that verified the delivery. Empty for simulated elements.
    webhook   text not null,
    -- `kind` of the events. Empty for quarantined elements, which have none.
    kind      text not null,
    -- 'stored' as a new event, 'duplicate' of one, or 'quarantined'.
    outcome   text not null
              constraint event_count_deltas_outcome_known check (outcome in ('stored', 'duplicate', 'quarantined'))
) with (autovacuum_vacuum_scale_factor = 0.05);

-- The same outcomes, aggregated by hour of receipt.
create table event_counts (
    -- Start of the UTC hour.
    hour      timestamptz not null,
    -- How many elements.
    count     bigint not null,
    -- When the newest of these elements was received; shows how long a webhook has been silent.
    last_at   timestamptz not null,
    -- As in `event_count_deltas`.
    simulated boolean not null,
    -- As in `event_count_deltas`.
    webhook   text not null,
    -- As in `event_count_deltas`.
    kind      text not null,
    -- As in `event_count_deltas`.
    outcome   text not null,
    constraint event_counts_pkey primary key (hour, webhook, simulated, kind, outcome)
);

-- One row for each facet of each event: `facet` names the property ('domain', 'tag', 'template' or 'bounce'), and `name` is its
-- value. Addresses, long numbers and UUIDs in bounce texts are replaced, so that bounces with the same cause share a name.
create view events_by_facet as
select received_at, simulated, kind, facet, name
from events cross join lateral (
    select 'domain' as facet, lower(split_part(recipient, '@', -1)) as name where recipient like '%@%'
    union all
    select 'tag', tag from unnest(tags) as tag
    union all
    select 'template', template where template is not null
    union all
    select 'bounce', left(regexp_replace(regexp_replace(diagnostic, '\S+@\S+', '(address)', 'g'),
                                         '[\w-]*(?:\d{4,}|[[:xdigit:]]{8}-[[:xdigit:]]{4}-)[\w-]*', '#', 'g'), 200)
    where kind in ('hard_bounce', 'soft_bounce') and diagnostic is not null
) as counted;

-- Facets of finished hours, counted from the view by a background job of ingest.
-- Hours older than 35 days are merged into UTC days.
create table event_facets (
    -- Start of the UTC hour, or of the UTC day once merged.
    hour      timestamptz not null,
    -- How many events.
    count     bigint not null,
    -- True for simulated events, false for verified ones.
    simulated boolean not null,
    -- 'domain', 'tag', 'template' or 'bounce'.
    facet     text not null,
    -- Value of the facet.
    name      text not null,
    -- `kind` of the events.
    kind      text not null,
    constraint event_facets_pkey primary key (hour, facet, name, kind, simulated)
);

-- How far `event_facets` reaches. Later events are counted through the view. Exactly one row.
create table event_facets_until (
    -- End of the last hour counted in `event_facets`, advanced by the background job.
    until    timestamptz not null,
    -- Always true: the primary key on it allows a single row.
    only_row boolean not null default true
             constraint event_facets_until_pkey primary key
             constraint event_facets_until_single check (only_row)
);
-- A new database has no events, so counting starts with the current hour.
insert into event_facets_until (until) values (date_trunc('hour', now(), 'UTC'));
