// Fails if the source writes HTML from data or loads from another origin, which the page's CSP forbids,
// or if it sets a size of text beside the scale in base.css.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const banned =
  /v-html|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|https?:\/\/(?!127\.0\.0\.1|www\.w3\.org)|text-\[\d|font-size: \d/;
const root = fileURLToPath(new URL("..", import.meta.url));

let violations = 0;
for (const entry of readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || entry.name.endsWith(".test.ts") || entry.name === "templates.ts") continue;
  const path = join(entry.parentPath, entry.name);
  readFileSync(path, "utf8")
    .split("\n")
    .forEach((line, index) => {
      if (banned.test(line)) {
        console.error(`${path}:${index + 1}: ${line.trim()}`);
        violations += 1;
      }
    });
}
process.exit(violations === 0 ? 0 : 1);
