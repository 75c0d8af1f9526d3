import { PermanentError } from './errors.ts';
import type { SchemaOutput } from './schema.ts';
import { type BoundTo, bindCode, type HandlerResult, type TaskContext, type TaskDefinition } from './task.ts';

/**
 * One task of a batch: its payload and the context of its attempt. Pass it on as it is: a copy made by
 * spreading it lacks `signal` and `log`.
 */
export type BatchItem<D extends TaskDefinition = TaskDefinition> = TaskContext & {
  readonly payload: SchemaOutput<D['payload']>;
};

/** The second argument of a batch handler. */
export type BatchContext = {
  /** The key that `batch.key` gave for each of the tasks; empty without it. */
  readonly key: string;
  /** Aborted when the attempt of every task must end. Each item has a signal for its attempt alone. */
  readonly signal: AbortSignal;
};

/** The outcome of one task of a batch: its result, or the error that its attempt fails with. */
export type BatchOutcome<D extends TaskDefinition = TaskDefinition> =
  | { result: HandlerResult<D>; error?: undefined }
  | { error: unknown; result?: undefined };

/**
 * The code that does the work of several tasks together. It gives the outcome of each, in the order of the
 * items. If it throws, the attempt of each fails with that error.
 */
export type BatchHandler<D extends TaskDefinition = TaskDefinition> = (
  items: readonly BatchItem<D>[],
  context: BatchContext,
) => Promise<readonly BatchOutcome<D>[]> | readonly BatchOutcome<D>[];

/**
 * Binds a batch handler to its definition, which gives types to its payloads and results (Q11). Throws if the
 * definition has no `batch`.
 */
export function defineBatchHandler<D extends TaskDefinition>(
  definition: D,
  handleMany: BatchHandler<D>,
): BatchHandler<D> & BoundTo<D> {
  if (definition.batch === undefined)
    throw new TypeError(
      `${definition.name} has no batch: add batch: { size: 100 } to its definition, or use defineHandler`,
    );
  bindCode(definition, handleMany);
  return handleMany;
}

/**
 * The key by which a task joins a batch; empty without a key function. Throws PermanentError if the key of
 * this parsed payload cannot be computed: another attempt would not help.
 */
export function batchKey({ name, batch }: TaskDefinition, payload: unknown): string {
  if (batch?.key === undefined) return '';
  const invalid = (what: string, cause?: unknown): PermanentError =>
    new PermanentError(`The key of the batch of ${name} ${what}`, {
      code: 'INVALID_BATCH_KEY',
      ...(cause === undefined ? {} : { cause }),
    });
  let key: unknown;
  try {
    key = batch.key(payload as never);
  } catch (thrown) {
    throw invalid('could not be computed, because its function threw an error', thrown);
  }
  if (typeof key !== 'string') throw invalid(`must be a text, got ${typeof key}`);
  return key;
}
