import { z } from 'zod';
import { type RateRule, type RatesInput, ratesSchema } from '../limits/rates.ts';
import { type ConcurrencyInput, concurrencySchema, type LimitRule } from '../limits/rules.ts';
import { callbackUrl } from '../network/target_url.ts';

/**
 * The wait between attempts. Delay before attempt n+1: `initialMs * factor^(n-1)`, capped at `maxMs`, with
 * jitter.
 */
const backoffSchema = z.strictObject({
  initialMs: z.int().min(1).max(86_400_000).default(1_000),
  factor: z.number().min(1).max(10).default(2),
  maxMs: z.int().min(1).max(86_400_000).default(600_000),
  /** The random share of the delay: 0.2 spreads it over ±20 %. */
  jitter: z.number().min(0).max(1).default(0.2),
});

export const DEDUP_STRATEGIES = ['payload', 'key', 'none'] as const;
export type DedupStrategy = (typeof DEDUP_STRATEGIES)[number];

/**
 * The maximum number of attempts of a task. Each duplicate submission of an unfinished task raises its number
 * by one.
 */
export const MAX_ATTEMPTS_LIMIT = 1_000;
/** Bound of the priority. Smaller runs first, as in graphile-worker. */
export const PRIORITY_LIMIT = 1_000;
/** The longest time limit of an attempt, in ms: a day. */
export const TIMEOUT_LIMIT_MS = 86_400_000;
/** One year. Later times belong in a calendar, not in a queue. */
export const DELAY_LIMIT_SECONDS = 366 * 86_400;

const dedupSchema = z.strictObject({
  strategy: z.enum(DEDUP_STRATEGIES).default('payload'),
  /**
   * A duplicate after this time is a new task. Without it, tasks are duplicates as long as the record exists.
   */
  windowSeconds: z.int().min(1).max(DELAY_LIMIT_SECONDS).optional(),
});

/** A burst may be this many times as long as its delay, unless the definition says otherwise. */
const BURST_FACTOR = 10;

const burstSeconds = z.int().min(1).max(DELAY_LIMIT_SECONDS).optional();

/** How long after its first submission a burst ends at the latest (Q4). */
export function debounceMaxSeconds(
  policy: { debounceMaxSeconds?: number | undefined },
  seconds: number,
): number {
  const asked = policy.debounceMaxSeconds ?? BURST_FACTOR * seconds;
  return Math.max(seconds, Math.min(asked, DELAY_LIMIT_SECONDS));
}

/** The policy of a task definition (specification T5). It is validated when the definition loads. */
export const policySchema = z
  .strictObject({
    maxAttempts: z.int().min(1).max(MAX_ATTEMPTS_LIMIT).default(25),
    backoff: backoffSchema.prefault({}),
    timeoutMs: z.int().min(1).max(TIMEOUT_LIMIT_MS).default(3_600_000),
    priority: z.int().min(-PRIORITY_LIMIT).max(PRIORITY_LIMIT).default(0),
    dedup: dedupSchema.prefault({}),
    retentionHours: z.number().positive().max(87_600).optional(),
    /**
     * How long failed tasks are kept, because somebody may want to retry them. The default is
     * FAILED_RETENTION_HOURS, or `retentionHours` if that is longer.
     */
    failedRetentionHours: z.number().positive().max(87_600).optional(),
    /** How many attempts run at a time: see core/limits/rules.ts. */
    concurrency: concurrencySchema,
    /**
     * Submissions of one key within so many seconds are one task: the last payload wins, and each moves the
     * due time to so many seconds from now.
     */
    debounceSeconds: burstSeconds,
    /** The latest due time of a debounced task, from its first submission. Ten times the delay by default. */
    debounceMaxSeconds: burstSeconds,
    /** Submissions of one key within so many seconds after the first change nothing, and get its task. */
    throttleSeconds: burstSeconds,
    /** A task that has not started this long after its due time ends as `expired` (specification Q4). */
    expiresInSeconds: z.int().min(1).max(DELAY_LIMIT_SECONDS).optional(),
    /** How many attempts start in a period: see core/limits/rates.ts. */
    rate: ratesSchema,
    /** Waiting for a slot raises the priority by one for each of these times. */
    aging: z.strictObject({ everySeconds: z.int().min(1).max(86_400) }).optional(),
    /** A URL that receives the outcome of a task, unless its submission names another one. */
    callbackUrl: callbackUrl.optional(),
  })
  .refine((policy) => policy.backoff.initialMs <= policy.backoff.maxMs, {
    path: ['backoff', 'maxMs'],
    message: 'must not be below backoff.initialMs',
  })
  .refine((policy) => policy.debounceSeconds === undefined || policy.throttleSeconds === undefined, {
    path: ['throttleSeconds'],
    message: 'must not be combined with debounceSeconds: one takes the last submission, the other the first',
  })
  .refine(
    ({ debounceSeconds, throttleSeconds, dedup }) =>
      (debounceSeconds ?? throttleSeconds) === undefined || dedup.windowSeconds === undefined,
    {
      path: ['dedup', 'windowSeconds'],
      message: 'must not be combined with debounceSeconds or throttleSeconds, which are the window',
    },
  )
  .refine(
    ({ debounceSeconds, debounceMaxSeconds }) =>
      debounceMaxSeconds === undefined || debounceMaxSeconds >= (debounceSeconds ?? Number.POSITIVE_INFINITY),
    { path: ['debounceMaxSeconds'], message: 'needs debounceSeconds, and must not be below it' },
  )
  .refine(
    ({ aging, concurrency, rate }) =>
      aging === undefined || rate !== undefined || concurrency?.some(({ scope }) => scope === 'pool'),
    {
      path: ['aging'],
      message:
        'needs a rate, or a rule of concurrency that holds in the complete pool: only there do tasks wait in the ledger',
    },
  );

/** A policy with its defaults. Its rules have the names of their limits. */
export type Policy = Omit<z.output<typeof policySchema>, 'concurrency' | 'rate'> & {
  concurrency?: readonly LimitRule[] | undefined;
  rate?: readonly RateRule[] | undefined;
};
/** A policy, as its author writes it. The keys of its limits come from the parsed payload. */
export type PolicyInput<Payload = unknown> = Omit<z.input<typeof policySchema>, 'concurrency' | 'rate'> & {
  concurrency?: ConcurrencyInput<Payload>;
  rate?: RatesInput<Payload>;
};
export type Backoff = Policy['backoff'];

/**
 * The wait after a failed attempt before the next one, in ms. `attempt` is the number of the failed attempt,
 * from 1. `random` is in [0, 1).
 */
export function backoffMs(backoff: Backoff, attempt: number, random: number): number {
  const grown = Math.min(backoff.initialMs * backoff.factor ** (attempt - 1), backoff.maxMs);
  const spread = 1 + backoff.jitter * (2 * random - 1);
  return Math.max(1, Math.round(Math.min(grown * spread, backoff.maxMs)));
}
