-- What is in quarantine can be tried again, or discarded; by whom and when is remembered.
alter table quarantine
    -- What `raw` is: one element, the whole value of a delivery, or an item that Redis refused to relay.
    add column origin text not null default 'element'
        constraint quarantine_origin_known check (origin in ('element', 'delivery', 'outbox')),
    add column state text not null default 'open'
        constraint quarantine_state_known check (state in ('open', 'retried', 'discarded')),
    add column resolved_at timestamptz,
    add column resolved_by bigint constraint quarantine_resolver_fkey references users on delete set null,
    -- What came of the retry, or why it was discarded.
    add column resolution text,
    add constraint quarantine_resolved_whole check ((state = 'open') = (resolved_at is null));

update quarantine set origin = 'delivery' where reason in ('not_utf8', 'not_an_array', 'too_many_elements');
update quarantine set origin = 'outbox' where reason = 'not_relayed';

create index quarantine_state_idx on quarantine (state, id);
