-- Accounts: users, the credentials that authenticate them, saved views, and the audit log.
-- Timestamps in all tables use the database's clock. All tables are written by ingest unless a comment names another program.

-- One row per account. Accounts are disabled rather than deleted, so that messages and audit entries keep their author.
create table users (
    -- Identifies the account in other tables, in the API and in notification audiences.
    id            bigint generated always as identity constraint users_pkey primary key,
    -- When the account was added by an admin, by `ingest user add`, or by a first sign-in through OpenID Connect.
    created_at    timestamptz not null default now(),
    -- Last request in any session, including sessions that have ended. Set at sign-in, then updated by ingest and the notifier
    -- at most once a minute. Null until the first sign-in.
    seen_at       timestamptz,
    -- When an admin disabled the account. Null while the account is active.
    disabled_at   timestamptz,
    -- The user has read every notification up to and including this id. A new account starts at the newest notification;
    -- 0 means none. `notification_reads` lists single notifications read beyond this id.
    read_up_to    bigint not null default 0,
    -- E-mail address as entered, unique regardless of case.
    email         text not null,
    -- 'viewer' or 'admin'.
    role          text not null constraint users_role_known check (role in ('viewer', 'admin')),
    -- argon2id hash in PHC string format. Null until the user sets a password; such an account cannot sign in with one.
    password_hash text,
    -- Issuer URL of the OpenID Connect provider. Null until the user has signed in through the provider.
    oidc_issuer   text,
    -- The provider's `sub` claim for this user. Null exactly when `oidc_issuer` is null.
    oidc_subject  text,
    constraint users_oidc_whole check ((oidc_issuer is null) = (oidc_subject is null)),
    constraint users_oidc_key unique (oidc_issuer, oidc_subject)
);
create unique index users_email_key on users (lower(email));

-- Sessions of the dashboard. Ingest and the notifier check them; ingest deletes expired ones.
create table sessions (
    -- Identifies the session in the API without revealing anything about its cookie.
    id           bigint generated always as identity constraint sessions_id_key unique,
    -- The signed-in user.
    user_id      bigint not null constraint sessions_user_fkey references users on delete cascade,
    -- Time of the sign-in.
    created_at   timestamptz not null default now(),
    -- Last request, or last check of an open live connection. Updated by ingest and the notifier at most once a minute.
    -- The session ends after 8 idle hours.
    last_seen_at timestamptz not null default now(),
    -- Absolute limit, 7 days after the sign-in.
    expires_at   timestamptz not null,
    -- SHA-256 of the cookie's value (32 bytes), so that a copy of this table does not let anyone sign in.
    id_hash      bytea constraint sessions_pkey primary key,
    -- First 256 characters of the User-Agent header at sign-in. Null if the header was missing or not plain ASCII.
    user_agent   text
);
create index sessions_user_idx on sessions (user_id);

-- One-time links with which a user sets a password. An admin creates them for new accounts and forgotten passwords.
-- A link is deleted when it is used, when the account changes its password or is disabled, and after it expires.
create table invitations (
    -- The invited user. Each user has one link: a new one replaces the old one.
    user_id    bigint not null constraint invitations_user_key unique
               constraint invitations_user_fkey references users on delete cascade,
    -- When the current link was created.
    created_at timestamptz not null default now(),
    -- When the link stops working, 3 days after its creation.
    expires_at timestamptz not null,
    -- SHA-256 of the link's secret (32 bytes). The secret itself is shown once and not stored.
    token_hash bytea constraint invitations_pkey primary key
);

-- Bearer tokens for programs that use the API.
create table api_tokens (
    -- Identifies the token in the API and in the audit log.
    id           bigint generated always as identity constraint api_tokens_pkey primary key,
    -- The user on whose behalf the token acts. It stops working while that user is disabled.
    user_id      bigint not null constraint api_tokens_user_fkey references users on delete cascade,
    -- When the token was created.
    created_at   timestamptz not null default now(),
    -- Last use, updated by ingest and the notifier at most once a minute. Null until the first use.
    last_used_at timestamptz,
    -- SHA-256 of the token (32 bytes). The token itself is shown once and not stored.
    token_hash   bytea not null constraint api_tokens_hash_key unique,
    -- Label given when the token was created.
    name         text not null,
    -- Permissions: 'read' to read events and reports, 'simulate' to post simulated events.
    scopes       text[] not null
                 constraint api_tokens_scopes_known check (scopes <@ array['read', 'simulate'])
);

-- Failed password checks by account and by network, in windows of 15 minutes. All replicas share these counters to slow down
-- password guessing. Ended windows are deleted.
create table sign_in_failures (
    -- Start of the window.
    started_at timestamptz not null default now(),
    -- Attempts in this window that have not succeeded. An attempt counts before its password is checked; a success resets the
    -- account's counter and takes its own attempt off the network's.
    failures   integer not null,
    -- 'account:' with the hexadecimal SHA-256 of the lower-case address, or 'network:' with the client's /24 or /48.
    subject    text constraint sign_in_failures_pkey primary key
);

-- Named filters of the events page.
create table views (
    -- Identifies the view in the API.
    id         bigint generated always as identity constraint views_pkey primary key,
    -- The owner.
    user_id    bigint not null constraint views_user_fkey references users on delete cascade,
    -- When the view was first saved.
    created_at timestamptz not null default now(),
    -- True if all users see the view, false if only the owner does.
    shared     boolean not null,
    -- Name shown in the dashboard, unique for each owner.
    name       text not null,
    -- Query string of the events page.
    query      text not null,
    constraint views_name_key unique (user_id, name)
);

-- Audit log of changes to accounts, tokens and personal data. It identifies accounts by id and contains no addresses.
create table audit (
    -- Orders the entries.
    id      bigint generated always as identity constraint audit_pkey primary key,
    -- When the action was taken.
    at      timestamptz not null default now(),
    -- The user who took the action. Null after that user's row is deleted.
    user_id bigint constraint audit_user_fkey references users on delete set null,
    -- One of user_added, user_changed, user_invited, user_linked, token_added, token_revoked, sessions_ended, recipient_erased.
    action  text not null,
    -- Object with the affected ids, new values or counts. For an erasure, the SHA-256 of the address instead of the address.
    detail  jsonb not null
);
