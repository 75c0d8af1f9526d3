import { startDeadline, unlessAborted } from './deadline.ts';
import { CircuitOpenError, ErrandError } from './errors.ts';
import type { Transport } from './transport.ts';

/** What a submission says about being the same as another one. */
export type DedupOptions = {
  /**
   * Instead of the strategy of the definition: the same `payload` is the same task, or with `none` each call makes a
   * new one.
   */
  dedup?: 'payload' | 'none' | undefined;
  /** The same key is the same task, whatever the payload. */
  dedupKey?: string | undefined;
  /** The same key is the same task, and with another payload it is a ConflictError. Until then one is made per call. */
  idempotencyKey?: string | undefined;
  /** After this time the same submission makes a new task. */
  dedupWindowSeconds?: number | undefined;
};

/** How a submission is sent so that the same one twice is one task. */
export type DedupPlan = {
  idempotencyKey: string | undefined;
  body: { dedup?: 'payload'; dedup_key?: string };
  /** Whether it may be sent again when it is not known what became of it. */
  repeatable: boolean;
};

type Strategy = 'payload' | 'key' | 'none' | 'unknown';

/** Plans submissions, and learns from their answers. */
export type Dedup = {
  plan(name: string, options: DedupOptions, signal: AbortSignal | undefined): Promise<DedupPlan>;
  /** Is told by what a task is recognised that was submitted as planned. */
  learn(name: string, plan: DedupPlan, dedup: string | null): void;
};

type Known = {
  strategy: Promise<Strategy>;
  until: number;
  waiting: number;
  /** Ends the asking. */
  askedFor: AbortController;
};

/** How long it is believed what a definition says: it may be deployed anew. */
const BELIEVED_MS = 60_000;

/**
 * Keeps submissions safe to repeat without taking the place of what their definition says. An Idempotency-Key goes
 * before the strategy of a definition, so one is made only where that is `none`: with `payload` the payload itself is
 * the key. Which it is, is asked of the API, once a minute for each name. Who can not read that learns it from the
 * answer to the first submission, which is not repeated.
 */
export function createDedup(transport: Transport): Dedup {
  const known = new Map<string, Known>();

  function learnt(name: string, strategy: Promise<Strategy>, askedFor = new AbortController()): Known {
    const entry = { strategy, until: Date.now() + BELIEVED_MS, waiting: 0, askedFor };
    known.set(name, entry);
    return entry;
  }

  function ask(name: string): Known {
    const askedFor = new AbortController();
    const entry = learnt(name, readStrategy(transport, name, askedFor.signal), askedFor);
    entry.strategy.catch(() => {
      if (known.get(name) === entry) known.delete(name);
    });
    return entry;
  }

  /** Many may wait for the same answer: each goes by its own signal, and when nobody waits any more it is given up. */
  async function strategyOf(name: string, signal: AbortSignal | undefined): Promise<Strategy> {
    signal?.throwIfAborted();
    const found = known.get(name);
    const entry = found !== undefined && found.until > Date.now() ? found : ask(name);
    const scope = startDeadline(undefined, [signal]);
    entry.waiting++;
    try {
      return await unlessAborted(entry.strategy, scope.signal);
    } finally {
      scope.end();
      entry.waiting--;
      if (entry.waiting === 0 && scope.signal.aborted) {
        known.delete(name);
        entry.askedFor.abort();
      }
    }
  }

  return {
    async plan(name, options, signal) {
      const { dedup, dedupKey, idempotencyKey } = options;
      if (idempotencyKey !== undefined) return { idempotencyKey, body: {}, repeatable: true };
      const planned = { idempotencyKey: undefined, repeatable: true };
      if (dedupKey !== undefined) return { ...planned, body: { dedup_key: dedupKey } };
      if (dedup === 'payload') return { ...planned, body: { dedup } };
      const strategy = dedup ?? (await strategyOf(name, signal));
      // Without a key where there has to be one the API refuses it: that is for the caller to see.
      if (strategy !== 'none') return { ...planned, body: {}, repeatable: strategy !== 'unknown' };
      return { idempotencyKey: crypto.randomUUID(), body: {}, repeatable: true };
    },
    learn(name, plan, dedup) {
      if (plan.idempotencyKey !== undefined || Object.keys(plan.body).length > 0) return;
      const strategy = dedup === 'payload' ? 'payload' : dedup === null ? 'none' : 'unknown';
      learnt(name, Promise.resolve(strategy));
    },
  };
}

async function readStrategy(transport: Transport, name: string, signal: AbortSignal): Promise<Strategy> {
  const [namespace = '', ...rest] = name.split('.');
  const path = `/v1/handlers/${encodeURIComponent(namespace)}/${encodeURIComponent(rest.join('.'))}`;
  try {
    const { body } = await transport.send({ method: 'GET', path, signal });
    const strategy = (body as { policy?: { dedup?: { strategy?: unknown } } }).policy?.dedup?.strategy;
    return strategy === 'payload' || strategy === 'key' || strategy === 'none' ? strategy : 'unknown';
  } catch (error) {
    // Whatever it is, it must not keep back the submission, which has errors of its own. Only this is one of both.
    if (error instanceof CircuitOpenError || !(error instanceof ErrandError)) throw error;
    return 'unknown';
  }
}
