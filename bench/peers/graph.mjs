// The same list for every peer, from memory: what is measured is the server, not where its data come from.
export const typeDefs = /* GraphQL */ `
  enum Direction {
    ASC
    DESC
  }
  enum Field {
    TITLE
  }
  input Order {
    field: Field!
    direction: Direction!
  }
  type Module {
    id: ID!
    slug: String!
    title: String!
    summary: String!
    tags: [String!]!
    licence: String
    trainable: Boolean!
    createdAt: String!
  }
  type Modules {
    nodes: [Module!]!
  }
  type Query {
    modules(first: Int!, orderBy: Order): Modules!
  }
`;

const modules = Array.from({ length: 200 }, (_, at) => ({
  id: `mod_01J${String(at).padStart(23, '0')}`,
  slug: `module-${at}`,
  title: `Module ${String(at).padStart(4, '0')}`,
  summary: 'Tells one kind of thing from another, after it has seen some of each.',
  tags: ['deep learning', `tag-${at % 17}`],
  licence: 'Apache-2.0',
  trainable: true,
  createdAt: '2026-01-01T00:00:00.000Z',
}));

export const resolvers = {
  Query: { modules: (_source, { first }) => ({ nodes: modules.slice(0, first) }) },
};

export const answer = JSON.stringify({ data: { modules: { nodes: modules.slice(0, 20) } } });
