import { once } from 'node:events';
import { getCompileCacheDir } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { ClientConfig } from 'pg';
import type { Logger } from 'pino';
import { currentAttempts } from '../execute/attempt.ts';
import type { RegisteredHandler } from '../execute/execute.ts';
import type { Running } from '../execute/running.ts';
import { CURRENT_ATTEMPT } from './ask_main.ts';
import { attemptKey } from './blocked_loop.ts';
import type { FromLease, LeaseOrder } from './lease_thread.ts';

/** The delay before a failed thread is replaced. */
const RESTART_DELAY_MS = 1_000;
/** A heartbeat makes little garbage. By default, V8 takes 16 MB for it while the thread starts. */
const MAX_YOUNG_MB = 2;

export type LeaseOptions = {
  thread: Worker;
  runnerId: number;
  leaseMs: number;
  /** How long an aborted handler may take to return. */
  graceMs: number;
  connection: ClientConfig;
  running: Running;
  registeredHandlers: ReadonlyMap<string, RegisteredHandler>;
  /** Something was paused or resumed. */
  onPauses: () => void;
  /** Dispatches were handed on to newer runners. */
  onHandedOn: () => void;
  /** A schedule has changed. */
  onSchedules: () => void;
  /** Called after each successful heartbeat. */
  onBeat: () => void;
  /** Another process has taken our work over. */
  onLost: () => void;
  log: Logger;
  /** See RunnerOptions. */
  mayEndProcess?: boolean | undefined;
};

export type Lease = { close(): Promise<void> };

/** The thread reads it through the inspector, so it must be a global. */
Object.defineProperty(globalThis, Symbol.for(CURRENT_ATTEMPT), {
  configurable: true,
  value: () => {
    const keys = currentAttempts().map(({ due }) => attemptKey(due));
    return keys.length === 0 ? null : keys.join(',');
  },
});

/**
 * Starts the thread of a lease. It must be ready before the runner is registered: on a busy machine
 * its start may take longer than a lease lasts.
 */
export async function launchThread(): Promise<Worker> {
  const thread = new Worker(join(import.meta.dirname, `lease_thread${extname(import.meta.filename)}`), {
    env: withCompileCache(process.env),
    resourceLimits: { maxYoungGenerationSizeMb: MAX_YOUNG_MB },
  });
  await once(thread, 'message');
  return thread;
}

/**
 * The environment of a thread that uses the same cache of compiled code as this one: Node does not hand it on.
 * Otherwise the thread would load the compiler that strips types (bin/entry.js).
 */
function withCompileCache(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const directory = getCompileCacheDir();
  if (directory === undefined) return environment;
  // Node adds a folder for its own version.
  return { ...environment, NODE_COMPILE_CACHE: dirname(directory), NODE_COMPILE_CACHE_PORTABLE: '1' };
}

/**
 * Keeps the lease of a runner in that thread (specification O6). So a handler that blocks the event
 * loop for longer than a lease does not lose it. If the handler never returns, the process is ended
 * when its timeout and grace are over.
 */
export function startLease(options: LeaseOptions): Lease {
  let closed = false;
  let { thread } = options;

  function use(launched: Worker): void {
    thread = launched;
    thread.on('message', (message: FromLease) => {
      if (!closed) onMessage(message, options);
    });
    thread.on('error', (error) => {
      options.log.error({ err: error }, 'the thread of the lease failed: starting another');
      void replace();
    });
    thread.postMessage(orderOf(options));
  }

  async function replace(): Promise<void> {
    await pause(RESTART_DELAY_MS);
    if (closed) return;
    try {
      use(await launchThread());
    } catch (error) {
      options.log.error({ err: error }, 'could not start the thread of the lease: trying again');
      await replace();
    }
  }

  use(thread);
  return {
    async close() {
      closed = true;
      const ended = new Promise((resolve) => thread.once('exit', resolve));
      thread.postMessage('close');
      // The thread may wait for Postgres, or have ended.
      const timer = setTimeout(() => void thread.terminate(), options.leaseMs);
      if (thread.threadId !== -1) await ended;
      clearTimeout(timer);
    },
  };
}

function onMessage(message: FromLease, options: LeaseOptions): void {
  if (message.kind === 'cancel') options.running.cancel(message.taskId);
  else if (message.kind === 'pauses') options.onPauses();
  else if (message.kind === 'handed_on') options.onHandedOn();
  else if (message.kind === 'schedules') options.onSchedules();
  else if (message.kind === 'beat') options.onBeat();
  else if (message.kind === 'lost') options.onLost();
  else if (message.kind === 'trouble')
    options.log.warn({ reason: message.reason }, 'a heartbeat failed: trying again on a new connection');
}

function orderOf({
  runnerId,
  leaseMs,
  graceMs,
  connection,
  running,
  registeredHandlers,
  log,
  mayEndProcess = true,
}: LeaseOptions): LeaseOrder {
  const backoffs = new Map(
    Array.from(registeredHandlers, ([name, { definition }]) => [name, definition.policy.backoff]),
  );
  return {
    ...{ runnerId, leaseMs, graceMs, backoffs, shared: running.shared, logLevel: log.level },
    connection: withoutFunctions(connection),
    mayEndProcess,
  };
}

/**
 * Functions cannot be sent to a thread. The only functions in the configuration are parsers for
 * values that the lease does not read, so they are left out.
 */
function withoutFunctions(connection: ClientConfig): ClientConfig {
  return Object.fromEntries(
    Object.entries(connection).filter(([, value]) => {
      try {
        structuredClone(value);
        return true;
      } catch {
        return false;
      }
    }),
  );
}
