// @graphql-eslint: the recommended and the Relay rules on schema.graphql, and the rules of operations on the examples.
import { ESLint } from "eslint";
import { folder, root } from "./checks.mjs";

const linter = new ESLint({ cwd: root, overrideConfigFile: `${folder}eslint.config.mjs` });
const results = await linter.lintFiles(["schema.graphql", "examples/graphql/*.graphql"]);
const rules = Object.keys(await linter.calculateConfigForFile(`${root}schema.graphql`).then((config) => config.rules));
const messages = results.flatMap(({ filePath, messages }) => messages.map((each) => ({ filePath, ...each })));
const counts = {};
for (const { ruleId } of messages) counts[ruleId] = (counts[ruleId] ?? 0) + 1;
for (const { filePath, line, ruleId, message } of messages.slice(0, 40)) {
  console.log(`  ${filePath.replace(root, "")}:${line} ${ruleId}: ${message}`);
}
for (const [rule, count] of Object.entries(counts)) console.log(`  ${rule}: ${count}`);
console.log(`@graphql-eslint: ${rules.length} schema rules on ${results.length} files, ${messages.length} complaints`);
process.exit(messages.length === 0 && results.length > 1 ? 0 : 1);
