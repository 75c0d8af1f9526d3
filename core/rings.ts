import { randomUUID } from 'node:crypto';

/** How many attempts one ring announces at most: graphile-worker's three row writes are paid once per ring. */
export const RING_SIZE = 100;

/** How long one slot should be at what one ring announces: what it has in hand longer, others could have begun. */
export const RING_MS = 100;

/** How many attempts of this typical duration, in milliseconds, one ring announces. Undefined: it is not known. */
export function ringSize(typicalMs: number | undefined): number {
  if (typicalMs === undefined) return RING_SIZE;
  return Math.max(1, Math.min(RING_SIZE, Math.floor(RING_MS / typicalMs)));
}

/**
 * Assigns each item the key of a fresh ring: items with the same `groupOf` share one, up to `size`.
 * A ring has one name, one priority and one due time, so `groupOf` must tell these apart.
 */
export function assignRings<Item>(
  items: readonly Item[],
  groupOf: (item: Item) => string,
  size = RING_SIZE,
): (Item & { ring: string })[] {
  const open = new Map<string, { ring: string; count: number }>();
  return items.map((item) => {
    const group = groupOf(item);
    let current = open.get(group);
    if (current === undefined || current.count >= size) {
      current = { ring: randomUUID(), count: 0 };
      open.set(group, current);
    }
    current.count++;
    return { ...item, ring: current.ring };
  });
}
