/**
 * A definition's own code (a transform, a refinement, a preprocess) may throw. That is a problem of the value that it was
 * given, not of the process (specification D1, T9). So it is caught where it is called, which is also the only place that
 * knows the path.
 */

const THROWN = Symbol('thrown');

/** What an issue keeps of what was thrown, in its `params`. */
export function thrownParams(thrown: unknown): Record<symbol, unknown> {
  return { [THROWN]: thrown };
}

/** What was thrown according to one of these issues; nothing when the code of the definition threw nothing. */
export function thrownIn(issues: readonly { params?: unknown }[]): { thrown?: unknown } {
  for (const { params } of issues) {
    if (typeof params === 'object' && params !== null && THROWN in params) return { thrown: params[THROWN] };
  }
  return {};
}

/** Says that the definition's own code threw. The text of the error may name internals, so callers get its type only. */
export function thrownMessage(thrown: unknown): string {
  const type = thrown instanceof Error ? thrown.name : typeof thrown;
  return `could not be checked: the code of its definition threw ${type}`;
}

/**
 * Calls code that may throw or reject, and gives what `instead` makes of that. A promise that it gives never rejects, so
 * nothing happens if somebody drops it.
 */
export function calledSafely<T>(call: () => T, instead: (thrown: unknown) => T): T {
  try {
    const given = call();
    return given instanceof Promise ? (given.catch(instead) as T) : given;
  } catch (thrown) {
    return instead(thrown);
  }
}

/**
 * A copy that shares nothing with the original as far as it is plain data: arrays, plain objects, dates, maps and sets.
 * A default that is written into a schema is one object, and each parse must give its own. What else there is (an
 * instance of a class) is the definition's own business and stays as it is.
 */
export function freshCopy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(freshCopy);
  if (value instanceof Date) return new Date(value);
  if (value instanceof Map)
    return new Map([...value].map(([key, item]) => [freshCopy(key), freshCopy(item)]));
  if (value instanceof Set) return new Set([...value].map(freshCopy));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  const copy: object = Object.create(prototype);
  for (const [key, item] of Object.entries(value))
    Object.defineProperty(copy, key, {
      value: freshCopy(item),
      ...{ enumerable: true, writable: true, configurable: true },
    });
  return copy;
}
