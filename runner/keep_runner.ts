import type { Pauses } from './pauses.ts';
import { type Runner, type RunnerLoad, type RunnerOptions, startRunner } from './runner.ts';
import { untilBack } from './until_back.ts';

/** The runner of a process, through all its registrations. */
export type KeptRunner = {
  id(): number;
  isFetching(): boolean;
  load(): RunnerLoad;
  pauses(): Pauses;
  stop(): Promise<void>;
};

/**
 * Starts a runner and keeps the process in the pool: one that was presumed dead (stopped, swapped out, cut off
 * for longer than its lease) gives up all it had and registers anew (specification X3).
 */
export async function keepRunner(options: RunnerOptions): Promise<KeptRunner> {
  const { log } = options;
  const { promise: stopping, resolve: stop } = Promise.withResolvers<'stopping'>();
  let current: Runner = await startRunner(options);

  async function keep(): Promise<void> {
    for (;;) {
      const happened = await Promise.race([stopping, current.lost.then(() => 'lost' as const)]);
      if (happened === 'stopping') return;
      log.error(
        { runner_id: current.id },
        'presumed dead: giving up all that was under way and registering anew',
      );
      await current.leave();
      current = await untilBack(log, 'registering anew', () => startRunner(options));
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
