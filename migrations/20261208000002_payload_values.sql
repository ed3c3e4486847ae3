-- The values of columns that a payload may repeat. Compressed payloads contain marks instead of them, whose meaning is the order here; ingest has the
-- same. See docs/decisions/0080-values-once.md.
create function payload_values(event events) returns text[] language sql immutable parallel safe as $$
  select array[event.message_id, event.recipient, event.sender, event.subject, event.template, event.url, event.ip, event.user_agent,
               event.diagnostic, event.country, event.city, event.tags[1], event.tags[2]]
$$;
