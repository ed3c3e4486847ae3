-- Who may sign in, and what keeps them signed in.

create table users (
    id            bigint generated always as identity constraint users_pkey primary key,
    -- As it was typed; compared without regard to case.
    email         text not null,
    -- argon2id in PHC form. Null: the account cannot sign in with a password.
    password_hash text,
    role          text not null constraint users_role_known check (role in ('viewer', 'admin')),
    created_at    timestamptz not null default now(),
    -- Set: the account exists for history alone.
    disabled_at   timestamptz
);
create unique index users_email_key on users (lower(email));

create table sessions (
    -- SHA-256 of the cookie's value: a copy of this table signs nobody in.
    id_hash      bytea constraint sessions_pkey primary key,
    user_id      bigint not null constraint sessions_user_fkey references users on delete cascade,
    created_at   timestamptz not null default now(),
    -- Written at most once a minute; the idle limit counts from here.
    last_seen_at timestamptz not null default now(),
    -- The absolute limit.
    expires_at   timestamptz not null
);
create index sessions_user_idx on sessions (user_id);

create table api_tokens (
    id           bigint generated always as identity constraint api_tokens_pkey primary key,
    -- SHA-256 of the token, which is shown once.
    token_hash   bytea not null constraint api_tokens_hash_key unique,
    name         text not null,
    user_id      bigint not null constraint api_tokens_user_fkey references users on delete cascade,
    scopes       text[] not null
                 constraint api_tokens_scopes_known check (scopes <@ array['read', 'simulate']),
    created_at   timestamptz not null default now(),
    last_used_at timestamptz
);

-- Failed sign-ins, by account and by network. Shared by all replicas; rows past their window are swept.
create table sign_in_failures (
    -- 'account:…' (a hash of the address) or 'network:…'.
    subject    text constraint sign_in_failures_pkey primary key,
    failures   integer not null,
    started_at timestamptz not null default now()
);
