import { ErrandError } from './errors.ts';
import { DEDUP_STRATEGIES, type DedupStrategy, type Policy } from './policy.ts';

/**
 * What a submission may ask for itself. `definition` is what its definition says, whatever key comes with it: an
 * Idempotency-Key then does no more than make the request safe to repeat, where that is `none`.
 */
export const DEDUP_OPTIONS = [...DEDUP_STRATEGIES, 'definition'] as const;

/** How the ledger is to recognise a submission; `idempotency_key` also refuses another payload (S7). */
export type Dedup =
  | { dedup: 'payload' | 'key' | 'idempotency_key'; key: string | null }
  | { dedup: null; key: null };

/** What a submission says of it. `path` is that of the submission in the request. */
type Asked<Option> = {
  dedup?: Option | undefined;
  dedupKey?: string | undefined;
  idempotencyKey?: string | undefined;
  path: string;
};

/**
 * Decides how one submission is deduplicated (specification S5): what it asks for itself, else a key that
 * it brings, else its definition's strategy. A `dedup_key` in the body goes before the Idempotency-Key header.
 * The hash itself is computed in Postgres (`errand.dedup_hash`), where SQL callers get the same one.
 * Throws VALIDATION_FAILED when the strategy is `key` and no key came.
 */
export function chooseDedup(policy: Policy, given: Asked<(typeof DEDUP_OPTIONS)[number]>): Dedup {
  const asked = given.dedup === 'definition' ? byDefinition(policy, given) : { ...given, dedup: given.dedup };
  const brings = asked.dedupKey !== undefined || asked.idempotencyKey !== undefined;
  const strategy = asked.dedup ?? (brings ? 'key' : policy.dedup.strategy);
  if (strategy === 'none') return { dedup: null, key: null };
  if (strategy === 'payload') return { dedup: 'payload', key: null };
  if (asked.dedupKey !== undefined) return { dedup: 'key', key: asked.dedupKey };
  if (asked.idempotencyKey !== undefined) return { dedup: 'idempotency_key', key: asked.idempotencyKey };
  throw new ErrandError('VALIDATION_FAILED', 'This task is deduplicated by key and none was sent', {
    details: [
      {
        path: `${asked.path}/dedup_key`,
        message: 'is required: send dedup_key, or an Idempotency-Key header',
      },
    ],
  });
}

/** The Idempotency-Key is none of what makes two submissions the same; it is all that there is where nothing does. */
function byDefinition(policy: Policy, asked: Asked<unknown>): Asked<DedupStrategy> {
  const { strategy } = policy.dedup;
  if (strategy === 'none' && asked.idempotencyKey !== undefined)
    return { ...asked, dedup: 'key', dedupKey: undefined };
  return { ...asked, dedup: strategy, idempotencyKey: undefined };
}
