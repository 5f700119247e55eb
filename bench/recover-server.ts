// Our own server, every role of it, with one backend more: whose jobs live in another process, to be counted there.
import type { DefinedBackend } from '../backends/contract/definition.ts';
import { backendDefinitions } from '../backends/registry.ts';
import { ledger } from './ledger-backend.ts';

(backendDefinitions as unknown as DefinedBackend<unknown>[]).push(
  ledger as DefinedBackend<unknown>,
);
await import('../server/main.ts');
