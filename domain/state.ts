/**
 * State machines as data. A table maps each state to the states it may go to; a state with no exit is terminal.
 * `order` is the normal course: when an observation skips states, those between are back-filled in this order.
 */
export interface StateTable<S extends string> {
  readonly order: readonly S[];
  readonly next: { readonly [K in S]: readonly S[] };
}

export interface StateChange<S extends string> {
  readonly from: S | null;
  readonly to: S;
  /** Epoch milliseconds. */
  readonly at: number;
  /** A sentence for a person; null when the state says it all. */
  readonly reason: string | null;
}

export interface Stateful<S extends string> {
  readonly state: S;
  readonly stateSince: number;
}

export function isTerminal<S extends string>(table: StateTable<S>, state: S): boolean {
  return table.next[state].length === 0;
}

export function mayGo<S extends string>(table: StateTable<S>, from: S, to: S): boolean {
  return table.next[from].includes(to);
}

/**
 * The only writer of a state. Returns the entity in its new state and the changes made, oldest first: one for the state
 * itself, preceded by those of `order` that were missed on the way. Returns null when `to` cannot be reached (a stale
 * observation): nothing is changed then.
 */
export function transition<S extends string, E extends Stateful<S>>(
  table: StateTable<S>,
  entity: E,
  to: S,
  at: number,
  reason: string | null,
): { readonly entity: E; readonly changes: readonly StateChange<S>[] } | null {
  if (entity.state === to) return null;
  const path = pathBetween(table, entity.state, to);
  if (path === null) return null;
  const changes: StateChange<S>[] = [];
  let from = entity.state;
  for (const state of path) {
    changes.push({ from, to: state, at, reason: state === to ? reason : null });
    from = state;
  }
  return { entity: { ...entity, state: to, stateSince: at }, changes };
}

/** Direct if the table allows it, otherwise forward along `order`; null when neither leads to `to`. */
function pathBetween<S extends string>(table: StateTable<S>, from: S, to: S): readonly S[] | null {
  if (mayGo(table, from, to)) return [to];
  const start = table.order.indexOf(from);
  const end = table.order.indexOf(to);
  if (start < 0 || end <= start) return null;
  const path: S[] = [];
  let at = from;
  for (const state of table.order.slice(start + 1, end + 1)) {
    if (!mayGo(table, at, state)) return null;
    path.push(state);
    at = state;
  }
  return path;
}
