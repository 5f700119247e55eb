import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Program } from '../../backends/contract/workload.ts';
import {
  job,
  nativeText,
  newKey,
  service,
  soon,
  submit,
  untilEnded,
  untilJob,
  untilPrinted,
} from '../contract/backend/under-test.ts';
import type { RealNomad } from './nomad.ts';

/** What only happens where images run: they are fetched, or cannot be, and others end containers. */
export function nomadRunsImages(target: {
  readonly name: string;
  readonly create: () => Promise<RealNomad>;
}): void {
  describe(`images: ${target.name}`, () => {
    let under: RealNomad;
    beforeAll(async () => {
      under = await target.create();
    });
    afterAll(() => under?.destroy());

    test('a job waits for its image, and ends as not started when there is none', async () => {
      const registry = await SilentRegistry.open();
      try {
        const image = `${registry.address}/a/slow-image:1`;
        const handle = await submit(under.jobs, job(inImage(image)));
        const { phase, waiting } = await untilJob(
          under.jobs,
          handle,
          (status) => status.waiting?.code === 'PULLING_IMAGE',
        );
        expect(phase).toBe('PREPARING');
        expect(waiting?.message).toMatch(/image/);
        await registry.close();
        const { exit, startedAt } = await untilEnded(under.jobs, handle);
        expect(exit).toMatchObject({ cause: 'NOT_STARTED', code: null });
        expect(exit?.message).toContain(image);
        expect(startedAt).toBeNull();
      } finally {
        await registry.close();
      }
    });

    test('a service whose image cannot be fetched says so, and is given up', async () => {
      // Nothing listens at that port.
      const image = '127.0.0.1:1/no/image:1';
      const options = { key: newKey(), signal: soon() };
      const other = await under.again({ restartDelaySeconds: 2 });
      if (other.services === null) throw new Error('it runs no services');
      const handle = await other.services.deploy(service(inImage(image)), options);
      await other.close();
      const codes = new Set<string>();
      let failure: string | null = null;
      for await (const status of under.services.watch(handle, soon())) {
        if (status.waiting !== null) codes.add(status.waiting.code);
        failure = status.failure;
        if (status.phase === 'FAILED') break;
      }
      expect(failure).toContain(image);
      expect(codes).toContain('IMAGE_UNAVAILABLE');
      await under.backend.release(handle);
    });

    test('a container that somebody else kills was ended by a signal', async () => {
      const handle = await submit(under.jobs, job(under.shell('echo up; sleep 30')));
      await untilPrinted(under.jobs, handle, 'up');
      const found = await under.ask(`/v1/job/${nativeText(handle, 'name')}/allocations`);
      const [allocation] = found as readonly { readonly ID: string }[];
      const signal = { Signal: 'SIGKILL', Task: 'main' };
      await under.ask(`/v1/client/allocation/${allocation?.ID}/signal`, 'PUT', signal);
      const { exit } = await untilEnded(under.jobs, handle);
      expect(exit).toMatchObject({ cause: 'SIGNALLED', signal: 'SIGKILL' });
    });
  });
}

function inImage(image: string): Program {
  return { kind: 'COMMAND', argv: ['/bin/true'], image };
}

/** A registry on loopback that takes connections and never answers: whoever wants an image waits. */
class SilentRegistry {
  readonly address: string;
  readonly #close: () => Promise<void>;

  private constructor(address: string, close: () => Promise<void>) {
    this.address = address;
    this.#close = close;
  }

  static async open(): Promise<SilentRegistry> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return new SilentRegistry(`127.0.0.1:${port}`, async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
  }

  close(): Promise<void> {
    return this.#close();
  }
}
