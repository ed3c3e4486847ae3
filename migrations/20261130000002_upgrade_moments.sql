-- Moments from which every replica does something in a new way at once, so that old and new replicas can run side by side before.
create table upgrade_moments (
    -- When the new way begins. An operator can move it while it is in the future.
    at   timestamptz not null,
    -- 'sync_senders': sync events with a `ts` from this moment on are identified by their sender too.
    name text constraint upgrade_moments_pkey primary key
);
-- A database without events has no replicas of the version before.
insert into upgrade_moments (name, at)
values ('sync_senders', case when exists (select from event_keys) then now() + interval '24 hours' else timestamptz 'epoch' end);
