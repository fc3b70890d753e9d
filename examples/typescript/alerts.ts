// A client with urql: ask, set a limit, and follow alerts over graphql-transport-ws without missing one.
//
//   BILLGRAPH_TOKEN=$(billgraph token owner@pooled.example) npm start
//
// The cursor of each piece of news is kept. When the connection is lost, the subscription is opened again with it, and
// everything that happened meanwhile comes first; `dedupId` says of a repeated alert that it is the same one.
import { Client, fetchExchange, gql, subscriptionExchange } from "@urql/core";
import { createClient, type Client as Socket } from "graphql-ws";
import { WebSocket } from "ws";

const url = process.env.BILLGRAPH_URL ?? "http://127.0.0.1:8000/graphql";
const token = process.env.BILLGRAPH_TOKEN ?? "";
const slug = process.env.BILLGRAPH_SLUG ?? "pooled";
const headers = { authorization: `Bearer ${token}` };

type Payload<Data> = { data?: Data; error?: unknown };
type People = { organization: { id: string; eventCursor: string; members: { nodes: { id: string; name: string }[] } } };
type LimitSet = { setSpendLimit: { limit: { id: string } | null; userErrors: { message: string }[] } };
type Event = { organizationEvents: { cursor: string; event: { kind: string; sequence: string } } };

/** Return urql on a socket of its own, which the caller closes. */
function connect(): { client: Client; socket: Socket } {
  const socket = createClient({
    url: url.replace(/^http/, "ws"), connectionParams: headers, webSocketImpl: WebSocket, retryAttempts: Infinity,
  });
  const client = new Client({
    url,
    preferGetMethod: false,
    fetchOptions: { headers },
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query: query ?? "", variables }, sink as never) }),
        }),
      }),
    ],
  });
  return { client, socket };
}

function dataOf<Data>({ data, error }: Payload<Data>): Data {
  if (error || data === undefined) throw error ?? new Error("no data");
  return data;
}

/** Call back with each event after `cursor`, until the callback answers true; return the cursor of the last one. */
async function follow(client: Client, organization: string, cursor: string, heard: (event: Event) => boolean) {
  return new Promise<string>((resolve, reject) => {
    const { unsubscribe } = client
      .subscription<Event>(FOLLOW, { organization, after: cursor })
      .subscribe(({ data, error }) => {
        if (error) return reject(error);
        if (data && heard(data)) {
          queueMicrotask(() => unsubscribe());
          resolve(data.organizationEvents.cursor);
        }
      });
  });
}

const PEOPLE = gql`
  query People($slug: String!) {
    organization(slug: $slug) {
      id
      eventCursor
      members(first: 1) {
        nodes {
          id
          name
        }
      }
    }
  }
`;
const SET_LIMIT = gql`
  mutation SetLimit($input: SetSpendLimitInput!) {
    setSpendLimit(input: $input) {
      limit {
        id
      }
      userErrors {
        message
      }
    }
  }
`;
const FOLLOW = gql`
  subscription Follow($organization: ID!, $after: String) {
    organizationEvents(organizationId: $organization, after: $after) {
      cursor
      event {
        kind
        sequence
      }
    }
  }
`;

async function setLimit(client: Client, organizationId: string, memberId: string, amount: string) {
  const input = {
    organizationId, memberId, level: "MEMBER", amount: { amount, currency: "USD" },
    idempotencyKey: `alerts.ts ${Date.now()} ${amount}`,
  };
  const { setSpendLimit } = dataOf(await client.mutation<LimitSet>(SET_LIMIT, { input }).toPromise());
  if (setSpendLimit.userErrors.length > 0) throw new Error(setSpendLimit.userErrors[0]!.message);
}

const first = connect();
const { organization } = dataOf(await first.client.query<People>(PEOPLE, { slug }).toPromise());
const person = organization.members.nodes[0]!;
console.log(`found ${person.name}`);

await setLimit(first.client, organization.id, person.id, "151.00");
const kept = await follow(first.client, organization.id, organization.eventCursor, ({ organizationEvents }) => {
  console.log(`heard ${organizationEvents.event.kind}, number ${organizationEvents.event.sequence}`);
  return organizationEvents.event.kind === "SpendLimitSet";
});
await first.socket.dispose(); // as if the connection were lost

await setLimit(first.client, organization.id, person.id, "152.00"); // it happens while nobody listens
const second = connect();
let missed = 0;
await follow(second.client, organization.id, kept, ({ organizationEvents }) => {
  missed += 1;
  console.log(`resumed with ${organizationEvents.event.kind}, number ${organizationEvents.event.sequence}`);
  return organizationEvents.event.kind === "SpendLimitSet";
});
await second.socket.dispose();
console.log(`nothing was missed: ${missed} event${missed === 1 ? "" : "s"} after the cursor`);
