import cluster, { type Worker } from 'node:cluster';
import { extname, join } from 'node:path';
import { z } from 'zod';
import { type Announcement, announcementSchema } from '../embedded/announced.ts';
import type { Order, Reached } from '../process/standby.ts';

export const ROLES = ['api', 'runner'] as const;
export type Role = (typeof ROLES)[number];
export const SHOWN: Record<Role, string> = { api: 'The API', runner: 'The runner' };

/** A process that waits for orders. */
export type Standby = {
  readonly role: Role;
  order(order: Order): void;
  /** Resolves when the process waits for its next order or, `ready`, works. Rejects with StartFailed. */
  reached(what: Reached | 'ready'): Promise<void>;
  /** The files of the project that it has loaded so far. */
  readonly files: ReadonlySet<string>;
  /** What it has announced; port 0 before it is ready. */
  announced(): Announcement;
  /** How it ended. Never rejects. */
  readonly exited: Promise<string>;
  /** Asks it to end, and kills it after `graceMs`. */
  stop(graceMs: number, how?: 'signal' | 'retire'): Promise<void>;
  kill(): void;
};

/** A process could not load the project. */
export class StartFailed extends Error {
  override readonly name = 'StartFailed';
}

const messageSchema = z.union([
  z.object({ reached: z.enum(['preloaded', 'prepared']) }),
  announcementSchema,
  z.object({ loaded: z.string() }),
  z.object({ failed: z.string() }),
]);

/**
 * Starts a process that loads the code of an API or a runner and waits for orders. Processes of one role share
 * their port (node:cluster), so that one can take over from another: this process accepts the connections and
 * gives each to one that listens.
 */
export function startStandby(role: Role): Standby {
  cluster.setupPrimary({
    exec: join(import.meta.dirname, `generation${extname(import.meta.filename)}`),
    args: [role],
  });
  const worker = cluster.fork();
  const files = new Set<string>();
  const milestones = new Map<string, PromiseWithResolvers<void>>();
  let reason: string | undefined;
  let announcement: Announcement = { listening: 0, tasks: [] };
  const milestone = (what: string): PromiseWithResolvers<void> => {
    const found = milestones.get(what) ?? Promise.withResolvers<void>();
    // Nobody may be waiting for it.
    found.promise.catch(() => undefined);
    milestones.set(what, found);
    return found;
  };
  for (const what of ['preloaded', 'prepared', 'ready']) milestone(what);
  const exited = ended(worker).then((how) => {
    const failure = new StartFailed(reason ?? `${SHOWN[role]} ended (${how}).`);
    for (const { reject } of milestones.values()) reject(failure);
    return how;
  });
  worker.on('message', (message: unknown) => {
    const said = messageSchema.safeParse(message).data;
    if (said === undefined) return;
    if ('reached' in said) milestone(said.reached).resolve();
    else if ('loaded' in said) files.add(said.loaded);
    else if ('failed' in said) reason = said.failed;
    else {
      announcement = said;
      milestone('ready').resolve();
    }
  });
  return {
    role,
    files,
    exited,
    announced: () => announcement,
    order: (order) => send(worker, order),
    reached: (what) => milestone(what).promise,
    stop: async (graceMs, how = 'signal') => {
      if (how === 'retire') send(worker, 'retire');
      else worker.process.kill('SIGTERM');
      const timer = setTimeout(() => worker.process.kill('SIGKILL'), graceMs);
      await exited;
      clearTimeout(timer);
    },
    kill: () => void worker.process.kill('SIGKILL'),
  };
}

function send(worker: Worker, order: Order): void {
  // The process may just have ended.
  if (worker.isConnected()) worker.send({ order });
}

function ended(worker: Worker): Promise<string> {
  return new Promise((resolve) => {
    // Also reported if a message meets a process that has just ended.
    worker.on('error', (error) => {
      if (worker.process.pid === undefined) resolve(error.message);
    });
    worker.once('exit', (code, signal) =>
      resolve(signal === null || signal === undefined ? `exit code ${code}` : `signal ${signal}`),
    );
  });
}
