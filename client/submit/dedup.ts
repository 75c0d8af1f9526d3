import { randomId } from '../requests/random_id.ts';

/** The options that decide when two submissions are the same task. */
export type DedupOptions = {
  /**
   * Replaces the strategy of the definition. With `payload`, the same payload is the same task. With `none`,
   * each call creates a new task.
   */
  dedup?: 'payload' | 'none' | undefined;
  /** The same key is the same task, whatever the payload. */
  dedupKey?: string | undefined;
  /**
   * The same key is the same task. With another payload, ConflictError is thrown. By default, a new key is
   * made for each call.
   */
  idempotencyKey?: string | undefined;
  /** After this time the same submission creates a new task. */
  dedupWindowSeconds?: number | undefined;
  /**
   * Submissions with the same `dedupKey` (without one, of the same task) are one task until it is due: the
   * last payload wins, and each moves the due time to so many seconds from now.
   */
  debounceSeconds?: number | undefined;
  /** For so many seconds, submissions with the same `dedupKey` get the task of the first and change nothing. */
  throttleSeconds?: number | undefined;
};

/** The parts of a request that make it safe to send twice. */
export type DedupPlan = {
  idempotencyKey: string | undefined;
  body: { dedup?: 'payload' | 'key' | 'definition'; dedup_key?: string };
};

/**
 * Decides how a submission is sent. By default, each call gets a new key, so that repeating it is safe.
 * `definition` limits the key to that purpose: the definition still decides when two submissions are the same
 * task.
 */
export function planDedup({ dedup, dedupKey, idempotencyKey }: DedupOptions): DedupPlan {
  if (idempotencyKey !== undefined) return { idempotencyKey, body: {} };
  if (dedupKey !== undefined) return { idempotencyKey: undefined, body: { dedup_key: dedupKey } };
  if (dedup === 'payload') return { idempotencyKey: undefined, body: { dedup } };
  return { idempotencyKey: randomId(), body: { dedup: dedup === 'none' ? 'key' : 'definition' } };
}
