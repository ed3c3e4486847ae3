import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Plugin, Rolldown } from "vite";

const EARLY = "public/early.js";
const FIRST_PAGE = "src/pages/events/EventsPage.vue";

/**
 * Lets the browser paint the frame of the page before anything but the document has arrived: the stylesheet comes after the frame, because a
 * stylesheet in the head blocks the rendering of everything below it. The early script gets the hash of its content as a name, so that browsers
 * cache it. The document preloads the page that most users see first.
 */
export function firstPaint(): Plugin {
  return {
    name: "first-paint",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler(html, { bundle = {} }) {
        const sheets = html.match(/<link rel="stylesheet"[^>]*>/g) ?? [];
        const early = `/assets/early-${hashOf(readFileSync(EARLY))}.js`;
        const head = sheets.reduce((rest, sheet) => rest.replace(sheet, ""), html).replace("/early.js", early);
        const preloads = chunksOf(bundle, FIRST_PAGE).map(
          (name) => `<link rel="modulepreload" crossorigin href="/${name}">`,
        );
        return head
          .replace("</head>", `  ${preloads.join("\n    ")}\n  </head>`)
          .replace("</body>", `  ${sheets.join("")}\n  </body>`);
      },
    },
    generateBundle() {
      const source = readFileSync(EARLY);
      this.emitFile({ type: "asset", fileName: `assets/early-${hashOf(source)}.js`, source });
    },
  };
}

/** The files of a lazily loaded module that the entry does not contain. */
function chunksOf(bundle: Rolldown.OutputBundle, module: string): string[] {
  const chunks = Object.values(bundle).filter((one) => one.type === "chunk");
  const entry = chunks.find(({ isEntry }) => isEntry);
  const page = chunks.find(({ facadeModuleId }) => facadeModuleId?.endsWith(module));
  if (!entry || !page) throw new Error(`the build has no chunk of ${module}`);
  const loaded = new Set([entry.fileName, ...entry.imports]);
  return [page.fileName, ...page.imports].filter((name) => !loaded.has(name));
}

function hashOf(source: Buffer): string {
  return createHash("sha256").update(source).digest("hex").slice(0, 8);
}
