-- Notifications, the rules that select them, and what each user has read.

-- One row per notification: an event that a rule selects, a message from a user, or an alert.
-- Written by ingest, and by the notifier for messages that users send over a socket. Retention, if configured, deletes old rows.
create table notifications (
    -- Identifies the notification for clients, and orders notifications.
    id         bigint generated always as identity constraint notifications_pkey primary key,
    -- When the notification was stored.
    created_at timestamptz not null default now(),
    -- The event behind an 'open' or 'event'. Null for messages and alerts. Not a foreign key: a notification can outlive its
    -- event.
    event_id   bigint,
    -- The user who sent a message. Null for all other kinds, and after that user's row is deleted.
    sender_id  bigint constraint notifications_sender_fkey references users on delete set null,
    -- 'open' for an opened e-mail, 'event' for any other event, 'message' from a user, or 'alert' from the system.
    kind       text not null constraint notifications_kind_known check (kind in ('open', 'event', 'message', 'alert')),
    -- The users who see it: 'all', 'user:ID', 'role:NAME', 'users:ID,…' or 'all-but:ID,…'.
    audience   text not null constraint notifications_audience_shape
               check (audience ~ '^(all|user:[0-9]+|role:[a-z]+|(users|all-but):[0-9]+(,[0-9]+)*)$'),
    -- One line; 'Erased' after its recipient was erased.
    title      text not null,
    -- Further text; may be empty.
    body       text not null,
    -- `message_id` of the event. Null if the event has none, and for messages and alerts.
    message_id text,
    -- `recipient` of the event. Null if the event has none or the recipient was erased, and for messages and alerts.
    recipient  text
);
-- Finds the few notifications that are not opens without reading the opens in between.
create index notifications_rare_idx on notifications (id) where kind <> 'open';
-- Finds notifications by address, ignoring the case of ASCII letters only, for erasure.
create index notifications_recipient_idx on notifications (lower(recipient collate "C")) where recipient is not null;

-- Events that notify a user. A user without a row is notified of every open; a user with a row, of what its rules select.
create table notification_rules (
    -- The user.
    user_id    bigint not null constraint notification_rules_pkey primary key
               constraint notification_rules_user_fkey references users on delete cascade,
    -- When the user last saved the rules.
    changed_at timestamptz not null default now(),
    -- Array of [{"kinds":[…],"tag":…,"recipient":…}]. All conditions of a rule must hold, and one rule suffices.
    -- An empty array: no event notifies the user.
    rules      jsonb not null constraint notification_rules_is_list check (jsonb_typeof(rules) = 'array')
);

-- Individual notifications that a user has read beyond `users.read_up_to`. Ingest deletes the rows that a higher `read_up_to`
-- covers.
create table notification_reads (
    -- The reader.
    user_id         bigint not null constraint notification_reads_user_fkey references users on delete cascade,
    -- The notification. Not a foreign key, so that retention can delete notifications without checking this table.
    notification_id bigint not null,
    constraint notification_reads_pkey primary key (user_id, notification_id)
);

-- True if an audience includes a user with a role. The planner can inline it, since it depends on nothing but its arguments.
create function includes(audience text, user_id bigint, role text) returns boolean
    language sql immutable parallel safe
    return audience in ('all', 'user:' || user_id::text, 'role:' || role)
        or (audience like 'users:%' and user_id::text = any (string_to_array(substr(audience, 7), ',')))
        or (audience like 'all-but:%' and user_id::text <> all (string_to_array(substr(audience, 9), ',')));
