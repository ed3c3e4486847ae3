// Fails if the built page exceeds its size budget, in KiB after gzip.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGETS = { "entry scripts": 80, "largest lazy script": 40, styles: 18, "largest first view": 130 };

const dist = new URL("../dist/", import.meta.url);
const read = (name) => readFileSync(new URL(name, dist));
const gzipSize = (names) => names.reduce((sum, name) => sum + gzipSync(read(name), { level: 9 }).length / 1024, 0);

const page = read("index.html").toString();
const namesOf = (pattern) => [...new Set([...page.matchAll(pattern)].map(([, name]) => name))];
const entry = namesOf(/src="\/([^"]+\.js)"/g);
const styles = readdirSync(new URL("assets/", dist)).filter((name) => name.endsWith(".css"));
const lazy = readdirSync(new URL("assets/", dist))
  .map((name) => `assets/${name}`)
  .filter((name) => name.endsWith(".js") && !entry.includes(name));

const sizes = {
  "entry scripts": gzipSize(entry),
  "largest lazy script": Math.max(...lazy.map((name) => gzipSize([name]))),
  styles: gzipSize(styles.map((name) => `assets/${name}`)),
};

/** The scripts that a script imports before it runs. */
function importsOf(name, known = new Set()) {
  if (known.has(name)) return known;
  known.add(name);
  for (const [, path] of read(name)
    .toString()
    .matchAll(/(?:from|import)"\.\/([^"]+\.js)"/g))
    importsOf(`assets/${path}`, known);
  return known;
}
const pages = lazy.filter((name) => /Page-[^/]*$/.test(name));
const views = pages.map((name) => gzipSize([...new Set([...entry, ...importsOf(name)])]) + sizes.styles);
sizes["largest first view"] = Math.max(...views);

let over = 0;
for (const [name, size] of Object.entries(sizes)) {
  const verdict = size > BUDGETS[name] ? "OVER BUDGET" : "ok";
  console.log(`${name}: ${size.toFixed(1)} of ${BUDGETS[name]} KiB, ${verdict}`);
  if (size > BUDGETS[name]) over += 1;
}
process.exit(over);
