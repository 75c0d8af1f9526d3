import { z } from 'zod';
import { type Limit, MAX_LIMIT } from './define_limit.ts';

/** How many rules of one kind a definition may have: each is looked at when an attempt starts. */
export const MAX_RULES = 8;

/**
 * A rule, as its author writes it. `limit` is how many attempts run at a time: a number for this definition
 * alone, or a limit that definitions share. With `key` it holds for each key. `scope` is `pool` by default;
 * with `runner` it holds in each runner instead of the complete pool.
 */
export type RuleInput<Payload> = {
  limit: number | Limit;
  key?: (payload: Payload) => string;
  scope?: 'pool' | 'runner';
  /** A limit with a period is a rate: see `policy.rate`. */
  periodSeconds?: never;
};

/** The accepted forms of `policy.concurrency`. */
export type ConcurrencyInput<Payload = never> =
  | number
  | Limit
  | RuleInput<Payload>
  | readonly (number | Limit | RuleInput<Payload>)[];

/** A rule of a definition. Functions are left out where a policy is registered or shown. */
export type LimitRule = {
  /** The name of its limit: that of the definition, with `:key` if it has a key, or that of a shared limit. */
  name: string;
  limit: number;
  scope: 'pool' | 'runner';
  isKeyed: boolean;
  key?: ((payload: never) => string) | undefined;
};

const limitNumber = z.int().min(1, 'must be at least 1: pause the name if nothing may run').max(MAX_LIMIT);

const NOT_A_RATE = 'must be a limit without periodSeconds: one with it is for policy.rate';

const sharedLimit = z.strictObject(
  { name: z.string(), limit: limitNumber },
  { error: ({ code }) => (code === 'unrecognized_keys' ? NOT_A_RATE : undefined) },
);

const ruleSchema = z
  .strictObject({
    limit: z.union([limitNumber, sharedLimit], { error: limitProblem }),
    key: z
      .custom<(payload: never) => string>((value) => typeof value === 'function', 'must be a function')
      .optional(),
    scope: z.enum(['pool', 'runner']).default('pool'),
  })
  .refine(({ scope, key, limit }) => scope === 'pool' || (key === undefined && typeof limit === 'number'), {
    path: ['scope'],
    message: 'runner allows neither a key nor a shared limit: use pool',
  });

function limitProblem({ input }: { input?: unknown }): string {
  const given = typeof input === 'number' ? `, got ${input}` : '';
  return `must be an integer from 1 to ${MAX_LIMIT}, or made by defineLimit${given}`;
}

const given = z.preprocess((input) => {
  const isBare = typeof input !== 'object' || input === null || 'name' in input;
  return isBare ? { limit: input } : input;
}, ruleSchema);

/** The parts of a policy that say how many attempts run at a time, as a list of rules without their names. */
export const concurrencySchema = z
  .preprocess((input) => (Array.isArray(input) ? input : [input]), z.array(given).min(1).max(MAX_RULES))
  .optional();

type GivenRules = z.output<typeof concurrencySchema>;

/**
 * The rules of the definition `name`, in the order in which their slots are taken and their tasks wait:
 * without key first, then by the name of the limit. Gives undefined without rules. `refuse` throws: two rules
 * must not have the same limit.
 */
export function rulesOf(
  name: string,
  rules: GivenRules,
  refuse: (why: string) => never,
): LimitRule[] | undefined {
  if (rules === undefined) return undefined;
  const made = rules.map(({ limit, key, scope }): LimitRule => {
    const isKeyed = key !== undefined;
    const own = scope === 'runner' ? `${name}:runner` : isKeyed ? `${name}:key` : name;
    const parts = { scope, isKeyed, ...(isKeyed ? { key } : {}) };
    return typeof limit === 'number' ? { name: own, limit, ...parts } : { ...limit, ...parts };
  });
  const names = made.map((rule) => rule.name);
  const twice = names.find((one, index) => names.indexOf(one) !== index);
  if (twice !== undefined)
    refuse(
      `policy.concurrency: two rules have the limit ${twice}: a definition has one rule with a key and one without, and more with limits made by defineLimit`,
    );
  return made.toSorted(
    (one, other) => Number(one.isKeyed) - Number(other.isKeyed) || (one.name < other.name ? -1 : 1),
  );
}

/** How many attempts one runner may execute at a time, or undefined. */
export function runnerLimit(rules: readonly LimitRule[] | undefined): number | undefined {
  return rules?.find(({ scope }) => scope === 'runner')?.limit;
}
