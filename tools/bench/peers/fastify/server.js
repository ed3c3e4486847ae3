// Two workers that share a port, and a primary that starts and ends them.

import cluster from "node:cluster";
import { buildApp } from "./app.js";

const WORKERS = 2;
// How long a worker may take over its last requests.
const END_WITHIN_MS = 10_000;

if (cluster.isPrimary) {
  lead();
} else {
  await work();
}

function lead() {
  let ending = false;
  const workers = Array.from({ length: WORKERS }, () => cluster.fork());

  const end = (exitCode) => {
    if (ending) return;
    ending = true;
    process.exitCode = exitCode;
    for (const worker of workers) worker.process.kill("SIGTERM");
    const kill = () => workers.forEach((worker) => worker.process.kill("SIGKILL"));
    setTimeout(kill, END_WITHIN_MS).unref();
  };

  process.on("SIGTERM", () => end(0));
  process.on("SIGINT", () => end(0));
  // Half a peer would be measured as a slow one: without a worker, end all. The primary itself ends with the last of them.
  cluster.on("exit", () => end(1));
}

async function work() {
  const app = buildApp({
    databaseUrl: process.env.DATABASE_URL,
    webhookKey: process.env.WEBHOOK_KEY,
    webhookUrl: process.env.WEBHOOK_URL,
  });
  const end = async () => {
    await app.close();
    process.exit(0);
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  await app.listen({ host: "127.0.0.1", port: Number(process.env.PORT) });
}
