/** Numbers from 0 to 1, the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const strange: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    1e300,
    '',
    'Unheard-Of',
    '\u0000',
    '2026-13-45T99:99:99Z',
    '漢字\n',
  ],
  ...[[], {}, [null], [[]], [{ type: 3 }], { name: [] }, { state: { current: {} } }],
];

const ordinary: readonly unknown[] = [
  ...[true, false, 0, -1, 1e300, '', 'Unheard-Of', '\u0000', '2026-13-45T99:99:99Z', '漢字\n'],
  ...[[], {}],
];

/**
 * A copy in which some things are gone, and some are something else: of any type, or (`typed`) of the same type, as from a
 * server that keeps the types of its fields and nothing else.
 */
export function mutated(value: unknown, random: () => number, typed: boolean): unknown {
  const copy: unknown = structuredClone(value);
  const places = placesIn(copy);
  for (let times = 1 + Math.floor(random() * 3); times > 0; times--) {
    const place = places[Math.floor(random() * places.length)];
    if (place === undefined) continue;
    const { holder, key } = place;
    const choice = typed ? ordinary.filter((one) => kindOf(one) === kindOf(holder[key])) : strange;
    if (random() < 0.3 && !Array.isArray(holder)) delete holder[key];
    else if (choice.length > 0) {
      holder[key] = structuredClone(choice[Math.floor(random() * choice.length)]);
    }
  }
  return copy;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

interface Place {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

function placesIn(value: unknown): readonly Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...placesIn(holder[key])]);
}
