import type { ExecutionResult } from 'graphql';

/**
 * Where an event stands in the record that a subscription follows: whoever asks for what is behind it gets the same events
 * after it. A subgraph tells it only a gateway that said at `connection_init` that it wants to know; no client sees it.
 */
const positions = new WeakMap<ExecutionResult, number>();
const placed = new WeakMap<ExecutionResult, ExecutionResult>();

const EXTENSION = 'fathomPosition';

/** Said by a gateway in `connection_init`, and by a subgraph that tells positions in `connection_ack`. */
export const TELL_POSITIONS = Object.freeze({ fathomPositions: true });

export function tellsPositions(payload: unknown): boolean {
  return Reflect.get(Object(payload), 'fathomPositions') === true;
}

/** Sources that know where their events stand have `position(event)`; undefined of the others. */
export function positionIn(source: object, event: unknown): number | undefined {
  const known: unknown = Reflect.get(source, 'position');
  return typeof known === 'function' ? (known.call(source, event) as number) : undefined;
}

export function place(result: ExecutionResult, position: number | undefined): ExecutionResult {
  if (position !== undefined) positions.set(result, position);
  return result;
}

export function positionOf(result: ExecutionResult): number | undefined {
  return positions.get(result);
}

/** The result with its position for everybody to read; the same object each time, so that it is written once. */
export function withPosition(result: ExecutionResult): ExecutionResult {
  const position = positions.get(result);
  if (position === undefined) return result;
  let told = placed.get(result);
  if (told === undefined) {
    told = { ...result, extensions: { ...result.extensions, [EXTENSION]: position } };
    placed.set(result, told);
  }
  return told;
}

/** What `withPosition` told; undefined when it is no position. */
export function positionTold(value: object): number | undefined {
  const told: unknown = Reflect.get(Object(Reflect.get(value, 'extensions')), EXTENSION);
  return Number.isSafeInteger(told) ? (told as number) : undefined;
}
