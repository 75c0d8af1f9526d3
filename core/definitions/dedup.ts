import { ErrandError } from '../errors.ts';
import { DEDUP_STRATEGIES, type DedupStrategy, type Policy } from './policy.ts';

/**
 * The strategies that a submission may ask for. `definition` keeps the strategy of the definition, whatever
 * key the request has. If that strategy is `none`, an Idempotency-Key only makes the request safe to repeat.
 */
export const DEDUP_OPTIONS = [...DEDUP_STRATEGIES, 'definition'] as const;

/** How the ledger recognises a duplicate. `idempotency_key` also refuses another payload (S7). */
export type Dedup =
  | { dedup: 'payload' | 'key' | 'idempotency_key'; key: string | null }
  | { dedup: null; key: null };

/** The options of a submission for deduplication. `path` is the place of the submission in the request. */
type Asked<Option> = {
  dedup?: Option | undefined;
  dedupKey?: string | undefined;
  idempotencyKey?: string | undefined;
  path: string;
};

/**
 * Decides how one submission is deduplicated (specification S5): by the strategy that it asks for, otherwise
 * by a key that it brings, otherwise by the strategy of its definition. A `dedup_key` in the body takes
 * precedence over the Idempotency-Key header. The hash is computed in Postgres (`errand.dedup_hash`), so SQL
 * callers get the same one. Throws VALIDATION_FAILED if the strategy is `key` and the submission has no key.
 */
export function chooseDedup(
  policy: Pick<Policy, 'dedup'>,
  given: Asked<(typeof DEDUP_OPTIONS)[number]>,
): Dedup {
  const asked = given.dedup === 'definition' ? byDefinition(policy, given) : { ...given, dedup: given.dedup };
  const brings = asked.dedupKey !== undefined || asked.idempotencyKey !== undefined;
  const strategy = asked.dedup ?? (brings ? 'key' : policy.dedup.strategy);
  if (strategy === 'none') return { dedup: null, key: null };
  if (strategy === 'payload') return { dedup: 'payload', key: null };
  if (asked.dedupKey !== undefined) return { dedup: 'key', key: asked.dedupKey };
  if (asked.idempotencyKey !== undefined) return { dedup: 'idempotency_key', key: asked.idempotencyKey };
  throw new ErrandError(
    'VALIDATION_FAILED',
    'This task is deduplicated by key, but the submission has none',
    {
      details: [
        {
          path: `${asked.path}/dedup_key`,
          message: 'is required: send dedup_key, or an Idempotency-Key header',
        },
      ],
    },
  );
}

/** The Idempotency-Key does not decide when two submissions are the same, unless the strategy is `none`. */
function byDefinition(policy: Pick<Policy, 'dedup'>, asked: Asked<unknown>): Asked<DedupStrategy> {
  const { strategy } = policy.dedup;
  if (strategy === 'none' && asked.idempotencyKey !== undefined)
    return { ...asked, dedup: 'key', dedupKey: undefined };
  return { ...asked, dedup: strategy, idempotencyKey: undefined };
}
