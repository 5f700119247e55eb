import { registerEnumType } from 'type-graphql';

/**
 * Registers a string union as a GraphQL enum. `values` are its members; `describe` gives each one its sentence. Returns
 * the object that decorators take as the type.
 */
export function stringEnum<V extends string>(
  name: string,
  description: string,
  values: readonly V[],
  describe?: (value: V) => string,
): { readonly [K in V]: K } {
  const object = Object.fromEntries(values.map((value) => [value, value])) as { [K in V]: K };
  registerEnumType(object, {
    name,
    description,
    ...(describe && {
      valuesConfig: Object.fromEntries(
        values.map((value) => [value, { description: describe(value) }]),
      ) as never,
    }),
  });
  return object;
}
