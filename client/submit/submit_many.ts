import { ErrandError, makeError } from '../errors.ts';
import type { Detail, SubmittedItem, SubmittedMany } from '../records.ts';
import { startDeadline, unlessAborted } from '../requests/deadline.ts';
import type { CallOptions } from '../requests/options.ts';
import type { Transport } from '../requests/transport.ts';
import { type Chunk, toChunks } from './chunks.ts';
import { type DedupOptions, type DedupPlan, planDedup } from './dedup.ts';
import { submissionPath, type TaskOptions, toBody, toHeaders } from './submit.ts';

/** The answers so far. */
export type SubmitProgress = { submitted: number; created: number; duplicates: number; invalid: number };

/** These options apply to every task. */
export type SubmitManyOptions<Payload = unknown> = TaskOptions &
  Omit<DedupOptions, 'dedupKey' | 'idempotencyKey'> &
  CallOptions & {
    /** The key of each task. The same key is the same task, whatever the payload. */
    dedupKey?: ((payload: Payload, index: number) => string) | undefined;
    /**
     * One key for all tasks, which covers each by its position. A repeated call with the same `chunkSize` and
     * payloads gets the tasks of the first call.
     */
    idempotencyKey?: string | undefined;
    /**
     * How many tasks one request contains. The default is 1,000, the maximum 10,000, and never more than fit
     * into a body.
     */
    chunkSize?: number | undefined;
    /** How many requests run at a time. The default is 4. */
    concurrency?: number | undefined;
    /** Called after each answer. */
    onProgress?: ((progress: SubmitProgress) => void) | undefined;
  };

type ClientParts = { transport: Transport };
type Payloads = Iterable<unknown> | AsyncIterable<unknown>;

const MAX_CHUNK_ITEMS = 10_000;

/**
 * Submits many tasks of one name in requests of bounded size, a few at a time, and gives the outcomes in
 * order. It holds only the tasks of running requests in memory, so the source may be endless. Errors of the
 * source are thrown. After an error, running requests are aborted; tasks that were submitted before stay
 * submitted.
 */
export async function* submitEach(
  { transport }: ClientParts,
  name: string,
  payloads: Payloads,
  options: SubmitManyOptions = {},
): AsyncGenerator<SubmittedItem> {
  const { chunkSize = 1_000, concurrency = 4, dedupKey, onProgress, ...common } = options;
  checkNumber('chunkSize', chunkSize, MAX_CHUNK_ITEMS);
  checkNumber('concurrency', concurrency, 1_000);
  const asked = { ...common, ...(dedupKey === undefined ? {} : { dedupKey: '' }) };
  const plan = planDedup(asked);
  const fields = toBody(common, dedupKey === undefined ? plan : { ...plan, body: {} });
  const progress: SubmitProgress = { submitted: 0, created: 0, duplicates: 0, invalid: 0 };
  const giveUp = new AbortController();
  const scope = startDeadline(undefined, [options.signal, giveUp.signal]);

  async function* items(): AsyncGenerator<string> {
    let index = 0;
    for await (const payload of payloads) {
      const key = dedupKey === undefined ? {} : { dedup_key: dedupKey(payload, index) };
      index++;
      yield JSON.stringify({ payload, ...fields, ...key });
    }
  }
  const sendChunk = (chunk: Chunk): Promise<SubmittedItem[]> =>
    submitChunk(transport, name, { ...common, signal: scope.signal }, chunk, plan, String(chunk.number));
  const chunks = toChunks(items(), chunkSize);
  const bounds = { concurrency, signal: scope.signal, stop: () => giveUp.abort() };
  try {
    for await (const answered of inOrder(chunks, bounds, sendChunk)) {
      count(progress, answered);
      onProgress?.({ ...progress });
      yield* answered;
    }
  } finally {
    scope.end();
  }
}

/** Like submitEach, for as many tasks as fit into memory. Gives all outcomes at once. */
export async function submitMany(
  parts: ClientParts,
  name: string,
  payloads: Payloads,
  options: SubmitManyOptions = {},
): Promise<SubmittedMany> {
  const items: SubmittedItem[] = [];
  let { created, duplicates, invalid }: SubmitProgress = {
    submitted: 0,
    created: 0,
    duplicates: 0,
    invalid: 0,
  };
  const onProgress = (progress: SubmitProgress): void => {
    ({ created, duplicates, invalid } = progress);
    options.onProgress?.(progress);
  };
  for await (const item of submitEach(parts, name, payloads, { ...options, onProgress })) items.push(item);
  return { items, created, duplicates, invalid };
}

/** Sends a chunk. If the API or a proxy refuses it as too large, sends it in halves. */
async function submitChunk(
  transport: Transport,
  name: string,
  options: TaskOptions & CallOptions,
  chunk: Chunk,
  plan: DedupPlan,
  position: string,
): Promise<SubmittedItem[]> {
  const key = plan.idempotencyKey === undefined ? undefined : `${plan.idempotencyKey}/${position}`;
  try {
    const { body } = await transport.send({
      method: 'POST',
      path: `${submissionPath(name)}/batch`,
      body: `{"items":[${chunk.items.join(',')}]}`,
      headers: toHeaders(options, key),
      signal: options.signal,
      repeatable: true,
      keepsTrying: true,
    });
    return (body as { items: SubmittedItem[] }).items.map((item) => located(item, chunk.from));
  } catch (error) {
    if (!(error instanceof ErrandError)) throw error;
    if (error.status !== 413) throw withPlaces(error, chunk.from);
    if (chunk.items.length === 1) {
      return [{ created: false, errors: [{ path: `/items/${chunk.from}`, message: error.message }] }];
    }
    const half = Math.ceil(chunk.items.length / 2);
    const parts = [
      { ...chunk, items: chunk.items.slice(0, half) },
      { ...chunk, items: chunk.items.slice(half), from: chunk.from + half },
    ];
    const answers: SubmittedItem[] = [];
    for (const [index, part] of parts.entries()) {
      answers.push(...(await submitChunk(transport, name, options, part, plan, `${position}.${index}`)));
    }
    return answers;
  }
}

/**
 * The problems, with the index among all items instead of the one in the request:
 * `/items/12345/payload/text`.
 */
function placed(details: readonly Detail[], from: number): Detail[] {
  return details.map(({ path, message }) => ({
    path: path.replace(/^\/body\/items\/(\d+)/, (_match, index: string) => `/items/${Number(index) + from}`),
    message,
  }));
}

function located(item: SubmittedItem, from: number): SubmittedItem {
  return item.errors === undefined ? item : { created: false, errors: placed(item.errors, from) };
}

function withPlaces(error: ErrandError, from: number): ErrandError {
  if (error.details.length === 0) return error;
  const { code, status, requestId, retryAfterMs, cause } = error;
  const details = placed(error.details, from);
  return makeError(error.message, { code, status, requestId, retryAfterMs, cause, details });
}

function count(progress: SubmitProgress, items: readonly SubmittedItem[]): void {
  for (const { created, errors } of items) {
    progress.submitted++;
    if (errors !== undefined) progress.invalid++;
    else if (created) progress.created++;
    else progress.duplicates++;
  }
}

function checkNumber(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return;
  throw new RangeError(`${name} must be an integer from 1 to ${max}, got ${value}`);
}

/**
 * Works on the items of a source, up to `concurrency` at a time, and gives the outcomes in the order of the
 * source. Reads no more items than it works on. If one item fails, the consumer stops, or the signal is
 * aborted, it calls `stop` and ends.
 */
async function* inOrder<T, R>(
  source: AsyncGenerator<T>,
  { concurrency, signal, stop }: { concurrency: number; signal: AbortSignal; stop: () => void },
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const pending: Promise<R>[] = [];
  try {
    for (;;) {
      const { value, done } = await unlessAborted(source.next(), signal);
      if (done === true) break;
      const running = work(value);
      // A failure is thrown when it is its turn. After that, later failures are ignored.
      running.catch(() => {});
      pending.push(running);
      if (pending.length < concurrency) continue;
      const first = pending.shift();
      if (first !== undefined) yield await first;
    }
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) yield await next;
  } finally {
    const wasAborted = signal.aborted;
    stop();
    await Promise.allSettled(pending);
    const closed = source.return(undefined);
    closed.catch(() => {});
    // A source that is waiting for its next item cannot close before it arrives, which may be never.
    if (!wasAborted) await closed;
  }
}
