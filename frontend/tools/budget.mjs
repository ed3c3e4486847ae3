// Fails where the built page is heavier than it may be, in KiB as sent (gzip): what every visitor waits for must stay small.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGETS = { "script of the entry": 70, "largest lazy script": 40, styles: 15 };

const dist = new URL("../dist/", import.meta.url);
const read = (name) => readFileSync(new URL(name, dist));
const weigh = (names) => names.reduce((sum, name) => sum + gzipSync(read(name), { level: 9 }).length / 1024, 0);

const page = read("index.html").toString();
const named = (pattern) => [...new Set([...page.matchAll(pattern)].map(([, name]) => name))];
const entry = named(/(?:src|href)="\/([^"]+\.js)"/g);
const styles = readdirSync(new URL("assets/", dist)).filter((name) => name.endsWith(".css"));
const lazy = readdirSync(new URL("assets/", dist))
  .map((name) => `assets/${name}`)
  .filter((name) => name.endsWith(".js") && !entry.includes(name));

const weights = {
  "script of the entry": weigh(entry),
  "largest lazy script": Math.max(...lazy.map((name) => weigh([name]))),
  styles: weigh(styles.map((name) => `assets/${name}`)),
};

let over = 0;
for (const [what, weight] of Object.entries(weights)) {
  const says = weight > BUDGETS[what] ? "TOO HEAVY" : "ok";
  console.log(`${what}: ${weight.toFixed(1)} of ${BUDGETS[what]} KiB, ${says}`);
  if (weight > BUDGETS[what]) over += 1;
}
process.exit(over);
