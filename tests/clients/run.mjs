// Runs the suites of client tools against a graph that is really served, and prints what each counted.
// `node run.mjs` runs all of them, `node run.mjs websocket relay` two.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { once } from "node:events";

const folder = new URL(".", import.meta.url).pathname;
const root = new URL("../../", import.meta.url).pathname;
const SUITES = [
  "http-audit", "websocket", "events", "urql", "relay", "schema-lint", "codegen", "federation", "examples",
];
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !SUITES.includes(name));
if (unknown.length > 0) {
  console.error(`there is no suite ${unknown.join(", ")}; there are ${SUITES.join(", ")}`);
  process.exit(2);
}

const python = process.env.PYTHON ?? "python3";
const server = spawn(python, ["-m", "tests.clients.serve"], { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
let isOver = false;
const ended = once(server, "exit").then(([code]) => {
  if (isOver) return;
  console.error(`the graph could not be served: its process ended with ${code}`);
  process.exit(1);
});
const [line] = await Promise.race([once(createInterface({ input: server.stdout }), "line"), ended]);
const served = JSON.parse(line);
const environment = { ...process.env, PYTHON: python, BILLGRAPH_SERVED: line };

let failed = 0;
for (const name of asked.length > 0 ? asked : SUITES) {
  const started = performance.now();
  const suite = spawn("node", ["--import", "tsx", `suites/${name}.mjs`], {
    cwd: folder, env: environment, stdio: "inherit",
  });
  const [code] = await once(suite, "exit");
  if (code !== 0) failed += 1;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${code === 0 ? "passed" : "FAILED"} ${name} in ${seconds} s\n`);
}
isOver = true;
server.stdin.end();
await ended;
console.log(failed === 0 ? `all suites passed against ${served.url}` : `${failed} suites failed`);
process.exit(failed === 0 ? 0 : 1);
