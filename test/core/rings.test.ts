import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assignRings, RING_SIZE } from '../../core/rings.ts';

const items = fc.array(fc.record({ group: fc.constantFrom('a', 'b', 'c'), value: fc.nat() }), {
  maxLength: 5 * RING_SIZE,
  size: 'max',
});
const groupOf = (item: { group: string }): string => item.group;

test('every item keeps its place and its fields, and has a ring', () => {
  fc.assert(
    fc.property(items, (given) => {
      const assigned = assignRings(given, groupOf);
      expect(assigned.map(({ ring: _, ...item }) => item)).toEqual(given);
      for (const { ring } of assigned) expect(ring).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    }),
  );
});

test('a ring is never too big, never mixes groups, and there are no more of them than needed', () => {
  fc.assert(
    fc.property(items, (given) => {
      const rings = Map.groupBy(assignRings(given, groupOf), ({ ring }) => ring);
      for (const members of rings.values()) {
        expect(members.length).toBeLessThanOrEqual(RING_SIZE);
        expect(new Set(members.map(groupOf)).size).toBe(1);
      }
      const needed = [...Map.groupBy(given, groupOf).values()].map((group) =>
        Math.ceil(group.length / RING_SIZE),
      );
      expect(rings.size).toBe(needed.reduce((sum, count) => sum + count, 0));
    }),
  );
});

test('no key is used twice, also from one call to the next', () => {
  const one = assignRings([{ group: 'a' }], groupOf);
  const other = assignRings([{ group: 'a' }], groupOf);
  expect(one[0]?.ring).not.toBe(other[0]?.ring);
  expect(assignRings([], groupOf)).toEqual([]);
});
