-- What a role that may not change tables needs done all the same. The functions run with the rights of the owner of the tables. They take no
-- argument and have a fixed search path, so that a caller cannot have anything else done. `ingest migrate` lets the role of the services call
-- them.

-- Creates the missing partitions of `events` for this month and the next three. Returns the names of those that it created. It does not block
-- inserts, because each table is created separately and then attached.
create function create_event_partitions() returns setof text language plpgsql security definer as $$
declare
  first date;
  partition text;
begin
  -- One caller at a time.
  perform pg_advisory_xact_lock(x'6d6c70617274'::bigint);
  for ahead in 0..3 loop
    first := date_trunc('month', now() at time zone 'UTC') + make_interval(months => ahead);
    partition := 'events_' || to_char(first, 'YYYY_MM');
    continue when to_regclass(partition) is not null;
    -- Rows of up to 2,700 bytes (a third of a page) are not compressed. By default, Postgres compresses rows larger than a quarter of a page.
    -- Most opens and clicks are slightly larger than that; compressing them used 10% of the CPU time and saved little space.
    execute format(
      'create table %I (like events including defaults including constraints) with (toast_tuple_target = 2700)', partition);
    execute format('alter table events attach partition %I for values from (%L) to (%L)',
      partition, first || ' 00:00+00', (first + interval '1 month')::date || ' 00:00+00');
    return next partition;
  end loop;
end
$$;

-- Merges the pending list of the search index of every partition. Returns the greatest number of pages that one had; null without the index.
create function merge_search_index() returns bigint language sql security definer as $$
  select max(gin_clean_pending_list(inhrelid)) from pg_inherits where inhparent = to_regclass('events_search_idx')
$$;

-- Counts the values that filters suggest again.
create function refresh_recent_values() returns void language sql security definer as $$
  refresh materialized view concurrently recent_values
$$;

do $$
declare
  name text;
begin
  foreach name in array array['create_event_partitions', 'merge_search_index', 'refresh_recent_values'] loop
    -- Temporary objects come last: otherwise, those of a caller would hide ours.
    execute format('alter function %I() set search_path = %I, pg_temp', name, current_schema());
    execute format('revoke all on function %I() from public', name);
  end loop;
end
$$;
