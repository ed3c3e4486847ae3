-- Partitions of `events` that cover a day, a week or a month. Their names tell what they cover: events_YYYY_MM_DD, events_YYYY_wWW (ISO 8601),
-- events_YYYY_MM.

-- What each new partition covers. One row.
create table event_partitioning (
    id    boolean not null default true constraint event_partitioning_pkey primary key,
    -- 'day', 'week' (from Monday) or 'month', in UTC.
    width text not null constraint event_partitioning_width_known check (width in ('day', 'week', 'month')),
    constraint event_partitioning_one_row check (id)
);
insert into event_partitioning (width) values ('month');

-- The attached partitions of `events`: what each covers, in UTC, without the day `until`.
create function event_partitions() returns table (name text, first date, until date) language sql stable as $$
  select relname::text, (bounds[1]::timestamptz at time zone 'UTC')::date, (bounds[2]::timestamptz at time zone 'UTC')::date
  from pg_inherits join pg_class on pg_class.oid = inhrelid,
    regexp_match(pg_get_expr(relpartbound, inhrelid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)') as bounds
  where inhparent = 'events'::regclass and bounds is not null
$$;

-- As before, with partitions of the chosen width for the next days: at least a week, four weeks or three months. Where a week or month would
-- overlap a partition of another width, it creates partitions of a day.
create or replace function create_event_partitions() returns setof text language plpgsql security definer as $$
declare
  chosen text;
  today date := (now() at time zone 'UTC')::date;
  -- The first day that needs no partition yet.
  horizon date;
  place date := today;
  width text;
  first_day date;
  following date;
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
    select until into following from event_partitions() where first <= place and place < until;
    if found then
      place := following;
      continue;
    end if;
    width := chosen;
    first_day := date_trunc(width, place::timestamp);
    following := first_day + ('1 ' || width)::interval;
    if exists (select from event_partitions() where first < following and first_day < until) then
      width := 'day';
      first_day := place;
      following := place + 1;
    end if;
    place := following;
    partition := 'events_' || to_char(first_day, case width when 'day' then 'YYYY_MM_DD' when 'week' then 'IYYY_"w"IW' else 'YYYY_MM' end);
    -- Retention has detached it, which only happens if the clock was ahead.
    continue when to_regclass(partition) is not null;
    -- Rows of up to 2,700 bytes (a third of a page) are not compressed. By default, Postgres compresses rows larger than a quarter of a page.
    -- Most opens and clicks are slightly larger than that; compressing them used 10% of the CPU time and saved little space.
    execute format(
      'create table %I (like events including defaults including constraints including storage) with (toast_tuple_target = 2700)', partition);
    execute format('alter table events attach partition %I for values from (%L) to (%L)',
      partition, first_day || ' 00:00+00', following || ' 00:00+00');
    return next partition;
  end loop;
end
$$;

-- Sets what new partitions cover, and replaces those of today and later that are empty. Returns whether that changed. Inserts wait for it.
create function set_event_partition_width(wanted text) returns boolean language plpgsql security definer as $$
declare
  partition text;
  is_used boolean;
begin
  perform pg_advisory_xact_lock(x'6d6c70617274'::bigint);
  update event_partitioning set width = wanted where width <> wanted;
  if not found then
    return false;
  end if;
  lock table events in access exclusive mode;
  for partition in select name from event_partitions() where until > (now() at time zone 'UTC')::date loop
    execute format('select exists (select from %I)', partition) into is_used;
    if not is_used then
      execute format('drop table %I', partition);
    end if;
  end loop;
  perform create_event_partitions();
  return true;
end
$$;

do $$
declare
  name text;
begin
  foreach name in array array['create_event_partitions()', 'set_event_partition_width(text)'] loop
    execute format('alter function %s set search_path = %I, pg_temp', name, current_schema());
    execute format('alter function %s set timezone = %L', name, 'UTC');
  end loop;
  execute format('alter function set_event_partition_width(text) set lock_timeout = %L', '200ms');
  revoke all on function set_event_partition_width(text) from public;
end
$$;
