import type { Pauses } from './fetch/pauses.ts';
import { untilBack } from './record/retry_until_available.ts';
import { type Runner, type RunnerLoad, type RunnerOptions, startRunner } from './runner.ts';

/** The runner of a process, across all its registrations. */
export type SupervisedRunner = {
  id(): number;
  isFetching(): boolean;
  load(): RunnerLoad;
  pauses(): Pauses;
  stop(): Promise<void>;
};

/**
 * Starts a runner and keeps the process in the pool. If the runner was presumed dead (stopped,
 * swapped out, or cut off for longer than its lease), it drops all its work and registers again
 * (specification X3).
 */
export async function superviseRunner(options: RunnerOptions): Promise<SupervisedRunner> {
  const { log } = options;
  const { promise: stopping, resolve: stop } = Promise.withResolvers<'stopping'>();
  let current: Runner = await startRunner(options);

  async function keep(): Promise<void> {
    for (;;) {
      const happened = await Promise.race([stopping, current.lost.then(() => 'lost' as const)]);
      if (happened === 'stopping') return;
      log.error(
        { runner_id: current.id },
        'presumed dead: dropping all running attempts and registering again',
      );
      await current.leave();
      current = await untilBack(log, 'registering again', () => startRunner(options));
    }
  }

  const keeping = keep();
  return {
    id: () => current.id,
    isFetching: () => current.isFetching(),
    load: () => current.load(),
    pauses: () => current.pauses,
    async stop() {
      stop('stopping');
      await keeping;
      await current.stop();
    },
  };
}
