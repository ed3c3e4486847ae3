-- What differs each time in a bounce's text is also what mail servers name by UUIDs, which may have few digits in a row.
create or replace view events_by_facet as
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
