import type { GraphQLResolveInfo } from 'graphql';
import type { KeyField } from './ownership.ts';
import type { FieldResolver, ReferenceResolver } from './subgraph.ts';

/**
 * An object whose type several subgraphs share, with the name of the one it came from. Fields of the others are answered on
 * the object that their reference resolver returns, looked up at most once for each object in an answer.
 */
export class Joined {
  readonly origin: string;
  readonly value: unknown;
  readonly #elsewhere = new Map<string, unknown>();

  constructor(origin: string, value: unknown) {
    this.origin = origin;
    this.value = value;
  }

  /** The object as `subgraph` knows it; null when that subgraph has no such entity. */
  in(subgraph: string, lookUp: () => unknown): unknown {
    if (this.#elsewhere.has(subgraph)) return this.#elsewhere.get(subgraph);
    const found = lookUp();
    this.#elsewhere.set(subgraph, found);
    return found;
  }
}

/** How one field of a shared type is answered for objects that came from one subgraph. */
export type Route =
  | { readonly kind: 'own'; readonly resolve: FieldResolver }
  | {
      readonly kind: 'join';
      readonly subgraph: string;
      readonly represent: Representer;
      readonly reference: ReferenceResolver;
      readonly resolve: FieldResolver;
    };

/** Builds `{ __typename, …key }` from an object of the origin. A promise only if a key field's resolver gives one. */
export type Representer = (
  value: unknown,
  context: unknown,
  info: GraphQLResolveInfo,
) => Record<string, unknown> | Promise<Record<string, unknown>>;

/** The merged resolver of a field whose source is a `Joined`. */
export function routed(field: string, routes: ReadonlyMap<string, Route>): FieldResolver {
  return (source, args, context, info) => {
    if (!(source instanceof Joined)) {
      throw new Error(`${info.parentType.name}.${field} was asked of an object without an origin`);
    }
    const route = routes.get(source.origin);
    if (route === undefined) {
      throw new Error(`${info.parentType.name}.${field} cannot be reached from ${source.origin}`);
    }
    if (route.kind === 'own') return route.resolve(source.value, args, context, info);
    const found = source.in(route.subgraph, () => {
      const reference = route.represent(source.value, context, info);
      return isPromise(reference)
        ? reference.then((it) => route.reference(it, context, info))
        : route.reference(reference, context, info);
    });
    if (isPromise(found)) {
      return found.then((it) => (it == null ? null : route.resolve(it, args, context, info)));
    }
    return found == null ? null : route.resolve(found, args, context, info);
  };
}

/** Tags what `resolve` gives, through lists and promises. */
export function tagged(origin: string, resolve: FieldResolver): FieldResolver {
  return (source, args, context, info) => tag(origin, resolve(source, args, context, info));
}

/** A field of a type of one subgraph that may arrive tagged, because it shares an interface or union. */
export function untagged(resolve: FieldResolver): FieldResolver {
  return (source, args, context, info) =>
    resolve(source instanceof Joined ? source.value : source, args, context, info);
}

/** graphql's default, for one property. */
export function property(name: string): FieldResolver {
  return (source, args, context, info) => {
    if (typeof source !== 'object' || source === null) return undefined;
    const value: unknown = Reflect.get(source, name);
    return typeof value === 'function'
      ? Reflect.apply(value, source, [args, context, info])
      : value;
  };
}

/** `resolverFor` answers a key field on an object of the origin; nested selections read plain properties below it. */
export function representer(
  type: string,
  key: readonly KeyField[],
  resolverFor: (field: string) => FieldResolver,
): Representer {
  const parts = key.map((field) => ({ field, resolve: resolverFor(field.name) }));
  return (value, context, info) => {
    const reference: Record<string, unknown> = { __typename: type };
    const pending: Promise<void>[] = [];
    for (const { field, resolve } of parts) {
      const part = resolve(value, {}, context, info);
      if (isPromise(part)) {
        pending.push(
          part.then((it) => {
            reference[field.name] = project(it, field.nested);
          }),
        );
      } else {
        reference[field.name] = project(part, field.nested);
      }
    }
    return pending.length === 0 ? reference : Promise.all(pending).then(() => reference);
  };
}

function project(value: unknown, nested: readonly KeyField[]): unknown {
  if (nested.length === 0 || value == null) return value;
  if (Array.isArray(value)) return value.map((it) => project(it, nested));
  return Object.fromEntries(
    nested.map((field) => [
      field.name,
      project(Reflect.get(Object(value), field.name), field.nested),
    ]),
  );
}

function tag(origin: string, value: unknown): unknown {
  if (value == null || value instanceof Error || value instanceof Joined) return value;
  if (isPromise(value)) return value.then((it) => tag(origin, it));
  if (typeof value === 'object' && Symbol.iterator in value) {
    return Array.from(value as Iterable<unknown>, (it) => tag(origin, it));
  }
  return new Joined(origin, value);
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value;
}
