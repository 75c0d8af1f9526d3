import { z } from 'zod';

/** How many tasks one batch may have: each of them is loaded, and has its record. */
const MAX_BATCH_SIZE = 1_000;
/** A batch that waits holds a slot of its runner. */
const MAX_WAIT_MS = 10_000;

/** How tasks of one definition come together, as its author writes it. */
export type BatchInput<Payload> = {
  /** The maximum number of tasks in one batch, up to 1,000. */
  size: number;
  /** How long the first task of a batch waits for more, up to 10,000 ms; 50 by default. */
  waitMs?: number;
  /** Only tasks with the same key share a batch. A method, so that a definition can be spread into another. */
  key?(payload: Payload): string;
};

const batchSchema = z.strictObject({
  size: z.int().min(1).max(MAX_BATCH_SIZE),
  waitMs: z.int().min(0).max(MAX_WAIT_MS).default(50),
  key: z
    .custom<(payload: never) => string>((value) => typeof value === 'function', 'must be a function')
    .optional(),
});

/** The same with its defaults. */
export type BatchSettings = {
  readonly size: number;
  readonly waitMs: number;
  readonly key?: (payload: never) => string;
};

/**
 * Checks how tasks come together. `refuse` throws. The wait is a part of each attempt, so it must be shorter
 * than its timeout.
 */
export function batchSettings(
  input: unknown,
  timeoutMs: number,
  refuse: (why: string) => never,
): BatchSettings {
  const parsed = batchSchema.safeParse(input);
  if (!parsed.success)
    return refuse(
      parsed.error.issues
        .map((issue) => `${['batch', ...issue.path].join('.')}: ${issue.message}`)
        .join('; '),
    );
  if (parsed.data.waitMs >= timeoutMs)
    refuse(
      `batch.waitMs: must be below policy.timeoutMs, ${timeoutMs}, because an attempt waits in its time: got ${parsed.data.waitMs}`,
    );
  const { key, ...numbers } = parsed.data;
  return Object.freeze(key === undefined ? numbers : { ...numbers, key });
}
