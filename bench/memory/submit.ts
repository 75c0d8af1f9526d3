import { inLoops, openClient } from '../http/client.ts';
import { NO_OP } from '../queues/errand.ts';

const BATCH = 1_000;
/** For each hundred tasks in batches one more is submitted alone. */
const SINGLES = 100;
const CONNECTIONS = 10;

/**
 * Submits so many tasks that do nothing to the API at `base` in batches, and one more for each
 * hundred alone. Throws if one is refused.
 */
export async function submitTasks(base: string, tasks: number): Promise<void> {
  const client = openClient(base, CONNECTIONS);
  const path = `/v1/tasks/${NO_OP}`;
  const task = { payload: {} };
  try {
    for (let from = 0; from < tasks; from += BATCH) {
      const size = Math.min(BATCH, tasks - from);
      await client.post(`${path}/batch`, { items: Array.from({ length: size }, () => task) }, 200);
      await inLoops(CONNECTIONS, Math.ceil(size / SINGLES), () => client.post(path, task, 201));
    }
  } finally {
    await client.close();
  }
}
