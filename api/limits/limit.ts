import type { Request } from 'express';
import { ErrandError } from '../../core/errors.ts';
import { readLimit, type StoredLimit } from '../../store/limits/read.ts';
import { callLimit } from '../../store/operators/limits.ts';
import { isSeenBy, type RequestContext, requireName } from '../context.ts';
import { mayRead } from '../tasks/get_task.ts';

/** The limit of a path, for an operation that changes it. Throws FORBIDDEN for another namespace. */
export function limitToChange(context: RequestContext, request: Request): string {
  const name = String(request.params.limit_name);
  requireName(context, name);
  return name;
}

/** The error for a name without a limit that the caller may see. */
export function limitNotFound(name: string): ErrandError {
  return new ErrandError(
    'NOT_FOUND',
    `No definition has the limit ${name}: see GET /v1/limits for all of them`,
  );
}

/** No request calls for longer. The runners call the rest, a thousand keys in each round. */
const CALL_MS = 10_000;

/**
 * Calls who waits for a limit that has more room. If it ends early, or the process dies, the upkeep of the runners
 * calls the rest.
 */
export async function callWaiting(context: RequestContext, name: string): Promise<void> {
  const end = performance.now() + Math.min(CALL_MS, context.requestTimeoutMs / 2);
  let from: string | null = '';
  do from = await callLimit(context.writes, name, from);
  while (from !== null && performance.now() < end);
}

/** The limit after a change, as far as the caller may read it, with `message` about it. */
export async function answerOf(
  context: RequestContext,
  name: string,
  changed: boolean,
): Promise<Record<string, unknown>> {
  const found = await readLimit(context.writes, name, null);
  if (found === null) throw limitNotFound(name);
  const { shows_keys: _, ...limit } = found;
  const definitions = limit.definitions.filter(isSeenBy(context));
  return {
    limit: mayRead(context) ? { ...limit, definitions } : { name, paused: limit.paused },
    changed,
    message: `${name} ${changed ? '' : 'was so already: it '}${inWords(limit)}`,
  };
}

/** `is 5 for each key (4 are declared), and paused`. */
function inWords({ limit, declared, is_keyed, paused }: StoredLimit): string {
  const each = is_keyed ? ' for each key' : '';
  const value = limit === null ? 'has no limit' : `is ${limit}${each}`;
  const instead =
    declared === null ? ' (no definition has it)' : declared === limit ? '' : ` (declared: ${declared})`;
  return `${value}${instead}${paused ? ', and is paused: nothing starts under it until it is resumed' : ''}`;
}
