import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { messageOf } from '../process/start.ts';
import { deleteOldAudit } from '../store/audit.ts';
import { recoverLostRunners } from '../store/recovery.ts';
import { deleteEndedRunners } from '../store/retention.ts';
import { deleteOldRollups } from '../store/rollups.ts';
import { claimRound } from '../store/rounds.ts';
import type { RunnerEvents } from './events.ts';
import { createReconciler } from './reconcile.ts';
import { expireTasks } from './retention.ts';
import { sumUpFinished } from './rollups.ts';

/** Reconciling looks at open tasks and at every ring: once in a while is enough, for what hardly ever happens. */
const RECONCILE_EVERY_SECS = 30;
const RETENTION_EVERY_SECS = 30;
/** After the last runner with newer definitions has left: a look at a row for each that this one has. */
const REGISTER_EVERY_SECS = 30;
/** What is not summed up yet is counted one by one by who reads figures. */
const ROLLUPS_EVERY_SECS = 5;
/** Rows of runners are kept for longer than tasks usually are: records tell who executed them. */
const RUNNERS_KEPT_HOURS = 24 * 30;
const ROLLUPS_KEPT_DAYS = 30;
/** Of the audit trail that many go in a round: more than come. */
const AUDIT_BATCH = 10_000;

export type MaintenanceOptions = {
  pool: Pool;
  runnerId: number;
  retentionHours: number;
  auditRetentionDays: number;
  /** Registers the definitions of this runner if they are now those to be registered. */
  keepRegistered: () => Promise<void>;
  events: RunnerEvents;
  log: Logger;
};

export type Maintenance = {
  /** Takes over the work of lost runners, if there are any. Called after each heartbeat. */
  recover(): void;
  close(): Promise<void>;
};

/**
 * What every runner does for the pool beside its own work: recovery, reconciling, retention, sums of what finished.
 * Each would be right in all runners at once; the pool does a round of what is `inTurn` only once in its time. Each looks
 * after the registration of its own definitions.
 * Within a runner a round begins only when its last is done.
 */
export function startMaintenance(options: MaintenanceOptions): Maintenance {
  const { pool, log } = options;
  const closing = new AbortController();
  const reconcile = createReconciler(pool, log);
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
    inTurn('rollups', ROLLUPS_EVERY_SECS, () => sumUpFinished(pool, closing.signal)),
    // Each has its own definitions.
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

/** A round and what starts it. */
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
  const { pool, retentionHours, auditRetentionDays, log } = options;
  const deleted = await expireTasks(pool, retentionHours, stop);
  await deleteEndedRunners(pool, Math.max(RUNNERS_KEPT_HOURS, 2 * retentionHours));
  await deleteOldRollups(pool, ROLLUPS_KEPT_DAYS);
  await deleteOldAudit(pool, auditRetentionDays, AUDIT_BATCH);
  if (deleted > 0) log.info({ deleted }, 'deleted tasks whose retention is over');
}

/** So that the runners of a deployment do not all do it at the same moment. */
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
