-- What events notify a user. Who has no row is told of every open; who has one, of what its rules select.
create table notification_rules (
    user_id    bigint not null constraint notification_rules_pkey primary key
               constraint notification_rules_user_fkey references users on delete cascade,
    -- [{"kinds":[…],"tag":…,"recipient":…}]; all conditions of one must hold.
    rules      jsonb not null constraint notification_rules_is_list check (jsonb_typeof(rules) = 'array'),
    changed_at timestamptz not null default now()
);

-- An event of another kind than open, and some users instead of all.
alter table notifications
    drop constraint notifications_kind_known,
    add constraint notifications_kind_known check (kind in ('open', 'event', 'message', 'alert')),
    drop constraint notifications_audience_shape,
    add constraint notifications_audience_shape
        check (audience ~ '^(all|user:[0-9]+|role:[a-z]+|(users|all-but):[0-9]+(,[0-9]+)*)$');

-- All but opens are few, and found among them without looking at these.
create index notifications_rare_idx on notifications (id) where kind <> 'open';

-- True when an audience includes a user of a role. Written so that Postgres puts it in place of its calls: nothing in it depends on settings.
create function includes(audience text, user_id bigint, role text) returns boolean
    language sql immutable parallel safe
    return audience in ('all', 'user:' || user_id::text, 'role:' || role)
        or (audience like 'users:%' and user_id::text = any (string_to_array(substr(audience, 7), ',')))
        or (audience like 'all-but:%' and user_id::text <> all (string_to_array(substr(audience, 9), ',')));
