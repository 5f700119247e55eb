import type { SampleOperation } from '../gateway/graphiql.ts';

/** Tabs of the explorer, in the order of a first visit. Each can be sent as it is or says what to fill in. */
export const samples: readonly SampleOperation[] = [
  {
    query: `# Basic: what can be used here?
query Catalogue {
  modules(first: 10, orderBy: { field: TITLE, direction: ASC }) {
    totalCount
    facets(names: [TASK, LIBRARY]) { facet values { value count } }
    nodes { slug title summary trainable latestVersion { id name pretrained trainSchema } }
  }
  datasets(first: 10) {
    nodes { name title latestVersion { id format exampleCount labels { label count } } }
  }
}`,
  },
  {
    query: `# Basic: serve a module that is ready to use. Take the id of a version that is pretrained.
mutation Serve($moduleVersionId: ID!) {
  createDeployment(input: { name: "my-endpoint", moduleVersionId: $moduleVersionId }) {
    deployment { id endpoint { state } }
    userErrors { code message path }
  }
}`,
    variables: '{ "moduleVersionId": "mver_…" }',
  },
  {
    query: `# Basic: ask it.
mutation Predict($deploymentId: ID!) {
  predict(input: { deploymentId: $deploymentId, arguments: { text: "Die Bibliothek ist heute leider geschlossen, kommen Sie bitte morgen wieder." }, waitUntilWarmMs: 10000 }) {
    prediction { output moduleMs totalMs }
    userErrors { code message path }
  }
}`,
    variables: '{ "deploymentId": "dep_…" }',
  },
  {
    query: `# Intermediate: train a module on a data set.
mutation Train($moduleVersionId: ID!, $datasetVersionId: ID!) {
  createTrainingRun(input: {
    moduleVersionId: $moduleVersionId
    datasetVersionId: $datasetVersionId
    arguments: { epochs: 5 }
    seed: 1
  }) {
    trainingRun { id number state waiting { code message } }
    userErrors { code message path }
  }
}`,
    variables: '{ "moduleVersionId": "mver_…", "datasetVersionId": "dsv_…" }',
  },
  {
    query: `# Intermediate: watch the loss fall. Pass the last offset as \`after\` to go on where you were.
subscription Watch($id: ID!) {
  trainingRunMetrics(id: $id, after: 0) { offset epoch name value }
}`,
    variables: '{ "id": "run_…" }',
  },
  {
    query: `# Advanced: which learning rate and how many epochs? One wish, many runs, two at the same time.
mutation Sweep($moduleVersionId: ID!, $datasetVersionId: ID!) {
  createSweep(input: {
    moduleVersionId: $moduleVersionId
    datasetVersionId: $datasetVersionId
    strategy: RANDOM
    trials: 6
    parameters: [
      { argument: "epochs", values: [2, 4, 8] }
      { argument: "learningRate", range: { minimum: 0.0001, maximum: 0.1, scale: LOG } }
    ]
    objective: { metric: "testAccuracy", goal: MAXIMIZE }
    atOnce: 2
    seed: 1
  }) {
    sweep { id number trials counts { state count } runs(first: 6) { nodes { id arguments } } }
    userErrors { code message path }
  }
}`,
    variables: '{ "moduleVersionId": "mver_…", "datasetVersionId": "dsv_…" }',
  },
  {
    query: `# Advanced: watch the best so far. Pass the last sequence as \`after\` to go on where you were.
subscription Best($id: ID!) {
  sweepEvents(id: $id, after: 0) {
    sequence
    change { ... on SweepBestChanged { number bestValue previousValue runId } ... on SweepStateChanged { to reason } }
  }
}`,
    variables: '{ "id": "swp_…" }',
  },
  {
    query: `# Advanced: where did a model come from, and where is it used?
query Lineage($id: ID!) {
  artifact(id: $id) {
    name
    digest
    lineage { seed arguments moduleVersion { name module { title } } datasetVersion { number dataset { title } } }
    deployments(first: 5) { nodes { name endpoint { state warmth { latencyMs probedAt } } } }
  }
}`,
    variables: '{ "id": "art_…" }',
  },
];
