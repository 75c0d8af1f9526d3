import { type Detail, ErrandError } from '../errors.ts';
import { detail, got } from '../json/json.ts';
import { DEDUP_STRATEGIES, type DedupStrategy, debounceMaxSeconds, type Policy } from './policy.ts';

/**
 * The strategies that a submission may ask for. `definition` keeps the strategy of the definition, whatever
 * key the request has. If that strategy is `none`, an Idempotency-Key only makes the request safe to repeat.
 */
export const DEDUP_OPTIONS = [...DEDUP_STRATEGIES, 'definition'] as const;

/**
 * How the ledger recognises a duplicate. `idempotency_key` also refuses another payload (S7). Of debounced
 * and throttled submissions (Q4) those with the same key belong together; without a key all of the name.
 */
export type Dedup =
  | { dedup: 'payload' | 'key' | 'idempotency_key'; key: string | null }
  | { dedup: 'debounce'; key: string | null; seconds: number; maxSeconds: number }
  | { dedup: 'throttle'; key: string | null; seconds: number }
  | { dedup: null; key: null };

/** The parts of a policy that decide it. */
export type DedupPolicy = Pick<
  Policy,
  'dedup' | 'debounceSeconds' | 'debounceMaxSeconds' | 'throttleSeconds'
>;

/** The options of a submission for deduplication. `path` is the place of the submission in the request. */
type Asked<Option> = {
  dedup?: Option | undefined;
  dedupKey?: string | undefined;
  idempotencyKey?: string | undefined;
  path: string;
};

/** The options that only belong to bursts, and those that a burst refuses. */
type AskedOfBurst = {
  debounceSeconds?: number | undefined;
  throttleSeconds?: number | undefined;
  dedupWindowSeconds?: number | undefined;
  /** The names of options that say when the task is due, with their values. */
  due?: Readonly<Record<string, unknown>>;
};

/**
 * Decides how one submission is deduplicated (specification S5): by the strategy that it asks for, otherwise
 * by a key that it brings, otherwise by the strategy of its definition. A `dedup_key` in the body takes
 * precedence over the Idempotency-Key header. Debouncing and throttling replace all of this, unless the
 * submission asks for another strategy than its definition. The hash is computed in Postgres
 * (`errand.dedup_hash`), so SQL callers get the same one. Throws VALIDATION_FAILED if the strategy is `key` and
 * the submission has no key, and for options that cannot be combined.
 */
export function chooseDedup(
  policy: DedupPolicy,
  given: Asked<(typeof DEDUP_OPTIONS)[number]> & AskedOfBurst,
): Dedup {
  const burst = burstOf(policy, given);
  if (burst !== null) return burst;
  const asked = given.dedup === 'definition' ? byDefinition(policy, given) : { ...given, dedup: given.dedup };
  const brings = asked.dedupKey !== undefined || asked.idempotencyKey !== undefined;
  const strategy = asked.dedup ?? (brings ? 'key' : policy.dedup.strategy);
  if (strategy === 'none') return { dedup: null, key: null };
  if (strategy === 'payload') return { dedup: 'payload', key: null };
  if (asked.dedupKey !== undefined) return { dedup: 'key', key: asked.dedupKey };
  if (asked.idempotencyKey !== undefined) return { dedup: 'idempotency_key', key: asked.idempotencyKey };
  throw noKey(asked.path, 'is required: send dedup_key, or an Idempotency-Key header');
}

/** The Idempotency-Key does not decide when two submissions are the same, unless the strategy is `none`. */
function byDefinition(policy: Pick<Policy, 'dedup'>, asked: Asked<unknown>): Asked<DedupStrategy> {
  const { strategy } = policy.dedup;
  if (strategy === 'none' && asked.idempotencyKey !== undefined)
    return { ...asked, dedup: 'key', dedupKey: undefined };
  return { ...asked, dedup: strategy, idempotencyKey: undefined };
}

type Given = Asked<(typeof DEDUP_OPTIONS)[number]> & AskedOfBurst;

/** Debounced or throttled, as the submission asks for or else its definition; otherwise null. */
function burstOf(policy: DedupPolicy, given: Given): Dedup | null {
  const isAsked = given.debounceSeconds !== undefined || given.throttleSeconds !== undefined;
  const isOther = given.dedup !== undefined && given.dedup !== 'definition';
  if (isOther && !isAsked) return null;
  const { debounceSeconds, throttleSeconds } = isAsked ? given : policy;
  const option = debounceSeconds === undefined ? 'throttle_seconds' : 'debounce_seconds';
  const seconds = debounceSeconds ?? throttleSeconds;
  if (seconds === undefined) return null;
  const details = refused(given, option, isAsked ? `${option}` : `${option} of its definition`);
  if (details.length > 0)
    throw new ErrandError('VALIDATION_FAILED', 'Options of this submission cannot be combined', { details });
  const key = given.dedupKey ?? null;
  if (key === null && policy.dedup.strategy === 'key') throw noKey(given.path, 'is required: send dedup_key');
  if (option === 'throttle_seconds') return { dedup: 'throttle', key, seconds };
  return { dedup: 'debounce', key, seconds, maxSeconds: debounceMaxSeconds(policy, seconds) };
}

/** The options that cannot be combined with a burst, and why. */
function refused(given: Given, option: string, named: string): Detail[] {
  const { path, dedup, debounceSeconds, throttleSeconds, dedupWindowSeconds, due = {} } = given;
  const details: Detail[] = [];
  const refuse = (name: string, value: unknown, why: string): void => {
    if (value !== undefined)
      details.push(detail(`${path}/${name}`, `must not be combined with ${named}: ${why}${got(value)}`));
  };
  if (debounceSeconds !== undefined)
    refuse('throttle_seconds', throttleSeconds, 'one takes the last submission, the other the first');
  refuse(
    'dedup',
    dedup === 'definition' ? undefined : dedup,
    'a burst is recognised by dedup_key or the name',
  );
  refuse('dedup_window_seconds', dedupWindowSeconds, `${option} is the window`);
  if (option === 'debounce_seconds')
    for (const [name, value] of Object.entries(due))
      refuse(name, value, 'the task is due when the burst is over');
  // The key of one request cannot belong to a task that is made of several.
  if (given.idempotencyKey !== undefined && dedup === undefined)
    details.push(
      detail(
        '/headers/idempotency-key',
        `must not be combined with ${named}: several submissions share a task. Send no key, or dedup definition`,
      ),
    );
  return details;
}

function noKey(path: string, message: string): ErrandError {
  return new ErrandError(
    'VALIDATION_FAILED',
    'This task is deduplicated by key, but the submission has none',
    { details: [{ path: `${path}/dedup_key`, message }] },
  );
}
