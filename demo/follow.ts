import { getTask, type TaskRecord } from './api.ts';

/** How many tasks are waited for at a time. */
const PARALLEL = 8;
const WAIT_SECONDS = 5;
const PATIENCE_MS = 60_000;

/**
 * Waits for tasks and gives the record of each by its id; `onFinished` hears of every one that has finished.
 * Throws when none finishes for a while.
 */
export async function finishedTasks(
  url: string,
  ids: string[],
  onFinished: () => void,
  patienceMs = PATIENCE_MS,
): Promise<Map<string, TaskRecord>> {
  const records = new Map<string, TaskRecord>();
  const waitSeconds = Math.min(WAIT_SECONDS, patienceMs / 1_000);
  let lastAt = performance.now();

  async function follow(id: string): Promise<void> {
    for (;;) {
      const record = await getTask(url, id, waitSeconds);
      if (record.finished_at !== null) {
        lastAt = performance.now();
        records.set(id, record);
        onFinished();
        return;
      }
      if (performance.now() - lastAt > patienceMs) {
        throw new Error(
          `No task has finished for ${patienceMs / 1_000} s (${records.size} of ${ids.length} have): does a runner run?`,
        );
      }
    }
  }

  // All of them take from one list.
  const left = ids.values();
  async function followRest(): Promise<void> {
    for (const id of left) await follow(id);
  }
  await Promise.all(Array.from({ length: PARALLEL }, followRest));
  return records;
}
