// Asks a running server one question: the seeded catalogue must have an answer.
const [url] = process.argv.slice(2);
const query = '{ modules(first: 1) { totalCount edges { node { id } } } }';
const response = await fetch(url, {
  method: 'POST',
  headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
  body: JSON.stringify({ query }),
  signal: AbortSignal.timeout(30_000),
});
const answer = await response.json();
console.log(`${url} answers ${response.status} ${JSON.stringify(answer)}`);
process.exitCode = answer.data?.modules?.totalCount > 0 ? 0 : 1;
