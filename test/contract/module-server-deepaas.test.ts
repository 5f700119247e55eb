import { describe } from 'vitest';
import { moduleServerContract } from './module-server.contract.ts';
import { contractDemo, startDeepaas } from './module-server-deepaas-process.ts';

/**
 * The reference implementation in an environment that is there: `pip install test/contract/module-server-deepaas` into it,
 * then `DEEPAAS_RUN=<environment>/bin/deepaas-run npx vitest run test/contract/module-server-deepaas.test.ts`. One that
 * makes its own environment: `npm run test:real -- deepaas`.
 */
const command = process.env['DEEPAAS_RUN'];

describe.runIf(command)('the reference implementation', () => {
  moduleServerContract(
    'deepaas',
    () => startDeepaas(command ?? '', contractDemo.model),
    contractDemo,
  );
});
