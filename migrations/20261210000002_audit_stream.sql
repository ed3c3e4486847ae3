-- Streaming of the audit log to a file or to syslog.

-- When the entry was streamed; null until then, and always if nothing is configured.
alter table audit add column streamed_at timestamptz;
-- Entries still to be streamed. The table is small: it has what admins changed.
-- squawk-ignore require-concurrent-index-creation
create index audit_unstreamed on audit (id) where streamed_at is null;
