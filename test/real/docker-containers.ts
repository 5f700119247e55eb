import type {
  Container,
  ContainerFactory,
  ContainerOptions,
  PrintedLine,
} from '../fakes/openwhisk/container.ts';
import { sentinel } from '../fakes/openwhisk/container.ts';
import type { DockerEngine } from './docker-engine.ts';

/** The port of every action's container. */
const actionPort = 8080;

/** Containers of a real engine for the compatible server: images from a registry, addresses on loopback. */
export class DockerContainers implements ContainerFactory {
  readonly #engine: DockerEngine;
  readonly #containers = new Set<DockerContainer>();
  /** How long each pull took, in milliseconds. */
  readonly pulls: number[] = [];
  /** Of how many activations the log was collected: before that their container is not free. */
  logsTaken = 0;

  constructor(engine: DockerEngine) {
    this.#engine = engine;
  }

  get count(): number {
    return this.#containers.size;
  }

  async pull(image: string): Promise<void> {
    const started = performance.now();
    await this.#engine.docker('pull', image);
    this.pulls.push(performance.now() - started);
  }

  async create({ image, name, environment, memoryMiB }: ContainerOptions): Promise<Container> {
    // As the invoker of OpenWhisk does it; published on loopback, since nothing here routes to the bridge.
    const id = await this.#engine.docker(
      ...['run', '--detach', '--name', name, '--publish', `127.0.0.1:0:${actionPort}`],
      ...['--memory', `${memoryMiB}m`, '--memory-swap', `${memoryMiB}m`, '--pids-limit', '1024'],
      ...['--cap-drop', 'NET_RAW', '--cap-drop', 'NET_ADMIN', '--ulimit', 'nofile=1024:1024'],
      ...Object.entries(environment).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
      image,
    );
    const container = new DockerContainer(this.#engine, id, {
      logTaken: () => void (this.logsTaken += 1),
      removed: () => void this.#containers.delete(container),
    });
    this.#containers.add(container);
    return container;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#containers].map((container) => container.remove()));
  }
}

interface DockerEvents {
  readonly logTaken: () => void;
  readonly removed: () => void;
}

class DockerContainer implements Container {
  isOutOfMemory = false;
  readonly #engine: DockerEngine;
  readonly #id: string;
  readonly #events: DockerEvents;
  #taken = 0;
  #isRemoved = false;

  constructor(engine: DockerEngine, id: string, events: DockerEvents) {
    this.#engine = engine;
    this.#id = id;
    this.#events = events;
    void this.#watch();
  }

  async url(): Promise<string | null> {
    const running = ['inspect', '--format', '{{.State.Running}}', this.#id];
    while ((await this.#engine.docker(...running).catch(() => 'false')) === 'true') {
      const url = await this.#engine.address(this.#id, actionPort).catch(() => null);
      // The engine takes connections before the container does, and resets them.
      if (url !== null && (await answers(url))) return url;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return null;
  }

  async pause(): Promise<void> {
    if (!this.#isRemoved) await this.#engine.docker('pause', this.#id);
  }

  async resume(): Promise<void> {
    await this.#engine.docker('unpause', this.#id);
  }

  async takeLog(): Promise<readonly PrintedLine[]> {
    const limit = performance.now() + 2000;
    for (;;) {
      const fresh = (await this.#printed()).slice(this.#taken);
      const ends = fresh.filter(({ text }) => text === sentinel).length;
      if (ends >= 2 || performance.now() > limit) {
        this.#taken += fresh.length;
        this.#events.logTaken();
        return fresh.filter(({ text }) => text !== sentinel);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async remove(): Promise<void> {
    this.#isRemoved = true;
    await this.#engine.docker('rm', '--force', this.#id).catch(() => '');
    this.#events.removed();
  }

  async #watch(): Promise<void> {
    const format = '{{.State.OOMKilled}}';
    const said = await this.#engine
      .docker('wait', this.#id)
      .then(() => this.#engine.docker('inspect', '--format', format, this.#id))
      .catch(() => '');
    this.isOutOfMemory = said === 'true';
  }

  /** In the order of time, which within one stream is that of printing. */
  async #printed(): Promise<readonly PrintedLine[]> {
    const nothing = { stdout: '', stderr: '' };
    const { stdout, stderr } = await this.#engine
      .both('logs', '--timestamps', this.#id)
      .catch(() => nothing);
    return [...linesOf(stdout, 'stdout'), ...linesOf(stderr, 'stderr')].toSorted(
      (a, b) => a.at - b.at,
    );
  }
}

function answers(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(2000) }).then(
    () => true,
    () => false,
  );
}

function linesOf(text: string, stream: PrintedLine['stream']): readonly PrintedLine[] {
  return text.split('\n').flatMap((line) => {
    const [, at, said = ''] = /^(\S+) (.*)$/.exec(line) ?? [];
    return at === undefined ? [] : [{ at: Date.parse(at), stream, text: said }];
  });
}
