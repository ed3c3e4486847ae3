// Emits each posted message to every socket on this replica and on others that share its Redis.

import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { Redis } from "ioredis";
import { Server } from "socket.io";

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

// Connection state recovery is off by default.
const io = new Server(server, {
  adapter: createAdapter(publisher, subscriber),
  transports: ["websocket"],
  serveClient: false,
  perMessageDeflate: false,
  httpCompression: false,
});

// All clients connect at once, which requires a large backlog; Node's default is 511.
server.listen({ host: "127.0.0.1", port: Number(process.env.PORT), backlog: 4096 });

const stop = () => process.exit(0);
process.on("SIGTERM", stop);
process.on("SIGINT", stop);

/** Handles a request and returns the response status. */
async function handle(request) {
  switch (`${request.method} ${request.url}`) {
    case "GET /healthz":
      await Promise.all([publisher.ping(), subscriber.ping()]);
      return 200;
    case "POST /publish":
      io.emit("m", await textOf(request));
      return 200;
    default:
      return 404;
  }
}

async function textOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}
