// One GraphQL server of the field, answering the console page: node console.mjs KIND DATABASE_URL. It prints its port.
import { createServer } from 'node:http';
import { contextOf, resolvers, typeDefs } from './console/graph.mjs';
import { pool } from './console/rows.mjs';

const [kind, url] = process.argv.slice(2);
process.env.NODE_ENV = 'production';

const told = (port) => console.log(JSON.stringify({ port }));

const listening = (server) => server.listen(0, '127.0.0.1', () => told(server.address().port));

const SERVERS = {
  async apollo() {
    const { ApolloServer } = await import('@apollo/server');
    const { startStandaloneServer } = await import('@apollo/server/standalone');
    const connections = pool(url);
    const server = new ApolloServer({ typeDefs, resolvers, csrfPrevention: false, introspection: false });
    const { url: address } = await startStandaloneServer(server, {
      listen: { host: '127.0.0.1', port: 0 },
      context: async () => contextOf(connections),
    });
    told(Number(new URL(address).port));
  },

  async yoga() {
    const { createSchema, createYoga } = await import('graphql-yoga');
    const { useGraphQlJit } = await import('@envelop/graphql-jit');
    const connections = pool(url);
    const yoga = createYoga({
      schema: createSchema({ typeDefs, resolvers }),
      context: () => contextOf(connections),
      plugins: [useGraphQlJit()],
      logging: false,
      graphiql: false,
    });
    listening(createServer(yoga));
  },

  async mercurius() {
    const { default: fastify } = await import('fastify');
    const { default: mercurius } = await import('mercurius');
    const connections = pool(url);
    const app = fastify();
    app.register(mercurius, { schema: typeDefs, resolvers, jit: 1, context: () => contextOf(connections) });
    await app.listen({ host: '127.0.0.1', port: 0 });
    told(app.server.address().port);
  },

  async postgraphile() {
    const { served } = await import('./console/postgraphile.mjs');
    listening(await served(url));
  },
};

await SERVERS[kind]();
