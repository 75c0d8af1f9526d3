/**
 * The code of a definition (a transform, a refinement, a preprocess) may throw. This is a problem of the
 * value, not of the process (specification D1, T9). It is caught where the code is called, because only that
 * place knows the path.
 */

const THROWN = Symbol('thrown');

/** Keeps a thrown error in the `params` of an issue. */
export function thrownParams(thrown: unknown): Record<symbol, unknown> {
  return { [THROWN]: thrown };
}

/** The thrown error in one of these issues; empty if the definition's code threw nothing. */
export function thrownIn(issues: readonly { params?: unknown }[]): { thrown?: unknown } {
  for (const { params } of issues) {
    if (typeof params === 'object' && params !== null && THROWN in params) return { thrown: params[THROWN] };
  }
  return {};
}

/**
 * The message that the definition's code threw. The text of the error may contain internals, so callers get
 * only its type.
 */
export function thrownMessage(thrown: unknown): string {
  const type = thrown instanceof Error ? thrown.name : typeof thrown;
  return `could not be checked: the code of its definition threw ${type}`;
}

/**
 * Calls code that may throw or reject, and gives the result of `instead` in that case. The promise that it
 * gives never rejects, so it may be dropped.
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
 * Copies plain data: arrays, plain objects, dates, maps and sets. A default in a schema is a single object,
 * but each parse must give its own. Other values (instances of classes) belong to the definition and are not
 * copied.
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
