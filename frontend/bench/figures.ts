/** What is measured goes to the file named by FIGURES, where `make bench` finds it, and to the screen. */

import { appendFileSync } from "node:fs";

/** For how long events are posted. */
export const SECONDS = Number(process.env["BENCH_SECONDS"] ?? 20);

export function figure(id: string, value: number): void {
  const line = `${id} ${value.toFixed(4)}`;
  const file = process.env["FIGURES"];
  if (file) appendFileSync(file, `${line}\n`);
  console.log(`  ${line}`);
}

/** The smallest of the values that so many of them do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}
