import { describe, expect, test } from 'vitest';
import type { NativeJob } from '../../../../backends/slurm/native.ts';
import type { JobFacts } from '../../../../backends/slurm/observe.ts';
import { judge } from '../../../../backends/slurm/observe.ts';

const native = (state: string, more: Partial<NativeJob> = {}): NativeJob => ({
  id: '1',
  name: 'n',
  comment: '',
  state,
  completing: false,
  reason: 'None',
  startedAt: 1000,
  endedAt: 2000,
  exit: null,
  ...more,
});

const facts = (more: Partial<JobFacts> = {}): JobFacts => ({
  started: null,
  exit: null,
  cancel: null,
  native: null,
  accounting: null,
  scriptOutput: '',
  beatAgeMs: null,
  overForMs: 60_000,
  visibilityMs: 30_000,
  ...more,
});

const started = { at: 1000 };
const accounting = { alive: null, lagMs: 120_000 };
const exit = (more: object): object => ({
  cause: 'ENDED',
  code: null,
  signal: null,
  stop: null,
  startedAt: 1000,
  endedAt: 2000,
  lines: [],
  ...more,
});

const causeOf = (given: Partial<JobFacts>): string => {
  const judgement = judge(facts(given));
  if (judgement.kind === 'VANISHED') return 'VANISHED';
  return judgement.status.exit?.cause ?? judgement.status.phase;
};

describe('how a job ended', () => {
  test.for([
    [
      'by itself, whatever Slurm says',
      { exit: exit({ code: 0 }), native: native('CANCELLED') },
      'EXITED',
    ],
    ['by itself, without Slurm', { exit: exit({ code: 3 }) }, 'EXITED'],
    ['at its own limit', { exit: exit({ signal: 15, stop: 'TIME_LIMIT' }) }, 'TIME_LIMIT'],
    [
      'stopped by Slurm for its limit',
      { exit: exit({ code: 0, stop: 'TERM' }), native: native('TIMEOUT') },
      'TIME_LIMIT',
    ],
    [
      'stopped by a cancel',
      { exit: exit({ code: 0, stop: 'TERM' }), native: native('CANCELLED') },
      'CANCELLED',
    ],
    [
      'killed for its memory',
      { exit: exit({ signal: 9 }), native: native('OUT_OF_MEMORY') },
      'OUT_OF_MEMORY',
    ],
    ['killed by somebody', { exit: exit({ signal: 9 }), native: native('FAILED') }, 'SIGNALLED'],
    [
      'killed, and Slurm still cleans up',
      { started, exit: exit({ signal: 9 }), native: native('FAILED', { completing: true }) },
      'RUNNING',
    ],
    ['killed, and Slurm has forgotten', { exit: exit({ signal: 9 }) }, 'SIGNALLED'],
    ['stopped, and Slurm has forgotten why', { exit: exit({ code: 0, stop: 'TERM' }) }, 'UNKNOWN'],
    [
      'stopped for us, and Slurm has forgotten',
      { exit: exit({ signal: 15, stop: 'TERM' }), cancel: {} },
      'CANCELLED',
    ],
    [
      'COMPLETED, seen to start, its record lost',
      { started, native: native('COMPLETED') },
      'EXITED',
    ],
    ['COMPLETED without any evidence', { native: native('COMPLETED') }, 'NOT_STARTED'],
    [
      'COMPLETED, and a cancel was on its way',
      { started, cancel: {}, native: native('COMPLETED') },
      'UNKNOWN',
    ],
    [
      'FAILED with a code, its record lost',
      { started, native: native('FAILED', { exit: { code: 3, signal: null } }) },
      'EXITED',
    ],
    [
      'FAILED by a signal, its record lost',
      { started, native: native('FAILED', { exit: { code: null, signal: 11 } }) },
      'SIGNALLED',
    ],
    [
      'FAILED with a code that is none',
      { started, native: native('FAILED', { exit: { code: 0, signal: null } }) },
      'UNKNOWN',
    ],
    [
      'FAILED since another job had taken the work',
      { started, native: native('FAILED', { exit: { code: 75, signal: null } }) },
      'UNKNOWN',
    ],
    [
      'FAILED with a code before it started',
      { native: native('FAILED', { exit: { code: 1, signal: null } }) },
      'NOT_STARTED',
    ],
    [
      'requeued, and not run again',
      { started, native: native('REQUEUED', { superseded: true }) },
      'UNKNOWN',
    ],
    ['requeued, and it waits', { started, native: native('REQUEUED') }, 'UNKNOWN'],
    [
      'COMPLETED, evidence may be on its way',
      { started, native: native('COMPLETED'), overForMs: 0 },
      'RUNNING',
    ],
    ['with its node', { started, native: native('NODE_FAIL') }, 'UNKNOWN'],
    ['with its node before it started', { native: native('BOOT_FAIL') }, 'NOT_STARTED'],
    [
      'cancelled while it waited',
      { native: native('CANCELLED', { startedAt: null }), overForMs: 0 },
      'CANCELLED',
    ],
    ['nobody knows', { started }, 'VANISHED'],
    ['nobody knows yet', { started, overForMs: 0 }, 'RUNNING'],
    ['forgotten while it runs', { started, beatAgeMs: 5000 }, 'RUNNING'],
    ['the accounting may lag behind', { started, accounting, overForMs: 90_000 }, 'RUNNING'],
    ['the accounting had its time', { started, accounting, overForMs: 120_000 }, 'VANISHED'],
    [
      'killed, and the accounting may say why',
      { started, exit: exit({ signal: 9 }), accounting, overForMs: 90_000 },
      'RUNNING',
    ],
    [
      'killed, and the accounting had its time',
      { started, exit: exit({ signal: 9 }), accounting, overForMs: 120_000 },
      'SIGNALLED',
    ],
    ['cancelled, whatever the accounting', { started, accounting, cancel: {} }, 'CANCELLED'],
    ['forgotten, its supervisor silent', { started, beatAgeMs: 120_000 }, 'VANISHED'],
    [
      'a record that is no JSON',
      { started, exit: undefined, native: native('COMPLETED') },
      'UNKNOWN',
    ],
  ] as const)('%s', ([, given, cause]) => {
    expect(causeOf(given)).toBe(cause);
  });

  test('no combination of files and states is a crash, and none without evidence is a success', () => {
    const states = ['COMPLETED', 'RUNNING', 'PENDING', 'TIMEOUT', 'NEW_STATE', ''];
    const natives = [null, ...states.map((state) => native(state))];
    const files = [
      null,
      undefined,
      5,
      'x',
      {},
      { at: 'x' },
      exit({}),
      exit({ code: 'x', lines: 1 }),
    ];
    let seen = 0;
    for (const one of natives) {
      for (const file of files) {
        for (const cancel of [null, {}]) {
          const given = { native: one, started: file, exit: file, cancel };
          expect(causeOf(given)).not.toBe('EXITED');
          seen++;
        }
      }
    }
    expect(seen).toBe(natives.length * files.length * 2);
  });

  test('the evidence of a lost job says what its accounting says', () => {
    for (const [given, said] of [
      [null, 'there is no accounting to ask'],
      [{ alive: null, lagMs: 0 }, 'Slurm and its accounting do not know the job'],
      [{ alive: 'RUNNING', lagMs: 0 }, 'its accounting still calls RUNNING'],
    ] as const) {
      expect(JSON.stringify(judge(facts({ started, accounting: given })))).toContain(said);
    }
  });

  test('the message has the last lines, or the words of the script that failed', () => {
    const ended = judge(facts({ exit: exit({ code: 1, lines: ['the reason'] }) }));
    expect(JSON.stringify(ended)).toContain('the reason');
    const failed = judge(
      facts({ native: native('FAILED'), scriptOutput: 'sh: cd: no such folder\n' }),
    );
    expect(JSON.stringify(failed)).toContain('no such folder');
  });
});
