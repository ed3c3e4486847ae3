-- What each user has read of what they were told: everything up to a notification, and single ones beyond it.
alter table users add column read_up_to bigint not null default 0;

create table notification_reads (
    user_id         bigint not null constraint notification_reads_user_fkey references users on delete cascade,
    notification_id bigint not null,
    constraint notification_reads_pkey primary key (user_id, notification_id)
);

-- Nobody begins with a heap of old news.
update users set read_up_to = (select coalesce(max(id), 0) from notifications);
