import type { ClientConfig } from 'pg';
import type { Logger } from 'pino';
import { messageOf } from '../../process/start.ts';
import {
  type Change,
  changesIn,
  idsIn,
  keepWatched,
  LINES_CHANNEL,
  TASKS_CHANNEL,
} from '../../store/changes.ts';
import { connectListener, type ListenConnection } from '../../store/listen.ts';

const BEAT_MS = 10_000;
/** After a connection that broke or could not be made. */
const RETRY_MS = 500;
/** Several beats may fail before changes are no longer announced. */
const WATCHED_SECS = 3 * (BEAT_MS / 1_000);
/** Nobody watches any more, but somebody else may soon. */
const LINGER_MS = 60_000;
const TIMEOUT_MS = 5_000;

export type ListeningOptions = {
  connection: ClientConfig;
  log: Logger;
  isNeeded: () => boolean;
  onChanges: (changes: Change[]) => void;
  onLines: (ids: string[]) => void;
  /** `isAgain`: there was one before, and a time without one. */
  onConnected: (isAgain: boolean) => void;
};

export type Listening = {
  /** To be called when it begins to be needed. */
  need(): void;
  isUp(): boolean;
  close(): void;
};

/**
 * Keeps the connection that listens while it is needed, and has changes announced for as long. One that breaks is
 * replaced, and one whose other end is gone without a word is noticed by the next beat.
 */
export function keepListening(options: ListeningOptions): Listening {
  let current: ListenConnection | null = null;
  let isUp = false;
  let wasUp = false;
  let idleSince = 0;
  let timer: NodeJS.Timeout | null = null;
  let isBeating = false;
  let closed = false;

  function drop(): void {
    current?.destroy();
    current = null;
    isUp = false;
  }

  function beatIn(ms: number): void {
    if (closed) return;
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(() => void beat(), ms);
    timer.unref();
  }

  function retry(reason: string): void {
    options.log.warn({ reason }, 'changes can not be heard of: connecting again');
    drop();
    beatIn(RETRY_MS);
  }

  async function beat(): Promise<void> {
    timer = null;
    if (isBeating || closed) return;
    isBeating = true;
    try {
      if (options.isNeeded()) idleSince = performance.now();
      if (performance.now() - idleSince > LINGER_MS) {
        wasUp = false;
        drop();
        return;
      }
      const isNew = current === null;
      current ??= await connect(options, () => retry('the connection broke'));
      await keepWatched(current.database, WATCHED_SECS);
      if (closed) return drop();
      isUp = true;
      if (isNew) options.onConnected(wasUp);
      wasUp = true;
      beatIn(BEAT_MS);
    } catch (error) {
      retry(messageOf(error));
    } finally {
      isBeating = false;
    }
  }

  return {
    need() {
      if (current === null && timer === null) beatIn(0);
    },
    isUp: () => isUp,
    close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      drop();
    },
  };
}

function connect(
  { connection, onChanges, onLines }: ListeningOptions,
  onBroken: () => void,
): Promise<ListenConnection> {
  return connectListener({
    connection,
    timeoutMs: TIMEOUT_MS,
    channels: {
      [TASKS_CHANNEL]: (payload) => onChanges(changesIn(payload)),
      [LINES_CHANNEL]: (payload) => onLines(idsIn(payload)),
    },
    onBroken,
  });
}
