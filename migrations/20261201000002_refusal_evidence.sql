-- Anyone can post a junk signature. These counts tell refusals that concern Mandrill's deliveries from those that do not.
alter table refusals
  -- How many of `count` one of our keys signed: a near miss, or a form that was refused after its signature was verified.
  add column proven bigint not null default 0,
  -- How many of `count` look like Mandrill's deliveries, without proof: anyone can imitate them.
  add column likely bigint not null default 0;
