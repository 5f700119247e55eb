import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Without the alias vitest loads graphql's ES module beside the CommonJS copy that libraries load: two realms.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    // type-graphql's decorators ask for it before anything else runs.
    setupFiles: ['reflect-metadata'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // A test without an assertion cannot fail, and a forgotten `.only` hides the others.
    expect: { requireAssertions: true },
    allowOnly: false,
    // Most tests wait for processes of their own: more of them than cores keep the cores busy.
    maxWorkers: 4,
    restoreMocks: true,
  },
});
