import { getCallSites } from 'node:util';
import { RATE_PARTS, type RateNumbers, rateProblems } from './rate_numbers.ts';

/** More attempts at a time are no limit for any pool. */
export const MAX_LIMIT = 100_000;

/** A limit that several definitions share by its name: so many of their attempts run at a time. */
export type Limit = { readonly name: string; readonly limit: number; readonly periodSeconds?: never };

/** A rate that several definitions share by its name: so many of their attempts start in a period. */
export type RateLimit = { readonly name: string } & Readonly<RateNumbers>;

/** The form of a name: as for tasks, with the namespace first. */
const NAME = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_-]*)+$/;
const MAX_LENGTH = 128;

type Given = { name: string; limit: number; periodSeconds?: number; burst?: number };

/**
 * Defines a rate that several definitions share (Q2): at most `limit` of their attempts start in any
 * `periodSeconds`, at most `burst` of them together. It is used in `policy.rate`. Throws, and names the file,
 * if a part is invalid.
 */
export function defineLimit(rate: {
  name: string;
  limit: number;
  periodSeconds: number;
  burst?: number;
}): RateLimit;
/**
 * Defines a limit that several definitions share (Q1): at most `limit` of their attempts run at a time in the
 * complete pool. It is used in `policy.concurrency`. A rule with a key has so many for each key. Throws, and
 * names the file, if a part is invalid.
 */
export function defineLimit(limit: { name: string; limit: number }): Limit;
export function defineLimit(given: Given): Limit | RateLimit {
  const { name, limit } = given;
  const file = getCallSites(2)[1]?.scriptName ?? 'unknown file';
  const refuse = (why: string): never => {
    throw new Error(`Limit ${JSON.stringify(name)} in ${file}: ${why}`);
  };
  if (typeof name !== 'string' || !NAME.test(name) || name.length > MAX_LENGTH)
    refuse(
      `the name must match ${NAME}, with the namespace first, and have at most ${MAX_LENGTH} characters`,
    );
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    refuse(`limit must be an integer from 1 to ${MAX_LIMIT}, got ${String(limit)}`);
  if (!RATE_PARTS.some((part) => given[part] !== undefined)) return Object.freeze({ name, limit });
  const rate = { limit, periodSeconds: given.periodSeconds, burst: given.burst ?? limit };
  const [problem] = rateProblems(rate);
  if (problem !== undefined) refuse(`${problem.part} ${problem.message}`);
  return Object.freeze({ name, ...(rate as RateNumbers) });
}
