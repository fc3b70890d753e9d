// graphql-codegen makes TypeScript for the operations that clients are shown, and tsc accepts it under strict rules.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check, command, finish, folder } from "./checks.mjs";

const scratch = mkdtempSync(join(tmpdir(), "billgraph-codegen-"));
const generated = join(scratch, "graph.ts");
let operations = 0;

await check("makes types for every operation", async () => {
  command(join(folder, "node_modules/.bin/graphql-codegen"), ["--config", "codegen.ts"], {
    env: { ...process.env, GENERATED: generated },
  });
  operations = readFileSync(generated, "utf8").match(/^export type \w+(Query|Mutation|Subscription) = /gm).length;
  if (operations < 18) throw new Error(`only ${operations} operations`);
});
await check("tsc accepts them", async () => {
  const flags = ["--noEmit", "--strict", "--skipLibCheck", "false", "--target", "es2022", "--module", "nodenext"];
  command(join(folder, "node_modules/.bin/tsc"), [...flags, generated]);
});
rmSync(scratch, { recursive: true });
console.log(`  ${operations} operations`);
finish("graphql-codegen");
