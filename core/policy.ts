import { z } from 'zod';
import { callbackUrl } from './target_url.ts';

/** How long to wait between attempts. Delay before attempt n+1: `initialMs * factor^(n-1)`, capped, with jitter. */
const backoffSchema = z.strictObject({
  initialMs: z.int().min(1).max(86_400_000).default(1_000),
  factor: z.number().min(1).max(10).default(2),
  maxMs: z.int().min(1).max(86_400_000).default(600_000),
  /** Share of the delay that is random: 0.2 spreads it over ±20 %. */
  jitter: z.number().min(0).max(1).default(0.2),
});

export const DEDUP_STRATEGIES = ['payload', 'key', 'none'] as const;
export type DedupStrategy = (typeof DEDUP_STRATEGIES)[number];

/** How many attempts a task may ever be given; raised by one by each resubmission of a live task. */
export const MAX_ATTEMPTS_LIMIT = 1_000;
/** Smaller runs first, as in graphile-worker. */
export const PRIORITY_LIMIT = 1_000;
/** A year: further ahead a schedule belongs in a calendar, not in a queue. */
export const DELAY_LIMIT_SECONDS = 366 * 86_400;

const dedupSchema = z.strictObject({
  strategy: z.enum(DEDUP_STRATEGIES).default('payload'),
  /** Uniqueness ends this long after the submission; without it, it lasts as long as the record. */
  windowSeconds: z.int().min(1).max(DELAY_LIMIT_SECONDS).optional(),
});

/** The policy of a task definition (specification T5), validated when the definition loads. */
export const policySchema = z
  .strictObject({
    maxAttempts: z.int().min(1).max(MAX_ATTEMPTS_LIMIT).default(25),
    backoff: backoffSchema.prefault({}),
    timeoutMs: z.int().min(1).max(86_400_000).default(3_600_000),
    priority: z.int().min(-PRIORITY_LIMIT).max(PRIORITY_LIMIT).default(0),
    dedup: dedupSchema.prefault({}),
    retentionHours: z.number().positive().max(87_600).optional(),
    concurrency: z.int().min(1).max(10_000).optional(),
    /** Where it is told how a task ended, unless its submission names another place. */
    callbackUrl: callbackUrl.optional(),
  })
  .refine((policy) => policy.backoff.initialMs <= policy.backoff.maxMs, {
    path: ['backoff', 'maxMs'],
    message: 'must not be below backoff.initialMs',
  });

export type Policy = z.output<typeof policySchema>;
export type PolicyInput = z.input<typeof policySchema>;
export type Backoff = Policy['backoff'];
