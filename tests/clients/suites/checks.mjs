// What every suite needs: where the graph is, and checks that are counted.
import { spawnSync } from "node:child_process";

export const served = JSON.parse(process.env.BILLGRAPH_SERVED);
export const endpoint = `${served.url}/graphql`;
export const socketUrl = endpoint.replace("http", "ws");
export const folder = new URL("..", import.meta.url).pathname;
export const root = new URL("../../..", import.meta.url).pathname;
export const OWNER = served.tokens["primary-owner@pooled.example"];
export const MEMBER = served.tokens["member@pooled.example"];

export function bearer(token = OWNER) {
  return { authorization: `Bearer ${token}` };
}

const results = [];

/** Run one check; it passes unless it throws or takes ten seconds. */
export async function check(name, work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("nothing happened for 10 s")), 10_000);
  });
  try {
    await Promise.race([work(), late]);
    results.push({ name });
  } catch (error) {
    results.push({ name, error });
  } finally {
    clearTimeout(timer);
  }
}

/** Print the counts and leave, with a failure where there was one. */
export function finish(title) {
  const failures = results.filter((each) => each.error);
  for (const { name, error } of failures) console.log(`  ${name}: ${error?.message ?? error}`);
  console.log(`${title}: ${results.length - failures.length} of ${results.length} passed`);
  process.exit(failures.length === 0 ? 0 : 1);
}

export function equal(found, expected, what = "") {
  const [one, other] = [JSON.stringify(found), JSON.stringify(expected)];
  if (one !== other) throw new Error(`${what} ${one} instead of ${other}`);
}

/** Ask over plain HTTP, and return the data of an answer without errors. */
export async function ask(query, variables = {}, token = OWNER, url = endpoint) {
  const headers = { "content-type": "application/json", ...bearer(token) };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  const answer = await response.json();
  if (answer.errors) throw new Error(JSON.stringify(answer.errors));
  return answer.data;
}

/** Run a command of the project to its end, and return what it printed. */
export function command(program, given, options = {}) {
  const done = spawnSync(program, given, { cwd: folder, encoding: "utf8", maxBuffer: 1 << 26, ...options });
  if (done.status !== 0) throw new Error(`${program} ${given.join(" ")}:\n${done.stdout}${done.stderr}${done.error ?? ""}`);
  return done.stdout;
}

const KEYS = (function* () { for (let number = 1; ; number += 1) yield `clients-${process.pid}-${number}`; })();

/** Return a new idempotency key. */
export function key() {
  return KEYS.next().value;
}
