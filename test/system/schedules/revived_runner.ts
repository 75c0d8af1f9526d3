import { setTimeout as pause } from 'node:timers/promises';
import { type FixtureRunner, startFixtureRunner } from '../../support/runners.ts';
import { whenDone } from '../../support/when_done.ts';

const RESTART_AFTER_MS = 200;

export type RevivedRunner = {
  /** The process that runs now; null between two. */
  current(): FixtureRunner | null;
  /** The time that the handler of a task got, ISO 8601, in any of its processes; undefined if none called it. */
  scheduledFor(id: string): string | null | undefined;
  /** How often it was started. */
  starts(): number;
  /** Ends it for good, with SIGKILL. */
  stop(): Promise<void>;
};

/** A fixture runner that is started again whenever it ends, as a service manager would. */
export function reviveRunner(url: string, environment: Record<string, string>): RevivedRunner {
  const all: FixtureRunner[] = [];
  let current: FixtureRunner | null = null;
  let isStopping = false;
  async function keep(): Promise<void> {
    while (!isStopping) {
      // It can be killed, and Postgres can be away, while it starts.
      current = await startFixtureRunner(url, environment).catch(() => null);
      if (current !== null) {
        all.push(current);
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
    scheduledFor: (id) => all.find(({ scheduledFor }) => scheduledFor.has(id))?.scheduledFor.get(id),
    starts: () => all.length,
    stop,
  };
}
