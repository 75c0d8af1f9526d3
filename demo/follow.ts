import { getTask, type TaskRecord } from './api.ts';

/** How many tasks are waited for at a time. */
const PARALLEL = 8;
const WAIT_SECONDS = 5;
const WAIT_BUDGET_MS = 60_000;

/**
 * Waits for tasks and gives the record of each by its id. `onFinished` is called for every task
 * that has finished. Throws if no task finishes for `waitBudgetMs`.
 */
export async function finishedTasks(
  url: string,
  ids: string[],
  onFinished: () => void,
  waitBudgetMs = WAIT_BUDGET_MS,
): Promise<Map<string, TaskRecord>> {
  const records = new Map<string, TaskRecord>();
  const waitSeconds = Math.min(WAIT_SECONDS, waitBudgetMs / 1_000);
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
      if (performance.now() - lastAt > waitBudgetMs) {
        throw new Error(
          `No task has finished for ${waitBudgetMs / 1_000} s (${records.size} of ${ids.length} have): check that a runner is running`,
        );
      }
    }
  }

  // All followers take from one list.
  const remaining = ids.values();
  async function followRest(): Promise<void> {
    for (const id of remaining) await follow(id);
  }
  await Promise.all(Array.from({ length: PARALLEL }, followRest));
  return records;
}
