import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assignDispatches, DISPATCH_SIZE } from '../../../core/dispatches.ts';

const items = fc.array(fc.record({ group: fc.constantFrom('a', 'b', 'c'), value: fc.nat() }), {
  maxLength: 5 * DISPATCH_SIZE,
  size: 'max',
});
const groupOf = (item: { group: string }): string => item.group;

test('every item keeps its place and its fields, and has a dispatch', () => {
  fc.assert(
    fc.property(items, (given) => {
      const assigned = assignDispatches(given, groupOf);
      expect(assigned.map(({ dispatchId: _, ...item }) => item)).toEqual(given);
      for (const { dispatchId } of assigned)
        expect(dispatchId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    }),
  );
});

test('a dispatch is never too big, never mixes groups, and there are no more of them than needed', () => {
  fc.assert(
    fc.property(items, (given) => {
      const dispatches = Map.groupBy(assignDispatches(given, groupOf), ({ dispatchId }) => dispatchId);
      for (const members of dispatches.values()) {
        expect(members.length).toBeLessThanOrEqual(DISPATCH_SIZE);
        expect(new Set(members.map(groupOf)).size).toBe(1);
      }
      const needed = [...Map.groupBy(given, groupOf).values()].map((group) =>
        Math.ceil(group.length / DISPATCH_SIZE),
      );
      expect(dispatches.size).toBe(needed.reduce((sum, count) => sum + count, 0));
    }),
  );
});

test('no key is used twice, also from one call to the next', () => {
  const one = assignDispatches([{ group: 'a' }], groupOf);
  const other = assignDispatches([{ group: 'a' }], groupOf);
  expect(one[0]?.dispatchId).not.toBe(other[0]?.dispatchId);
  expect(assignDispatches([], groupOf)).toEqual([]);
});
