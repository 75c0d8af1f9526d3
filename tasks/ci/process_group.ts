import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';

/** The command to run. */
export type GroupOptions = {
  command: string;
  args: readonly string[];
  cwd: string;
  /** Its complete environment. */
  env: Record<string, string>;
  /** The command is ended when this is aborted. */
  signal: AbortSignal;
  timeoutMs: number;
  /** How long the command may take to end after SIGTERM, before SIGKILL. */
  killAfterMs: number;
  /** Gets the output. Nothing more is read until this resolves. */
  onOutput: (stream: OutputStream, chunk: Buffer) => Promise<void> | void;
};

export type OutputStream = 'stdout' | 'stderr';

/**
 * How the command ended. If a signal ended it, `exitCode` is 128 plus the number of the signal, as
 * in shells.
 */
export type GroupEnd = { exitCode: number; endedBy: 'itself' | 'timeout' | 'abort' };

/**
 * A process that left the group may still hold the pipes: after this long a silence they are
 * closed.
 */
const SILENCE_MS = 500;

/** The leaders of running groups. If this process exits, they are killed. */
const live = new Set<number>();
process.once('exit', () => {
  for (const pid of live) killGroup(pid, 'SIGKILL');
});

/**
 * Runs a program in its own process group, and waits until it has ended and its output is read.
 * Then nothing of the group is left. Rejects if the program cannot be started.
 */
export async function runGroup(options: GroupOptions): Promise<GroupEnd> {
  options.signal.throwIfAborted();
  const { command, args, cwd, env } = options;
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = exitOf(child);
  const { pid } = child;
  if (pid === undefined) {
    await exit;
    throw new Error(`${command} was not started`);
  }
  live.add(pid);
  const output = readAll(child, options.onOutput);
  const ending = endInTime(pid, options);
  try {
    const exitCode = await exit;
    // Kills the processes that the program left behind.
    killGroup(pid, 'SIGKILL');
    await output.end();
    return { exitCode, endedBy: ending.endedBy() };
  } finally {
    ending.stop();
    live.delete(pid);
  }
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']);
    });
  });
}

/** Ends a group when it is aborted or its time is over: first with SIGTERM. */
function endInTime(pid: number, { signal, timeoutMs, killAfterMs }: GroupOptions) {
  let endedBy: GroupEnd['endedBy'] = 'itself';
  let killTimer: NodeJS.Timeout | undefined;
  const end = (why: GroupEnd['endedBy']): void => {
    if (endedBy !== 'itself') return;
    endedBy = why;
    killGroup(pid, 'SIGTERM');
    killTimer = setTimeout(() => killGroup(pid, 'SIGKILL'), killAfterMs);
  };
  const onAbort = (): void => end('abort');
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => end('timeout'), timeoutMs);
  return {
    endedBy: () => endedBy,
    stop(): void {
      clearTimeout(timer);
      clearTimeout(killTimer);
      signal.removeEventListener('abort', onAbort);
    },
  };
}

/** Sends a signal to a process group, which may have ended already. */
function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: it has ended.
  }
}

/** Reads both streams to their ends, as fast as `onOutput` takes the chunks. */
function readAll(child: ChildProcess, onOutput: GroupOptions['onOutput']) {
  let lastRead = performance.now();
  let taking = 0;
  const streams = [child.stdout, child.stderr].filter((stream) => stream !== null);
  const read = async (stream: Readable, name: OutputStream): Promise<void> => {
    try {
      for await (const chunk of stream) {
        taking++;
        await onOutput(name, chunk as Buffer);
        taking--;
        lastRead = performance.now();
      }
    } catch (error) {
      // Closed after a silence.
      if (!stream.destroyed) throw error;
    }
  };
  const reading = Promise.all(
    streams.map((stream) => read(stream, stream === child.stdout ? 'stdout' : 'stderr')),
  );
  reading.catch(() => {});
  return {
    async end(): Promise<void> {
      lastRead = performance.now();
      const timer = setInterval(() => {
        if (taking > 0 || performance.now() - lastRead < SILENCE_MS) return;
        for (const stream of streams) stream.destroy();
      }, SILENCE_MS / 5);
      try {
        await reading;
      } finally {
        clearInterval(timer);
      }
    },
  };
}
