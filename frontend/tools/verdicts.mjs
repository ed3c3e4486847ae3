// Generates `src/api/verdicts.ts`, the sentences about verdicts, from the OpenAPI document.
import { readFileSync, writeFileSync } from "node:fs";

const document = JSON.parse(readFileSync(new URL("../openapi.json", import.meta.url), "utf8"));
const table = JSON.stringify(document["x-verdicts"], null, 2);
const text = `// Generated from openapi.json by tools/verdicts.mjs.\nexport const verdicts = ${table} as const;\n`;
writeFileSync(new URL("../src/api/verdicts.ts", import.meta.url), text);
