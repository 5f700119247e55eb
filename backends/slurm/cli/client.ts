import { BackendError } from '../../contract/error.ts';
import type { NativeRequest } from '../../contract/native-request.ts';
import type { CliSettings } from '../config.ts';
import { recordsWithIds } from '../elements.ts';
import { kindOfWords } from '../errors.ts';
import type { BatchRequest, NativeJob, NativeSite } from '../native.ts';
import { baseOf } from '../native.ts';
import {
  fieldMark,
  parseNodes,
  parseSacct,
  parseSqueue,
  sacctFormat,
  squeueFormat,
} from './parse.ts';
import type { CommandResult } from './run.ts';
import { run } from './run.ts';
import { sbatchArguments } from './sbatch.ts';
import { shellCommand } from './shell-words.ts';

const idsAtOnce = 500;
/** Elements of arrays each in a line of its own, also those that wait. */
const everyJob = ['--noheader', '--states=all', '--array'] as const;

/** Slurm's own commands, here or through ssh. */
export class CliClient {
  readonly #settings: CliSettings;
  readonly #timeoutMs: number;
  #version: string | null = null;
  #closed = false;

  constructor(settings: CliSettings, timeoutMs: number) {
    this.#settings = settings;
    this.#timeoutMs = timeoutMs;
  }

  async submit(request: BatchRequest): Promise<string> {
    const result = await this.#run('submit', 'sbatch', sbatchArguments(request), request.script);
    if (result.code !== 0) throw commandError('submit', result);
    // Plugins may print before it; a cluster's name may follow it.
    const id = /^(\d+)(?:;.*)?$/m.exec(result.stdout.trim().split('\n').at(-1) ?? '')?.[1];
    if (id !== undefined) return id;
    const message = `sbatch gave no job id but ${JSON.stringify(result.stdout.slice(0, 200))}.`;
    throw new BackendError('Unavailable', 'submit', message);
  }

  async plan(request: BatchRequest): Promise<readonly NativeRequest[]> {
    const text = shellCommand(['sbatch', ...sbatchArguments(request)]);
    return [
      { title: 'sbatch', mediaType: 'text/plain', text },
      {
        title: 'Script on its standard input',
        mediaType: 'text/x-shellscript',
        text: request.script,
      },
    ];
  }

  async named(name: string): Promise<readonly NativeJob[]> {
    const argv = [...everyJob, `--name=${name}`, `--format=${squeueFormat}`];
    const result = await this.#run('find', 'squeue', argv);
    if (result.code !== 0) throw commandError('find', result);
    return parseSqueue(result.stdout).filter((job) => job.name === name);
  }

  async jobs(ids: readonly string[]): Promise<ReadonlyMap<string, NativeJob>> {
    const found = new Map<string, NativeJob>();
    for (let start = 0; start < ids.length; start += idsAtOnce) {
      const wanted = ids.slice(start, start + idsAtOnce);
      const argv = [...everyJob, `--jobs=${wanted.join(',')}`];
      const result = await this.#run('inspect', 'squeue', [...argv, `--format=${squeueFormat}`]);
      // Only a question about one job alone is answered like that; of several, the unknown are left out.
      if (isUnknownJob(result)) continue;
      if (result.code !== 0) throw commandError('inspect', result);
      for (const job of parseSqueue(result.stdout)) found.set(job.id, job);
    }
    return found;
  }

  /** Of an array all elements are asked for: those that were never split off stand in one line, under its number only. */
  async history(ids: readonly string[]): Promise<ReadonlyMap<string, readonly NativeJob[]> | null> {
    const found: NativeJob[] = [];
    const bases = [...new Set(ids.map(baseOf))];
    const options = ['--noheader', '--parsable2', `--delimiter=${fieldMark}`];
    // Without duplicates a job that was requeued is what it became, and a number is whoever had it last.
    const argv = [...options, '--allocations', '--duplicates', `--format=${sacctFormat}`];
    for (let start = 0; start < bases.length; start += idsAtOnce) {
      const jobs = bases.slice(start, start + idsAtOnce).join(',');
      const result = await this.#run('inspect', 'sacct', [...argv, `--jobs=${jobs}`]);
      if (/accounting storage is disabled/i.test(result.stderr)) return null;
      if (result.code !== 0) throw commandError('inspect', result);
      found.push(...parseSacct(result.stdout));
    }
    return recordsWithIds(found, ids);
  }

  async cancel(id: string): Promise<void> {
    const result = await this.#run('cancel', 'scancel', [id]);
    const isOver = /already completing|already completed|invalid job id/i.test(result.stderr);
    if (result.code !== 0 && !isOver) throw commandError('cancel', result);
  }

  async site(): Promise<NativeSite> {
    const [version, nodes, waiting] = await Promise.all([
      this.#describe(),
      this.#run('health', 'scontrol', ['--oneliner', '--detail', 'show', 'nodes']),
      this.#run('health', 'squeue', ['--noheader', '--array', '--states=PENDING', '--format=%i']),
    ]);
    for (const result of [nodes, waiting]) {
      if (result.code !== 0) throw commandError('health', result);
    }
    const host = this.#settings.ssh?.host;
    return {
      description: `${version} by its commands${host === undefined ? '' : ` on ${host}`}`,
      nodes: parseNodes(nodes.stdout),
      queued: waiting.stdout.split('\n').filter(Boolean).length,
    };
  }

  close(): void {
    this.#closed = true;
  }

  async #describe(): Promise<string> {
    if (this.#version !== null) return this.#version;
    const result = await this.#run('health', 'sbatch', ['--version']);
    if (result.code !== 0) throw commandError('health', result);
    this.#version = result.stdout.trim().replace(/^slurm(-wlm)?/, 'Slurm');
    return this.#version;
  }

  async #run(
    operation: string,
    command: string,
    argv: readonly string[],
    input = '',
  ): Promise<CommandResult> {
    if (this.#closed) throw new BackendError('Closed', operation, 'The backend is closed.');
    const words = commandLine(this.#settings, command, argv);
    const result = await run(words, { input, timeoutMs: this.#timeoutMs, operation });
    if (result.code === 127 && this.#settings.ssh !== null) {
      throw new BackendError('Unavailable', operation, result.stderr.trim().slice(-1000));
    }
    return result;
  }
}

/** `env` sets the variables here and there alike; only what goes through ssh meets a shell, and is quoted for it. */
export function commandLine(
  settings: CliSettings,
  command: string,
  argv: readonly string[],
): readonly string[] {
  const variables = { ...settings.environment, SLURM_TIME_FORMAT: '%s', LC_ALL: 'C.UTF-8' };
  const words = [
    'env',
    ...Object.entries(variables).map(([name, value]) => `${name}=${value}`),
    settings.commandFolder === null ? command : `${settings.commandFolder}/${command}`,
    ...argv,
  ];
  const { ssh } = settings;
  if (ssh === null) return words;
  return [
    ssh.command,
    '-T',
    ...['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10'],
    ...(ssh.port === null ? [] : ['-p', String(ssh.port)]),
    ...(ssh.user === null ? [] : ['-l', ssh.user]),
    ...ssh.options,
    '--',
    ssh.host,
    shellCommand(words),
  ];
}

/** The error that a command's words mean. */
function commandError(operation: string, result: CommandResult): BackendError {
  const said = (result.stderr.trim() || result.stdout.trim() || 'It said nothing.').slice(-1000);
  // ssh itself ends with 255 when it did not get through.
  const kind = kindOfWords(said) ?? (result.code === 255 ? 'Unavailable' : 'Unexpected');
  return new BackendError(kind, operation, `${said} (exit code ${result.code})`);
}

function isUnknownJob(result: CommandResult): boolean {
  return result.code !== 0 && /invalid job id/i.test(result.stderr);
}
