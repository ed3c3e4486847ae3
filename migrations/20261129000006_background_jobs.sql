-- Work on stored rows that must not hold up deliveries: backfills after an upgrade, and builds of indexes. A replica takes a job under
-- an advisory lock, works in short steps, and stores after each step how far it is, so that a crash or a restart costs one step.
create table background_jobs (
    -- The job's name in the program, such as `search_terms`.
    name        text not null constraint background_jobs_pkey primary key,
    -- The version of the job's work. A program with a higher one starts the job from the beginning.
    version     integer not null,
    -- Where the next step continues, in the job's own form. Null at the beginning, and for jobs that find the next rows themselves.
    position    text,
    -- Rows that this version of the job has changed so far.
    changed     bigint not null default 0,
    -- When this version of the job first ran.
    started_at  timestamptz not null default now(),
    -- When the last step ended.
    updated_at  timestamptz not null default now(),
    -- When the job found nothing left to do. Null while there is work.
    finished_at timestamptz
);
