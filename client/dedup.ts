/** What a submission says about being the same as another one. */
export type DedupOptions = {
  /**
   * Instead of the strategy of the definition: the same `payload` is the same task, or with `none` each call makes a
   * new one.
   */
  dedup?: 'payload' | 'none' | undefined;
  /** The same key is the same task, whatever the payload. */
  dedupKey?: string | undefined;
  /** The same key is the same task, and with another payload it is a ConflictError. Until then one is made per call. */
  idempotencyKey?: string | undefined;
  /** After this time the same submission makes a new task. */
  dedupWindowSeconds?: number | undefined;
};

/** How a submission is sent so that it may be sent twice and is one task. */
export type DedupPlan = {
  idempotencyKey: string | undefined;
  body: { dedup?: 'payload' | 'definition'; dedup_key?: string };
};

/**
 * Plans how a submission is sent. A key is made for each call, so that it is safe to repeat; `definition` says that it is to
 * do no more than that, and leaves to the definition what makes two submissions the same.
 */
export function planDedup({ dedup, dedupKey, idempotencyKey }: DedupOptions): DedupPlan {
  if (idempotencyKey !== undefined) return { idempotencyKey, body: {} };
  if (dedupKey !== undefined) return { idempotencyKey: undefined, body: { dedup_key: dedupKey } };
  if (dedup === 'payload') return { idempotencyKey: undefined, body: { dedup } };
  const body = dedup === 'none' ? {} : ({ dedup: 'definition' } as const);
  return { idempotencyKey: crypto.randomUUID(), body };
}
