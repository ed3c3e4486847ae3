-- When the first of an hour's refusals came. Null in rows of services of before, which tell the hour alone.
alter table refusals add column first_at timestamptz;
