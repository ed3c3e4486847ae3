// Fails unless nginx's Content-Security-Policy allows the styles in the built page by their hash, and no other inline styles.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");
const styles = [...read("../dist/index.html").matchAll(/<style>(.*?)<\/style>/gs)].map(([, text]) => text);
const hashes = styles.map((text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`);
const allowed = /style-src ([^;]*);/.exec(read("../../deploy/nginx/nginx.conf.template"))?.[1];
const wanted = ["'self'", ...hashes].join(" ");
if (allowed !== wanted)
  console.error(`style-src in deploy/nginx/nginx.conf.template is ${allowed}, but should be ${wanted}`);
process.exit(allowed === wanted ? 0 : 1);
