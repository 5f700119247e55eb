// @apollo/gateway over the subgraphs that the supergraph in the named file names.
import { readFile } from 'node:fs/promises';
import { ApolloGateway } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';

const [file = ''] = process.argv.slice(2);
const supergraphSdl = await readFile(file, 'utf8');
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const gateway = new ApolloGateway({ supergraphSdl, logger: silent });
const server = new ApolloServer({ gateway, logger: silent });
const { url } = await startStandaloneServer(server, { listen: { port: 0, host: '127.0.0.1' } });
console.log(`${url.replace('localhost', '127.0.0.1')}graphql`);
