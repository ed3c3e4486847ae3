/** Writes measurements to the file named by FIGURES, which `make bench` reads, and to the console. */

import { appendFileSync } from "node:fs";

/** Duration of each load, in seconds. */
export const SECONDS = Number(process.env["BENCH_SECONDS"] ?? 20);

export function figure(id: string, value: number): void {
  const line = `${id} ${value.toFixed(4)}`;
  const file = process.env["FIGURES"];
  if (file) appendFileSync(file, `${line}\n`);
  console.log(`  ${line}`);
}

/** The smallest value that is at least as large as the given share of all values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}
