import { Agent, request } from 'undici';
import { NO_OP } from '../queues/errand.ts';

const BATCH = 1_000;
/** Of each hundred tasks that come in batches one more comes by itself. */
const SINGLES = 100;
const CONNECTIONS = 10;

/**
 * Submits so many tasks that do nothing to the API at `base`, in batches, and one in a hundred besides by itself.
 * Throws when one is refused.
 */
export async function submitTasks(base: string, tasks: number): Promise<void> {
  const agent = new Agent({ connections: CONNECTIONS });
  const submit = async (path: string, body: unknown): Promise<void> => {
    const { statusCode, body: answer } = await request(`${base}/v1/tasks/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      dispatcher: agent,
    });
    const text = await answer.text();
    if (statusCode >= 300) throw new Error(`POST ${path} answered ${statusCode}: ${text}`);
  };
  const task = { payload: {} };
  try {
    for (let from = 0; from < tasks; from += BATCH) {
      const size = Math.min(BATCH, tasks - from);
      await submit(`${NO_OP}/batch`, { items: Array.from({ length: size }, () => task) });
      const singles = Array.from({ length: Math.ceil(size / SINGLES) }, () => submit(NO_OP, task));
      await Promise.all(singles);
    }
  } finally {
    await agent.close();
  }
}
