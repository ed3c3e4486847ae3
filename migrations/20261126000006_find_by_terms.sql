-- Finds events by numbers cut from their text, in an index of a third of what trigrams of whole words cost: those had an entry for
-- each end of a word, which no search asks for. Values that few ask for are found by the same index, instead of by one of their own.
-- What is already there gets them from `ingest migrate` afterwards, in some minutes for each million events, while deliveries come in.
-- The extension `pg_trgm` has no use here any more, and stays for whoever else may use it.
drop index events_search_idx, events_template_idx, events_subaccount_idx, events_url_idx, events_ip_idx;

-- Each three letters in a row, as `ingest/src/terms.rs` says: never negative. Letters are all signs but those of ASCII that are neither
-- letter nor digit.
create function event_grams(search text) returns integer[] language sql immutable parallel safe as $$
    select coalesce(array_agg(distinct ((first << 20) # (second << 10) # third) & 2147483647), '{}')::integer[]
    from (
        select lag(code, 2) over (order by place) as first, lag(code) over (order by place) as second, code as third,
               place - coalesce(max(place) filter (where is_between) over (order by place), 0) as length
        from (
            select ascii(sign)::bigint as code, place, sign ~ '[\u0001-\u007f]' and sign !~ '[0-9A-Za-z]' as is_between
            from unnest(string_to_array(search, null)) with ordinality as signs (sign, place)
        ) as coded
    ) as windows
    where length >= 3
$$;

-- A field's whole value, as `ingest/src/terms.rs` says: always negative, so that it is no gram. None of a value that is null.
create function event_value(field text, value text) returns integer language plpgsql immutable strict parallel safe as $$
declare
    bytes bytea := convert_to(field || '=' || value, 'UTF8');
    hash bigint := 2166136261;
begin
    for place in 0 .. length(bytes) - 1 loop
        hash := ((hash # get_byte(bytes, place)) * 16777619) & 4294967295;
    end loop;
    return (hash | 2147483648) - 4294967296;
end $$;

-- All that an event is found by, in order. Ingest makes the same; this is for events of older versions.
create function event_terms(search text, template text, subaccount text, url text, ip text) returns integer[]
language sql immutable parallel safe as $$
    select coalesce(array_agg(term order by term), '{}') from (
        select unnest(event_grams(search)) as term
        union
        select unnest(array[event_value('template', template), event_value('subaccount', subaccount),
                            event_value('url', url), event_value('ip', ip)])
    ) as terms
    where term is not null
$$;

-- Null in events of older versions, which come as long as one of their services still runs.
alter table events add column terms integer[];
create index events_search_idx on events using gin (terms);
create index events_without_terms_idx on events (received_at, id) where terms is null;

-- How many events have a text like all of these patterns, as the planner believes: it knows that of texts, and not of terms.
create function events_like(patterns text[]) returns float8 language plpgsql as $$
declare plan json;
begin
    execute format('explain (format json) select from events where search like all (%L::text[])', patterns) into plan;
    return plan -> 0 -> 'Plan' ->> 'Plan Rows';
end $$;
