-- Users and tokens that are limited to a part of all events.

-- The events that the user may see: {"subaccounts": [...], "tags": [...], "domains": [...]}, those that match any of the values. Null for all
-- events. Domains are those of senders, in lower case.
alter table users add column restriction jsonb constraint users_restriction_object check (jsonb_typeof(restriction) = 'object');
-- The same for a token, in addition to what its user is limited to.
alter table api_tokens add column restriction jsonb constraint api_tokens_restriction_object check (jsonb_typeof(restriction) = 'object');

-- True if a restriction selects an event with these values, or is null.
create function meets(restriction jsonb, kind text, subaccount text, tags text[], sender text) returns boolean
    language sql immutable parallel safe
    return restriction is null
        or coalesce(restriction -> 'subaccounts' ? subaccount, false)
        or coalesce(restriction -> 'tags' ?| tags, false)
        or coalesce(kind <> 'inbound' and sender like '%@%'
                    and restriction -> 'domains' ? lower(split_part(sender, '@', -1) collate "C"), false);

-- The tags of a visible event for each of which alone the caller would see it: the names that are suggested and counted.
create function visible_tags(restrictions jsonb, kind text, subaccount text, tags text[], sender text) returns text[]
    language sql immutable parallel safe
    return array(
        select tag from unnest(tags) as tag
        where meets(restrictions -> 'user', kind, subaccount, array[tag], sender)
          and meets(restrictions -> 'token', kind, subaccount, array[tag], sender)
    );

-- True if a caller sees an event with these values. `restrictions` has the caller's `user` and `token` restrictions, and is null if there is none.
-- `shared/src/visibility.rs` decides the same in memory. The planner inlines both functions, since they contain no queries.
create function is_visible(restrictions jsonb, kind text, subaccount text, tags text[], sender text) returns boolean
    language sql immutable parallel safe
    return restrictions is null
        or (meets(restrictions -> 'user', kind, subaccount, tags, sender)
            and meets(restrictions -> 'token', kind, subaccount, tags, sender));

-- True if a caller sees a notification: it is about no event, or about a visible one. A notification is stored in the transaction of its event, so
-- that both have the same time. Once the event is dropped, only callers without restrictions see the notification.
create function is_told(restrictions jsonb, event_id bigint, told_at timestamptz) returns boolean
    language sql stable parallel safe
    return restrictions is null or event_id is null or exists (
        select from events
        where received_at = told_at and events.id = event_id
          and is_visible(restrictions, events.kind, events.subaccount, events.tags, events.sender)
    );
