// The audits of graphql-http: every MUST, SHOULD and MAY of GraphQL over HTTP.
import { auditServer } from "graphql-http";
import { endpoint } from "./checks.mjs";

const results = await auditServer({ url: endpoint });
const counts = {};
for (const { id, name, status, reason } of results) {
  const level = name.split(" ")[0];
  counts[level] ??= { passed: 0, total: 0 };
  counts[level].total += 1;
  if (status === "ok") counts[level].passed += 1;
  else console.log(`  ${status} ${id} ${name}: ${reason}`);
}
const told = Object.entries(counts).map(([level, { passed, total }]) => `${level} ${passed} of ${total}`);
const passed = results.filter(({ status }) => status === "ok").length;
console.log(`graphql-http audit: ${told.join(", ")}; ${passed} of ${results.length} passed`);
process.exit(passed === results.length && results.length >= 60 ? 0 : 1);
