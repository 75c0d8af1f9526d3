import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { planFiring } from '../../core/schedules/plan.ts';
import { CATCH_UP_LIMIT } from '../../core/schedules/settings.ts';
import type { SkipReason } from '../../core/schedules/skip_reasons.ts';
import { namespaceOf } from '../../core/task.ts';
import { messageOf } from '../../process/start.ts';
import { isRefusal } from '../../store/database/pool.ts';
import { markBroken } from '../../store/schedules/broken.ts';
import type { DueSchedule } from '../../store/schedules/due.ts';
import { type Fired, fireSchedules, type PlannedFiring } from '../../store/schedules/fire.ts';
import type { RunnerEvents } from '../record/events.ts';

/**
 * Plans and fires due schedules. Gives whether this runner has handled any of them: if not, another one has. A
 * schedule that can never be handled is marked as broken, so that it does not stop the others. Throws if
 * Postgres is away.
 */
export async function fireDue(
  pool: Pool,
  due: readonly DueSchedule[],
  events: RunnerEvents,
  log: Logger,
): Promise<boolean> {
  const planned: PlannedFiring[] = [];
  let broken = 0;
  for (const schedule of due) {
    try {
      planned.push(plan(schedule));
    } catch (error) {
      // For example a time zone that this Node no longer has.
      const why = `its times cannot be computed: ${messageOf(error)}`;
      if (await giveUp(pool, schedule, why, log)) broken++;
    }
  }
  const fired = await fireAll(pool, planned, log);
  report(planned, fired, events);
  return broken + fired.length > 0;
}

function plan({ settings, ...schedule }: DueSchedule): PlannedFiring {
  if (settings === null) throw new Error('another version of Errand has stored its settings');
  const { id, revision, task, priority, nextAt, lastAt, now } = schedule;
  return { id, revision, task, priority, ...planFiring({ id, settings, nextAt, lastAt, now }) };
}

/** Fires all in one statement. If Postgres refuses that, fires each by itself, to find the guilty ones. */
async function fireAll(pool: Pool, planned: readonly PlannedFiring[], log: Logger): Promise<Fired[]> {
  if (planned.length === 0) return [];
  try {
    return await fireSchedules(pool, planned);
  } catch (error) {
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

async function giveUp(
  pool: Pool,
  schedule: { id: string; revision: number },
  why: string,
  log: Logger,
): Promise<boolean> {
  const isMarked = await markBroken(pool, schedule, why);
  if (isMarked)
    log.error({ schedule: schedule.id, reason: why }, 'a schedule is broken: it no longer submits tasks');
  return isMarked;
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
