// graphql-sse, the client, in distinct-connections mode: one request, one operation, one stream.
import { createClient } from "graphql-sse";
import { ask, bearer, check, endpoint, equal, finish, key, MEMBER } from "./checks.mjs";

const url = `${endpoint}/stream`;
const { organization } = await ask(`{ organization(slug: "pooled") { id eventCursor members(first: 1) { nodes { id } } } }`);
const EVENTS = `subscription($id: ID!, $after: String) {
  organizationEvents(organizationId: $id, after: $after) { cursor } }`;

function client(options = {}) {
  return createClient({ url, headers: bearer(), singleConnection: false, retryAttempts: 0, ...options });
}

async function something() {
  const input = {
    organizationId: organization.id, idempotencyKey: key(), level: "MEMBER", memberId: organization.members.nodes[0].id,
    amount: { amount: "300.00", currency: "USD" },
  };
  await ask(`mutation($input: SetSpendLimitInput!) { setSpendLimit(input: $input) { userErrors { message } } }`, { input });
}

async function collect(iterator) {
  const found = [];
  for await (const result of iterator) found.push(result);
  return found;
}

async function stream(body, headers = {}) {
  return fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream", ...bearer(), ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

await check("answers a query, once, and completes", async () => {
  const found = await collect(client().iterate({ query: `{ viewer { email } }` }));
  equal(found.map((each) => each.data.viewer.email), ["primary-owner@pooled.example"]);
});

await check("carries out a mutation", async () => {
  const input = {
    organizationId: organization.id, idempotencyKey: key(), level: "MEMBER", memberId: organization.members.nodes[0].id,
    amount: { amount: "301.00", currency: "USD" },
  };
  const query = `mutation($input: SetSpendLimitInput!) { setSpendLimit(input: $input) { userErrors { message } } }`;
  const [answer] = await collect(client().iterate({ query, variables: { input } }));
  equal(answer.data.setSpendLimit.userErrors, []);
});

await check("follows a subscription, is left, and goes on from the cursor", async () => {
  await something();
  const first = client().iterate({ query: EVENTS, variables: { id: organization.id, after: organization.eventCursor } });
  const one = (await first.next()).value.data.organizationEvents.cursor;
  await first.return();
  await something();
  const second = client().iterate({ query: EVENTS, variables: { id: organization.id, after: one } });
  const two = (await second.next()).value.data.organizationEvents.cursor;
  if (one === two) throw new Error("the same event came twice");
  await second.return();
});

await check("many subscriptions at once, each on a connection of its own", async () => {
  const variables = { id: organization.id, after: organization.eventCursor };
  const all = Array.from({ length: 10 }, () => client().iterate({ query: EVENTS, variables }));
  const heard = await Promise.all(all.map(async (each) => (await each.next()).value.data.organizationEvents.cursor));
  equal(new Set(heard).size, 1);
  await Promise.all(all.map((each) => each.return()));
});

await check("tells a faulty document as an event with its code", async () => {
  const [answer] = await collect(client().iterate({ query: `{ nothing }` }));
  equal(answer.errors[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
});

await check("tells a member what they may not hear", async () => {
  const asked = client({ headers: bearer(MEMBER) }).iterate({ query: EVENTS, variables: { id: organization.id } });
  const [answer] = await collect(asked);
  equal(answer.errors[0].extensions.code, "FORBIDDEN");
});

await check("writes lines that end in a line feed alone, an event next and an event complete", async () => {
  const response = await stream({ query: "{ __typename }" });
  equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  const text = await response.text();
  const told = text.match(/^event: next\ndata: (.+)\n\nevent: complete\ndata:\n\n$/);
  equal(JSON.parse(told?.[1] ?? "null")?.data, { __typename: "Query" }, JSON.stringify(text));
});

const REFUSED = [
  ["no JSON", "nothing", {}, 400], ["no document", {}, {}, 400], ["variables that are a list", { query: "{ __typename }", variables: [] }, {}, 400],
  ["a token that is none", { query: "{ __typename }" }, bearer("a.b.c"), 401],
  ["another body", "x", { "content-type": "text/plain" }, 415],
  ["an Accept without event streams", { query: "{ __typename }" }, { accept: "image/png" }, 406],
];
for (const [name, body, headers, status] of REFUSED) {
  await check(`answers ${status} before any stream: ${name}`, async () => equal((await stream(body, headers)).status, status));
}
await check("does not offer the single-connection mode", async () => {
  equal((await fetch(url, { method: "PUT", headers: { ...bearer(), accept: "text/event-stream" } })).status, 405);
});

finish("graphql-sse, distinct connections");
