// A minimal graphql-ws server: one subscription, fed by POST /publish. It prints its port and then serves.
import { createServer } from 'node:http';
import { buildSchema } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';

const schema = buildSchema(`
  type Query { hello: String }
  type Money { amount: String! currency: String! }
  type Alert { level: String! subject: String! threshold: Int! cap: Money! spent: Money! remaining: Money! }
  type LimitAlertEvent { cursor: String! dedupId: String! alert: Alert! }
  type Subscription { limitApproaching(organizationId: ID!, after: String): LimitAlertEvent! }
`);

const listeners = new Set();

async function* news() {
  const waiting = [];
  let wake = () => {};
  const listener = (event) => {
    waiting.push(event);
    wake();
  };
  listeners.add(listener);
  try {
    while (true) {
      while (waiting.length) yield { limitApproaching: waiting.shift() };
      await new Promise((resolve) => (wake = resolve));
    }
  } finally {
    listeners.delete(listener);
  }
}

const money = (amount) => ({ amount, currency: 'USD' });
let published = 0;

function publish() {
  published += 1;
  const alert = {
    level: 'MEMBER',
    subject: 'mem_01kwdfkd00yp6arym8shx0mx4x_01kwdfkd00yp6arym8shx0mx4y',
    threshold: 75,
    cap: money('1.00'),
    spent: money('0.80'),
    remaining: money('0.20'),
  };
  const event = {
    cursor: `ZXZlbnRzOjAxa3dkZmtkMDB5cDZhcnltOHNoeDBteDR4OjE${published}`,
    dedupId: `limit_01kwdfkd00yp6arym8shx0mx4z.2026-11.75.${published}`,
    alert,
  };
  for (const listener of listeners) listener(event);
}

const server = createServer((request, response) => {
  if (request.method === 'POST' && request.url === '/publish') {
    publish();
    response.end('ok');
  } else {
    response.writeHead(404).end();
  }
});
const sockets = new WebSocketServer({ server, path: '/graphql' });
useServer({ schema, roots: { subscription: { limitApproaching: () => news() } } }, sockets);
server.listen(0, '127.0.0.1', 4096, () => console.log(JSON.stringify({ port: server.address().port })));
