import { defineConfig } from 'vitest/config';

/** Suites that kill, fill and count at every step: minutes of processes. `npm run check` runs them, `npm test` does not. */
const exhaustive = [
  'test/contract/backend/*-crash.test.ts',
  'test/contract/backend/slurm-*.test.ts',
  'test/contract/backend/kubernetes-{faults,launcher,restarts,services,stock}.test.ts',
  'test/contract/backend/local-faults.test.ts',
  'test/contract/backend/nomad{,-faults,-launcher,-services,-stock}.test.ts',
  'test/contract/backend/openwhisk{,-faults,-restarts}.test.ts',
  'test/contract/openwhisk-server.test.ts',
  'test/contract/module-server-deepaas-{commands,driver}.test.ts',
  'test/docs/**',
  'test/e2e/bad-days/{disconnects,many-disconnects,modules,power-cuts}.test.ts',
  'test/e2e/crash-points/**',
  'test/e2e/launcher/**',
  'test/e2e/functions/**',
  'test/e2e/processes/**',
  'test/integration/deployments/{bad-modules,functions,functions-bad-days,unreachable-backend}.test.ts',
  'test/integration/launcher/**',
  'test/integration/training/{bad-days,slurm-sweeps}.test.ts',
];

const sharing = 'test/{unit,integration}/**/*.test.ts';

/** What is in `include` and not in `others`, with settings of its own. */
function suites(
  name: string,
  include: string,
  more: { isolate?: boolean; others?: readonly string[] } = {},
) {
  const { isolate = true, others = [] } = more;
  const late = process.env['FATHOM_TESTS'] === 'all' ? [] : exhaustive;
  const exclude = ['**/node_modules/**', ...late, ...others];
  return { extends: true as const, test: { name, include: [include], exclude, isolate } };
}

export default defineConfig({
  // Without the alias vitest loads graphql's ES module beside the CommonJS copy that libraries load: two realms.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    projects: process.env['FATHOM_REAL']
      ? [suites('real', 'test/real/*.suite.ts')]
      : [
          // What they test keeps nothing from one file to the next: loading it for each was a third of their time.
          suites('sharing', sharing, { isolate: false }),
          suites('alone', 'test/**/*.test.ts', { others: [sharing] }),
        ],
    // type-graphql's decorators ask for it before anything else runs.
    setupFiles: ['reflect-metadata'],
    testTimeout: process.env['FATHOM_REAL'] ? 180_000 : 30_000,
    hookTimeout: process.env['FATHOM_REAL'] ? 180_000 : 30_000,
    // A test without an assertion cannot fail, and a forgotten `.only` hides the others.
    expect: { requireAssertions: true },
    allowOnly: false,
    // Most tests wait for processes of their own: more of them than cores keep the cores busy.
    maxWorkers: 3,
    // A shared machine can stall for seconds under suites of real processes; the report names what needed a second try.
    retry: process.env['CI'] ? 2 : 0,
    restoreMocks: true,
  },
});
