import type { NativeExit, NativeJob, NativeNode } from '../native.ts';

/** No text of Slurm holds it. */
export const fieldMark = '\u001f';

export const squeueFormat = ['%i', '%T', '%r', '%k', '%S', '%e', '%j'].join(fieldMark);

export function parseSqueue(text: string): readonly NativeJob[] {
  return rows(text, fieldMark).flatMap(
    ([id = '', state = '', reason = '', comment = '', start = '', end = '', name = '']) =>
      id === ''
        ? []
        : [
            {
              id,
              name,
              comment: comment === '(null)' ? '' : comment,
              state,
              completing: state === 'COMPLETING',
              reason,
              startedAt: epochMs(start),
              endedAt: epochMs(end),
              exit: null,
            },
          ],
  );
}

/** Of an element of an array JobIDRaw is the number that changes. */
export const sacctFormat = 'JobID,State,ExitCode,Start,End,Comment,JobName';

/** `CANCELLED by 1000` is CANCELLED. A job that was requeued has several lines, as has a number that was used again. */
export function parseSacct(text: string): readonly NativeJob[] {
  return rows(text, fieldMark).flatMap(
    ([id = '', said = '', exit = '', start = '', end = '', comment = '', name = '']) => {
      const state = said.split(' ')[0] ?? '';
      if (id === '' || state === '') return [];
      const times = { startedAt: epochMs(start), endedAt: epochMs(end) };
      const reason = said.slice(state.length).trim();
      const more = { ...times, exit: exitOf(exit) };
      return [{ id, name, comment, state, completing: false, reason, ...more }];
    },
  );
}

/** `3:0` is a code, `0:11` a signal. */
function exitOf(text: string): NativeExit | null {
  const [, code, signal] = /^(\d+):(\d+)$/.exec(text) ?? [];
  if (code === undefined || signal === undefined) return null;
  return signal === '0'
    ? { code: Number(code), signal: null }
    : { code: null, signal: Number(signal) };
}

/** One node a line, `Name=value` separated by spaces; values with spaces are of no interest. */
export function parseNodes(text: string): readonly NativeNode[] {
  return text.split('\n').flatMap((line) => {
    const fields = new Map<string, string>();
    for (const [, name = '', value = ''] of line.matchAll(/(?:^|\s)(\w+)=(\S*)/g)) {
      if (!fields.has(name)) fields.set(name, value);
    }
    const name = fields.get('NodeName');
    if (name === undefined) return [];
    const number = (field: string): number => Number(fields.get(field) ?? 0) || 0;
    const text = (field: string): string => (fields.get(field) ?? '').replace('(null)', '');
    return [
      {
        name,
        states: text('State')
          .toUpperCase()
          .replaceAll(/[*~#!%$@^-]/g, '')
          .split('+'),
        partitions: text('Partitions').split(',').filter(Boolean),
        cpus: number('CPUTot'),
        cpusInUse: number('CPUAlloc'),
        memoryMiB: number('RealMemory'),
        memoryInUseMiB: number('AllocMem'),
        gres: text('Gres'),
        gresInUse: text('GresUsed'),
      },
    ];
  });
}

function rows(text: string, mark: string): readonly string[][] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(mark));
}

/** Seconds since 1970, as SLURM_TIME_FORMAT=%s gives them; null for `N/A`, `Unknown` and a forecast without end. */
function epochMs(text: string): number | null {
  const seconds = /^\d{1,11}$/.test(text.trim()) ? Number(text) : 0;
  return seconds > 0 ? seconds * 1000 : null;
}
