import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { batcher } from '../../core/concurrency/batcher.ts';
import { DISPATCH_MS } from '../../core/dispatches.ts';
import { PermanentError } from '../../core/errors.ts';
import { limitKeys } from '../../core/limits/key.ts';
import { type PoolRule, poolRules } from '../../core/limits/pool_rules.ts';
import { parseTaskPayload } from '../../core/payload.ts';
import { type DueAttempt, readPayload } from '../../store/attempts/load.ts';
import type { Outcome } from '../../store/attempts/outcomes.ts';
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
  /** Whether starts of a name are counted: an attempt that is admitted should start at once. */
  isRated(name: string): boolean;
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
  /** Called after starts were counted: a task may wait for a time now. */
  onCounted: () => void;
}): Limits {
  const { pgPool, runnerId, registeredHandlers, log, handOn, pace } = options;
  const rules = new Map<string, PoolRule[]>();
  for (const [name, { definition }] of registeredHandlers) {
    const own = poolRules(definition.policy);
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

  /**
   * Attempts that may kill their runner get no slots of others, and hand none on. Nor do those whose starts
   * are counted.
   */
  async function takeAlone(
    attempt: DueAttempt,
    keys: Starting['keys'],
    own: readonly PoolRule[],
  ): Promise<Admission> {
    const took = await takeUnlessBusy({ id: attempt.id, dispatchId: attempt.dispatchId, keys });
    if (took !== 'taken') return { kind: took };
    const hasSlots = own.some(({ isRate }) => !isRate);
    return { kind: took, attempt: hasSlots ? { ...attempt, hasSlots } : attempt };
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
    let took: Exclude<Took, 'busy'> = 'gone';
    try {
      took = await takeUnlessBusy({ id, dispatchId, keys });
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
      const isRated = own.some(({ isRate }) => isRate);
      const admission =
        attempt.isSuspect || isRated
          ? await takeAlone(attempt, keys, own)
          : await takeOrGet(attempt, keys, { limit: Math.min(...own.map((rule) => rule.limit)), onWait });
      if (isRated) options.onCounted();
      return withHoldKey(admission, own, keys);
    } catch (error) {
      if (!(error instanceof PermanentError)) throw error;
      log.warn({ err: error, task_id: attempt.id, task_name: attempt.name }, 'an attempt has no valid key');
      return { kind: 'refused', outcome: refused(attempt, error) };
    }
  }

  async function withPayload(attempt: DueAttempt, own: readonly PoolRule[]): Promise<DueAttempt> {
    if (attempt.payload !== null || !own.some(({ isKeyed }) => isKeyed)) return attempt;
    const payload = await untilBack(log, 'reading a payload', () => readPayload(pgPool, attempt.id));
    return { ...attempt, payload };
  }

  return {
    isLimited: (name) => rules.has(name),
    isRated: (name) => rules.get(name)?.some(({ isRate }) => isRate) === true,
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
  rules: readonly PoolRule[],
  attempt: DueAttempt,
): Promise<Starting['keys']> {
  if (!rules.some(({ isKeyed }) => isKeyed)) return rules.map(({ name }) => [name, ''] as const);
  const parsed = await parseTaskPayload(definition, attempt, '/payload');
  if (!parsed.ok) return [];
  const made = limitKeys(rules, parsed.value);
  if (made.ok) return made.keys;
  throw new PermanentError(made.problem, {
    code: 'INVALID_LIMIT_KEY',
    ...(made.thrown === undefined ? {} : { cause: made.thrown }),
  });
}

/** With the key that is held if something outside refuses more. `keys` are those of the rules, in their order. */
function withHoldKey(admission: Admission, rules: readonly PoolRule[], keys: Starting['keys']): Admission {
  const holdKey = keys[slowedBy(rules)];
  if (admission.kind !== 'taken' || holdKey === undefined) return admission;
  return { kind: 'taken', attempt: { ...admission.attempt, holdKey } };
}

/** The rule whose key RateLimited slows: a rate before another limit, and of these one with a key. */
function slowedBy(rules: readonly PoolRule[]): number {
  const rank = ({ isRate, isKeyed }: PoolRule): number => (isRate ? 2 : 0) + (isKeyed ? 1 : 0);
  const best = Math.max(...rules.map(rank));
  return rules.findIndex((rule) => rank(rule) === best);
}

function refused(attempt: DueAttempt, error: PermanentError): Outcome {
  const { id, dispatchId, name, priority, parentId, hasChildren } = attempt;
  return {
    ...{ id, dispatchId, name, priority, parentId, hasChildren, attempt: attempt.attempt },
    ...{ durationMs: 0, lines: [], progress: null },
    ...{ kind: 'failed', error: { ...toErrorRecord(error), retryable: false }, retryInMs: null },
  };
}
