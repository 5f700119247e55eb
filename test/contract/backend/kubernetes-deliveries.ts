import { join } from 'node:path';
import type { Deliveries as BackendDeliveries } from '../../../backends/contract/delivery.ts';
import { BackendError } from '../../../backends/contract/error.ts';
import type { BackendSurroundings } from '../../../backends/contract/definition.ts';
import { Deliveries } from '../../../server/data-plane/deliveries/deliveries.ts';
import type { Dock } from '../../integration/launcher/dock.ts';
import { dockSecret } from '../../integration/launcher/dock.ts';
import { knownBlobs, localSurroundings } from './local-surroundings.ts';

/** What another process must know to give and take files at the same place. */
export interface DockPlace {
  readonly folder: string;
  readonly url: string;
}

export function placeOf(dock: Dock, host = '127.0.0.1'): DockPlace {
  return { folder: dock.folder, url: `http://${host}:${dock.port}` };
}

/** The deliveries of a dock, which is given the blobs that a test announced when somebody asks for them. */
export function deliveriesOf(dock: Dock): BackendDeliveries {
  return {
    open: async (key, inputs, options) => {
      for (const { path, content } of inputs) {
        if (content.kind === 'TEXT') continue;
        const known = knownBlobs.get(content.sha256);
        if (known === undefined)
          throw new BackendError('Rejected', 'submit', 'There is no such blob.');
        await dock.blob(path, Buffer.from(known));
      }
      return dock.deliveries.open(key, inputs, options);
    },
    received: (key) => dock.deliveries.received(key),
    release: (key) => dock.deliveries.release(key),
  };
}

/** For a process that does not serve, but shares the folder with one that does. */
export function surroundingsAt(place: DockPlace | null, blobs: string): BackendSurroundings {
  const surroundings = localSurroundings('/nonexistent', blobs, []);
  if (place === null) return surroundings;
  const desk = new Deliveries({
    folder: join(place.folder, 'deliveries'),
    secret: dockSecret,
    baseUrl: () => place.url,
    ambient: { now: () => Date.now() },
  });
  return { ...surroundings, deliveries: desk.forBackend('far') };
}
