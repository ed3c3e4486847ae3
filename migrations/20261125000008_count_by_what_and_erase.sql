-- An erased event keeps what was counted by it: kind, times, message, tags, template. Who it was about is gone.
alter table events add column erased_at timestamptz;
create index notifications_recipient_idx on notifications (lower(recipient collate "C")) where recipient is not null;

-- What an event counts for, besides its kind. Of a bounce's text what differs each time is left out: addresses, and long numbers.
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
                                         '[\w-]*\d{4,}[\w-]*', '#', 'g'), 200)
    where kind in ('hard_bounce', 'soft_bounce') and diagnostic is not null
) as counted;

-- The same, counted by hour of receipt once the hour is over; outlives the events. Old hours are folded into UTC days.
create table event_facets (
    hour      timestamptz not null,
    facet     text not null,
    name      text not null,
    kind      text not null,
    simulated boolean not null,
    count     bigint not null,
    constraint event_facets_pkey primary key (hour, facet, name, kind, simulated)
);
-- Up to when it is counted there; from then on the view tells.
create table event_facets_until (
    until     timestamptz not null,
    only_row  boolean not null default true
              constraint event_facets_until_pkey primary key
              constraint event_facets_until_single check (only_row)
);
insert into event_facets_until (until) select date_trunc('hour', coalesce(min(received_at), now())) from events;
