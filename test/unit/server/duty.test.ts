import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Duty, type Work } from '../../../server/duty.ts';

async function lockPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fathom-duty-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, 'worker.lock');
}

function workOf(told: string[], name: string): Work {
  return {
    begin: async () => void told.push(`${name} begins`),
    end: async () => void told.push(`${name} ends`),
  };
}

describe('the duty of a state folder', () => {
  it('is one’s alone, and passes on when that one has ended its work', async () => {
    const path = await lockPath();
    const told: string[] = [];
    const [one, two] = [new Duty(path, () => undefined), new Duty(path, () => undefined)];
    await one.start(workOf(told, 'one'));
    await two.start(workOf(told, 'two'));
    expect([one.isOn, two.isOn, told]).toEqual([true, false, ['one begins']]);
    await one.stop();
    await expect.poll(() => two.isOn, { timeout: 10_000 }).toBe(true);
    expect(told).toEqual(['one begins', 'one ends', 'two begins']);
    await two.stop();
    expect([two.isOn, told.at(-1)]).toEqual([false, 'two ends']);
  });

  it('is given up and asked for again when the work cannot begin', async () => {
    const told: string[] = [];
    const duty = new Duty(await lockPath(), (_level, message) => told.push(message));
    let tries = 0;
    const begin = (): Promise<void> => {
      tries += 1;
      return tries === 1 ? Promise.reject(new Error('busy')) : Promise.resolve();
    };
    await duty.start({ begin, end: () => Promise.resolve() });
    expect([duty.isOn, told]).toEqual([false, ['The work could not be taken over yet.']]);
    await expect.poll(() => duty.isOn, { timeout: 10_000 }).toBe(true);
    expect(tries).toBe(2);
    await duty.stop();
  });

  it('is not taken by one that was stopped while it asked', async () => {
    const path = await lockPath();
    const told: string[] = [];
    const [one, two] = [new Duty(path, () => undefined), new Duty(path, () => undefined)];
    await one.start(workOf(told, 'one'));
    await two.start(workOf(told, 'two'));
    await two.stop();
    await one.stop();
    const three = new Duty(path, () => undefined);
    await three.start(workOf(told, 'three'));
    expect(told).toEqual(['one begins', 'one ends', 'three begins']);
    await three.stop();
  });
});
