import { ErrandError } from './errors.ts';
import type { DedupStrategy, Policy } from './policy.ts';

/** How the ledger is to recognise a submission; `idempotency_key` also refuses another payload (S7). */
export type Dedup =
  | { dedup: 'payload' | 'key' | 'idempotency_key'; key: string | null }
  | { dedup: null; key: null };

/**
 * Decides how one submission is deduplicated (specification S5): what it asks for itself, else a key that
 * it brings, else its definition's strategy. A `dedup_key` in the body goes before the Idempotency-Key header.
 * The hash itself is computed in Postgres (`errand.dedup_hash`), where SQL callers get the same one.
 * Throws VALIDATION_FAILED when the strategy is `key` and no key came; `path` is that of the submission.
 */
export function chooseDedup(
  policy: Policy,
  asked: {
    dedup?: DedupStrategy | undefined;
    dedupKey?: string | undefined;
    idempotencyKey?: string | undefined;
    path: string;
  },
): Dedup {
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
