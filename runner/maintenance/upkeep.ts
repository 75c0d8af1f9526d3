import type { Worker } from 'node:worker_threads';
import type { ClientConfig, Pool } from 'pg';
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import type { Ownership } from '../../core/registration/owner.ts';
import { messageOf } from '../../process/start.ts';
import { keepRegistered } from '../../store/submit/definitions.ts';
import type { RegisteredHandler } from '../execute/execute.ts';
import type { Running } from '../execute/running.ts';
import type { HandedOn } from '../fetch/handed_on.ts';
import type { Pauses } from '../fetch/pauses.ts';
import { type Lease, startLease } from '../lease/threaded_lease.ts';
import type { RunnerEvents } from '../record/events.ts';
import { judgeSchedules, keepJudged } from '../schedules/judge.ts';
import type { ScheduleRegistration } from '../schedules/registration.ts';
import { type Scheduler, startScheduler } from '../schedules/scheduler.ts';
import { type Maintenance, startMaintenance } from './maintenance.ts';

export type UpkeepOptions = {
  config: Pick<
    Config,
    | 'RUNNER_LEASE_SECS'
    | 'ABORT_GRACE_SECS'
    | 'RETENTION_HOURS'
    | 'FAILED_RETENTION_HOURS'
    | 'AUDIT_RETENTION_DAYS'
    | 'SCHEDULE_HISTORY_DAYS'
  >;
  pgPool: Pool;
  connection: ClientConfig;
  events: RunnerEvents;
  registeredHandlers: ReadonlyMap<string, RegisteredHandler>;
  /** See RunnerOptions. */
  mayEndProcess?: boolean;
  ownership?: Ownership;
};

export type Upkeep = { lease: Lease; maintenance: Maintenance; scheduler: Scheduler };

/** Starts the lease of a runner, and the maintenance and the schedules that follow its heartbeats. */
export function startUpkeep(
  { config, pgPool, connection, events, registeredHandlers, ownership, mayEndProcess }: UpkeepOptions,
  runner: {
    id: number;
    thread: Worker;
    log: Logger;
    running: Running;
    pauses: Pauses;
    handedOn: HandedOn;
    schedules: ScheduleRegistration;
    onLost: () => void;
  },
): Upkeep {
  const { id, thread, log, running, pauses, handedOn, schedules, onLost } = runner;
  const rereadPauses = (): void => {
    pauses.refresh().catch((error: unknown) => {
      log.warn(
        { reason: messageOf(error) },
        'could not read what is paused: trying again after the next heartbeat',
      );
    });
  };
  const rereadHandedOn = (): void => {
    handedOn.refresh().catch((error: unknown) => {
      log.warn(
        { reason: messageOf(error) },
        'could not read which dispatches were handed on: trying again after the next heartbeat',
      );
    });
  };
  // Steps are registered with their workflows.
  const definitions = Array.from(registeredHandlers.values(), ({ definition }) => definition).filter(
    ({ workflow }) => workflow === undefined,
  );
  const maintenance = startMaintenance({
    pool: pgPool,
    runnerId: id,
    retentionHours: { finished: config.RETENTION_HOURS, failed: config.FAILED_RETENTION_HOURS },
    auditRetentionDays: config.AUDIT_RETENTION_DAYS,
    scheduleHistoryDays: config.SCHEDULE_HISTORY_DAYS,
    async keepRegistered() {
      const isNew = await keepRegistered(pgPool, definitions, ownership);
      await schedules.keep(id);
      const judging = { pool: pgPool, log, definitions, ownership };
      await (isNew ? judgeSchedules(judging) : keepJudged(judging));
    },
    events,
    log,
  });
  const scheduler = startScheduler({ pool: pgPool, events, log });
  const lease = startLease({
    thread,
    runnerId: id,
    leaseMs: config.RUNNER_LEASE_SECS * 1_000,
    graceMs: config.ABORT_GRACE_SECS * 1_000,
    connection,
    running,
    registeredHandlers,
    onPauses: rereadPauses,
    onHandedOn: rereadHandedOn,
    onSchedules: scheduler.wake,
    onBeat: () => {
      events.emit('renewed');
      // A notification may have been lost.
      rereadPauses();
      rereadHandedOn();
      maintenance.recover();
      scheduler.wake();
    },
    onLost,
    log,
    mayEndProcess,
  });
  return { maintenance, lease, scheduler };
}
