// Bundles GraphiQL and its editor's workers into static files, so that the page loads nothing from elsewhere.
import { cp, mkdir, readdir, rm, stat } from "node:fs/promises";
import { build } from "esbuild";

const target = new URL("../static/graphiql/", import.meta.url).pathname;

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
await build({
  entryPoints: {
    graphiql: "src/main.jsx",
    "editor.worker": "monaco-editor/esm/vs/editor/editor.worker.js",
    "json.worker": "monaco-editor/esm/vs/language/json/json.worker.js",
    "graphql.worker": "monaco-graphql/esm/graphql.worker.js",
  },
  outdir: target,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  jsx: "automatic",
  define: { "process.env.NODE_ENV": '"production"', "process.env.USE_IMPORT": '"true"' },
  loader: { ".ttf": "file", ".woff2": "file", ".graphql": "text" },
  legalComments: "none",
  logLevel: "warning",
});
await cp("src/index.html", `${target}index.html`);
const sizes = await Promise.all((await readdir(target)).map(async (name) => (await stat(target + name)).size));
console.log(`${sizes.length} files, ${(sizes.reduce((sum, size) => sum + size, 0) / 1e6).toFixed(1)} MB`);
