-- One row that idle services update to find out whether Postgres accepts writes.
create table write_probe (
  -- Always true, so that there is one row.
  one boolean primary key default true check (one),
  -- When a service last wrote it.
  at timestamptz not null
);
-- The row changes every second; room on its page keeps these updates out of the index.
alter table write_probe set (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
