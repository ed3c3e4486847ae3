// Relays messages from Redis to every websocket.

import { createServer } from "node:http";
import { Redis } from "ioredis";
import { WebSocketServer } from "ws";

const CHANNEL = "bench";

const publisher = new Redis(process.env.REDIS_URL);
const subscriber = new Redis(process.env.REDIS_URL);
for (const redis of [publisher, subscriber]) redis.on("error", (error) => console.error(error));

const server = createServer(async (request, response) => {
  try {
    response.statusCode = await handle(request);
  } catch (error) {
    console.error(error);
    response.statusCode = 500;
  }
  response.end();
});
// Keep a slow publisher's connection open; Node's default is 5 s.
server.keepAliveTimeout = 60_000;

const sockets = new WebSocketServer({ server, path: "/ws", perMessageDeflate: false });
// ws closes a connection that fails. Without a listener, the error would terminate the process.
sockets.on("connection", (socket) => socket.on("error", () => {}));

subscriber.on("messageBuffer", (_channel, message) => {
  for (const socket of sockets.clients) socket.send(message, { binary: false });
});

await subscriber.subscribe(CHANNEL);
// All clients connect at once, which requires a large backlog; Node's default is 511.
server.listen({ host: "127.0.0.1", port: Number(process.env.PORT), backlog: 4096 });

const stop = () => process.exit(0);
process.on("SIGTERM", stop);
process.on("SIGINT", stop);

/** Handles a request and returns the response status. */
async function handle(request) {
  switch (`${request.method} ${request.url}`) {
    case "GET /healthz":
      await publisher.ping();
      return 200;
    case "POST /publish":
      await publisher.publish(CHANNEL, await bodyOf(request));
      return 200;
    default:
      return 404;
  }
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}
