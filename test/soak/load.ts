import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { History } from '../support/history.ts';

const REQUEST_TIMEOUT_MS = 5_000;
/** A client that gets no answer asks again, with the same key, this often before it gives up. */
const TRIES = 20;

type Item = { name: string; payload: Record<string, unknown> };

/** What kind of work comes in: mostly short, some slow, some longer than a lease, some that fails before it succeeds. */
function randomItem(leaseMs: number): Item {
  const dice = Math.random();
  if (dice < 0.05)
    return { name: 'example.sleep', payload: { ms: Math.round(leaseMs * (1 + Math.random())) } };
  if (dice < 0.6) return { name: 'example.echo', payload: { message: randomUUID() } };
  if (dice < 0.8) return { name: 'example.sleep', payload: { ms: Math.round(Math.random() * 1_500) } };
  if (dice < 0.95) return { name: 'example.fail', payload: { times: 1 + Math.round(Math.random()) } };
  return { name: 'example.fail', payload: { times: 1, permanent: true } };
}

/**
 * A client that submits one task after the other, to any of the API processes, until `stop` is aborted. Each has
 * an idempotency key of its own, so that a submission whose answer was lost can be sent again.
 */
export async function submitUntil(
  stop: AbortSignal,
  urls: string[],
  history: History,
  { everyMs, leaseMs }: { everyMs: number; leaseMs: number },
): Promise<void> {
  while (!stop.aborted) {
    const id = await submitOnce(randomItem(leaseMs), urls);
    if (id === null) history.unknown();
    else history.ok(id);
    await pause(everyMs * Math.random() * 2);
  }
}

async function submitOnce(item: Item, urls: string[]): Promise<string | null> {
  const key = randomUUID();
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const url = urls[Math.floor(Math.random() * urls.length)];
    const id = await send(`${url}/v1/tasks/${item.name}`, key, item).catch(() => null);
    if (id !== null) return id;
    await pause(200);
  }
  return null;
}

async function send(url: string, key: string, item: Item): Promise<string | null> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ payload: item.payload }),
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  const body = (await answer.json()) as { task?: { id: string } };
  return answer.ok && body.task !== undefined ? body.task.id : null;
}

/**
 * A client that submits in SQL, until `stop` is aborted, what succeeds and leaves a rejected promise behind: 300 ms later nobody
 * catches it, in the midst of others. The runner of the fixtures executes these.
 */
export async function leaveFaultsUntil(stop: AbortSignal, pool: Pool, history: History): Promise<void> {
  while (!stop.aborted) {
    const submitted = await pool
      .query<{ id: string }>(
        `select id from errand.submit('fixture.fault', '{"kind":"rejection","late":true}')`,
      )
      .catch(() => null);
    const id = submitted?.rows[0]?.id;
    if (id === undefined) history.unknown();
    else history.ok(id);
    await pause(500 * Math.random() * 2);
  }
}
