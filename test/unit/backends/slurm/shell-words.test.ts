import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellCommand } from '../../../../backends/slurm/cli/shell-words.ts';

test('a shell gives back every word as it was', () => {
  const words = [
    ...[
      '',
      ' ',
      'plain',
      "it's",
      "''",
      '"',
      '$(id)',
      '`id`',
      '${HOME}',
      '\\',
      '\\\\n',
      '\n',
      'a\nb',
    ],
    ...['*', '?', '~', '!', '#', '&&', ';', '|', '>', '-n', '--', 'ünïcödé 漢字 🙂', '\t', "'\\''"],
  ];
  const command = shellCommand(['printf', '%s\\0', ...words]);
  const said = execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8' });
  expect(said.split('\0').slice(0, -1)).toEqual(words);
});
