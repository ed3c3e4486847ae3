// The routes.

import { parse as parseForm } from "node:querystring";
import formbody from "@fastify/formbody";
import fastify from "fastify";
import pg from "pg";
import { readEvent } from "./reading.js";
import { isGenuine } from "./signature.js";
import { storeEvents } from "./store.js";

// Connections per worker. Additional connections would only queue in Postgres.
const CONNECTIONS = 4;

export function buildApp({ databaseUrl, webhookKey, webhookUrl }) {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: CONNECTIONS });
  // The pool replaces a connection that fails while idle. Without a listener, the error would terminate the process.
  pool.on("error", (error) => console.error(error));

  // An encoded full batch is about 2.3 MB, more than fastify's default limit of 1 MiB.
  const app = fastify({ logger: false, bodyLimit: 64 << 20 });
  // Node's parser takes 16 ms for a full batch; formbody's default parser takes 90 ms.
  app.register(formbody, { parser: (body) => parseForm(body) });
  app.addHook("onClose", () => pool.end());

  app.setErrorHandler((error, request, reply) => {
    const status = error.statusCode ?? 500;
    // Log only internal errors, to stderr.
    if (status >= 500) console.error(error);
    reply.code(status).send({ error: status >= 500 ? "Internal error" : error.message });
  });

  // Succeeds only if the database responds.
  app.get("/healthz", async () => {
    await pool.query("select 1");
    return { status: "ok" };
  });

  app.post("/webhook/", { schema: { response: { 200: RECEIPT } } }, async (request, reply) => {
    const value = request.body?.mandrill_events;
    const signature = request.headers["x-mandrill-signature"];
    if (!isGenuine(webhookKey, webhookUrl, value, signature)) {
      return reply.code(401).send({ error: "The signature is wrong." });
    }
    const elements = parseArray(value);
    if (!elements) {
      return reply.code(400).send({ error: "mandrill_events is not a JSON array." });
    }
    const events = elements.map(readEvent).filter(Boolean);
    return { received: elements.length, stored: await storeEvents(pool, events) };
  });

  return app;
}

// With a schema, fastify compiles a serialiser.
const RECEIPT = {
  type: "object",
  properties: { received: { type: "integer" }, stored: { type: "integer" } },
};

function parseArray(value) {
  try {
    const elements = JSON.parse(value);
    return Array.isArray(elements) ? elements : undefined;
  } catch {
    return undefined;
  }
}
