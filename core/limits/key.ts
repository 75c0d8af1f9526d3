import type { Parsed } from '../schema.ts';
import { type LimitsOfPolicy, type PoolRule, poolRules } from './pool_rules.ts';

/** A key is compared and indexed: a longer one is a mistake, such as a complete document. */
export const KEY_MAX_LENGTH = 512;

/** The limit and the key of a rule; the key of a rule without one is empty. */
export type LimitKey = [limit: string, key: string];

/** The keys of a payload, or the problem of one of them in words. */
export type Keys = { ok: true; keys: LimitKey[] } | { ok: false; problem: string; thrown?: unknown };

/**
 * The keys of a parsed payload under these rules, in their order. A key is a text of 1 to KEY_MAX_LENGTH
 * characters without a null character. If the submission has a `concurrencyKey`, that is the key of all rules
 * with keys. Never throws: if a key function does, the problem says so.
 */
export function limitKeys(
  rules: readonly Pick<PoolRule, 'name' | 'key'>[],
  payload: unknown,
  concurrencyKey: string | null = null,
): Keys {
  const keys: LimitKey[] = [];
  for (const { name, key } of rules) {
    if (key === undefined) {
      keys.push([name, '']);
      continue;
    }
    if (concurrencyKey !== null) {
      keys.push([name, concurrencyKey]);
      continue;
    }
    const problem = (what: string, thrown?: unknown): Keys => ({
      ok: false,
      problem: `The key of the limit ${name} ${what}`,
      ...(thrown === undefined ? {} : { thrown }),
    });
    let made: unknown;
    try {
      made = key(payload as never);
    } catch (thrown) {
      return problem(`could not be computed, because its function threw an error`, thrown);
    }
    const unfit = keyProblem(made);
    if (unfit !== null) return problem(unfit);
    keys.push([name, made as string]);
  }
  return { ok: true, keys };
}

/** The fault of a key, as the end of a sentence; null if it has none. */
function keyProblem(key: unknown): string | null {
  if (typeof key !== 'string') return `must be a text, got ${typeof key}`;
  if (key.length === 0 || key.length > KEY_MAX_LENGTH)
    return `must have 1 to ${KEY_MAX_LENGTH} characters, got ${key.length}`;
  return key.includes('\0') || !key.isWellFormed()
    ? 'must be a text that Postgres can hold, without null characters and lone surrogates'
    : null;
}

/**
 * The verdict on a payload that fits, with the keys of its limits: a submission whose key cannot be computed
 * is refused, because its task could never start.
 */
export function withKeys<Value>(
  parsed: Parsed<Value>,
  policy: LimitsOfPolicy,
  path: string,
  concurrencyKey?: string | null,
): Parsed<Value> {
  if (!parsed.ok || (policy.concurrency === undefined && policy.rate === undefined)) return parsed;
  const keys = limitKeys(poolRules(policy), parsed.value, concurrencyKey);
  if (keys.ok) return parsed;
  return {
    ok: false,
    details: [{ path, message: keys.problem }],
    ...(keys.thrown === undefined ? {} : { thrown: keys.thrown }),
  };
}
