-- Work on stored rows that must not block deliveries: backfills after an upgrade and index builds. A replica claims a job with an
-- advisory lock, works in short steps, and stores its progress after each step, so that a crash or restart loses at most one
-- step.
create table background_jobs (
    -- The job's name in the program, such as `search_terms`.
    name        text not null constraint background_jobs_pkey primary key,
    -- The version of the job. A program with a higher version restarts the job from the beginning.
    version     integer not null,
    -- Where the next step continues, in the job's own format. Null at the beginning, and for jobs that find the next rows
    -- themselves.
    position    text,
    -- Rows that this version of the job has changed so far.
    changed     bigint not null default 0,
    -- When this version of the job first ran.
    started_at  timestamptz not null default now(),
    -- When the last step ended.
    updated_at  timestamptz not null default now(),
    -- When the job finished. Null while there is work left to do.
    finished_at timestamptz
);
