-- Payloads compressed by ingest. The version before does not know the column: ingest compresses nothing until every replica can read it.

-- Dictionaries with which payloads are compressed. Rows are never deleted, because payloads in detached partitions and backups need them too.
create table payload_dictionaries (
    -- When the dictionary was stored.
    created_at timestamptz not null default now(),
    -- The id that compressed payloads contain. Shipped dictionaries have ids below 1000; ingest compresses with the greatest id.
    id         bigint constraint payload_dictionaries_pkey primary key,
    -- SHA-256 of `content`.
    digest     bytea not null,
    -- A dictionary in the format of Zstandard (RFC 8878).
    content    bytea not null
);

-- Adding a nullable column changes no row.
alter table events
    -- The payload as a frame of Zstandard, which names its dictionary. Null if `payload` contains it.
    add column payload_frame bytea,
    -- Whoever erases a payload without knowing of the column fails, instead of leaving the data in it.
    add constraint events_payload_stored_once check (payload_frame is null or payload = '') not valid;
-- A frame cannot be compressed further.
alter table events alter column payload_frame set storage external;

-- A database without events has no replicas of the version before.
insert into upgrade_moments (name, at)
values ('compressed_payloads', case when exists (select from event_keys) then now() + interval '24 hours' else timestamptz 'epoch' end);

-- As before, with the way in which columns are stored.
create or replace function create_event_partitions() returns setof text language plpgsql security definer as $$
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
      'create table %I (like events including defaults including constraints including storage) with (toast_tuple_target = 2700)', partition);
    execute format('alter table events attach partition %I for values from (%L) to (%L)',
      partition, first || ' 00:00+00', (first + interval '1 month')::date || ' 00:00+00');
    return next partition;
  end loop;
end
$$;

do $$
begin
  execute format('alter function create_event_partitions() set search_path = %I, pg_temp', current_schema());
end
$$;
