import { Agent, request } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'vitest';
import { slowness } from './turns.ts';

/** A small request of the witness, which is another client than the one that does harm. */
export type Question = {
  method?: string;
  /** A small read by default. */
  path?: string;
  /** Made for each request, so that each can be a new task. */
  body?: () => unknown;
  /** The key of the witness, if callers have keys. */
  headers?: Record<string, string>;
  /** The address of the witness, if callers have no keys: all of 127.0.0.0/8 is local. */
  from?: string;
  /**
   * How many of its requests may be open. If a server is only slow, more than its share would be
   * refused.
   */
  atOnce?: number;
};

/** The harm that is done to an API. */
export type Fault = {
  /** For a fault that ends by itself: the witness asks until then. */
  over?: Promise<unknown>;
  end?: () => unknown;
};

/**
 * The answers of the witness: when each request was due, its latency from then, both in
 * milliseconds, and its status.
 */
export type Seen = { due: number; latency: number; status: number }[];

const EVERY_MS = 20;
const MAX_AT_ONCE = 500;
const MIN_ASKED = 100;
const MAX_TIMES = 5;

export type Bounds = {
  /** Latencies below this are harmless, however fast an idle API is. */
  floorMs?: number;
  /** The maximum number of rounds. */
  rounds?: number;
};

export const SUBMISSION: Question = {
  method: 'POST',
  path: '/v1/tasks/example.echo',
  body: () => ({ payload: { message: crypto.randomUUID() } }),
};

/**
 * Asserts that one client does not keep another from an API. During the fault, the p99 of the
 * witness is within 5 times its p99 without a fault (or within `floorMs` on an idle machine), and
 * no answer is a 5xx or a 429. Rounds without and with the fault alternate, and the best of several
 * decides: a busy machine does not affect all of them, but the fault does. The same holds for a
 * 429: if everything stands still for a second, the witness itself exceeds its share.
 */
export async function expectUnharmed(
  url: string,
  question: Question,
  inflict: () => Promise<Fault>,
  { floorMs = 100, rounds: most = 6 }: Bounds = {},
): Promise<void> {
  const rounds: string[] = [];
  while (rounds.length < most) {
    const { p99: idle } = await witness(url, question, async () => ({}));
    const { p99: harmed, refused } = await witness(url, question, inflict);
    if (refused === 0 && harmed <= Math.max(floorMs * slowness(), MAX_TIMES * idle)) return;
    rounds.push(`${harmed.toFixed(0)} ms instead of ${idle.toFixed(0)} ms, ${refused} refused`);
  }
  expect.fail(`Another client's answers came after (p99) ${rounds.join(', ')}`);
}

/**
 * Asserts that one client does not keep another from an API while something is held that the first one
 * waits for, such as a lock. The witness asks 100 times, one request after the other, and each is answered
 * while it is held; no time decides.
 */
export async function expectAnsweredWhile(
  url: string,
  question: Question,
  hold: () => Promise<{ end: () => unknown }>,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, ...(question.from && { localAddress: question.from }) });
  const { end } = await hold();
  const statuses: number[] = [];
  while (statuses.length < MIN_ASKED) statuses.push(await statusOf(url, question, agent));
  agent.destroy();
  await end();
  expect(statuses.filter((status) => status >= 400)).toEqual([]);
}

/**
 * Asks while a fault starts and until it is over, at least 100 times. No answer may be a 5xx.
 * Latencies count from when the fault is in force, because starting it may keep the test busy.
 */
async function witness(
  url: string,
  question: Question,
  inflict: () => Promise<Fault>,
): Promise<{ p99: number; refused: number }> {
  const asking = keepAsking(url, question);
  let inForce = 0;
  try {
    const fault = await inflict();
    inForce = performance.now();
    await asking.times(MIN_ASKED);
    await fault.over;
    await fault.end?.();
  } finally {
    await asking.stop();
  }
  const statuses = asking.seen.map(({ status }) => status);
  expect(statuses.filter((status) => status >= 500)).toEqual([]);
  return {
    p99: p99(asking.seen.filter(({ due }) => due >= inForce)),
    refused: statuses.filter((status) => status === 429).length,
  };
}

/**
 * Sends requests at a fixed rate, whether or not earlier ones are answered, as many clients would.
 * Otherwise an API that stands still for a second would give only one slow answer in a hundred. If
 * this process is too busy to send a request in time, the request counts as waiting since it was
 * due.
 */
function keepAsking(url: string, question: Question) {
  const { atOnce = MAX_AT_ONCE } = question;
  const agent = new Agent({
    keepAlive: true,
    maxSockets: atOnce,
    ...(question.from && { localAddress: question.from }),
  });
  const seen: Seen = [];
  const stopping = new AbortController();
  const open = new Set<Promise<void>>();
  async function ask(due: number): Promise<void> {
    const status = await statusOf(url, question, agent);
    seen.push({ due, latency: performance.now() - due, status });
  }
  const asked = (async () => {
    for (let due = performance.now(); !stopping.signal.aborted; due += EVERY_MS) {
      await setTimeout(Math.max(0, due - performance.now()));
      if (open.size >= atOnce) await Promise.race(open);
      const one = ask(due).finally(() => open.delete(one));
      open.add(one);
    }
    await Promise.all(open);
  })();
  // Reported by stop().
  asked.catch(() => {});
  return {
    seen,
    async times(count: number): Promise<void> {
      const goal = seen.length + count;
      while (seen.length < goal) await Promise.race([setTimeout(EVERY_MS), asked]);
    },
    async stop(): Promise<void> {
      stopping.abort();
      await asked.finally(() => agent.destroy());
    },
  };
}

function statusOf(url: string, question: Question, agent: Agent): Promise<number> {
  const { method = 'GET', path = '/v1/tasks?page_size=1', headers = {} } = question;
  const body = question.body === undefined ? undefined : JSON.stringify(question.body());
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { method, agent, headers: { ...type, ...headers } }, (response) => {
      response.resume();
      response.once('error', reject);
      response.once('end', () => resolve(response.statusCode ?? 0));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

/** The 99th percentile, by nearest rank. */
function p99(seen: Seen): number {
  const sorted = seen.map(({ latency }) => latency).sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0;
}
