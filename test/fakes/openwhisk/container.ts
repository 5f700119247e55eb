/**
 * What the pool needs of something that runs containers: processes of this machine here, an engine of containers
 * elsewhere. Nothing in it knows of actions: the pool speaks `/init` and `/run` with `url` itself.
 */
export interface ContainerFactory {
  /** Rejects when the image cannot be had. */
  pull(image: string): Promise<void>;
  /** Rejects when the image is not there or its container does not start. Resolves before the container listens. */
  create(options: ContainerOptions): Promise<Container>;
  /** Ends everything that it made. */
  close(): Promise<void>;
}

export interface ContainerOptions {
  readonly image: string;
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly memoryMiB: number;
}

export interface Container {
  /** `http://HOST:PORT` once it is known; null while it is not, or when the container ended before. */
  url(): Promise<string | null>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** What was printed since the last call; waits a little until both streams have ended the log of an activation. */
  takeLog(): Promise<readonly PrintedLine[]>;
  /** Whether it ended because it took more memory than it may. */
  readonly isOutOfMemory: boolean;
  remove(): Promise<void>;
}

export interface PrintedLine {
  readonly at: number;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** The last line of an activation's log on each stream. */
export const sentinel = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX';
