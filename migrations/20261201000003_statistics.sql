-- The text of a bounce without what differs between bounces of the same cause: addresses, links, servers, ids and numbers. The SMTP code and
-- the enhanced status code at its start remain.
create function bounce_text(diagnostic text) returns text language sql immutable parallel safe
    return (
        with parts as (
            select coalesce(substring(diagnostic from '^\s*(?:smtp;\s*)?(?:[245]\d\d[ -]+)?(?:[245]\.\d{1,3}\.\d{1,3}[ :-]+)?'), '') as code
        ), masked as (
            select code,
                   regexp_replace(regexp_replace(regexp_replace(substr(diagnostic, length(code) + 1),
                       '\m[a-z][a-z0-9+.-]*://\S+', '(link)', 'gi'),
                       '<?[^\s<>]+@[^\s<>]+>?', '(address)', 'g'),
                       '\[[0-9a-f.:]{3,}\]|\m\d{1,3}(?:\.\d{1,3}){3}\M|\m(?:[0-9a-f]{1,4}:){2,}[0-9a-f:]+\M|\m(?:[a-z0-9_-]+\.)+[a-z]{2,}\M',
                       '(server)', 'gi') as rest
            from parts
        )
        select left(regexp_replace(code || regexp_replace(rest, '\m[\w-]*\d[\w-]*\M', '#', 'g'), '\s+', ' ', 'g'), 200) from masked
    );

-- As before, but a name counts once for each event, empty names are none, and bounces share the text above.
create or replace view events_by_facet as
select received_at, simulated, kind, facet, name
from events cross join lateral (
    select 'domain' as facet, lower(split_part(recipient, '@', -1)) as name where recipient like '%@_%'
    union all
    select distinct 'tag', tag from unnest(tags) as tag where tag <> ''
    union all
    select 'template', template where template <> ''
    union all
    select 'bounce', bounce_text(diagnostic) where kind in ('hard_bounce', 'soft_bounce') and diagnostic <> ''
) as counted;

-- Hours before this were counted before bounce texts and names had their present form. A background job counts them again where the events
-- are still stored.
alter table event_facets_until add column outdated_until timestamptz;
update event_facets_until set outdated_until = until;
