import { parentPort } from 'node:worker_threads';
import type { ClientConfig } from 'pg';
import type { Backoff } from '../../core/definitions/policy.ts';
import { viewLoop } from '../execute/loop_table.ts';
import { askMain } from './ask_main.ts';
import { type Blocked, watchLoop } from './blocked_loop.ts';
import { keepLease } from './lease.ts';

/** The first message to the thread, sent when it is ready. */
export type LeaseOrder = {
  runnerId: number;
  leaseMs: number;
  graceMs: number;
  connection: ClientConfig;
  shared: SharedArrayBuffer;
  backoffs: ReadonlyMap<string, Backoff>;
  logLevel: string;
  /** Whether the process is ended if an attempt blocks its event loop for longer than its timeout. */
  mayEndProcess: boolean;
};

/** A message to the main thread. */
export type FromLease =
  | { kind: 'cancel'; taskId: string }
  | { kind: 'ready' }
  | { kind: 'pauses' }
  | { kind: 'handed_on' }
  | { kind: 'schedules' }
  | { kind: 'beat' }
  | { kind: 'lost' }
  | { kind: 'trouble'; reason: string };

/**
 * Runs the thread of the lease: it sends heartbeats, listens for notifications and watches the
 * event loop of the main thread.
 */
function start(order: LeaseOrder, post: (message: FromLease) => void): () => Promise<void> {
  const { runnerId, leaseMs, graceMs, backoffs } = order;
  const view = viewLoop(order.shared);
  const loop = watchLoop({
    ...{ view, leaseMs, ask: askMain },
    onBlocked: (blocked) => void logBlocked(order, blocked, 'the event loop is blocked: the lease is kept'),
    async end(guilty) {
      const database = lease.database();
      if (database === null || !order.mayEndProcess) return;
      await logBlocked(
        order,
        { forMs: 0, by: guilty[0] ?? null },
        'a task blocks the event loop for longer than its timeout: ending this process',
      );
      // Imported only when it is needed.
      const { endBlocked } = await import('./end_blocked.ts');
      await endBlocked(database, { id: runnerId, graceMs, backoffs }, guilty).catch((error: unknown) =>
        post({ kind: 'trouble', reason: String(error) }),
      );
    },
  });
  const lease = keepLease({
    ...{ runnerId, leaseMs, connection: order.connection },
    inFlight: view.inFlight,
    delayMs: view.delayMs,
    blocked: loop.current,
    isRunning: (taskId) => view.attempts().some(({ id }) => id === taskId),
    onCancel: (taskId) => post({ kind: 'cancel', taskId }),
    onPauses: () => post({ kind: 'pauses' }),
    onHandedOn: () => post({ kind: 'handed_on' }),
    onSchedules: () => post({ kind: 'schedules' }),
    onBeat: () => post({ kind: 'beat' }),
    onLost: () => post({ kind: 'lost' }),
    onTrouble: (reason) => post({ kind: 'trouble', reason }),
  });
  return async () => {
    loop.close();
    await lease.close();
  };
}

/** Logs past the main thread, which writes nothing while it is blocked. */
async function logBlocked(
  { runnerId, logLevel }: LeaseOrder,
  { forMs, by }: Blocked,
  message: string,
): Promise<void> {
  const { pino, stdTimeFunctions } = await import('pino');
  const options = {
    level: logLevel,
    base: { process: 'runner', pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
  };
  pino(options, pino.destination({ dest: 1, sync: true })).warn(
    {
      runner_id: runnerId,
      blocked_ms: Math.round(forMs),
      task_id: by?.id ?? null,
      attempt: by?.attempt ?? null,
    },
    message,
  );
}

const port = parentPort;
if (port !== null) {
  port.once('message', (order: LeaseOrder) => {
    const close = start(order, (message) => port.postMessage(message));
    port.once('message', () => {
      void close().finally(() => port.close());
    });
  });
  const ready: FromLease = { kind: 'ready' };
  port.postMessage(ready);
}
