import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Wake } from '../../store/relational/wake.ts';
import { RedisNotices } from '../../store/redis/redis-notices.ts';
import { RedisServer, until } from './redis-server.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

describe('notices over Redis', () => {
  let server: RedisServer;
  const open: RedisNotices[] = [];

  beforeAll(async () => {
    server = await RedisServer.create();
  });
  afterEach(() => {
    for (const notices of open.splice(0)) notices.close();
  });
  afterAll(() => server.remove());

  function listening(instance: string, channel = 'fathom') {
    const elapsed = () => performance.now();
    const notices = new RedisNotices({ url: server.url, channel, instance, elapsed });
    const heard: string[] = [];
    open.push(notices);
    notices.start((topic) => heard.push(topic));
    return { notices, heard, ready: () => until(() => notices.isListening, 'it listens') };
  }

  test('another process hears of a topic, the one that told does not, nor who is on another channel', async () => {
    const [one, two, other] = [listening('1'), listening('2'), listening('3', 'elsewhere')];
    await Promise.all([one.ready(), two.ready(), other.ready()]);
    for (const topic of ['events:a', 'events:a', 'a topic with spaces']) one.notices.tell(topic);
    await until(() => two.heard.length === 2, 'both topics, each once');
    expect(two.heard).toEqual(['events:a', 'a topic with spaces']);
    expect([...one.heard, ...other.heard]).toEqual([]);
  });

  test('while it listens it asks nobody to look, but for now and then', async () => {
    const one = listening('1');
    await one.ready();
    expect(one.notices.haveWritten()).toBe(true);
    expect(one.notices.haveWritten()).toBe(false);
  });

  test('Redis that goes away is looked around, and heard again when it is back', async () => {
    const [one, two] = [listening('1'), listening('2')];
    await Promise.all([one.ready(), two.ready()]);
    await server.kill();
    await until(() => !one.notices.isListening && !two.notices.isListening, 'both know');
    expect([two.notices.haveWritten(), two.notices.haveWritten()]).toEqual([true, true]);
    expect(one.notices.tell('lost')).toBe(false);
    await server.start();
    await Promise.all([one.ready(), two.ready()]);
    expect(two.notices.haveWritten()).toBe(true);
    one.notices.tell('again');
    await until(() => two.heard.includes('again'), 'it is heard again');
    expect(two.heard).toEqual(['again']);
  });

  test('Redis that answers nothing more is noticed', async () => {
    const one = listening('1');
    await one.ready();
    server.hold();
    try {
      await until(() => !one.notices.isListening, 'it knows');
      expect(one.notices.tell('lost')).toBe(false);
    } finally {
      server.goOn();
    }
    await one.ready();
    expect(one.notices.isListening).toBe(true);
  });

  test('one that starts before Redis does listens as soon as it can', async () => {
    await server.kill();
    const one = listening('1');
    expect(one.notices.isListening).toBe(false);
    await server.start();
    await one.ready();
    expect(one.notices.isListening).toBe(true);
  });

  test('a wake over it wakes whoever waits in another process, and closing it twice is once', async () => {
    const two = listening('2');
    const elapsed = () => performance.now();
    const notices = new RedisNotices({
      url: server.url,
      channel: 'fathom',
      instance: '1',
      elapsed,
    });
    open.push(notices);
    const wake = new Wake(notices);
    notices.start((topic) => wake.heard(topic));
    await Promise.all([two.ready(), until(() => notices.isListening, 'it listens')]);
    notices.haveWritten();
    let looks = 0;
    const woken = wake.wait(
      ['events:a'],
      async () => {
        looks++;
        return false;
      },
      AbortSignal.timeout(20_000),
    );
    two.notices.tell('events:a');
    await woken;
    expect(looks).toBe(1);
    wake.close();
    notices.close();
    notices.close();
    expect(notices.tell('events:a')).toBe(false);
  });
});
