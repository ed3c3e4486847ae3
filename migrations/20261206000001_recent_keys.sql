-- Keys of repeats in a window: a key is needed only while its event is recent. Later, a repeat is recognised by the digest in the event's row.
-- See docs/decisions/0077-keys-in-a-window.md. Until the moment `recent_keys`, every event has its key in `event_keys`, as before.

-- Adding a nullable column changes no row.
alter table events
    -- Identifies the event: the same 16 bytes as in `event_keys`. Null in rows of older versions, whose keys stay in `event_keys`.
    add column digest uuid;

-- Keys of events that happened since the first day of the window: two bytes for the day of the event's `ts`, counted from 1970, and the first 14
-- bytes of its digest. Partitions cover a week and are called recent_keys_WEEK, counted from 1970.
create table recent_keys (
    key uuid not null constraint recent_keys_pkey primary key
) partition by range (key);
-- Days that have no partition yet.
create table recent_keys_other partition of recent_keys default;

-- Digests of events that happened before the window and were stored in the last days, so that concurrent deliveries store them once.
create table late_keys (
    -- When the event was stored.
    stored_at timestamptz not null default now(),
    digest    uuid constraint late_keys_pkey primary key
);
create index late_keys_stored_at_idx on late_keys (stored_at);

-- Digests of events whose partition retention has dropped, for 30 days.
create table retired_digests (
    -- The first 12 bits of the digests.
    bucket  bigint not null,
    -- Name of the partition.
    name    text not null,
    -- The digests, one after another.
    digests bytea not null,
    constraint retired_digests_pkey primary key (bucket, name)
);
alter table retired_digests alter column digests set storage external;

-- The window. One row.
create table key_window (
    id          boolean not null default true constraint key_window_pkey primary key,
    -- When the window last moved.
    changed_at  timestamptz not null default now(),
    -- The first day with keys, counted from 1970. Always the first day of a week, counted in the same way.
    first_day   bigint not null,
    -- Events of earlier days are late: they are looked for in the rows too. It moves first, and `first_day` follows.
    late_before bigint not null,
    constraint key_window_one_row check (id)
);
insert into key_window (first_day, late_before)
select first_day, first_day from (select (extract(epoch from now())::bigint / 86400 / 7 - 7)::integer * 7) as week (first_day);

-- A database without events has no replicas of the version before.
insert into upgrade_moments (name, at)
values ('recent_keys', case when exists (select from event_keys) then now() + interval '24 hours' else timestamptz 'epoch' end);

-- Stores the keys of events, and returns the digests of those that are new. `keys` and `days` are null for events without a message or a usable `ts`,
-- which have their keys in `event_keys` for as long as their partition exists.
create function claim_keys(digests uuid[], keys uuid[], days integer[], messages text[]) returns setof uuid language plpgsql as $$
declare
  today integer := extract(epoch from now())::bigint / 86400;
  window_start integer;
  late_day integer;
  starts timestamptz;
  -- Events of later days cannot have been stored by the version before.
  known_before integer;
begin
  select first_day, late_before, at into strict window_start, late_day, starts from key_window, upgrade_moments where name = 'recent_keys';
  known_before := extract(epoch from starts)::bigint / 86400 + 400;

  if now() >= starts + interval '1 hour'
     and not exists (select from unnest(days) as day where day is null or day < greatest(late_day, known_before) or day > today + 1) then
    return query
      with given as (select * from unnest(digests, keys) as given (digest, key)),
           fresh as (insert into recent_keys select given.key from given on conflict do nothing returning recent_keys.key)
      select given.digest from given join fresh on fresh.key = given.key;
    return;
  end if;

  return query
    with given as (
      select *,
             -- For an hour, both tables have the key, because replicas see the moment pass while they commit.
             day is null or day > today + 1 or now() < starts + interval '1 hour' as is_lasting,
             day is not null and now() >= starts and day < late_day as is_late,
             day is not null and now() >= starts and day >= window_start as is_recent
      from unnest(digests, keys, days, messages) as given (digest, key, day, message)
    ), unknown as (
      select * from given where not (
        not is_lasting and (is_late or day < known_before)
          and exists (select from event_keys where event_keys.digest = uuid_send(given.digest))
        or is_late and (
          exists (select from events where message_id = given.message and received_at >= to_timestamp((day - 1) * 86400.0) and events.digest = given.digest)
          or exists (select from retired_digests
                     where retired_digests.bucket = get_byte(uuid_send(given.digest), 0) << 4 | get_byte(uuid_send(given.digest), 1) >> 4
                       and position(uuid_send(given.digest) in retired_digests.digests) > 0)))
    ), lasting as (
      insert into event_keys (digest) select uuid_send(unknown.digest) from unknown where is_lasting
      on conflict do nothing returning event_keys.digest
    ), late as (
      insert into late_keys (digest) select unknown.digest from unknown where is_late on conflict do nothing returning late_keys.digest
    ), recent as (
      insert into recent_keys select unknown.key from unknown where is_recent on conflict do nothing returning recent_keys.key
    )
    select unknown.digest from unknown
    where (not is_lasting or uuid_send(unknown.digest) in (select lasting.digest from lasting))
      and (not is_late or unknown.digest in (select late.digest from late))
      and (not is_recent or unknown.key in (select recent.key from recent));
end
$$;

-- Moves the window, so that it begins at least `wanted_days` ago, in steps that are ten minutes apart: the days are first looked for in the rows as
-- well, then they get no more keys, and then their keys are dropped. A statement takes less than that. Creates the partitions of the next weeks.
create function move_key_window(wanted_days integer) returns void language plpgsql security definer as $$
declare
  today integer := extract(epoch from now())::bigint / 86400;
  target integer := (today - wanted_days) / 7 * 7;
  state key_window;
  partition text;
  lower uuid;
  upper uuid;
begin
  -- One caller at a time.
  perform pg_advisory_xact_lock(x'6d6c6b657973'::bigint);
  select * into strict state from key_window;
  for week in state.first_day / 7 .. today / 7 + 2 loop
    partition := 'recent_keys_' || week;
    continue when to_regclass(partition) is not null;
    lower := rpad(lpad(to_hex(week * 7), 4, '0'), 32, '0')::uuid;
    upper := rpad(lpad(to_hex(week * 7 + 7), 4, '0'), 32, '0')::uuid;
    -- Nobody may add a key of this week to the default partition while it is replaced.
    lock table recent_keys_other in access exclusive mode;
    execute format('create table %I (like recent_keys including defaults including constraints)', partition);
    execute format('with moved as (delete from recent_keys_other where key >= %L and key < %L returning key) insert into %I select key from moved',
                   lower, upper, partition);
    execute format('alter table recent_keys attach partition %I for values from (%L) to (%L)', partition, lower, upper);
  end loop;

  if state.changed_at > now() - interval '10 minutes' and state.changed_at <= now() then
    return;
  end if;
  if state.first_day < state.late_before then
    update key_window set first_day = late_before, changed_at = now();
  elsif state.late_before < target then
    update key_window set late_before = target, changed_at = now();
  else
    for partition in select relname from pg_class join pg_inherits on inhrelid = pg_class.oid
                     where inhparent = 'recent_keys'::regclass and relname ~ '^recent_keys_[0-9]+$'
                       and substr(relname, 13)::integer * 7 + 7 <= state.first_day loop
      execute format('drop table %I', partition);
    end loop;
  end if;
end
$$;

do $$
begin
  execute format('alter function move_key_window(integer) set search_path = %I, pg_temp', current_schema());
  alter function move_key_window(integer) set lock_timeout = '200ms';
  revoke all on function move_key_window(integer) from public;
end
$$;
