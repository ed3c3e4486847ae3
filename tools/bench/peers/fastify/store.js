// The SQL that stores events.

const DEADLOCK = "40P01";

// Postgres cannot unnest nested arrays and is slow to parse arrays of jsonb, so tags and metadata are sent as text.
const INSERT = `
  insert into events (
    digest, occurred_at, kind, message_id, recipient, sender, subject, tags, metadata,
    template, subaccount, url, ip, user_agent, country, city, diagnostic, payload
  )
  select
    digest, occurred_at, kind, message_id, recipient, sender, subject, tags::text[], metadata::jsonb,
    template, subaccount, url, ip, user_agent, country, city, diagnostic, payload
  from unnest(
    $1::bytea[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[]
  ) as input (
    digest, occurred_at, kind, message_id, recipient, sender, subject, tags, metadata,
    template, subaccount, url, ip, user_agent, country, city, diagnostic, payload
  )
  on conflict (digest) do nothing`;

/** Stores each event once, with one statement in its own transaction. Returns the number of new events. */
export async function storeEvents(pool, events) {
  if (events.length === 0) return 0;
  // A fixed order prevents deadlocks between batches that share events.
  events.sort((one, other) => Buffer.compare(one.digest, other.digest));
  const column = (read) => events.map(read);
  const statement = {
    // A named statement is prepared once per connection.
    name: "store-events",
    text: INSERT,
    values: [
      column((event) => event.digest),
      column((event) => event.occurredAt),
      column((event) => event.kind),
      column((event) => event.messageId),
      column((event) => event.recipient),
      column((event) => event.sender),
      column((event) => event.subject),
      column((event) => arrayLiteral(event.tags)),
      arrayOfJson(column((event) => event.metadata)),
      column((event) => event.template),
      column((event) => event.subaccount),
      column((event) => event.url),
      column((event) => event.ip),
      column((event) => event.userAgent),
      column((event) => event.country),
      column((event) => event.city),
      column((event) => event.diagnostic),
      arrayOfJson(column((event) => event.payload)),
    ],
  };
  try {
    return (await pool.query(statement)).rowCount;
  } catch (error) {
    if (error.code !== DEADLOCK) throw error;
    return (await pool.query(statement)).rowCount;
  }
}

/**
 * Formats JSON texts as a Postgres array. JSON and Postgres quote these texts in the same way: they differ only on control
 * characters, which JSON texts cannot contain. This takes a few ms for a full batch, where pg's own quoting takes 50.
 */
function arrayOfJson(texts) {
  return `{${texts.map((text) => (text === null ? "NULL" : JSON.stringify(text))).join(",")}}`;
}

/** Formats arbitrary texts as a Postgres array. */
function arrayLiteral(items) {
  const quoted = items.map((item) => `"${item.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`);
  return `{${quoted.join(",")}}`;
}
