// graphql-ws, the client, over graphql-transport-ws; and its protocol frame by frame, where a good client never errs.
import { createClient } from "graphql-ws";
import { WebSocket } from "ws";
import { ask, bearer, check, equal, finish, key, MEMBER, OWNER, socketUrl } from "./checks.mjs";

const SLUG = "pooled";
const { organization } = await ask(
  `query($slug: String!) { organization(slug: $slug) { id eventCursor members(first: 2) { nodes { id name } } } }`,
  { slug: SLUG },
);
const [member, other] = organization.members.nodes;
const EVENTS = `subscription($id: ID!, $after: String) {
  organizationEvents(organizationId: $id, after: $after) { cursor } }`;
const SET_WATCH = `mutation($input: SetSpendLimitInput!) {
  setSpendLimit(input: $input) { limit { id } userErrors { message } } }`;

function client(options = {}) {
  return createClient({
    url: socketUrl, webSocketImpl: WebSocket, connectionParams: bearer(), retryAttempts: 0, ...options,
  });
}

/** Set a limit: something that subscribers hear of. */
async function something(amount = "100.00") {
  const input = {
    organizationId: organization.id, idempotencyKey: key(), level: "MEMBER", memberId: other.id,
    amount: { amount, currency: "USD" },
  };
  const { setSpendLimit } = await ask(SET_WATCH, { input });
  equal(setSpendLimit.userErrors, []);
}

async function collect(iterator) {
  const found = [];
  for await (const result of iterator) found.push(result);
  return found;
}

// The client.

await check("answers a query, once, and completes", async () => {
  const live = client();
  const found = await collect(live.iterate({ query: `{ viewer { email } }` }));
  equal(found.map((each) => each.data.viewer.email), ["primary-owner@pooled.example"]);
  await live.dispose();
});

await check("carries out a mutation, once, and completes", async () => {
  const live = client();
  const input = {
    organizationId: organization.id, idempotencyKey: key(), level: "MEMBER", memberId: member.id,
    amount: { amount: "250.00", currency: "USD" },
  };
  const found = await collect(live.iterate({ query: SET_WATCH, variables: { input } }));
  equal(found.map((each) => each.data.setSpendLimit.userErrors), [[]]);
  await live.dispose();
});

await check("follows a subscription, and goes on from its cursor on another socket", async () => {
  const live = client();
  const news = live.iterate({ query: EVENTS, variables: { id: organization.id, after: organization.eventCursor } });
  await something("101.00");
  const first = (await news.next()).value.data.organizationEvents;
  await news.return();
  await live.dispose();
  await something("102.00");
  const again = client();
  const more = again.iterate({ query: EVENTS, variables: { id: organization.id, after: first.cursor } });
  const second = (await more.next()).value.data.organizationEvents;
  if (second.cursor === first.cursor) throw new Error("the same event came twice");
  await more.return();
  await again.dispose();
});

await check("hears live news after cancelling another operation", async () => {
  const live = client();
  const variables = { id: organization.id, after: organization.eventCursor };
  const given = live.iterate({ query: EVENTS, variables });
  await given.next();
  await given.return();
  const { organization: now } = await ask(`query($slug: String!) { organization(slug: $slug) { eventCursor } }`, { slug: SLUG });
  const kept = live.iterate({ query: EVENTS, variables: { id: organization.id, after: now.eventCursor } });
  const waiting = kept.next();
  await something("103.00");
  if (!(await waiting).value.data.organizationEvents.cursor) throw new Error("no news");
  await kept.return();
  await live.dispose();
});

await check("runs fifty operations at once on one socket", async () => {
  const live = client({ lazy: false });
  const all = Array.from({ length: 50 }, () => collect(live.iterate({ query: `{ viewer { name } }` })));
  equal((await Promise.all(all)).map((each) => each.length).reduce((sum, count) => sum + count), 50);
  await live.dispose();
});

await check("tells a faulty document as an error of the operation, with its code", async () => {
  const live = client();
  let told;
  try {
    await collect(live.iterate({ query: `{ nothing }` }));
  } catch (errors) {
    told = errors;
  }
  equal(told?.[0]?.extensions?.code, "GRAPHQL_VALIDATION_FAILED");
  await live.dispose();
});

await check("pings and hears pongs", async () => {
  let heard = 0;
  const live = client({
    lazy: false, keepAlive: 100, on: { pong: (received) => { if (received) heard += 1; } },
  });
  await new Promise((resolve) => setTimeout(resolve, 700));
  if (heard < 3) throw new Error(`${heard} pongs`);
  await live.dispose();
});

await check("refuses who cannot prove who they are with 4403", async () => {
  let closed;
  const live = client({ connectionParams: bearer("nonsense"), on: { closed: (event) => { closed = event.code; } } });
  await collect(live.iterate({ query: `{ viewer { name } }` })).catch(() => undefined);
  equal(closed, 4403);
  await live.dispose();
});

await check("shows a member only what is their own", async () => {
  const live = client({ connectionParams: bearer(MEMBER) });
  let told;
  await collect(live.iterate({ query: EVENTS, variables: { id: organization.id } })).catch((errors) => { told = errors; });
  equal(told?.[0]?.extensions?.code, "FORBIDDEN");
  await live.dispose();
});

/** Let the client's own socket say something when it opens, or keep back what it would say. */
function saying(frames, { isSilent = false } = {}) {
  return class extends WebSocket {
    constructor(...given) {
      super(...given);
      this.once("open", () => frames.forEach((frame) => super.send(frame)));
    }

    send(...given) {
      if (!isSilent) super.send(...given);
    }
  };
}

class Stranger extends WebSocket {
  constructor(url) {
    super(url, ["graphql-ws"]);
  }
}

const HELLO = JSON.stringify({ type: "connection_init", payload: bearer() });
const TOLD_TO_CLIENTS = [
  [4400, "a frame that is none", { webSocketImpl: saying(["nothing"]) }],
  [4401, "an operation before the introduction", {
    webSocketImpl: saying([JSON.stringify({ id: "1", type: "subscribe", payload: { query: "{ __typename }" } })], { isSilent: true }),
  }],
  [4406, "another protocol", { webSocketImpl: Stranger }],
  [4408, "no introduction", { webSocketImpl: saying([], { isSilent: true }) }],
  [4409, "an id that is in use", { generateID: () => "same" }],
  [4429, "a second introduction", { webSocketImpl: saying([HELLO]) }],
];
for (const [code, name, options] of TOLD_TO_CLIENTS) {
  await check(`the client is told ${code}: ${name}`, async () => {
    const live = client(options);
    const variables = { id: organization.id };
    const ended = Array.from({ length: 2 }, () => collect(live.iterate({ query: EVENTS, variables })).catch((event) => event));
    equal((await Promise.race(ended)).code, code);
    await Promise.race([live.dispose(), new Promise((resolve) => setTimeout(resolve, 100))]);
  });
}

// Frame by frame.

/** Open a socket, say something on it, and return how it was closed and what was heard. */
async function conversation(frames, { protocol = "graphql-transport-ws", until } = {}) {
  const socket = new WebSocket(socketUrl, protocol);
  const heard = [];
  const closed = new Promise((resolve, reject) => {
    socket.on("close", (code, reason) => resolve({ code, reason: String(reason) }));
    socket.on("error", reject);
  });
  socket.on("message", (data) => {
    heard.push(JSON.parse(String(data)));
    if (until?.(heard)) socket.close(1000);
  });
  await Promise.race([new Promise((resolve) => socket.on("open", resolve)), closed]);
  for (const frame of frames) {
    socket.send(typeof frame === "string" || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  }
  return { ...(await closed), heard };
}

const INIT = { type: "connection_init", payload: bearer() };
const ENDLESS = { id: "1", type: "subscribe", payload: { query: EVENTS, variables: { id: organization.id } } };
const QUICK = { id: "1", type: "subscribe", payload: { query: "{ __typename }" } };

const CLOSINGS = [
  [4401, "an operation before the introduction", [QUICK]],
  [4403, "a token that is none", [{ type: "connection_init", payload: bearer("a.b.c") }]],
  [4403, "no token at all", [{ type: "connection_init" }]],
  [4406, "another protocol", [], { protocol: "graphql-ws" }],
  [4406, "no protocol", [], { protocol: [] }],
  [4408, "no introduction in time", []],
  [4408, "pings instead of an introduction", [{ type: "ping" }]],
  [4409, "an id that is in use", [INIT, ENDLESS, ENDLESS]],
  [4429, "a second introduction", [INIT, INIT]],
];
for (const [code, name, frames, options] of CLOSINGS) {
  await check(`closes with ${code}: ${name}`, async () => equal((await conversation(frames, options)).code, code));
}

const MALFORMED = {
  "no JSON": "nothing", "an empty frame": "", "a number": "1", "null": "null", "a list": "[]", "a string": '"ping"',
  "half an object": '{"type":', "no type": "{}", "a type that is a number": '{"type":1}', "a type that is null": '{"type":null}',
  "an unknown type": '{"type":"start"}', "a message of ours": '{"type":"next","id":"1","payload":{}}',
  "an acknowledgement": '{"type":"connection_ack"}', "an introduction with a list": '{"type":"connection_init","payload":[]}',
  "an introduction with a string": '{"type":"connection_init","payload":"me"}', "a ping with a number": '{"type":"ping","payload":1}',
  "a pong with a string": '{"type":"pong","payload":"x"}', "deep nesting": `{"type":"ping","payload":${'{"a":'.repeat(500)}1${"}".repeat(500)}}`,
  "a binary frame": Buffer.from('{"type":"ping"}'), "NaN": '{"type":"ping","payload":{"a":NaN}}',
};
for (const [name, frame] of Object.entries(MALFORMED)) {
  await check(`closes with 4400 before the introduction: ${name}`, async () => equal((await conversation([frame])).code, 4400));
  await check(`closes with 4400 after it: ${name}`, async () => equal((await conversation([INIT, frame])).code, 4400));
}
const UNSOUND = {
  "no id": { type: "subscribe", payload: { query: "{ __typename }" } },
  "an id that is a number": { id: 1, type: "subscribe", payload: { query: "{ __typename }" } },
  "an empty id": { id: "", type: "subscribe", payload: { query: "{ __typename }" } },
  "an id that is a list": { id: ["1"], type: "subscribe", payload: { query: "{ __typename }" } },
  "no payload": { id: "1", type: "subscribe" }, "a payload that is a string": { id: "1", type: "subscribe", payload: "x" },
  "a payload that is a list": { id: "1", type: "subscribe", payload: [] },
  "no query": { id: "1", type: "subscribe", payload: {} }, "a query that is a number": { id: "1", type: "subscribe", payload: { query: 1 } },
  "variables that are a list": { id: "1", type: "subscribe", payload: { query: "{ __typename }", variables: [] } },
  "an operation name that is a number": { id: "1", type: "subscribe", payload: { query: "{ __typename }", operationName: 1 } },
  "extensions that are a string": { id: "1", type: "subscribe", payload: { query: "{ __typename }", extensions: "x" } },
  "a complete without an id": { type: "complete" }, "a complete with a number": { id: 1, type: "complete" },
};
for (const [name, frame] of Object.entries(UNSOUND)) {
  await check(`closes with 4400: ${name}`, async () => equal((await conversation([INIT, frame])).code, 4400));
}

await check("answers a ping with its payload, before the introduction too", async () => {
  const { heard } = await conversation([{ type: "ping", payload: { a: 1 } }], { until: (all) => all.length === 1 });
  equal(heard, [{ type: "pong", payload: { a: 1 } }]);
});
await check("ignores pongs and completes of nothing", async () => {
  const frames = [INIT, { type: "pong" }, { type: "complete", id: "9" }, QUICK];
  const { heard } = await conversation(frames, { until: (all) => all.at(-1).type === "complete" });
  equal(heard.map((each) => each.type), ["connection_ack", "next", "complete"]);
});
await check("frees an id with its completion", async () => {
  const { heard } = await conversation([INIT, ENDLESS, { id: "1", type: "complete" }, QUICK], {
    until: (all) => all.at(-1).type === "complete",
  });
  equal(heard.map((each) => each.type), ["connection_ack", "next", "complete"]);
});
await check("sends nothing of an operation after it was cancelled", async () => {
  const variables = { id: organization.id, after: organization.eventCursor };
  const frames = [INIT, { ...ENDLESS, payload: { query: EVENTS, variables } }, { id: "1", type: "complete" }, { ...QUICK, id: "2" }];
  const { heard } = await conversation(frames, { until: (all) => all.at(-1).type === "complete" });
  equal(heard.filter((each) => each.id === "1" && each.type !== "next"), []);
});
await check("speaks the protocol it was offered among others", async () => {
  const socket = new WebSocket(socketUrl, ["graphql-ws", "graphql-transport-ws"]);
  await new Promise((resolve) => socket.on("open", resolve));
  equal(socket.protocol, "graphql-transport-ws");
  socket.terminate();
});

finish("graphql-transport-ws");
