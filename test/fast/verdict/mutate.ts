import fc from 'fast-check';

type Change = 'replace' | 'remove' | 'add';
type Parts = Record<string, unknown> | unknown[];

const odd: fc.Arbitrary<unknown> = fc.constantFrom<unknown>(
  null,
  '',
  'x',
  'bad',
  ' ',
  '5',
  '2026-13-01T00:00:00Z',
  0,
  -1,
  0.5,
  1e21,
  true,
  [],
  {},
  [null],
  { a: 1 },
);

/** JSON values that differ from one in a place or two: another value, a property less, or one more. */
export function mutated(value: unknown): fc.Arbitrary<unknown> {
  const one = fc.tuple(fc.nat(), fc.constantFrom<Change>('replace', 'remove', 'add'), odd);
  return fc
    .array(one, { minLength: 1, maxLength: 2 })
    .map((changes) =>
      changes.reduce<unknown>((current, [at, change, other]) => changed(current, at, change, other), value),
    );
}

function changed(value: unknown, at: number, change: Change, other: unknown): unknown {
  const root = { root: structuredClone(value) };
  const places = placesOf(root);
  const place = places[at % places.length];
  if (place === undefined) return other;
  const { parts, key } = place;
  const part: unknown = Reflect.get(parts, key);
  if (change === 'add' && isParts(part)) Reflect.set(part, Array.isArray(part) ? part.length : 'more', other);
  else if (change === 'remove' && !Array.isArray(parts) && parts !== root) Reflect.deleteProperty(parts, key);
  else Reflect.set(parts, key, other);
  return root.root;
}

type Place = { parts: Parts; key: string };

function placesOf(parts: Parts): Place[] {
  return Object.keys(parts).flatMap((key) => {
    const part: unknown = Reflect.get(parts, key);
    return [{ parts, key }, ...(isParts(part) ? placesOf(part) : [])];
  });
}

function isParts(value: unknown): value is Parts {
  return typeof value === 'object' && value !== null;
}
