import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { DueAttempt } from '../../store/attempts/load.ts';
import { recoverChild } from '../../store/attempts/recovery.ts';
import type { RunnerEvents } from '../record/events.ts';
import { untilBack } from '../record/retry_until_available.ts';

/** A handler that calls process.exit(0) ends the process with this code, too. */
const DONE = 'exit code 0';

/** The message that a process for a single attempt gets when it reports that it is ready. */
export type AloneOrder = { due: DueAttempt; parentId: number };

/**
 * Makes the function that executes an attempt in its own process, so that nothing else can be
 * blamed for its end or hurt by it. That process is a runner with its own row, and records the
 * outcome itself. If it ends before that, its work is taken over at once, and the crash certainly
 * belongs to this attempt.
 *
 * If this process dies first, the other one notices and drains as after SIGTERM; the dispatch of
 * the attempt is recovered with the others of this runner. The function throws if the attempt did
 * not start; graphile-worker then tries the dispatch again later.
 */
export function processAlone(
  { pgPool, events, aloneScript }: { pgPool: Pool; events: RunnerEvents; aloneScript?: string },
  runner: { id: number; log: Logger; stopping: AbortSignal },
): ((due: DueAttempt) => Promise<void>) | null {
  if (aloneScript === undefined) return null;
  const { id, log, stopping } = runner;
  return async (due) => {
    log.warn(
      { task_id: due.id, task_name: due.name, crashes: due.crashes },
      'runners died while they ran this task: executing it in its own process',
    );
    const child = fork(aloneScript, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const how = await endOf(child, { due, parentId: id }, stopping);
    const recovered = await untilBack(log, 'recovering a process', () =>
      recoverChild(pgPool, id, child.pid ?? 0, how),
    );
    if (recovered === null) {
      // Its row has ended: the attempt was done, or its event loop was blocked, or there was no row
      // yet.
      if (how === DONE) return;
      throw new Error(`The process for the attempt of ${due.id} ended with ${how}`);
    }
    events.emit('recovered', recovered);
    const { requeued, quarantined, cancelled } = recovered;
    log.error(
      { pid: child.pid, how, requeued, quarantined, cancelled },
      'the process of a single attempt ended before the attempt did',
    );
    if (![...requeued, ...quarantined, ...cancelled].includes(due.id))
      throw new Error(`The process for the attempt of ${due.id} ended with ${how} before it started`);
  };
}

/** Sends the order to the process, and describes how it ended. */
async function endOf(child: ChildProcess, order: AloneOrder, stopping: AbortSignal): Promise<string> {
  const stop = (): void => void child.kill('SIGTERM');
  // The process sends this message when it is ready. If it ends before, it gets no order.
  child.once('message', () => child.send(order, () => {}));
  stopping.addEventListener('abort', stop);
  if (stopping.aborted) stop();
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return signal ?? `exit code ${code}`;
  } finally {
    stopping.removeEventListener('abort', stop);
  }
}
