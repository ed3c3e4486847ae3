-- Smaller indexes on `events`; see docs/decisions/0079-smaller-indexes.md. A background job builds each on every partition, and then drops the
-- one that it replaces. A database without events gets them at once.
do $$
begin
  if exists (select from events) then
    return;
  end if;
  drop index events_kind_idx, events_sender_idx, events_recipient_idx, events_message_idx;
  -- Lists by kind or sender are in the order of `received_at`. Events of one commit, which share it, take one entry; Postgres sorts them by id.
  create index events_kind_received_at_idx on events (kind, received_at);
  create index events_sender_received_at_idx on events (lower(sender collate "C"), received_at);
  -- A recipient has few events, which take one entry, and a message fewer: Postgres sorts them.
  create index events_recipient_lower_idx on events (lower(recipient collate "C"));
  create index events_message_hash_idx on events using hash (message_id);
end
$$;
