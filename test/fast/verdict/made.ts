import fc from 'fast-check';
import type { Schema } from '../../../core/schema.ts';

/** A schema that was generated, with the values that fit it. */
export type Made<S extends Schema = Schema> = {
  /** New at each call; `closed` with each object closed by hand, for Zod to judge alone. */
  make: (closed: boolean) => S;
  value: fc.Arbitrary<unknown>;
  /** How it was put together, for the report of a failure. */
  text: string;
  /** The paths of details are those of Zod's issues: there is no union in it, of which a branch is chosen. */
  isPlain: boolean;
  [fc.toStringMethod]: () => string;
};

/** One that is not made of others. */
export function leaf<S extends Schema>(
  text: string,
  make: (closed: boolean) => S,
  value: fc.Arbitrary<unknown>,
): Made<S> {
  return { make, value, text, isPlain: true, [fc.toStringMethod]: () => text };
}

/** One that is made of others. */
export function composed<S extends Schema>(
  name: string,
  parts: readonly Made<S>[],
  make: (closed: boolean) => S,
  value: fc.Arbitrary<unknown>,
): Made<S> {
  const text = `${name}(${parts.map((part) => part.text).join(', ')})`;
  const isPlain = parts.every((part) => part.isPlain) && name !== 'union';
  return { make, value, text, isPlain, [fc.toStringMethod]: () => text };
}
