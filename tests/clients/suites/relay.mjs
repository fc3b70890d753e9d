// relay-compiler compiles what a Relay application would hold against schema.graphql.
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check, command, equal, finish, folder, root } from "./checks.mjs";

const scratch = mkdtempSync(join(tmpdir(), "billgraph-relay-"));
cpSync(join(folder, "relay"), join(scratch, "src"), { recursive: true });
cpSync(join(root, "schema.graphql"), join(scratch, "schema.graphql"));
writeFileSync(
  join(scratch, "relay.config.json"),
  JSON.stringify({ src: "./src", schema: "./schema.graphql", language: "javascript", eagerEsModules: true }),
);

let compiled = "";
await check("compiles every fragment, query, mutation and subscription", async () => {
  compiled = command(join(folder, "node_modules/.bin/relay-compiler"), ["relay.config.json"], { cwd: scratch });
});
await check("makes an artifact of each, and of each refetchable fragment and page", async () => {
  const made = readdirSync(join(scratch, "src", "__generated__")).filter((name) => name.endsWith(".graphql.js"));
  equal(made.length, 13);
});
rmSync(scratch, { recursive: true });
console.log(`  ${compiled.trim().split("\n").slice(-3).join("; ")}`);
finish("relay-compiler");
