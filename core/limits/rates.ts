import { z } from 'zod';
import { MAX_LIMIT, type RateLimit } from './define_limit.ts';
import { type RateNumbers, rateProblems } from './rate_numbers.ts';
import { MAX_RULES } from './rules.ts';

/**
 * A rate, as its author writes it: at most `limit` attempts of this definition start in any `periodSeconds`,
 * at most `burst` of them together (default `limit`), or the rate that definitions share. With `key` it holds
 * for each key.
 */
export type RateInput<Payload> =
  | { limit: number; periodSeconds: number; burst?: number; key?: (payload: Payload) => string }
  | { limit: RateLimit; key?: (payload: Payload) => string };

/** The accepted forms of `policy.rate`. */
export type RatesInput<Payload = never> =
  | RateLimit
  | RateInput<Payload>
  | readonly (RateLimit | RateInput<Payload>)[];

/** A rate of a definition. Functions are left out where a policy is registered or shown. */
export type RateRule = RateNumbers & {
  /** The name of its limit: that of the definition with `:rate`, and `:key` if it has a key, or of a shared one. */
  name: string;
  isKeyed: boolean;
  key?: ((payload: never) => string) | undefined;
};

const number = z.unknown().optional();
const shared = z.strictObject({
  name: z.string(),
  limit: z.int(),
  periodSeconds: z.number('must be there: use a limit without a period in policy.concurrency'),
  burst: z.int(),
});

const rule = z
  .strictObject({
    limit: z.union(
      [z.int().min(1, 'must be at least 1: pause the name if nothing may start').max(MAX_LIMIT), shared],
      {
        error: limitProblem,
      },
    ),
    periodSeconds: number,
    burst: number,
    key: z
      .custom<(payload: never) => string>((value) => typeof value === 'function', 'must be a function')
      .optional(),
  })
  .transform(({ limit, periodSeconds, burst, key }, context) => {
    const of = key === undefined ? {} : { key };
    if (typeof limit === 'object') {
      const more = periodSeconds !== undefined ? 'periodSeconds' : burst !== undefined ? 'burst' : null;
      if (more === null) return { ...limit, ...of };
      context.addIssue({ code: 'custom', path: [more], message: 'is that of the shared limit: remove it' });
      return z.NEVER;
    }
    const rate = { limit, periodSeconds, burst: burst ?? limit };
    const [problem] = rateProblems(rate);
    if (problem === undefined) return { name: null, ...(rate as RateNumbers), ...of };
    context.addIssue({ code: 'custom', path: [problem.part], message: problem.message });
    return z.NEVER;
  });

function limitProblem({ input }: { input?: unknown }): string {
  if (typeof input === 'object' && input !== null && !('periodSeconds' in input))
    return 'must be a limit with periodSeconds: one without is for policy.concurrency';
  const given = typeof input === 'number' ? `, got ${input}` : '';
  return `must be an integer from 1 to ${MAX_LIMIT}, or made by defineLimit with periodSeconds${given}`;
}

const given = z.preprocess((input) => {
  const isShared = typeof input === 'object' && input !== null && 'name' in input;
  return isShared ? { limit: input } : input;
}, rule);

/** The part of a policy that says how many attempts start in a period, as a list of rates without names. */
export const ratesSchema = z
  .preprocess((input) => (Array.isArray(input) ? input : [input]), z.array(given).min(1).max(MAX_RULES))
  .optional();

/**
 * The rates of the definition `name`, without key first, then by the name of the limit; undefined without
 * rates. `refuse` throws: two rates must not have the same limit.
 */
export function ratesOf(
  name: string,
  rates: z.output<typeof ratesSchema>,
  refuse: (why: string) => never,
): RateRule[] | undefined {
  if (rates === undefined) return undefined;
  const made = rates.map(({ name: of, limit, periodSeconds, burst, ...rest }): RateRule => {
    const isKeyed = rest.key !== undefined;
    const own = isKeyed ? `${name}:rate:key` : `${name}:rate`;
    return { name: of ?? own, limit, periodSeconds, burst, isKeyed, ...rest };
  });
  const names = made.map((rate) => rate.name);
  const twice = names.find((one, index) => names.indexOf(one) !== index);
  if (twice !== undefined)
    refuse(
      `policy.rate: two rates have the limit ${twice}: a definition has one rate with a key and one without, and more with limits made by defineLimit`,
    );
  return made.toSorted(
    (one, other) => Number(one.isKeyed) - Number(other.isKeyed) || (one.name < other.name ? -1 : 1),
  );
}
