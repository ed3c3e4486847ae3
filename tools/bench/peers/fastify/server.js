// The primary process, which starts and stops two workers that share a port.

import cluster from "node:cluster";
import { buildApp } from "./app.js";

const WORKERS = 2;
// Maximum time for a worker to finish its in-flight requests.
const STOP_TIMEOUT_MS = 10_000;

if (cluster.isPrimary) {
  runPrimary();
} else {
  await runWorker();
}

function runPrimary() {
  let stopping = false;
  const workers = Array.from({ length: WORKERS }, () => cluster.fork());

  const stop = (exitCode) => {
    if (stopping) return;
    stopping = true;
    process.exitCode = exitCode;
    for (const worker of workers) worker.process.kill("SIGTERM");
    const kill = () => workers.forEach((worker) => worker.process.kill("SIGKILL"));
    setTimeout(kill, STOP_TIMEOUT_MS).unref();
  };

  process.on("SIGTERM", () => stop(0));
  process.on("SIGINT", () => stop(0));
  // With a worker missing, the benchmark would measure a slower peer, so stop all workers. The primary exits with the last one.
  cluster.on("exit", () => stop(1));
}

async function runWorker() {
  const app = buildApp({
    databaseUrl: process.env.DATABASE_URL,
    webhookKey: process.env.WEBHOOK_KEY,
    webhookUrl: process.env.WEBHOOK_URL,
  });
  const stop = async () => {
    await app.close();
    process.exit(0);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  await app.listen({ host: "127.0.0.1", port: Number(process.env.PORT) });
}
