import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';

/** Longer than any requested wait. */
const ANSWER_WITHIN_MS = 60_000;
/**
 * How often a request is tried if the API asks for a later one, usually because of its rate limit.
 */
const TRIES = 100;

const errorSchema = z.object({ error: z.string(), code: z.string() });

const batchSchema = z.object({
  items: z.array(
    z.object({ id: z.string().optional(), errors: z.array(z.object({ message: z.string() })).optional() }),
  ),
  created: z.int(),
  duplicates: z.int(),
});

const recordSchema = z.object({
  id: z.string(),
  state: z.string(),
  attempt: z.int(),
  started_at: z.string().nullable(),
  finished_at: z.string().nullable(),
  error: z.object({ message: z.string() }).nullable(),
  result: z.unknown(),
  attempts: z.array(z.unknown()),
});

/** The part of a task record that the demo reads. */
export type TaskRecord = z.output<typeof recordSchema>;

/** The result of a batch: the task id of each item, in order. */
export type Batch = { ids: string[]; created: number; duplicates: number };

/** Submits one task per payload in one request. Throws if an item was not accepted. */
export async function submitBatch(url: string, name: string, payloads: unknown[]): Promise<Batch> {
  const items = payloads.map((payload) => ({ payload, initiator: 'npm run demo' }));
  const body = await request(`${url}/v1/tasks/${name}/batch`, { items });
  const { items: answers, created, duplicates } = batchSchema.parse(body);
  const ids = answers.map(({ id, errors }, index) => {
    if (id === undefined) throw new Error(`Item ${index} was refused: ${errors?.[0]?.message}`);
    return id;
  });
  return { ids, created, duplicates };
}

/** The record of a task: at its end, but after `waitSeconds` at the latest. */
export async function getTask(url: string, id: string, waitSeconds: number): Promise<TaskRecord> {
  return recordSchema.parse(await request(`${url}/v1/tasks/${id}?wait=${waitSeconds}`));
}

/**
 * Sends a request, as POST if there is a body. Repeats it if the API asks for that with
 * Retry-After. Throws an Error with the answer.
 */
async function request(url: string, body?: unknown): Promise<unknown> {
  for (let tried = 1; ; tried++) {
    const response = await send(url, body);
    const retryAfterSecs = Number(response.headers.get('retry-after') ?? 0);
    const answer: unknown = await response.json();
    if (response.ok) return answer;
    if (retryAfterSecs > 0 && tried < TRIES) {
      await pause(retryAfterSecs * 1_000);
      continue;
    }
    const { data } = errorSchema.safeParse(answer);
    throw new Error(
      `${url} answered ${response.status} ${data?.code ?? ''}: ${data?.error ?? 'no reason given'}`,
    );
  }
}

function send(url: string, body: unknown): Promise<Response> {
  return fetch(url, {
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    ...(body === undefined
      ? {}
      : {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
  });
}
