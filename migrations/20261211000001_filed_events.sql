-- Events that are stored long after they happened: they are filed under the time of the event. See docs/decisions/0075-file-fetched-events-when-they-happened.md
-- and docs/decisions/0084-import-through-the-same-commit.md.

-- Adding nullable columns changes no row.
alter table events
    -- 'import' if `ingest import` stored the event. Null if it arrived in a delivery.
    add column source    text,
    -- When the event was stored, if it has a `source`: `received_at` is then the time of the event. Null for all others.
    add column stored_at timestamptz;

alter table quarantine
    -- As in `events`.
    add column source text;

-- How far imports have come, so that one that was interrupted continues.
create table imports (
    -- When an import of this file last stored its position.
    advanced_at timestamptz not null default now(),
    -- Number of elements, from the start of the file, that have been stored or quarantined.
    elements    bigint not null,
    -- Identifies the file: SHA-256 of its size and its first 64 KiB.
    digest      bytea constraint imports_pkey primary key
);

-- Creates the partition of `events` that covers a day, unless it exists or retention has dropped it. `created` is its name, or null;
-- `following` is the first day after what covers this day.
create function create_event_partition_of(day date, out created text, out following date) language plpgsql as $$
declare
  width text;
  first_day date;
  partition text;
begin
  select until into following from event_partitions() where first <= day and day < until;
  if found then
    return;
  end if;
  select event_partitioning.width into strict width from event_partitioning;
  first_day := date_trunc(width, day::timestamp);
  following := first_day + ('1 ' || width)::interval;
  if exists (select from event_partitions() where first < following and first_day < until) then
    width := 'day';
    first_day := day;
    following := day + 1;
  end if;
  partition := 'events_' || to_char(first_day, case width when 'day' then 'YYYY_MM_DD' when 'week' then 'IYYY_"w"IW' else 'YYYY_MM' end);
  -- Retention has detached it. For a day to come, that only happens if the clock was ahead.
  if to_regclass(partition) is not null then
    return;
  end if;
  -- Rows of up to 2,700 bytes (a third of a page) are not compressed. By default, Postgres compresses rows larger than a quarter of a page.
  -- Most opens and clicks are slightly larger than that; compressing them used 10% of the CPU time and saved little space.
  execute format(
    'create table %I (like events including defaults including constraints including storage) with (toast_tuple_target = 2700)', partition);
  execute format('alter table events attach partition %I for values from (%L) to (%L)',
    partition, first_day || ' 00:00+00', following || ' 00:00+00');
  created := partition;
end
$$;

-- As before.
create or replace function create_event_partitions() returns setof text language plpgsql security definer as $$
declare
  chosen text;
  today date := (now() at time zone 'UTC')::date;
  -- The first day that needs no partition yet.
  horizon date;
  place date := today;
  partition text;
begin
  -- One caller at a time.
  perform pg_advisory_xact_lock(x'6d6c70617274'::bigint);
  select event_partitioning.width into strict chosen from event_partitioning;
  horizon := case chosen
    when 'day' then today + 8
    when 'week' then date_trunc('week', today::timestamp) + interval '5 weeks'
    else date_trunc('month', today::timestamp) + interval '4 months'
  end;
  while place < horizon loop
    select created, following into partition, place from create_event_partition_of(place);
    if partition is not null then
      return next partition;
    end if;
  end loop;
end
$$;

-- Those of these days whose events cannot be stored any more, because retention has archived or dropped days that are as late. Creates the
-- partitions of all others if `wanted`.
create function past_event_partitions(days date[], wanted boolean) returns setof date language plpgsql security definer as $$
declare
  today date := (now() at time zone 'UTC')::date;
  -- Where the clock was ahead, retention may have dropped days to come.
  kept_from date := least(today, coalesce(
    greatest((select max(until) from retired_partitions), (select max(until) from archived_partitions where archived_at is not null))
      at time zone 'UTC', '2000-01-01'));
  day date;
begin
  for day in select distinct unnest(days) loop
    if day < kept_from then
      return next day;
    elsif wanted and not exists (select from event_partitions() where first <= day and day < until) then
      perform pg_advisory_xact_lock(x'6d6c70617274'::bigint);
      perform create_event_partition_of(day);
    end if;
  end loop;
end
$$;

do $$
declare
  name text;
begin
  foreach name in array array['create_event_partition_of(date)', 'create_event_partitions()', 'past_event_partitions(date[], boolean)'] loop
    execute format('alter function %s set search_path = %I, pg_temp', name, current_schema());
    execute format('alter function %s set timezone = %L', name, 'UTC');
    execute format('revoke all on function %s from public', name);
  end loop;
end
$$;
