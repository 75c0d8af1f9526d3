import type { ClientConfig } from 'pg';
import type { Logger } from 'pino';
import { messageOf } from '../../../process/start.ts';
import { connectListener, type ListenConnection } from '../../../store/database/listen.ts';
import { changesIn, type HeardChange, idsIn, keepWatched } from '../../../store/tasks/changes.ts';

const BEAT_MS = 10_000;
/** Wait after a connection broke or could not be made. */
const RETRY_MS = 500;
/** Three beats may fail before changes are no longer announced. */
const WATCHED_SECS = 3 * (BEAT_MS / 1_000);
/** How long the connection stays open without watchers, in case a new one comes soon. */
const LINGER_MS = 60_000;
const TIMEOUT_MS = 5_000;

export type ListeningOptions = {
  connection: ClientConfig;
  log: Logger;
  isNeeded: () => boolean;
  onChanges: (changes: HeardChange[]) => void;
  onLines: (ids: string[]) => void;
  /** `isAgain`: an earlier connection was lost, so notifications may be missing. */
  onConnected: (isAgain: boolean) => void;
};

export type Listening = {
  /** Call this when the connection becomes necessary. */
  need(): void;
  isUp(): boolean;
  close(): void;
};

/**
 * Keeps a connection for notifications open while it is needed, and has changes announced during that time. A
 * broken connection is replaced. If the other end disappears silently, the next beat notices it.
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
    drop();
    if (closed) return;
    options.log.warn({ reason }, 'the connection for notifications of changes failed: connecting again');
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
    topics: {
      tasks: (payload) => onChanges(changesIn(payload)),
      lines: (payload) => onLines(idsIn(payload)),
    },
    onBroken,
  });
}
