import { literal } from './literal.ts';

/** One argument: data, or (`native`) text that Nomad fills in on the node. */
export type Word = string | { readonly native: string };

/** What runs, and how. */
export interface Launch {
  readonly driver: 'raw_exec' | 'docker';
  readonly image: string | null;
  readonly argv: readonly Word[];
  /** As the program sees it. */
  readonly workFolder: Word;
  /** Of an image that has DEEPaaS alone: the driver of a training, the server beside it, or a server that serves. */
  readonly stock?: 'DRIVER' | 'SERVER' | 'SERVICE';
}

export const portLabel = 'module';
export const portText = `\${NOMAD_PORT_${portLabel}}`;

export function nativeText(word: Word): string {
  return typeof word === 'string' ? literal(word) : word.native;
}

/** A place in a folder. */
export function below(folder: Word, path: string): Word {
  if (typeof folder === 'string') return `${folder}/${path}`;
  return { native: `${folder.native}/${literal(path)}` };
}
