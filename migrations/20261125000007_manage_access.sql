-- People are invited, and see and end their sessions.
create table invitations (
    -- SHA-256 of the link's secret, which is shown once.
    token_hash bytea constraint invitations_pkey primary key,
    -- One for each user: a new one replaces the one before.
    user_id    bigint not null constraint invitations_user_key unique
               constraint invitations_user_fkey references users on delete cascade,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);

-- A name for a session that gives nothing away, and what it was begun with.
alter table sessions
    add column id bigint generated always as identity constraint sessions_id_key unique,
    add column user_agent text;
-- Outlives the sessions; written at most once a minute. Not named as in sessions: services of before join both by bare names.
alter table users add column seen_at timestamptz;

-- What was done to accounts and to people's data, and by whom. Says which account by number, and never an address.
create table audit (
    id         bigint generated always as identity constraint audit_pkey primary key,
    at         timestamptz not null default now(),
    -- Null once that user is gone.
    user_id    bigint constraint audit_user_fkey references users on delete set null,
    -- user_added, user_changed, user_invited, token_added, token_revoked, sessions_ended, recipient_erased
    action     text not null,
    -- What it was done to, and how many.
    detail     jsonb not null
);

-- Filters under a name, for oneself or for all.
create table views (
    id         bigint generated always as identity constraint views_pkey primary key,
    user_id    bigint not null constraint views_user_fkey references users on delete cascade,
    name       text not null,
    -- The query string of the events page.
    query      text not null,
    shared     boolean not null,
    created_at timestamptz not null default now(),
    constraint views_name_key unique (user_id, name)
);
