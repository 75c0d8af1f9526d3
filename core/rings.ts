import { randomUUID } from 'node:crypto';

/** How many attempts one ring announces at most: graphile-worker's three row writes are paid once per ring. */
export const RING_SIZE = 100;

/**
 * Assigns each item the key of a fresh ring: items with the same `groupOf` share one, up to RING_SIZE.
 * A ring has one name, one priority and one due time, so `groupOf` must tell these apart.
 */
export function assignRings<Item>(
  items: Item[],
  groupOf: (item: Item) => string,
): (Item & { ring: string })[] {
  const open = new Map<string, { ring: string; size: number }>();
  return items.map((item) => {
    const group = groupOf(item);
    let current = open.get(group);
    if (current === undefined || current.size >= RING_SIZE) {
      current = { ring: randomUUID(), size: 0 };
      open.set(group, current);
    }
    current.size++;
    return { ...item, ring: current.ring };
  });
}
