import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { beat, claim, currentClaim, silenceMs } from '../../../../backends/local/control/claim.ts';
import {
  identityOf,
  type ProcessIdentity,
  signalProcess,
} from '../../../../backends/local/control/process-identity.ts';
import { ProcessTree } from '../../../../backends/local/control/process-tree.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'fathom-claim-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

function self(): ProcessIdentity {
  const identity = identityOf(process.pid);
  if (identity === null) throw new Error('This process is not there.');
  return identity;
}

/** A process of another container: of its number there is one here too, which is not it. */
const elsewhere = (): ProcessIdentity => ({ ...self(), namespace: 'pid:[1]' });

test('a holder that can be seen lives as long as its process, whatever its beat', () => {
  const at = folder();
  claim(at, self(), { at: 1, takeOver: false });
  beat(at, 1, 0);
  expect(currentClaim(at)).toMatchObject({ number: 1, alive: true });
});

test('a claim that was written before there were namespaces is one of ours', () => {
  const at = folder();
  const { namespace: _, ...before } = self();
  writeFileSync(join(at, 'supervisor.1.json'), JSON.stringify({ ...before, at: 1 }));
  expect(currentClaim(at)?.alive).toBe(true);
});

test('a holder in another container lives as long as it says so', () => {
  const at = folder();
  claim(at, elsewhere(), { at: 1, takeOver: false });
  expect(currentClaim(at)?.alive).toBe(true);
  expect(claim(at, self(), { at: 2, takeOver: true })).toBe(false);
  beat(at, 1, Date.now() - silenceMs - 1_000);
  expect(currentClaim(at)?.alive).toBe(false);
  beat(at, 1, Date.now());
  expect(currentClaim(at)?.alive).toBe(true);
  beat(at, 1, 0);
  expect(currentClaim(at)?.alive).toBe(false);
  expect(claim(at, self(), { at: 3, takeOver: true })).toBe(true);
});

test('one of another boot does not, however lately it said so', () => {
  const at = folder();
  claim(at, { ...elsewhere(), bootId: 'another' }, { at: 1, takeOver: false });
  expect(currentClaim(at)?.alive).toBe(false);
});

test('nobody here is signalled or killed in its place', async () => {
  expect(signalProcess(elsewhere(), 'SIGKILL')).toBe(false);
  expect(await new ProcessTree(elsewhere(), `nobody-${process.pid}`).kill()).toBe(true);
});
