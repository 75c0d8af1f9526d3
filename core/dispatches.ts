import { randomUUID } from 'node:crypto';

/**
 * The maximum number of attempts that one dispatch announces. graphile-worker's three row writes are paid
 * once per dispatch.
 */
export const DISPATCH_SIZE = 100;

/**
 * How long one slot should work on the attempts of one dispatch, in milliseconds. With larger dispatches,
 * attempts would wait in one runner while others are idle.
 */
export const DISPATCH_MS = 100;

/** The number of attempts per dispatch for this typical duration in milliseconds; undefined means unknown. */
export function dispatchSize(typicalMs: number | undefined): number {
  if (typicalMs === undefined) return DISPATCH_SIZE;
  return Math.max(1, Math.min(DISPATCH_SIZE, Math.floor(DISPATCH_MS / typicalMs)));
}

/**
 * Gives each item the id of a new dispatch. Items with the same `groupOf` share one, up to `size`. A dispatch
 * has one name, one priority and one due time, so `groupOf` must differ if one of these differs.
 */
export function assignDispatches<Item>(
  items: readonly Item[],
  groupOf: (item: Item, index: number) => string,
  size = DISPATCH_SIZE,
): (Item & { dispatchId: string })[] {
  const open = new Map<string, { dispatchId: string; count: number }>();
  return items.map((item, index) => {
    const group = groupOf(item, index);
    let current = open.get(group);
    if (current === undefined || current.count >= size) {
      current = { dispatchId: randomUUID(), count: 0 };
      open.set(group, current);
    }
    current.count++;
    return { ...item, dispatchId: current.dispatchId };
  });
}
