import type { ClientConfig, Pool } from 'pg';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { messageOf } from '../process/start.ts';
import { keepRegistered } from '../store/definitions.ts';
import type { RunnerEvents } from './events.ts';
import type { Executable } from './execute.ts';
import { keepLease, type Lease } from './lease.ts';
import type { Left } from './left.ts';
import { type Maintenance, startMaintenance } from './maintenance.ts';
import type { Pauses } from './pauses.ts';
import type { Running } from './running.ts';

export type UpkeepOptions = {
  config: Pick<Config, 'RUNNER_LEASE_SECS' | 'RETENTION_HOURS' | 'AUDIT_RETENTION_DAYS'>;
  pgPool: Pool;
  connection: ClientConfig;
  events: RunnerEvents;
  executables: ReadonlyMap<string, Executable>;
};

export type Upkeep = { lease: Lease; maintenance: Maintenance };

/** What goes on beside the work itself: the lease, and the maintenance that follows its heartbeats. */
export function startUpkeep(
  { config, pgPool, connection, events, executables }: UpkeepOptions,
  runner: { id: number; log: Logger; running: Running; pauses: Pauses; left: Left; onLost: () => void },
): Upkeep {
  const { id, log, running, pauses, left, onLost } = runner;
  const readPausesAnew = (): void => {
    pauses.refresh().catch((error: unknown) => {
      log.warn({ reason: messageOf(error) }, 'could not read what is paused: after the next heartbeat again');
    });
  };
  const readLeftAnew = (): void => {
    left.refresh().catch((error: unknown) => {
      log.warn({ reason: messageOf(error) }, 'could not read what was left: after the next heartbeat again');
    });
  };
  // Steps are registered with their workflows.
  const definitions = Array.from(executables.values(), ({ definition }) => definition).filter(
    ({ workflow }) => workflow === undefined,
  );
  const maintenance = startMaintenance({
    pool: pgPool,
    runnerId: id,
    retentionHours: config.RETENTION_HOURS,
    auditRetentionDays: config.AUDIT_RETENTION_DAYS,
    keepRegistered: () => keepRegistered(pgPool, definitions),
    events,
    log,
  });
  const lease = keepLease({
    runnerId: id,
    leaseMs: config.RUNNER_LEASE_SECS * 1_000,
    connection,
    inFlight: running.count,
    onCancel: running.cancel,
    onPauses: readPausesAnew,
    onLeft: readLeftAnew,
    onBeat: () => {
      events.emit('renewed');
      // A notification may have been lost.
      readPausesAnew();
      readLeftAnew();
      maintenance.recover();
    },
    onLost,
    log,
  });
  return { maintenance, lease };
}
