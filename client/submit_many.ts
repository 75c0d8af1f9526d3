import { type Chunk, toChunks } from './chunks.ts';
import { startDeadline } from './deadline.ts';
import { type DedupOptions, type DedupPlan, planDedup } from './dedup.ts';
import { ErrandError, makeError } from './errors.ts';
import { inOrder } from './in_order.ts';
import type { CallOptions } from './options.ts';
import type { Detail, SubmittedItem, SubmittedMany } from './records.ts';
import { submissionPath, type TaskOptions, toBody, toHeaders } from './submit.ts';
import type { Transport } from './transport.ts';

/** What has been answered so far. */
export type SubmitProgress = { submitted: number; created: number; duplicates: number; invalid: number };

/** What is given applies to each of them. */
export type SubmitManyOptions<Payload = unknown> = TaskOptions &
  Omit<DedupOptions, 'dedupKey' | 'idempotencyKey'> &
  CallOptions & {
    /** The key of each: the same key is the same task, whatever the payload. */
    dedupKey?: ((payload: Payload, index: number) => string) | undefined;
    /**
     * For all of them together, each by its place: the same call again, with the same `chunkSize` and payloads,
     * meets the tasks of the first.
     */
    idempotencyKey?: string | undefined;
    /** How many go into one request: 1,000, at most 10,000, and never more than a body may hold. */
    chunkSize?: number | undefined;
    /** How many requests are under way at a time: 4. */
    concurrency?: number | undefined;
    /** Called after each answer. */
    onProgress?: ((progress: SubmitProgress) => void) | undefined;
  };

type Door = { transport: Transport };
type Payloads = Iterable<unknown> | AsyncIterable<unknown>;

const MAX_CHUNK_ITEMS = 10_000;

/**
 * Submits many tasks of one name in requests of a bounded size, a few at a time, and gives what became of each in
 * their order. Holds no more of them than is under way, so the source may be endless. What a source throws is thrown;
 * after an error the requests under way are given up, and what was submitted before stays submitted.
 */
export async function* submitEach(
  { transport }: Door,
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

/** The same for as many as fit into memory: gives all of it at once. */
export async function submitMany(
  door: Door,
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
  for await (const item of submitEach(door, name, payloads, { ...options, onProgress })) items.push(item);
  return { items, created, duplicates, invalid };
}

/** Sends a chunk, in halves when something on the way finds it too large. */
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

/** What is wrong, with the place among all instead of that in the request: `/items/12345/payload/text`. */
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
  throw new RangeError(`${name} must be a whole number from 1 to ${max}, got ${value}`);
}
