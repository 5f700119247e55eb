import type { Backend } from '../../backends/contract/backend.ts';
import type { BackendDirectory } from '../../backends/contract/directory.ts';
import { FathomError } from '../../domain/errors.ts';
import type { ModuleSource } from '../../domain/module.ts';
import type { Resources } from '../../domain/resources.ts';
import { misfit, unfit, unknownBackend, whatToDo } from '../sites/fit.ts';

/**
 * The backend that will serve: the one asked for, otherwise the first that can. Capacity is the backend's own matter: it
 * says in `waiting` what it has not. Throws a FathomError that says what to do when there is none.
 */
export function placeService(
  { backend: name, resources }: { readonly backend: string | null; readonly resources: Resources },
  source: ModuleSource,
  backends: BackendDirectory,
): Backend {
  const wish = { kind: 'SERVICE', source, resources } as const;
  if (name !== null) {
    const asked = backends.get(name);
    if (asked === null) throw unknownBackend(name, backends);
    const reason = misfit(wish, asked);
    if (reason === null) return asked;
    throw unfit(wish, asked, reason, backends);
  }
  const all = backends.all().map((backend) => ({ backend, reason: misfit(wish, backend) }));
  const best = all.find(({ reason }) => reason === null);
  if (best !== undefined) return best.backend;
  const reasons = all.flatMap(({ reason }) => reason ?? []);
  const [first] = reasons;
  if (first === undefined) {
    throw new FathomError('UNSUPPORTED', 'No backend is configured here.', { path: ['backend'] });
  }
  const said = all.map(({ backend, reason }) => `${backend.name}: ${reason?.why ?? ''}`).join('; ');
  const path = reasons.every((each) => each.path.join() === first.path.join())
    ? first.path
    : ['backend'];
  const message = `Nothing here can serve it: ${said}. ${whatToDo(wish, reasons, backends)}`;
  throw new FathomError('UNSUPPORTED', message, { path });
}
