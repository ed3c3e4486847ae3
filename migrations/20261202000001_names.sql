-- As before, with subaccounts and senders.
create or replace view events_by_facet as
select received_at, simulated, kind, facet, name
from events cross join lateral (
    select 'domain' as facet, lower(split_part(recipient, '@', -1)) as name where recipient like '%@_%'
    union all
    select distinct 'tag', tag from unnest(tags) as tag where tag <> ''
    union all
    select 'template', template where template <> ''
    union all
    select 'subaccount', subaccount where subaccount <> ''
    union all
    -- Senders of inbound mail are strangers.
    select 'sender', lower(sender collate "C") collate "default" where sender <> '' and kind <> 'inbound'
    union all
    select 'bounce', bounce_text(diagnostic) where kind in ('hard_bounce', 'soft_bounce') and diagnostic <> ''
) as counted;

-- Hours before this were counted without subaccounts and senders. A background job counts them again where the events are still stored.
update event_facets_until set outdated_until = until;

-- The values of the last 35 days that are suggested while somebody types a filter, with the number of events that have them.
-- ingest refreshes this view once an hour, when it has counted the hour before.
create materialized view recent_values as
select facet as field, name as value, sum(count)::bigint as count
from event_facets where facet <> 'bounce' and hour >= now() - interval '35 days' group by 1, 2
union all
select field, value, sum(count)::bigint
from event_tallies cross join lateral (
    values ('kind', kind), ('reason_class', reason_class), ('actor', actor)
) as known (field, value)
where outcome = 'stored' and value <> '' and at >= now() - interval '35 days'
  and at < (select until from event_facets_until)
group by 1, 2;
create unique index recent_values_key on recent_values (field, value);
