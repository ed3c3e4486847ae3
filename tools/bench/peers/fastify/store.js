// All of the SQL.

const DEADLOCK = "40P01";

// Arrays within arrays cannot be unnested and arrays of jsonb are slow to read, so tags and metadata travel as text.
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

/** Stores each event once, in one statement of its own transaction. Gives how many were new. */
export async function storeEvents(pool, events) {
  if (events.length === 0) return 0;
  // In one order everywhere: two batches that share events would otherwise wait for each other's rows.
  events.sort((one, other) => Buffer.compare(one.digest, other.digest));
  const column = (read) => events.map(read);
  const statement = {
    // A name makes it a prepared statement, planned once for each connection.
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
 * An array of JSON texts, as Postgres writes it. Both quote alike what JSON texts are made of (control characters, on which
 * they differ, cannot occur in them), and this takes a few ms for a full batch where pg's own quoting takes 50.
 */
function arrayOfJson(texts) {
  return `{${texts.map((text) => (text === null ? "NULL" : JSON.stringify(text))).join(",")}}`;
}

/** An array of any texts, as Postgres writes it. */
function arrayLiteral(items) {
  const quoted = items.map((item) => `"${item.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`);
  return `{${quoted.join(",")}}`;
}
