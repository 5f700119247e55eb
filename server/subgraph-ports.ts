/** Where `fathom subgraph NAME` listens and `fathom gateway` looks for it, when nothing else is said. */
export const subgraphPorts: ReadonlyMap<string, number> = new Map([
  ['modules', 4001],
  ['datasets', 4002],
  ['training', 4003],
  ['deployments', 4004],
  ['inference', 4005],
]);
