import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root } from './process.ts';
import type { Command, Report, Seen, Share } from './subscribers.ts';

const readyWithinMs = 120_000;

/** What every subscriber asks for. */
export const followed = `subscription Events($id: ID!, $after: Int!) {
  trainingRunEvents(id: $id, after: $after) {
    sequence at change { __typename ... on TrainingRunProgressed { progress { done total unit } } }
  }
}`;

/** Subscribers in processes of their own. A failure of any of them, at any time, is one of the measurement. */
export class Audience {
  readonly #children: readonly ChildProcess[];
  readonly #failures: string[] = [];

  private constructor(children: readonly ChildProcess[]) {
    this.#children = children;
    for (const child of children) {
      child.on('message', (report: Report) => {
        if (report.type === 'failed') this.#failures.push(report.message);
      });
    }
  }

  /** A process for each share; resolves when every subscriber has its first event. */
  static async open(shares: readonly Share[]): Promise<Audience> {
    const entry = join(root, 'bench', 'subscribers.ts');
    const all = shares.map((share) => ({ share, child: fork(entry, { execArgv: [] }) }));
    const audience = new Audience(all.map(({ child }) => child));
    try {
      await Promise.all(all.map(({ share, child }) => audience.#told(child, { share }, 'ready')));
      return audience;
    } catch (error) {
      await audience.close();
      throw error;
    }
  }

  /** From now on deliveries count. */
  begin(): void {
    for (const child of this.#children) child.send('begin' satisfies Command);
  }

  async end(): Promise<readonly Seen[]> {
    const reports = await Promise.all(
      this.#children.map((child) => this.#told(child, 'end', 'seen')),
    );
    return reports.filter((report) => report.type === 'seen');
  }

  async close(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    }
  }

  async #told(child: ChildProcess, command: Command, type: Report['type']): Promise<Report> {
    const answer = new Promise<Report>((resolve, reject) => {
      child.once('exit', () => reject(new Error('the subscribers are gone')));
      child.on('message', (report: Report) => {
        if (report.type === 'failed') reject(new Error(report.message));
        if (report.type === type) resolve(report);
      });
    });
    child.send(command);
    const late = delay(readyWithinMs, null, { ref: false });
    const first = await Promise.race([answer, late]);
    if (first === null) throw new Error(`the subscribers are not ${type} in time`);
    const [failure] = this.#failures;
    if (failure !== undefined) throw new Error(failure);
    return first;
  }
}

/** How many files a process may have open here. */
export function openFiles(): number {
  const text = execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim();
  return text === 'unlimited' ? Infinity : Number(text);
}
