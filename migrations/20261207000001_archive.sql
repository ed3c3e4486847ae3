-- Partitions that are kept as Parquet files in an object storage. See docs/decisions/0078-archive-before-dropping.md.

-- Partitions that are archived, or are being archived.
create table archived_partitions (
    -- When archiving began.
    began_at    timestamptz not null default now(),
    -- When all files had been read back and compared. Null until then: the partition may not be dropped.
    archived_at timestamptz,
    -- When the partition was last restored. Null unless it is restored: retention leaves it alone.
    restored_at timestamptz,
    -- The events of the partition were received from this time on, ...
    first       timestamptz not null,
    -- ... and before this time.
    until       timestamptz not null,
    -- Name of the partition.
    name        text constraint archived_partitions_pkey primary key
);

-- The files of a partition. Their events follow each other by `received_at` and `id`.
create table archived_files (
    -- Number of events.
    events            bigint not null,
    -- Size in bytes.
    bytes             bigint not null,
    -- The last event of the file: `received_at` and `id`.
    last_received_at  timestamptz not null,
    last_id           bigint not null,
    -- The greatest id in `erasures` that has been applied to the file.
    erasures_through  bigint not null,
    -- Counts the files of a partition from 1.
    number            bigint not null,
    -- Name of the partition.
    partition         text not null constraint archived_files_partition_fkey references archived_partitions,
    -- Path below ARCHIVE_URL.
    path              text not null,
    -- SHA-256 of the file.
    digest            bytea not null,
    -- Sum of the first 60 bits of the digests of its events.
    digest_sum        numeric not null,
    -- Messages whose events in this file were erased.
    erased_messages   text[] not null,
    constraint archived_files_pkey primary key (partition, number)
);
