// urql with its defaults: its Accept header also lists event streams, and must be answered with JSON on /graphql.
import { Client, fetchExchange } from "@urql/core";
import { bearer, check, endpoint, equal, finish, key, ask } from "./checks.mjs";

const seen = [];
async function watching(url, options) {
  const response = await fetch(url, options);
  seen.push({
    method: options.method, accept: new Headers(options.headers).get("accept"),
    status: response.status, type: response.headers.get("content-type"),
  });
  return response;
}
function client(options = {}) {
  return new Client({
    url: endpoint, exchanges: [fetchExchange], fetch: watching, fetchOptions: { headers: bearer() },
    preferGetMethod: false, ...options,
  });
}

await check("a query gets JSON although event streams would be taken", async () => {
  const { data, error } = await client().query(`query Who { viewer { email } }`, {}).toPromise();
  equal(error, undefined);
  equal(data.viewer.email, "primary-owner@pooled.example");
  const { accept, type } = seen.at(-1);
  if (!accept.includes("text/event-stream")) throw new Error(`urql asks for ${accept} only`);
  equal(type.split(";")[0], "application/graphql-response+json");
});
await check("a query by GET does too", async () => {
  const { data } = await client({ preferGetMethod: "force" }).query(`query Who { viewer { email } }`, {}).toPromise();
  equal(data.viewer.email, "primary-owner@pooled.example");
  equal(seen.at(-1).method, "GET");
  equal(seen.at(-1).type.split(";")[0], "application/graphql-response+json");
});
await check("a mutation does too", async () => {
  const { organization } = await ask(`{ organization(slug: "pooled") { id members(first: 1) { nodes { id } } } }`);
  const input = {
    organizationId: organization.id, idempotencyKey: key(), level: "MEMBER", memberId: organization.members.nodes[0].id,
    amount: { amount: "310.00", currency: "USD" },
  };
  const document = `mutation Set($input: SetSpendLimitInput!) { setSpendLimit(input: $input) { userErrors { message } } }`;
  const { data, error } = await client().mutation(document, { input }).toPromise();
  equal(error, undefined);
  equal(data.setSpendLimit.userErrors, []);
});
await check("a faulty document is an error with its code", async () => {
  const { error } = await client().query(`query Who { nothing }`, {}).toPromise();
  equal(error.graphQLErrors[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
  equal(seen.at(-1).status, 400);
});

finish("urql");
