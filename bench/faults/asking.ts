import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'undici';

/**
 * How many requests are sent per second. So many can be open at a time, which is fewer than an API
 * accepts.
 */
export const PER_SECOND = 40;
const EVERY_MS = 1_000 / PER_SECOND;
const POLL_MS = 10;
/** The limit after the end of a fault: a breaker is open for half a minute. */
const LIMIT_MS = 60_000;
/** Another address than 127.0.0.1, from which the harmful client comes. */
const ADDRESS = '127.0.0.2';

/** A small request that is sent again and again. */
export type Question = { method: 'GET' | 'POST'; path: string; body?: () => unknown };

/**
 * One request: when it was due, when its answer arrived, by performance.now(), and whether the
 * answer was good.
 */
export type Asked = { due: number; answered: number; isGood: boolean };

export type Asking = {
  /** Resolves after `ms`. Throws as soon as the API cannot be reached, or the asking is stopped. */
  continuesFor(ms: number): Promise<void>;
  /**
   * Waits until `count` requests that were due after `since` have good answers, and gives the time
   * of the last one. Throws if that takes a minute, if the API cannot be reached, or if the asking
   * is stopped.
   */
  untilServed(since: number, count: number): Promise<number>;
  /**
   * Stops asking, waits for the open answers, and gives all requests. Throws if the API could not
   * be reached.
   */
  stop(): Promise<readonly Asked[]>;
};

/**
 * Sends requests to an API at a fixed rate, whether or not earlier ones are answered, as many
 * clients would. Otherwise an API that stands still would give only one slow answer. If this
 * process is too busy to send a request in time, the request counts as waiting since it was due.
 */
export function keepAsking(base: string, question: Question): Asking {
  const client = new Pool(base, { connections: null, pipelining: 1, localAddress: ADDRESS });
  const seen: Asked[] = [];
  const stopping = new AbortController();
  const asked = atPace(stopping, async (due) => {
    const isGood = await isAnsweredWell(client, question);
    seen.push({ due, answered: performance.now(), isGood });
  });
  // Thrown to the code that waits for something.
  asked.catch(() => {});
  return {
    async continuesFor(ms) {
      await Promise.race([pause(ms), asked.then(throwStopped)]);
    },
    async untilServed(since, count) {
      const limit = performance.now() + LIMIT_MS;
      for (;;) {
        const served = seen.filter(({ due, isGood }) => isGood && due >= since);
        const enough = served[count - 1];
        if (enough !== undefined) return enough.answered;
        if (performance.now() > limit) throw new Error(`${question.path} had no good answer within a minute`);
        await Promise.race([pause(POLL_MS), asked.then(throwStopped)]);
      }
    },
    async stop() {
      stopping.abort();
      await asked.finally(() => client.destroy());
      return seen;
    },
  };
}

function throwStopped(): never {
  throw new Error('The asking was stopped');
}

/**
 * Starts each request at its time until `stopping` is aborted, which a failed request does too.
 * Ends when all have ended.
 */
async function atPace(stopping: AbortController, work: (due: number) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  const open = new Set<Promise<void>>();
  for (let due = performance.now(); !stopping.signal.aborted; due += EVERY_MS) {
    // A timer may be early by less than a millisecond.
    let early = due - performance.now();
    while (early > 0) {
      await pause(early);
      early = due - performance.now();
    }
    const one = work(due)
      .catch((error: unknown) => {
        failures.push(error);
        stopping.abort();
      })
      .finally(() => open.delete(one));
    open.add(one);
  }
  await Promise.all(open);
  if (failures.length > 0) throw failures[0];
}

async function isAnsweredWell(client: Pool, { method, path, body }: Question): Promise<boolean> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body()) };
  const headers = body === undefined ? {} : { 'content-type': 'application/json' };
  const { statusCode, body: answer } = await client.request({ method, path, headers, ...sent });
  await answer.dump();
  return statusCode >= 200 && statusCode < 300;
}
