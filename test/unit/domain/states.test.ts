import { describe, expect, test } from 'vitest';
import { uploadStates } from '../../../domain/dataset.ts';
import { deploymentStates, endpointStates } from '../../../domain/deployment.ts';
import { isTerminal, mayGo, type StateTable, transition } from '../../../domain/state.ts';
import { sweepStates } from '../../../domain/sweep.ts';
import { attemptStates, trainingRunStates } from '../../../domain/training-run.ts';

const tables: readonly (readonly [string, StateTable<string>])[] = [
  ['TrainingRun', trainingRunStates],
  ['Attempt', attemptStates],
  ['Endpoint', endpointStates],
  ['Deployment', deploymentStates],
  ['Upload', uploadStates],
  ['Sweep', sweepStates],
];

describe.each(tables)('the states of %s', (_name, table) => {
  const states = Object.keys(table.next);

  test('can all be reached from the first', () => {
    const first = table.order[0] ?? '';
    const reached = new Set([first]);
    for (const state of reached) for (const next of table.next[state] ?? []) reached.add(next);
    expect([...reached].toSorted()).toEqual(states.toSorted());
  });

  test('follow their order step by step', () => {
    for (const [at, state] of table.order.slice(1).entries()) {
      const follows = mayGo(table, table.order[at] ?? '', state);
      expect({ state, follows }).toEqual({ state, follows: true });
    }
  });

  test('have a way to an end, or back to rest', () => {
    for (const state of states) {
      const reached = new Set([state]);
      for (const at of reached) for (const next of table.next[at] ?? []) reached.add(next);
      const rests = [...reached].some((at) => isTerminal(table, at) || at === table.order[0]);
      expect({ state, rests }).toEqual({ state, rests: true });
    }
  });
});

describe('transition', () => {
  const at = (state: keyof (typeof trainingRunStates)['next']) => ({ state, stateSince: 1 });

  test('back-fills the states that were missed between two looks, in order', () => {
    const moved = transition(trainingRunStates, at('SUBMITTED'), 'RUNNING', 7, 'seen');
    expect(moved?.entity).toEqual({ state: 'RUNNING', stateSince: 7 });
    expect(moved?.changes).toEqual([
      { from: 'SUBMITTED', to: 'PENDING', at: 7, reason: null },
      { from: 'PENDING', to: 'PREPARING', at: 7, reason: null },
      { from: 'PREPARING', to: 'RUNNING', at: 7, reason: 'seen' },
    ]);
  });

  test('changes nothing on a stale observation', () => {
    expect(transition(trainingRunStates, at('RUNNING'), 'PENDING', 7, null)).toBeNull();
    expect(transition(trainingRunStates, at('SUCCEEDED'), 'RUNNING', 7, null)).toBeNull();
    expect(transition(trainingRunStates, at('RUNNING'), 'RUNNING', 7, null)).toBeNull();
  });

  test('never leaves an end', () => {
    for (const end of ['SUCCEEDED', 'FAILED', 'CANCELLED', 'LOST'] as const) {
      for (const to of Object.keys(trainingRunStates.next) as never[]) {
        expect(transition(trainingRunStates, at(end), to, 7, null)).toBeNull();
      }
    }
  });
});
