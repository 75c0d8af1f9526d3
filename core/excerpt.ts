/**
 * As much of a JSON value as its text needs for so many characters: JSON.stringify of it begins like that of the value,
 * and takes no longer for a value of megabytes.
 */
export function excerpt(value: unknown, length: number): unknown {
  let left = length + 1;

  function take(part: unknown): unknown {
    left--;
    if (typeof part === 'string') return part.slice(0, length + 1);
    if (Array.isArray(part)) return takeItems(part);
    return isPlainObject(part) ? takeProperties(part) : part;
  }

  function takeItems(items: readonly unknown[]): unknown[] {
    const taken: unknown[] = [];
    for (let index = 0; index < items.length && left > 0; index++) taken.push(take(items[index]));
    return taken;
  }

  function takeProperties(whole: Record<string, unknown>): unknown {
    const taken: [string, unknown][] = [];
    for (const key of Object.keys(whole)) {
      if (left <= 0) break;
      taken.push([key.slice(0, length + 1), take(whole[key])]);
    }
    return Object.fromEntries(taken);
  }

  return take(value);
}

/** What JSON.stringify writes in no way of its own. */
function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !('toJSON' in value);
}
