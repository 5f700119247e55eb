// A subgraph of somebody else: an institution's ledger, which knows what grant pays for a training run.
// It needs nothing of Fathom: node docs/examples/foreign-subgraph/server.mjs [PORT]
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled';
import { startStandaloneServer } from '@apollo/server/standalone';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';

const typeDefs = parse(`
  extend schema
    @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])

  type TrainingRun @key(fields: "id") {
    id: ID!
    "The grant that pays for this run; null when nobody said."
    grant: Grant
  }

  type Grant {
    number: String!
    holder: String!
  }

  type Mutation {
    assignGrant(trainingRunId: ID!, number: String!, holder: String!): TrainingRun!
  }
`);

/** A real ledger is a database. */
const grants = new Map();

const resolvers = {
  TrainingRun: {
    __resolveReference: ({ id }) => ({ id }),
    grant: ({ id }) => grants.get(id) ?? null,
  },
  Mutation: {
    assignGrant: (_, { trainingRunId, number, holder }) => {
      grants.set(trainingRunId, { number, holder });
      return { id: trainingRunId };
    },
  },
};

const server = new ApolloServer({
  schema: buildSubgraphSchema([{ typeDefs, resolvers }]),
  plugins: [ApolloServerPluginInlineTraceDisabled()],
});
const port = Number(process.argv[2] ?? 4020);
const { url } = await startStandaloneServer(server, { listen: { host: '127.0.0.1', port } });
console.log(`The ledger answers at ${url}`);
