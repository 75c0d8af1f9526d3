import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { UNLIMITED } from '../support/unlimited.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const RESTART_AFTER_MS = 300;

/** One process of ours that is started again whenever it ends, as a service manager would. */
export type Member = {
  script: string;
  /** The process that runs now, or null between two. */
  child(): ChildProcess | null;
  /** How often it ended without being told to. */
  deaths(): number;
  /** Ends it for good, gracefully, once it is up, and gives its exit code or signal. */
  stop(): Promise<number | NodeJS.Signals | null>;
};

/** A runner finds a port of its own, which several could not that are given one. */
function inherited(): NodeJS.ProcessEnv {
  const { RUNNER_PORT: _runner, SERVER_PORT: _server, ...others } = process.env;
  return others;
}

/** Starts a script and keeps it running. */
export function startMember(script: string, environment: Record<string, string>): Member {
  let child: ChildProcess | null = null;
  let deaths = 0;
  let stopping = false;
  let lastExit: number | NodeJS.Signals | null = null;
  let upOrGone: Promise<unknown> = Promise.resolve();

  async function keep(): Promise<void> {
    while (!stopping) {
      child = spawn(process.execPath, [join(ROOT, script)], {
        cwd: ROOT,
        env: {
          ...inherited(),
          NODE_ENV: 'test',
          LOG_LEVEL: 'fatal',
          SERVER_HOST: '127.0.0.1',
          ...UNLIMITED,
          ...environment,
        },
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      const gone = once(child, 'exit');
      upOrGone = Promise.race([once(child, 'message'), gone]);
      const [code, signal] = (await gone) as [number | null, NodeJS.Signals | null];
      child = null;
      lastExit = code ?? signal;
      if (!stopping) {
        deaths++;
        await pause(RESTART_AFTER_MS);
      }
    }
  }

  const keeping = keep();
  return {
    script,
    child: () => child,
    deaths: () => deaths,
    async stop() {
      stopping = true;
      if (child === null) return 0;
      child.kill('SIGCONT');
      // One that was started again a moment ago does not listen to signals while Node itself starts.
      await upOrGone;
      child?.kill('SIGTERM');
      await keeping;
      return lastExit;
    },
  };
}
