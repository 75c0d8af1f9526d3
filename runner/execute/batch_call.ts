import { AsyncLocalStorage } from 'node:async_hooks';
import { type BatchContext, type BatchHandler, batchKey } from '../../core/batch_handler.ts';
import { PermanentError } from '../../core/errors.ts';
import type { Handler, TaskDefinition } from '../../core/task.ts';
import { type AttemptUnderWay, currentAttempt, type Member } from './attempt.ts';
import type { AttemptContext } from './context.ts';
import type { RegisteredHandler } from './execute.ts';

/** No attempt, and no span of one: a call of a batch handler belongs to several. */
const outsideAttempts = AsyncLocalStorage.snapshot();

/** Registers the code of a definition: a handler, or a batch handler if the definition has `batch`. */
export function registration(definition: TaskDefinition, code: unknown): RegisteredHandler {
  return definition.batch === undefined
    ? { definition, handler: code as Handler }
    : batchRegistration(definition, code as BatchHandler);
}

/**
 * Registers a batch handler (Q11). Each attempt is executed like any other, up to the call of its handler:
 * there it joins the others of its batch. An attempt without a seat is a batch of one.
 */
function batchRegistration(definition: TaskDefinition, handleMany: BatchHandler): RegisteredHandler {
  const callMany = (members: Member[]): void => callTogether(definition, handleMany, members);
  const handler = (payload: unknown, context: AttemptContext): Promise<unknown> => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const { underWay: attempt } = context;
    const key = batchKey(definition, payload);
    const member = { attempt, key, item: Object.assign(context, { payload }), resolve, reject };
    if (attempt.seat === null) callMany([member]);
    else attempt.seat.arrive(member);
    return promise;
  };
  return { definition, handler: handler as Handler, callMany };
}

/** Calls the handler for the members whose attempts must not end already. Never throws. */
function callTogether(definition: TaskDefinition, handleMany: BatchHandler, all: readonly Member[]): void {
  const members = all.filter(({ attempt: { aborted }, reject }) => {
    if (aborted !== null) reject(aborted.reason);
    return aborted === null;
  });
  const [first] = members;
  if (first === undefined) return;
  const attempts = members.map(({ attempt }) => attempt);
  for (const attempt of attempts) attempt.together = attempts;
  const context = new CallContext(first.key, attempts);
  void outsideAttempts(() =>
    currentAttempt.run(attempts, async () => {
      try {
        giveOutcomes(
          definition,
          members,
          await handleMany(
            Array.from(members, ({ item }) => item),
            context,
          ),
        );
      } catch (thrown) {
        for (const { reject } of members) reject(thrown);
      }
    }),
  );
}

/** Gives each member its outcome. Throws PermanentError if there is not one outcome for each. */
function giveOutcomes(definition: TaskDefinition, members: readonly Member[], outcomes: unknown): void {
  const { length } = members;
  const given = Array.isArray(outcomes) ? String(outcomes.length) : `no array but ${kindOf(outcomes)}`;
  if (!Array.isArray(outcomes) || outcomes.length !== length)
    throw invalid(
      `The batch handler of ${definition.name} must give an array with one outcome for each of its ${length} tasks, in their order. It gave ${given}`,
    );
  for (const [index, { resolve, reject }] of members.entries()) {
    try {
      resolve(resultOf(definition, outcomes[index], index));
    } catch (error) {
      reject(error);
    }
  }
}

/** The result of one task. Throws its error, and PermanentError if the outcome has neither. */
function resultOf({ name }: TaskDefinition, outcome: unknown, index: number): unknown {
  if (typeof outcome === 'object' && outcome !== null) {
    if ('error' in outcome && outcome.error !== undefined) throw outcome.error;
    if ('result' in outcome) return outcome.result;
  }
  throw invalid(
    `The outcome ${index} of the batch handler of ${name} must be { result } or { error }, got ${kindOf(outcome)}`,
  );
}

function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value === null ? null : typeof value);
  return Array.isArray(value)
    ? 'an array'
    : `an object with ${Object.keys(value).join(', ') || 'no property'}`;
}

function invalid(message: string): PermanentError {
  return new PermanentError(message, { code: 'INVALID_RESULT' });
}

class CallContext implements BatchContext {
  readonly key: string;
  readonly #attempts: readonly AttemptUnderWay[];
  /** Made on first use: it needs the signal of each attempt. */
  #signal: AbortSignal | null = null;

  constructor(key: string, attempts: readonly AttemptUnderWay[]) {
    this.key = key;
    this.#attempts = attempts;
  }

  get signal(): AbortSignal {
    this.#signal ??= whenAllAborted(this.#attempts.map(({ signal }) => signal));
    return this.#signal;
  }
}

function whenAllAborted(signals: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController();
  const look = (): void => {
    if (signals.every(({ aborted }) => aborted)) controller.abort(signals.at(-1)?.reason);
  };
  for (const signal of signals) signal.addEventListener('abort', look, { once: true });
  look();
  return controller.signal;
}
