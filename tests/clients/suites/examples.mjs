// The clients in examples/, each run as it is shown: what they print at the end says that nothing was missed.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { check, command, endpoint, finish, folder, OWNER, root } from "./checks.mjs";

const env = { ...process.env, BILLGRAPH_URL: endpoint, BILLGRAPH_TOKEN: OWNER, BILLGRAPH_SLUG: "pooled" };
const scratch = mkdtempSync(join(folder, "node_modules", ".example-")); // where the packages are found
cpSync(join(root, "examples/typescript"), scratch, { recursive: true });

function ends(printed) {
  if (!printed.trim().split("\n").at(-1).startsWith("nothing was missed")) throw new Error(printed);
}

await check("TypeScript with urql: query, mutation, subscription with resume", async () => {
  ends(command("node", ["--import", "tsx", "alerts.ts"], { cwd: scratch, env }));
});
await check("TypeScript with urql: its types hold", async () => {
  const options = { strict: true, noEmit: true, target: "es2022", module: "nodenext", skipLibCheck: true, types: ["node"] };
  writeFileSync(join(scratch, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["alerts.ts"] }));
  command(join(folder, "node_modules/.bin/tsc"), ["-p", scratch]);
});
await check("Python with gql", async () => {
  ends(command(process.env.PYTHON, [join(root, "examples/python/alerts.py")], { env }));
});
await check("curl with server-sent events", async () => {
  ends(command("bash", [join(root, "examples/curl/alerts.sh")], { env }));
});
rmSync(scratch, { recursive: true });
finish("examples");
