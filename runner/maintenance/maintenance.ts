import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { namespaceOf } from '../../core/task.ts';
import { messageOf } from '../../process/start.ts';
import { type ExpiredTask, hasExpired } from '../../store/attempts/expire.ts';
import { recoverLostRunners } from '../../store/attempts/recovery.ts';
import { deleteEndedRunners, type RetentionHours } from '../../store/attempts/retention.ts';
import { claimRound } from '../../store/attempts/rounds.ts';
import { deleteUnusedKeys, freeSlotsOfEnded, hasLimitWaits } from '../../store/limits/repair.ts';
import { deleteOldAudit } from '../../store/operators/audit.ts';
import { deleteOldDecisions } from '../../store/operators/decide_errors.ts';
import { endDecided, hasDecided } from '../../store/operators/end_decided.ts';
import { deleteOldRollups } from '../../store/stats/rollups.ts';
import type { RunnerEvents } from '../record/events.ts';
import {
  createLimitsRepairer,
  createReconciler,
  endAllExpired,
  expireRuns,
  expireTasks,
  sumUpAllErrors,
  sumUpFinished,
} from './rounds.ts';

/**
 * Reconciling reads open tasks and every dispatch, but hardly ever finds something, so it need not
 * run often.
 */
const RECONCILE_EVERY_SECS = 30;
const RETENTION_EVERY_SECS = 30;
/**
 * Needed after the last runner with newer definitions has left. It costs one row read per
 * definition.
 */
const REGISTER_EVERY_SECS = 30;
/** Only while tasks wait for slots: it calls those that no statement has called, after a pause for example. */
const LIMITS_EVERY_SECS = 1;
/** How long a task may be shown as open after its time is over. It costs one index read if no task expires. */
const EXPIRY_EVERY_SECS = 1;
/** Keys that nobody uses take little room. */
const LIMIT_KEYS_EVERY_SECS = 60;
/** Finished tasks that are not in the rollups yet are counted one by one when figures are read. */
const ROLLUPS_EVERY_SECS = 5;
/**
 * Rows of runners are usually kept longer than tasks, because task records refer to the runner that
 * executed them.
 */
const RUNNERS_KEPT_HOURS = 24 * 30;
const ROLLUPS_KEPT_DAYS = 30;
/** Audit rows deleted in one round: more than are added. */
const AUDIT_BATCH = 10_000;

export type MaintenanceOptions = {
  pool: Pool;
  runnerId: number;
  retentionHours: RetentionHours;
  auditRetentionDays: number;
  scheduleHistoryDays: number;
  /** Registers the definitions and the schedules of this runner if they are now the newest. */
  keepRegistered: () => Promise<void>;
  events: RunnerEvents;
  log: Logger;
};

export type Maintenance = {
  /** Takes over the work of lost runners, if any. Called after each heartbeat. */
  recover(): void;
  close(): Promise<void>;
};

/**
 * The work that every runner does for the pool: recovery, reconciling, retention, rollups and
 * registration. All of it would be correct in all runners at once, but a round of `inTurn` runs
 * only once per period in the complete pool. Each runner registers its own definitions. Within a
 * runner a round starts only when the last one is done.
 */
export function startMaintenance(options: MaintenanceOptions): Maintenance {
  const { pool, log } = options;
  const closing = new AbortController();
  const reconcile = createReconciler(pool, log);
  const repair = createLimitsRepairer(pool);
  const recovery = round(log, 'recovery', () => recover(options));
  const each = (name: string, everySecs: number, work: () => Promise<void>): Periodic => {
    const { start, idle } = round(log, name, work);
    return { idle, timer: setInterval(start, jittered(everySecs)) };
  };
  const inTurn = (name: string, everySecs: number, work: () => Promise<void>): Periodic =>
    each(name, everySecs, async () => {
      if (await claimRound(pool, name, everySecs)) await work();
    });
  const rounds = [
    inTurn('reconciling', RECONCILE_EVERY_SECS, () => reconcile(closing.signal)),
    inTurn('retention', RETENTION_EVERY_SECS, () => retain(options, closing.signal)),
    inTurn('rollups', ROLLUPS_EVERY_SECS, async () => {
      await sumUpFinished(pool, closing.signal);
      await sumUpAllErrors(pool, closing.signal);
    }),
    each('limits', LIMITS_EVERY_SECS, async () => {
      if ((await hasLimitWaits(pool)) && (await claimRound(pool, 'limits', LIMITS_EVERY_SECS)))
        await repair();
    }),
    each('expiry', EXPIRY_EVERY_SECS, async () => {
      if ((await hasExpired(pool)) && (await claimRound(pool, 'expiry', EXPIRY_EVERY_SECS))) {
        await endAllExpired(pool, closing.signal, (ended) => reportExpired(options, ended));
      }
    }),
    // Of runners that have died before they ended them.
    each('full limits', LIMITS_EVERY_SECS, async () => {
      if (await hasDecided(pool)) await endDecided(pool);
    }),
    inTurn('limit keys', LIMIT_KEYS_EVERY_SECS, async () => {
      await freeSlotsOfEnded(pool);
      await deleteUnusedKeys(pool);
    }),
    // Every runner, because each has its own definitions.
    each('registering', REGISTER_EVERY_SECS, options.keepRegistered),
  ];
  return {
    recover: recovery.start,
    async close() {
      for (const { timer } of rounds) clearInterval(timer);
      closing.abort();
      await Promise.all([recovery, ...rounds].map(({ idle }) => idle()));
    },
  };
}

function reportExpired({ events, log }: MaintenanceOptions, ended: readonly ExpiredTask[]): void {
  log.info({ tasks: ended.length }, 'ended tasks that had not started in time');
  events.emit(
    'expired',
    ended.map(({ name }) => name),
  );
  for (const { name, isOfSchedule } of ended)
    if (isOfSchedule) events.emit('scheduleFailed', namespaceOf(name));
}

/** A periodic round and its timer. */
type Periodic = { timer: NodeJS.Timeout; idle(): Promise<void> };

async function recover({ pool, runnerId, events, log }: MaintenanceOptions): Promise<void> {
  const recovered = await recoverLostRunners(pool, runnerId);
  if (recovered === null) return;
  events.emit('recovered', recovered);
  const { lost, requeued, quarantined, cancelled } = recovered;
  const runners = lost.map(({ id, host, pid }) => ({ id, host, pid }));
  log.warn({ lost: runners, requeued, quarantined, cancelled }, 'took over the work of lost runners');
}

async function retain(options: MaintenanceOptions, stop: AbortSignal): Promise<void> {
  const { pool, retentionHours, auditRetentionDays, scheduleHistoryDays, log } = options;
  const deleted = await expireTasks(pool, retentionHours, stop);
  await deleteEndedRunners(
    pool,
    Math.max(RUNNERS_KEPT_HOURS, 2 * Math.max(retentionHours.finished, retentionHours.failed)),
  );
  await deleteOldRollups(pool, ROLLUPS_KEPT_DAYS);
  await deleteOldAudit(pool, auditRetentionDays, AUDIT_BATCH);
  await deleteOldDecisions(pool, auditRetentionDays, AUDIT_BATCH);
  await expireRuns(pool, scheduleHistoryDays, stop);
  if (deleted > 0) log.info({ deleted }, 'deleted tasks whose retention is over');
}

/** Spreads the rounds, so that the runners of a deployment do not all work at the same moment. */
function jittered(seconds: number): number {
  return seconds * 1_000 * (0.75 + Math.random() / 2);
}

function round(
  log: Logger,
  what: string,
  work: () => Promise<void>,
): { start(): void; idle(): Promise<void> } {
  let current: Promise<void> | null = null;
  const run = async (): Promise<void> => {
    try {
      await work();
    } catch (error) {
      log.warn({ reason: messageOf(error) }, `${what} failed: the next round tries again`);
    } finally {
      current = null;
    }
  };
  return {
    start() {
      current ??= run();
    },
    idle: async () => {
      if (current !== null) await current;
    },
  };
}
