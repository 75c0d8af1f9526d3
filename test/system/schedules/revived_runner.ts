import { setTimeout as pause } from 'node:timers/promises';
import { type FixtureRunner, startFixtureRunner } from '../../support/runners.ts';
import { whenDone } from '../../support/when_done.ts';

const RESTART_AFTER_MS = 200;

export type RevivedRunner = {
  /** The process that runs now; null between two. */
  current(): FixtureRunner | null;
  /** How often it was started. */
  starts(): number;
  /** Ends it for good, with SIGKILL. */
  stop(): Promise<void>;
};

/** A fixture runner that is started again whenever it ends, as a service manager would. */
export function reviveRunner(url: string, environment: Record<string, string>): RevivedRunner {
  let starts = 0;
  let current: FixtureRunner | null = null;
  let isStopping = false;
  async function keep(): Promise<void> {
    while (!isStopping) {
      // It can be killed, and Postgres can be away, while it starts.
      current = await startFixtureRunner(url, environment).catch(() => null);
      if (current !== null) {
        starts++;
        if (isStopping) current.child.kill('SIGKILL');
        await current.exited;
        current = null;
      }
      if (!isStopping) await pause(RESTART_AFTER_MS);
    }
  }
  const keeping = keep();
  const stop = async (): Promise<void> => {
    isStopping = true;
    current?.child.kill('SIGKILL');
    await keeping;
  };
  whenDone(() => void stop());
  return {
    current: () => current,
    starts: () => starts,
    stop,
  };
}
