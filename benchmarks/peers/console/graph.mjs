// The page as a graph: the part of the schema it asks for, and resolvers with dataloaders, new for each request.
import DataLoader from 'dataloader';
import * as rows from './rows.mjs';

export const typeDefs = `
  type Query { organization(id: ID!): Organization }
  type Organization {
    id: ID! slug: String! name: String! currency: String! timeZone: String! status: String!
    members(first: Int!): MemberConnection! invoices(first: Int!): InvoiceConnection!
  }
  type MemberConnection { totalCount: Int! pageInfo: PageInfo! nodes: [Member!]! }
  type PageInfo { hasNextPage: Boolean! }
  type Member { id: ID! name: String! seat: Seat monthToDate: Money! effectiveLimit: EffectiveSpendLimit! }
  type Seat { tier: SeatTier }
  type SeatTier { key: String! }
  type Money { amount: String! }
  type EffectiveSpendLimit { remaining: Money bindingLevel: String }
  type InvoiceConnection { nodes: [Invoice!]! }
  type Invoice { id: ID! number: String status: String! dueAt: String total: Money! lines: [InvoiceLine!]! }
  type InvoiceLine { description: String! amount: Money! }
`;

export function contextOf(pool) {
  const month = rows.monthStart();
  const page = { owner: undefined }; // servers copy the context, and so share this
  const query = async (sql, ...values) => (await pool.query(sql, values)).rows;
  const byKey = (read, key) =>
    new DataLoader(async (keys) => {
      const found = new Map((await read(keys)).map((row) => [row[key], row]));
      return keys.map((each) => found.get(each) ?? null);
    });
  return {
    query,
    page,
    own: new DataLoader(async (keys) =>
      Promise.all(keys.map(async (key) => (await query(rows.ORGANIZATION, key, month))[0] ?? null))),
    caps: new DataLoader(async (keys) => {
      const found = await query(rows.CAPS, page.owner);
      const caps = new Map(found.map((row) => [`${row.level} ${row.subject}`, row.cap_nanos]));
      return keys.map(() => caps);
    }),
    seats: byKey((keys) => query(rows.SEATS, page.owner, keys), 'member_id'),
    spent: byKey((keys) => query(rows.SPENT, page.owner, month, keys), 'subject'),
    lines: new DataLoader(async (keys) => {
      const found = new Map(keys.map((key) => [key, []]));
      for (const row of await query(rows.LINES, page.owner, keys)) found.get(row.invoice_id).push(row);
      return keys.map((key) => found.get(key));
    }),
  };
}

export const resolvers = {
  Query: {
    organization: async (_, { id }, context) => {
      context.page.owner = id.slice(4);
      const row = await context.own.load(context.page.owner);
      return row && { id, slug: row.slug, name: row.name, currency: row.currency, timeZone: row.time_zone, status: row.status };
    },
  },
  Organization: {
    members: async (_, { first }, context) => {
      const found = await context.query(rows.MEMBERS, context.page.owner, first + 1);
      const nodes = found.slice(0, first).map((row) => ({ id: `mem_${context.page.owner}_${row.id}`, name: row.name, key: row.id }));
      return { nodes, pageInfo: { hasNextPage: found.length > first } };
    },
    invoices: async (_, { first }, context) => {
      const found = await context.query(rows.INVOICES, context.page.owner, first);
      return {
        nodes: found.map((row) => ({
          id: `inv_${context.page.owner}_${row.id}`,
          number: row.number,
          status: row.status,
          dueAt: rows.instantText(row.due_at),
          total: { amount: rows.minorText(row.total_minor) },
          key: row.id,
        })),
      };
    },
  },
  MemberConnection: {
    totalCount: async (_, __, context) => (await context.query(rows.COUNT, context.page.owner))[0].total,
  },
  Member: {
    seat: async ({ key }, _, context) => {
      const row = await context.seats.load(key);
      return row && { tier: row.tier && { key: row.tier } };
    },
    monthToDate: async ({ key }, _, context) => ({
      amount: rows.nanosText((await context.spent.load(key))?.spent_nanos ?? 0),
    }),
    effectiveLimit: async ({ key }, _, context) => {
      const [caps, counter, seat, own] = await Promise.all([
        context.caps.load(''),
        context.spent.load(key),
        context.seats.load(key),
        context.own.load(context.page.owner),
      ]);
      const [level, left] = rows.binding(own, counter, caps.get(`MEMBER ${key}`), seat && caps.get(`SEAT_TIER ${seat.tier}`));
      return { remaining: left == null ? null : { amount: rows.nanosText(Math.max(left, 0)) }, bindingLevel: level };
    },
  },
  Invoice: {
    lines: async ({ key }, _, context) =>
      (await context.lines.load(key)).map((row) => ({
        description: row.description,
        amount: { amount: rows.minorText(row.amount_minor) },
      })),
  },
};
