// Emits what is posted to every socket, on this replica and on those behind the same Redis.

import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { Redis } from "ioredis";
import { Server } from "socket.io";

const publisher = new Redis(process.env.REDIS_URL);
const subscriber = new Redis(process.env.REDIS_URL);
for (const redis of [publisher, subscriber]) redis.on("error", (error) => console.error(error));

const server = createServer(async (request, response) => {
  try {
    response.statusCode = await answer(request);
  } catch (error) {
    console.error(error);
    response.statusCode = 500;
  }
  response.end();
});
// Whoever publishes slowly keeps the connection; Node's default is 5 s.
server.keepAliveTimeout = 60_000;

// What recovers a connection's state is off by default.
const io = new Server(server, {
  adapter: createAdapter(publisher, subscriber),
  transports: ["websocket"],
  serveClient: false,
  perMessageDeflate: false,
  httpCompression: false,
});

// The sockets come all at once: Node's default backlog is 511.
server.listen({ host: "127.0.0.1", port: Number(process.env.PORT), backlog: 4096 });

const end = () => process.exit(0);
process.on("SIGTERM", end);
process.on("SIGINT", end);

/** Does what a request asks for. Gives the status of the answer. */
async function answer(request) {
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
