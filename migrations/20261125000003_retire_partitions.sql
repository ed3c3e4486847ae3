-- Months that retention has dropped, and when: their keys are forgotten 30 days later, and not before, however late the drop was.
create table retired_partitions (
    name       text constraint retired_partitions_pkey primary key,
    -- The end of the month: every event received before it is gone.
    until      timestamptz not null,
    retired_at timestamptz not null default now(),
    -- Set once the keys of its events are forgotten.
    forgotten_at timestamptz
);
