-- Addresses whose data was erased. Ingest asks it before it stores anything older than the erasure, so that late retries of deliveries do not
-- restore the data. The addresses themselves are not stored.
create table erasures (
  -- The order in which erasures were added. Ingest reads them incrementally.
  id bigint generated always as identity constraint erasures_pkey primary key,
  -- When the address was erased. Messages that were sent later are stored.
  erased_at timestamptz not null default now(),
  -- Which SECRET_KEY made `address`: the first 16 hexadecimal digits of a hash of the key.
  key_id text not null,
  -- HMAC-SHA256 of the address in lower case (32 bytes).
  address bytea not null
);
