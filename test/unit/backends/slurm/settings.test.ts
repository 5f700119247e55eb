import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { commandLine } from '../../../../backends/slurm/cli/client.ts';
import { parseSettings } from '../../../../backends/slurm/config.ts';

test('a secret prints as *** wherever it lands', () => {
  const transport = { kind: 'rest', url: 'http://h:1', user: 'u', credentials: { token: 'hush' } };
  const settings = parseSettings({ transport, sharedFolder: '/s' });
  const { transport: parsed } = settings;
  if (parsed.kind !== 'rest') throw new Error('another transport');
  const { credentials } = parsed;
  for (const text of [
    JSON.stringify(settings),
    inspect(settings, { depth: 9, showHidden: true }),
    String('token' in credentials ? credentials.token : ''),
  ]) {
    expect(text).toContain('***');
    expect(text).not.toContain('hush');
  }
});

test('what is wrong is a sentence that names the setting', () => {
  const transport = { kind: 'cli' };
  for (const [settings, name] of [
    [{ transport, sharedFolder: 'relative' }, 'sharedFolder'],
    [{ transport, sharedFolder: '/with/%j' }, 'sharedFolder'],
    [{ transport, sharedFolder: '/s', partition: '--wrap=id' }, 'partition'],
    [{ transport: { kind: 'ftp' }, sharedFolder: '/s' }, 'transport'],
    [
      { transport: { kind: 'cli', ssh: { host: '-oProxyCommand=id' } }, sharedFolder: '/s' },
      'host',
    ],
    [{ transport, sharedFolder: '/s', typo: 1 }, 'typo'],
    [{ transport }, 'sharedFolder: a folder, or launcher'],
    [{ transport, launcher: ['node', '/l.mjs'], nodeFolder: 'here' }, 'nodeFolder'],
  ] as const) {
    expect(() => parseSettings(settings)).toThrow(name);
  }
});

test('commands run without a shell here, and as one quoted word through ssh', () => {
  const at = (transport: object) => {
    const settings = parseSettings({ transport, sharedFolder: '/s' });
    if (settings.transport.kind !== 'cli') throw new Error('not by commands');
    return commandLine(settings.transport, 'squeue', ['--name=a b', "--comment=it's"]);
  };
  const environment = { SLURM_CONF: '/etc/s l.conf' };
  expect(at({ kind: 'cli', commandFolder: '/opt/slurm/bin', environment })).toEqual([
    ...['env', 'SLURM_CONF=/etc/s l.conf', 'SLURM_TIME_FORMAT=%s', 'LC_ALL=C.UTF-8'],
    ...['/opt/slurm/bin/squeue', '--name=a b', "--comment=it's"],
  ]);
  const ssh = { host: 'login.example.org', user: 'vo1', port: 2222, options: ['-i', '/k'] };
  expect(at({ kind: 'cli', ssh, environment })).toEqual([
    ...['ssh', '-T', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10', '-p', '2222'],
    ...['-l', 'vo1', '-i', '/k', '--', 'login.example.org'],
    `env 'SLURM_CONF=/etc/s l.conf' 'SLURM_TIME_FORMAT=%s' LC_ALL=C.UTF-8 squeue ` +
      `'--name=a b' '--comment=it'\\''s'`,
  ]);
});
