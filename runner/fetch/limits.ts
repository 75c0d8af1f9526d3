import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { batcher } from '../../core/concurrency/batcher.ts';
import { DISPATCH_MS } from '../../core/dispatches.ts';
import { PermanentError } from '../../core/errors.ts';
import { type LimitKey, limitKeys } from '../../core/limits/key.ts';
import { endsTasks, type LimitRule, poolRules } from '../../core/limits/rules.ts';
import { parseTaskPayload } from '../../core/payload.ts';
import { type DueAttempt, readPayload } from '../../store/attempts/load.ts';
import type { Outcome } from '../../store/attempts/outcomes.ts';
import { endDecided } from '../../store/limits/end_decided.ts';
import { type Starting, type Took, takeSlots } from '../../store/limits/slots.ts';
import type { RegisteredHandler } from '../execute/execute.ts';
import type { HandOn } from '../execute/hand_on.ts';
import { LONG_WAIT_MS, type Pace, SHORT_MS } from '../execute/pace.ts';
import { toErrorRecord } from '../record/classify.ts';
import { untilBack } from '../record/retry_until_available.ts';
import { LeaseLost } from '../record/write_outcomes.ts';
import type { Admission } from './start_limited.ts';

/** How long to wait until slots are asked for again while somebody else changes the task. */
const BUSY_MS = 5;
/** The maximum number of attempts whose slots one statement takes. */
const MAX_TOGETHER = 200;

/** The limits that hold in the complete pool, for the names of a runner. */
export type Limits = {
  /** Whether attempts of a name need slots in the ledger. */
  isLimited(name: string): boolean;
  /**
   * Takes the slots of an attempt, or gets them from one that ends here. Calls `onWait` if it waits for
   * that. Throws LeaseLost if the runner is no longer live.
   */
  admit(attempt: DueAttempt, onWait: () => void): Promise<Admission>;
  /** Frees the slots of an attempt that does not start after all. */
  freeUnused(attempt: DueAttempt): void;
};

/** Computes keys with the code of this runner, and takes slots in the ledger, many in one statement. */
export function createLimits(options: {
  pgPool: Pool;
  runnerId: number;
  registeredHandlers: ReadonlyMap<string, RegisteredHandler>;
  log: Logger;
  /** Frees the slots of an attempt. */
  free: (attempt: DueAttempt) => void;
  handOn: HandOn;
  pace: Pick<Pace, 'of'>;
}): Limits {
  const { pgPool, runnerId, registeredHandlers, log, handOn, pace } = options;
  const rules = new Map<string, LimitRule[]>();
  for (const [name, { definition }] of registeredHandlers) {
    const own = poolRules(definition.policy.concurrency);
    if (own.length > 0) rules.set(name, own);
  }

  const takeTogether = batcher(
    async (starting: Starting[]): Promise<Took[]> => {
      const { live, took } = await untilBack(log, 'taking slots', () =>
        takeSlots(pgPool, runnerId, starting),
      );
      if (!live) throw new LeaseLost('no slots were taken: this runner is no longer live');
      return took;
    },
    { maxItems: MAX_TOGETHER, parallel: 2 },
  );

  /** Whoever changes the task at the same moment, to cancel it for example, is done soon. */
  async function takeUnlessBusy(starting: Starting): Promise<Exclude<Took, 'busy'>> {
    for (;;) {
      const took = await takeTogether(starting);
      if (took !== 'busy') return took;
      await pause(BUSY_MS);
    }
  }

  /** Attempts that may kill their runner get no slots of others, and hand none on. */
  async function takeAlone(attempt: DueAttempt, keys: Starting['keys']): Promise<Admission> {
    const took = await takeUnlessBusy({ id: attempt.id, dispatchId: attempt.dispatchId, keys });
    return took === 'taken'
      ? { kind: took, attempt: { ...attempt, hasSlots: true } }
      : { kind: took === 'full' ? 'gone' : took };
  }

  /**
   * The same for rules that end tasks: they decide about those that have slots in the ledger, so no slots are
   * handed on. After a crash before the tasks are ended, maintenance does it.
   */
  async function takeOrEnd(attempt: DueAttempt, keys: Starting['keys']): Promise<Admission> {
    const admission = await takeAlone(attempt, keys);
    if (admission.kind !== 'taken')
      await untilBack(log, 'ending tasks of a full limit', () => endDecided(pgPool));
    return admission;
  }

  async function takeOrGet(
    attempt: DueAttempt,
    keys: Starting['keys'],
    { limit, onWait }: { limit: number; onWait: () => void },
  ): Promise<Admission> {
    const { id, dispatchId, name } = attempt;
    const text = JSON.stringify(keys);
    const asked = handOn.request(text, limit, attempt.wasCalled === true ? 0 : waitMs(pace.of(name)));
    if (asked !== 'ask') onWait();
    const handed = asked === 'ask' ? asked : await asked;
    if (handed === 'over') return { kind: 'over' };
    if (handed !== 'ask')
      return { kind: 'taken', attempt: { ...attempt, hasSlots: true, slots: { ...handed, keys: text } } };
    let took: 'taken' | 'waits' | 'gone' = 'gone';
    try {
      const answer = await takeUnlessBusy({ id, dispatchId, keys });
      took = answer === 'full' ? 'gone' : answer;
    } finally {
      handOn.answered(text, took);
    }
    return took === 'taken'
      ? { kind: took, attempt: { ...attempt, hasSlots: true, slots: { id, dispatchId, keys: text } } }
      : { kind: took };
  }

  async function admit(announced: DueAttempt, onWait: () => void): Promise<Admission> {
    const registered = registeredHandlers.get(announced.name);
    const own = rules.get(announced.name);
    if (registered === undefined || own === undefined) return { kind: 'taken', attempt: announced };
    const attempt = await withPayload(announced, own);
    try {
      const keys = await keysOf(registered, own, attempt);
      if (keys.length === 0) return { kind: 'taken', attempt };
      const limit = Math.min(...own.map((rule) => rule.limit));
      const admission = await (endsTasks(own)
        ? takeOrEnd(attempt, keys)
        : attempt.isSuspect
          ? takeAlone(attempt, keys)
          : takeOrGet(attempt, keys, { limit, onWait }));
      // An earlier statement, whose answer was lost, may have taken them.
      if (admission.kind === 'gone') options.free(attempt);
      return admission;
    } catch (error) {
      if (!(error instanceof PermanentError)) throw error;
      log.warn({ err: error, task_id: attempt.id, task_name: attempt.name }, 'an attempt has no valid key');
      return { kind: 'refused', outcome: refused(attempt, error) };
    }
  }

  async function withPayload(attempt: DueAttempt, own: readonly LimitRule[]): Promise<DueAttempt> {
    if (attempt.payload !== null || !own.some(({ isKeyed }) => isKeyed)) return attempt;
    const payload = await untilBack(log, 'reading a payload', () => readPayload(pgPool, attempt.id));
    return { ...attempt, payload };
  }

  return {
    isLimited: (name) => rules.has(name),
    admit,
    freeUnused: options.free,
  };
}

/**
 * How long an attempt waits in its runner for slots of limits, by how long attempts of its name take. Short
 * ones wait as for a slot of the runner. Others wait in the ledger at once: it costs little beside them.
 */
function waitMs(typicalMs: number | undefined): number {
  if (typicalMs === undefined) return DISPATCH_MS;
  return typicalMs < SHORT_MS ? LONG_WAIT_MS : 0;
}

/**
 * The keys of an attempt. If its payload does not fit, it needs none: it fails before its handler
 * runs. Throws PermanentError if a key cannot be computed.
 */
async function keysOf(
  { definition }: RegisteredHandler,
  rules: readonly LimitRule[],
  attempt: DueAttempt,
): Promise<Starting['keys']> {
  if (!rules.some(({ isKeyed }) => isKeyed))
    return withWays(
      rules,
      rules.map(({ name }): LimitKey => [name, '']),
    );
  const parsed = await parseTaskPayload(definition, attempt, '/payload');
  if (!parsed.ok) return [];
  const made = limitKeys(rules, parsed.value, attempt.concurrencyKey);
  if (made.ok) return withWays(rules, made.keys);
  throw new PermanentError(made.problem, {
    code: 'INVALID_LIMIT_KEY',
    ...(made.thrown === undefined ? {} : { cause: made.thrown }),
  });
}

/** Adds `whenFull` of each rule that has it. */
function withWays(rules: readonly LimitRule[], keys: readonly LimitKey[]): Starting['keys'] {
  return keys.map(([name, key], index) => {
    const way = rules[index]?.whenFull;
    return way === undefined ? ([name, key] as const) : ([name, key, way] as const);
  });
}

function refused(attempt: DueAttempt, error: PermanentError): Outcome {
  const { id, dispatchId, name, priority, parentId, hasChildren } = attempt;
  return {
    ...{ id, dispatchId, name, priority, parentId, hasChildren, attempt: attempt.attempt },
    ...{ durationMs: 0, lines: [], progress: null },
    ...{ kind: 'failed', error: { ...toErrorRecord(error), retryable: false }, retryInMs: null },
  };
}
