// The subgraph composes with another by @apollo/composition, and answers a router as that one would ask.
import { composeServices } from "@apollo/composition";
import { parse } from "graphql";
import { ask, check, command, equal, finish, MEMBER, OWNER, root, served } from "./checks.mjs";

const subgraph = `${served.subgraph}/graphql`;
const OTHER = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])
  type Query { tickets(first: Int): TicketConnection! }
  type Ticket { title: String! assignee: Member! organization: Organization! }
  type TicketConnection { edges: [TicketEdge!]! pageInfo: PageInfo! }
  type TicketEdge { cursor: String! node: Ticket! }
  type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
  type Member @key(fields: "id") { id: ID! openTickets: Int! }
  type Organization @key(fields: "id") { id: ID! openTickets: Int! }
`;

const printed = command(process.env.PYTHON, ["-c", "from api.cli import main; main()", "schema", "--federation"], { cwd: root });
let told = "";
await check("`billgraph schema --federation` is what `_service` says", async () => {
  told = (await ask("{ _service { sdl } }", {}, OWNER, subgraph))._service.sdl;
  equal(told.trim() === printed.trim(), true);
});
await check("composes with another subgraph", async () => {
  const services = [["billing", printed], ["tickets", OTHER]];
  const { errors, hints, supergraphSdl } = composeServices(
    services.map(([name, text]) => ({ name, url: `http://${name}.example`, typeDefs: parse(text) })),
  );
  equal((errors ?? []).map(({ message }) => message), []);
  for (const { definition, message } of hints) console.log(`  hint ${definition.code}: ${message.split("\n")[0]}`);
  for (const line of ['join__type(graph: BILLING, key: "id")', 'join__type(graph: TICKETS, key: "id")']) {
    if (!supergraphSdl.includes(line)) throw new Error(`no ${line} in the supergraph`);
  }
});
await check("composes alone", async () => {
  const { errors } = composeServices([{ name: "billing", url: "http://billing.example", typeDefs: parse(printed) }]);
  equal((errors ?? []).map(({ message }) => message), []);
});

const { organization } = await ask(`{ organization(slug: "pooled") { id name members(first: 1) { nodes { id name } } } }`);
const { organization: strange } = await ask(
  `{ organization(slug: "tracker") { id } }`, {}, served.tokens["owner@tracker.example"],
);
const member = organization.members.nodes[0];
const ENTITIES = `query($representations: [_Any!]!) { _entities(representations: $representations) {
  __typename ... on Organization { name } ... on Member { name } } }`;

await check("finds the entities that a router names, in their order", async () => {
  const representations = [{ __typename: "Member", id: member.id }, { __typename: "Organization", id: organization.id }];
  const { _entities } = await ask(ENTITIES, { representations }, OWNER, subgraph);
  equal(_entities, [
    { __typename: "Member", name: member.name }, { __typename: "Organization", name: organization.name },
  ]);
});
await check("shows nothing of another organization", async () => {
  const { _entities } = await ask(ENTITIES, { representations: [{ __typename: "Organization", id: strange.id }] }, OWNER, subgraph);
  equal(_entities, [null]);
});
await check("checks the permissions of whoever the router asks for", async () => {
  const representations = [{ __typename: "Member", id: member.id }];
  let refused;
  await ask(ENTITIES, { representations }, MEMBER, subgraph).catch((error) => { refused = JSON.parse(error.message); });
  equal(refused?.map((each) => each.extensions.code), ["FORBIDDEN"]);
});
await check("is no subgraph where nobody asked for one", async () => {
  let refused;
  await ask("{ _service { sdl } }").catch((error) => { refused = JSON.parse(error.message); });
  equal(refused?.[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
});

finish("@apollo/composition");
