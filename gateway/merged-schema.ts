import { buildSchema, isAbstractType, isEnumType, isObjectType, isScalarType } from 'graphql';
import type { GraphQLAbstractType, GraphQLObjectType, GraphQLSchema } from 'graphql';
import { Joined, property, representer, routed, tagged, untagged } from './joined.ts';
import type { Route } from './joined.ts';
import { MergeError, shapesOf } from './ownership.ts';
import type { Key, Shapes, TypeShape } from './ownership.ts';
import type { FieldResolver, ReferenceResolver, Subgraph, TypeNameResolver } from './subgraph.ts';

interface Part {
  readonly name: string;
  readonly shapes: Shapes;
  readonly resolvers: Subgraph['resolvers'];
}

const ROOTS = new Set(['Query', 'Mutation', 'Subscription']);

/**
 * One executable schema over several subgraphs: `publicSdl` (from composition) with the subgraphs' own resolvers attached
 * and entities joined by key through `__resolveReference`, in process. Throws `MergeError` naming every type and field
 * that only a planner can carry.
 */
export function mergeSchema(subgraphs: readonly Subgraph[], publicSdl: string): GraphQLSchema {
  const parts = subgraphs.map((it): Part => ({
    name: it.name,
    shapes: shapesOf(it),
    resolvers: it.resolvers,
  }));
  const schema = buildSchema(publicSdl);
  const merge = new Merge(parts);
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    if (isObjectType(type)) merge.attachObject(type);
    else if (isAbstractType(type)) merge.attachAbstract(type);
    else if (isEnumType(type)) merge.checkEnum(type.name);
    else if (isScalarType(type)) {
      const [own] = parts.flatMap((part) => {
        const scalar = part.resolvers[type.name];
        return isScalarType(scalar) ? [scalar] : [];
      });
      if (own !== undefined) {
        type.serialize = own.serialize;
        type.parseValue = own.parseValue;
        type.parseLiteral = own.parseLiteral;
      }
    }
  }
  if (merge.problems.length > 0) throw new MergeError(merge.problems);
  return schema;
}

class Merge {
  readonly problems: string[] = [];
  readonly #parts: readonly Part[];

  constructor(parts: readonly Part[]) {
    this.#parts = parts;
  }

  attachObject(type: GraphQLObjectType): void {
    const owners = this.#partsWith(type.name);
    for (const field of Object.values(type.getFields())) {
      if (ROOTS.has(type.name)) {
        this.#attachRoot(field, type.name);
      } else if (this.#isShared(type.name)) {
        field.resolve = routed(field.name, this.#routes(type.name, field.name, owners));
      } else {
        const [owner] = owners;
        if (owner === undefined) continue;
        const own = resolverOf(owner, type.name, field.name);
        const tags = this.#isTagged(owner, type.name, field.name);
        const unwraps = this.#mayArriveTagged(type.name);
        if (own === undefined && !tags && !unwraps) {
          // Compiled execution reads plain properties: it neither calls a function nor awaits a promise it finds there. Rows
          // hold neither; a connection does (a count that is made only when asked for), once a page.
          if ('pageInfo' in type.getFields()) field.resolve = property(field.name);
          continue;
        }
        const plain = own ?? property(field.name);
        const inner = tags ? tagged(owner.name, plain) : plain;
        field.resolve = unwraps ? untagged(inner) : inner;
      }
    }
  }

  attachAbstract(type: GraphQLAbstractType): void {
    const byOrigin = new Map(
      this.#partsWith(type.name).map((part) => [part.name, typeNameResolverOf(part, type.name)]),
    );
    const [only] = byOrigin.values();
    type.resolveType = (value, context, info) => {
      const resolve = value instanceof Joined ? byOrigin.get(value.origin) : only;
      const inner: unknown = value instanceof Joined ? value.value : value;
      const name = resolve?.(inner, context, info, type) ?? typeNameIn(inner);
      return name as string | undefined;
    };
  }

  /** An answer carries the inner value of one subgraph and is printed by the merged enum: they must be the same words. */
  checkEnum(name: string): void {
    for (const part of this.#parts) {
      const values = part.resolvers[name];
      if (values === undefined) continue;
      for (const [key, inner] of Object.entries(values)) {
        if (!key.startsWith('__') && inner !== key) {
          this.problems.push(
            `Enum ${name} of subgraph ${part.name} stores ${key} as ${JSON.stringify(inner)}; an enum of the graph is a union of its own names.`,
          );
        }
      }
    }
  }

  #attachRoot(field: ReturnType<GraphQLObjectType['getFields']>[string], type: string): void {
    const owner = this.#partsWith(type).find((part) => {
      const shape = part.shapes.get(type)?.fields.get(field.name);
      return shape !== undefined && !shape.external;
    });
    if (owner === undefined) return;
    const entry = entryOf(owner, type, field.name);
    const tags = this.#isTagged(owner, type, field.name);
    const plain = functionIn(entry, 'resolve') ?? (tags ? property(field.name) : undefined);
    if (plain !== undefined) field.resolve = tags ? tagged(owner.name, plain) : plain;
    const subscribe = functionIn(entry, 'subscribe');
    if (subscribe !== undefined && type === 'Subscription') field.subscribe = subscribe;
  }

  /** For every subgraph an object may come from: how this field is answered. */
  #routes(type: string, field: string, owners: readonly Part[]): Map<string, Route> {
    const routes = new Map<string, Route>();
    for (const origin of owners) {
      if (providesField(origin.shapes.get(type), field)) {
        routes.set(origin.name, { kind: 'own', resolve: this.#resolver(origin, type, field) });
        continue;
      }
      const join = this.#join(origin, type, field, owners);
      if (join !== undefined) routes.set(origin.name, join);
      else if (this.#gives(origin, type)) {
        this.problems.push(
          `Field ${type}.${field} cannot be reached in one step from subgraph ${origin.name}: no @key of a subgraph that has it can be read there.`,
        );
      }
    }
    return routes;
  }

  #join(origin: Part, type: string, field: string, owners: readonly Part[]): Route | undefined {
    for (const target of owners) {
      const shape = target.shapes.get(type);
      if (target === origin || shape === undefined || !providesField(shape, field)) continue;
      const key = shape.keys.find((it) => it.resolvable && this.#canRead(origin, type, it));
      if (key === undefined) continue;
      const reference = entryOf(target, type, '__resolveReference');
      return {
        kind: 'join',
        subgraph: target.name,
        represent: representer(
          type,
          key.selection,
          (name) => resolverOf(origin, type, name) ?? property(name),
        ),
        // As @apollo/subgraph does: without a reference resolver the reference is the object.
        reference: typeof reference === 'function' ? (reference as ReferenceResolver) : (it) => it,
        resolve: this.#resolver(target, type, field),
      };
    }
    return undefined;
  }

  #canRead(origin: Part, type: string, key: Key): boolean {
    const shape = origin.shapes.get(type);
    return key.selection.every((it) => providesField(shape, it.name));
  }

  #resolver(part: Part, type: string, field: string): FieldResolver {
    const plain = resolverOf(part, type, field) ?? property(field);
    return this.#isTagged(part, type, field) ? tagged(part.name, plain) : plain;
  }

  /** Several subgraphs answer fields of this object type, so an object must remember where it came from. */
  #isShared(type: string): boolean {
    const owners = this.#partsWith(type);
    if (owners.length < 2 || ROOTS.has(type)) return false;
    return owners.some((part) => {
      const shape = part.shapes.get(type);
      if (shape === undefined || shape.kind !== 'object') return false;
      if (shape.keys.length > 0 || part.resolvers[type] !== undefined) return true;
      // A shared value of leaves alone is the same wherever it comes from.
      return [...shape.fields.values()].some((it) => part.shapes.has(it.type));
    });
  }

  #isTagged(part: Part, type: string, field: string): boolean {
    const target = part.shapes.get(type)?.fields.get(field)?.type;
    return target !== undefined && this.#isTaggedType(part, target);
  }

  #isTaggedType(part: Part, type: string): boolean {
    const shape = part.shapes.get(type);
    if (shape === undefined) return false;
    if (shape.kind === 'object') return this.#isShared(type);
    return this.#partsWith(type).length > 1 || shape.members.some((it) => this.#isShared(it));
  }

  #mayArriveTagged(type: string): boolean {
    return this.#parts.some((part) =>
      [...part.shapes.values()].some(
        (shape) => shape.members.includes(type) && this.#isTaggedType(part, shape.name),
      ),
    );
  }

  /** Whether some field of the subgraph can give an object of this type. */
  #gives(part: Part, type: string): boolean {
    const names = new Set([type]);
    for (const shape of part.shapes.values()) {
      if (shape.members.includes(type)) names.add(shape.name);
    }
    return [...part.shapes.values()].some((shape) =>
      [...shape.fields.values()].some((field) => names.has(field.type) && !field.external),
    );
  }

  #partsWith(type: string): readonly Part[] {
    return this.#parts.filter((part) => part.shapes.has(type));
  }
}

function providesField(shape: TypeShape | undefined, field: string): boolean {
  return shape?.fields.get(field)?.external === false;
}

function resolverOf(part: Part, type: string, field: string): FieldResolver | undefined {
  return functionIn(entryOf(part, type, field), 'resolve');
}

function typeNameResolverOf(part: Part, type: string): TypeNameResolver | undefined {
  const entry = entryOf(part, type, '__resolveType');
  return typeof entry === 'function' ? (entry as TypeNameResolver) : undefined;
}

function entryOf(part: Part, type: string, field: string): unknown {
  const resolvers = part.resolvers[type];
  return resolvers === undefined || isScalarType(resolvers) ? undefined : resolvers[field];
}

/** A resolver map gives a function, or `{ resolve, subscribe }`. */
function functionIn(entry: unknown, role: 'resolve' | 'subscribe'): FieldResolver | undefined {
  const found: unknown =
    typeof entry === 'object' && entry !== null
      ? Reflect.get(entry, role)
      : role === 'resolve'
        ? entry
        : undefined;
  return typeof found === 'function' ? (found as FieldResolver) : undefined;
}

function typeNameIn(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, '__typename') : undefined;
}
