-- Proved to come from Mandrill (or from a signed-in sender), yet not storable as an event.
create table quarantine (
    id            bigint generated always as identity constraint quarantine_pkey primary key,
    -- SHA-256 of `raw`: the same bytes are kept once, however often they are retried.
    digest        bytea not null constraint quarantine_digest_key unique,
    raw           bytea not null,
    -- A stable code; `detail` says it in words.
    reason        text not null,
    detail        text not null,
    webhook       text,
    simulated     boolean not null,
    received_at   timestamptz not null default now(),
    last_seen_at  timestamptz not null default now(),
    times_seen    integer not null default 1
);

-- Deliveries that were not accepted, folded by reason, network and hour; at most 1,000 rows, no bodies.
create table refusals (
    reason   text not null,
    -- The sender's /24 or /48.
    network  text not null,
    hour     timestamptz not null,
    count    bigint not null,
    last_at  timestamptz not null,
    constraint refusals_pkey primary key (reason, network, hour)
);
create index refusals_last_at_idx on refusals (last_at);
