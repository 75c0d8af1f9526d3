import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { batcher } from '../../core/concurrency/batcher.ts';
import { PermanentError } from '../../core/errors.ts';
import { limitKeys } from '../../core/limits/key.ts';
import { type PoolRule, poolRules } from '../../core/limits/pool_rules.ts';
import { parseTaskPayload } from '../../core/payload.ts';
import { type DueAttempt, readPayload } from '../../store/attempts/load.ts';
import type { Outcome } from '../../store/attempts/outcomes.ts';
import { type Starting, type Took, takeSlots } from '../../store/limits/slots.ts';
import type { RegisteredHandler } from '../execute/execute.ts';
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
   * Takes the slots of attempts that have a slot of the runner. Throws LeaseLost if the runner is no
   * longer live.
   */
  admit(attempts: readonly DueAttempt[]): Promise<Admission[]>;
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
  /** Called after starts were counted: a task may wait for a time now. */
  onCounted: () => void;
}): Limits {
  const { pgPool, runnerId, registeredHandlers, log } = options;
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

  async function admitOne(announced: DueAttempt): Promise<Admission> {
    const registered = registeredHandlers.get(announced.name);
    const own = rules.get(announced.name);
    if (registered === undefined || own === undefined) return { kind: 'taken', attempt: announced };
    const attempt = await withPayload(announced, own);
    try {
      const keys = await keysOf(registered, own, attempt);
      const took = await takeUnlessBusy({ id: attempt.id, dispatchId: attempt.dispatchId, keys });
      if (own.some(({ isRate }) => isRate)) options.onCounted();
      return took === 'taken' ? { kind: 'taken', attempt: admitted(attempt, own, keys) } : { kind: took };
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
    admit: (attempts) => Promise.all(attempts.map(admitOne)),
    freeUnused: options.free,
  };
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

/** The attempt with what its admission gave it. `keys` are those of the rules, in their order. */
function admitted(attempt: DueAttempt, rules: readonly PoolRule[], keys: Starting['keys']): DueAttempt {
  const hasSlots = rules.some(({ isRate }) => !isRate);
  const holdKey = keys[slowedBy(rules)];
  return { ...attempt, ...(hasSlots ? { hasSlots } : {}), ...(holdKey === undefined ? {} : { holdKey }) };
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
