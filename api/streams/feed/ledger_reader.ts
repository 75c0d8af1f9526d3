import type { Change, HeardChange } from '../../../store/tasks/changes.ts';

/** The number of tasks that one statement reads. A thousand take a few milliseconds. */
const AT_A_TIME = 1_000;
/** The number of tasks that may wait to be read. Above it they are dropped, and `onMissed` reports it. */
const MAX_WAITING = 50_000;
/** The number of tasks whose last sent state is remembered. */
const REMEMBERED = 10_000;

export type LedgerReaderOptions = {
  read: (ids: readonly string[]) => Promise<Change[]>;
  onChange: (change: Change) => void;
  /** Some changes may be lost. */
  onMissed: (reason: unknown) => void;
};

/**
 * Makes a function that takes notifications, reads their tasks from the ledger, and reports the changes. One
 * statement at a time reads all tasks that were notified meanwhile, so the cost does not depend on the number
 * of subscribers. A notification may be forged, so nothing from it is passed on. A state that equals the last
 * one sent is not sent again.
 */
export function createLedgerReader({
  read,
  onChange,
  onMissed,
}: LedgerReaderOptions): (notified: HeardChange) => void {
  const waiting = new Set<string>();
  const lastSent = new Map<string, string>();
  let isReading = false;

  function publish(change: Change): void {
    const { id, state, attempt, progress } = change;
    const standing = `${state} ${attempt} ${progress}`;
    if (lastSent.get(id) === standing) return;
    lastSent.delete(id);
    lastSent.set(id, standing);
    const [oldest] = lastSent.size > REMEMBERED ? lastSent.keys() : [];
    if (oldest !== undefined) lastSent.delete(oldest);
    onChange(change);
  }

  async function readOn(): Promise<void> {
    isReading = true;
    // Notifications that arrive in the same moment are read together.
    await Promise.resolve();
    while (waiting.size > 0) {
      const ids = [...waiting].slice(0, AT_A_TIME);
      for (const id of ids) waiting.delete(id);
      try {
        const byId = new Map((await read(ids)).map((change) => [change.id, change]));
        for (const change of ids.flatMap((id) => byId.get(id) ?? [])) publish(change);
      } catch (error) {
        onMissed(error);
      }
    }
    isReading = false;
  }

  return ({ id }) => {
    if (waiting.size >= MAX_WAITING) {
      waiting.clear();
      onMissed(new Error(`More than ${MAX_WAITING} changes were waiting to be read`));
    }
    waiting.add(id.toLowerCase());
    if (!isReading) void readOn();
  };
}
