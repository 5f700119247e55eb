import type { Store } from '../../../store/contract/store.ts';

/** The store, with its calls counted by table and method. */
export function counting(store: Store, calls: Map<string, number>): Store {
  return new Proxy(store, {
    get: (_, key) => {
      const value: unknown = Reflect.get(store, key, store);
      if (typeof value === 'function') return value.bind(store) as unknown;
      return typeof value === 'object' && value !== null
        ? counted(String(key), value, calls)
        : value;
    },
  });
}

function counted(name: string, target: object, calls: Map<string, number>): object {
  return new Proxy(target, {
    get: (_, key) => {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        const call = `${name}.${String(key)}`;
        calls.set(call, (calls.get(call) ?? 0) + 1);
        return Reflect.apply(value, target, args);
      };
    },
  });
}
