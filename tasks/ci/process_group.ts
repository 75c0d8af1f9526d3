import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';

/** What is to be run, with all that it starts. */
export type GroupOptions = {
  command: string;
  args: readonly string[];
  cwd: string;
  /** All that it gets of an environment. */
  env: Record<string, string>;
  /** Aborted: it is ended. */
  signal: AbortSignal;
  timeoutMs: number;
  /** How long it may take to end after SIGTERM, before SIGKILL. */
  killAfterMs: number;
  /** Gets what it writes; it is read no further until this resolves. */
  onOutput: (stream: OutputStream, chunk: Buffer) => Promise<void> | void;
};

export type OutputStream = 'stdout' | 'stderr';

/** How it ended. `exitCode` of one that a signal ended is 128 and the number of that, as shells have it. */
export type GroupEnd = { exitCode: number; endedBy: 'itself' | 'timeout' | 'abort' };

/** A process that has left the group may hold the pipes: nothing more is waited for after so long a silence. */
const SILENCE_MS = 500;

/** Whose leaders run now: they end with this process, should it exit in the middle. */
const live = new Set<number>();
process.once('exit', () => {
  for (const pid of live) killGroup(pid, 'SIGKILL');
});

/**
 * Runs a program in a process group of its own and waits until it has ended and its output is read. Nothing of the
 * group is left then. Rejects when it can't be started.
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
    // What it has started and left behind.
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

/** Ends a group when it is aborted or its time is up, first politely. */
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

/** Sends a signal to whatever is in a group; nothing may be left of it. */
function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: it has ended.
  }
}

/** Reads both streams to their ends, at the pace of who takes what they give. */
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
      // Given up, after a silence.
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
