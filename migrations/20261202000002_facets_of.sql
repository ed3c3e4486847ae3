-- The facets of an event: `facet` names the property, and `name` is its value. Statistics of all events read the counts of `event_facets`, and those
-- of selected events call this function.
create function facets_of(
    kind text, recipient text, sender text, tags text[], template text, subaccount text, diagnostic text
) returns table (facet text, name text) language sql immutable parallel safe as $$
    select 'domain', lower(split_part(recipient, '@', -1)) where recipient like '%@_%'
    union all
    select distinct 'tag', tag from unnest(tags) as tag where tag <> ''
    union all
    select 'template', template where template <> ''
    union all
    select 'subaccount', subaccount where subaccount <> ''
    union all
    -- Senders of inbound mail are strangers.
    select 'sender', lower(sender collate "C") where sender <> '' and kind <> 'inbound'
    union all
    select 'bounce', bounce_text(diagnostic) where kind in ('hard_bounce', 'soft_bounce') and diagnostic <> ''
$$;

create or replace view events_by_facet as
select received_at, simulated, kind, facet, name
from events cross join lateral facets_of(kind, recipient, sender, tags, template, subaccount, diagnostic);
