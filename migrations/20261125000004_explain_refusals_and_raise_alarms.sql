-- Why a signature was refused, where a small mistake of set-up explains it.
alter table refusals
    -- Codes joined by '+', such as 'scheme+slash'; null where nothing was found or nobody looked.
    add column near_miss text,
    -- What to change, in words; credentials are masked.
    add column hint text;

-- What is wrong just now, so that people are told once when it begins and once when it ends.
create table alarms (
    name       text constraint alarms_pkey primary key,
    raised     boolean not null,
    -- Since when it is raised, or is not.
    changed_at timestamptz not null default now(),
    detail     text not null
);
