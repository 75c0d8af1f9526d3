import { PermanentError } from '../../core/errors.ts';
import { type LimitKey, limitKeys } from '../../core/limits/key.ts';
import { type PoolRule, poolRules } from '../../core/limits/pool_rules.ts';
import { parseTaskPayload } from '../../core/payload.ts';
import { type DueAttempt, readPayload } from '../../store/attempts/load.ts';
import type { Outcome } from '../../store/attempts/outcomes.ts';
import type { Starting } from '../../store/limits/slots.ts';
import type { RegisteredHandler } from '../execute/execute.ts';
import { toErrorRecord } from '../record/classify.ts';
import { untilBack } from '../record/retry_until_available.ts';
import type { Backlog } from './backlog.ts';
import type { Admission } from './start_limited.ts';
import { type TakerOptions, taker } from './take_slots.ts';

/** The limits that hold in the complete pool, for the names of a runner. */
export type Limits = {
  /** Whether attempts of a name need slots in the ledger. */
  isLimited(name: string): boolean;
  /** Whether starts of a name are counted: an attempt that is admitted should start at once. */
  isRated(name: string): boolean;
  /** The names whose tasks may be handed off with the slot of another one: they need one with a key, and no other. */
  readonly handedOff: readonly string[];
  /** The attempts that wait in this runner for slots of others here. */
  readonly backlog: Pick<Backlog, 'isFull' | 'room' | 'onChange'>;
  /**
   * Takes the slots of an attempt, or gets them from one that ends here. Calls `onWait` if it waits for
   * that. Throws LeaseLost if the runner is no longer live.
   */
  admit(attempt: DueAttempt, onWait: () => void): Promise<Admission>;
  /** Frees the slots of an attempt that does not start after all. */
  freeUnused(attempt: DueAttempt): void;
};

/** Computes keys with the code of this runner, and takes slots in the ledger, many in one statement. */
export function createLimits(
  options: TakerOptions & {
    registeredHandlers: ReadonlyMap<string, RegisteredHandler>;
    /** How many attempts run here at a time. */
    concurrency: number;
    /** Frees the slots of an attempt. */
    free: (attempt: DueAttempt) => void;
    /** Called after starts were counted: a task may wait for a time now. */
    onCounted: () => void;
  },
): Limits {
  const { pgPool, registeredHandlers, log } = options;
  const rules = new Map<string, PoolRule[]>();
  for (const [name, { definition }] of registeredHandlers) {
    const own = poolRules(definition.policy);
    if (own.length > 0) rules.set(name, own);
  }

  const take = taker(options);

  async function admit(announced: DueAttempt, onWait: () => void): Promise<Admission> {
    const registered = registeredHandlers.get(announced.name);
    const own = rules.get(announced.name);
    if (registered === undefined || own === undefined) return { kind: 'taken', attempt: announced };
    let attempt = await withPayload(announced, own);
    try {
      const keys = await keysOf(registered, own, attempt);
      if (attempt.hasSlots === true) {
        if (attempt.slots?.keys === JSON.stringify(keys)) return { kind: 'taken', attempt };
        // It waited with the key of another version of this code.
        options.free(attempt);
        attempt = { ...attempt, hasSlots: false };
      }
      if (keys.length === 0) return { kind: 'taken', attempt };
      const isRated = own.some(({ isRate }) => isRate);
      // More never run here at a time: with more slots than that, attempts would ask the ledger for slots that
      // one that ends here can hand on.
      const limit = Math.min(options.concurrency, ...own.map((rule) => rule.limit));
      const hasSlots = own.some(({ isRate }) => !isRate);
      const admission = await take(attempt, keys, { limit, isRated, hasSlots, onWait });
      if (isRated) options.onCounted();
      // An earlier statement, whose answer was lost, may have taken them.
      if (admission.kind === 'gone') options.free(attempt);
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
    handedOff: [...rules].flatMap(([name, own]) => (hasOneKey(own) ? [name] : [])),
    backlog: options.backlog,
    admit,
    freeUnused: options.free,
  };
}

function hasOneKey(rules: readonly PoolRule[]): boolean {
  const [only, ...others] = rules;
  return others.length === 0 && only?.isKeyed === true && !only.isRate && only.whenFull === undefined;
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
function withWays(rules: readonly PoolRule[], keys: readonly LimitKey[]): Starting['keys'] {
  return keys.map(([name, key], index) => {
    const way = rules[index]?.whenFull;
    return way === undefined ? ([name, key] as const) : ([name, key, way] as const);
  });
}

/** With the key that is held if something outside refuses more. `keys` are those of the rules, in their order. */
function withHoldKey(admission: Admission, rules: readonly PoolRule[], keys: Starting['keys']): Admission {
  const slowed = keys[slowedBy(rules)];
  if (admission.kind !== 'taken' || slowed === undefined) return admission;
  const [name, key] = slowed;
  return { kind: 'taken', attempt: { ...admission.attempt, holdKey: [name, key] } };
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
