import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { CATCH_UP_LIMIT } from '../../core/schedules/settings.ts';
import type { SkipReason } from '../../core/schedules/skip_reasons.ts';
import { namespaceOf } from '../../core/task.ts';
import { messageOf } from '../../process/start.ts';
import { isRefusal, isTimeout } from '../../store/database/pool.ts';
import { type Fired, fireSchedules, type PlannedFiring } from '../../store/schedules/fire.ts';
import type { RunnerEvents } from '../record/events.ts';
import { giveUp } from './plan_due.ts';

/**
 * The tasks that one statement submits at most, unless one schedule alone has more: after an outage many schedules
 * have many times to catch up with, and a statement that takes too long is cancelled, again and again.
 */
const MAX_TASKS = 1_000;

/**
 * Fires planned schedules. Gives how many of them this runner has handled: fewer if another one has. Throws if
 * Postgres is away.
 */
export async function fireDue(
  pool: Pool,
  planned: readonly PlannedFiring[],
  events: RunnerEvents,
  log: Logger,
): Promise<number> {
  let handled = 0;
  for (const some of bounded(planned)) {
    const fired = await fireAll(pool, some, log);
    report(some, fired, events);
    handled += fired.length;
  }
  return handled;
}

/** The schedules of each statement, in order. */
function bounded(planned: readonly PlannedFiring[]): PlannedFiring[][] {
  const statements: PlannedFiring[][] = [];
  let tasks = Number.POSITIVE_INFINITY;
  for (const one of planned) {
    tasks += one.times.length;
    if (tasks > MAX_TASKS) {
      statements.push([]);
      tasks = one.times.length;
    }
    statements.at(-1)?.push(one);
  }
  return statements;
}

/**
 * Fires all in one statement. If Postgres refuses that, fires each by itself, to find the guilty ones; if it is too slow for
 * the timeout of statements, fires each half: the same statement again would not end either.
 */
async function fireAll(pool: Pool, planned: readonly PlannedFiring[], log: Logger): Promise<Fired[]> {
  if (planned.length === 0) return [];
  try {
    return await fireSchedules(pool, planned);
  } catch (error) {
    if (isTimeout(error) && planned.length > 1) {
      const middle = Math.ceil(planned.length / 2);
      const first = await fireAll(pool, planned.slice(0, middle), log);
      return [...first, ...(await fireAll(pool, planned.slice(middle), log))];
    }
    if (!isRefusal(error)) throw error;
    const [one, ...others] = planned;
    if (one === undefined) return [];
    if (others.length === 0) {
      await giveUp(pool, one, `its task cannot be submitted: ${messageOf(error)}`, log);
      return [];
    }
    const fired: Fired[] = [];
    for (const single of planned) fired.push(...(await fireAll(pool, [single], log)));
    return fired;
  }
}

function report(planned: readonly PlannedFiring[], fired: readonly Fired[], events: RunnerEvents): void {
  const plans = new Map(planned.map((one) => [one.id, one]));
  const submitted = fired.flatMap(({ id, lagMs, decisions }) =>
    Array.from({ length: decisions.submit ?? 0 }, () => ({ namespace: namespaceOf(id), lagMs })),
  );
  const byNamespace = Map.groupBy(submitted, ({ namespace }) => namespace);
  if (byNamespace.size > 0) {
    events.emit(
      'schedulesFired',
      Array.from(byNamespace, ([namespace, ones]) => ({ namespace, lagMs: ones.map(({ lagMs }) => lagMs) })),
    );
  }
  const skipped = fired.flatMap(({ id, decisions, replaced }) => {
    const namespace = namespaceOf(id);
    const skip = (reason: SkipReason, times: number) => (times > 0 ? [{ namespace, reason, times }] : []);
    const missed = plans.get(id)?.skipped;
    return [
      ...skip('overlap', decisions.overlap ?? 0),
      ...skip('replaced', replaced ? 1 : 0),
      ...skip('missed', missed == null ? 0 : (missed.count ?? CATCH_UP_LIMIT)),
    ];
  });
  if (skipped.length > 0) events.emit('schedulesSkipped', skipped);
}
