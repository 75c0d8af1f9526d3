import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { buildOpenApi } from '../../../api/openapi/build.ts';
import type { JsonSchema } from '../../../core/schema.ts';
import { STATES } from '../../../core/states.ts';
import { registerRunner } from '../../../store/attempts/runners.ts';
import { definitions } from '../../../tasks/index.ts';
import { fill } from '../../fast/api/fill.ts';
import { SENDERS } from '../../fast/api/webhooks/webhook_senders.ts';
import { exchange, target } from '../../fast/contracts/exchange.ts';
import { broken, textOf } from '../../fast/contracts/mutations.ts';
import { type ApiRequest, operationsOf, validRequest } from '../../fast/contracts/requests.ts';
import { wellSigned } from '../../fast/contracts/signed.ts';
import {
  KNOWN_LIMIT,
  KNOWN_SCHEDULE,
  storeKnownLimit,
  storeKnownSchedule,
  submitDelivery,
  submitWithStep,
} from '../../fast/contracts/statuses_requests.ts';
import type { Source } from '../../fast/contracts/values.ts';
import { startApi } from '../../support/api.ts';
import { testConfig } from '../../support/api_options.ts';
import { createDatabase } from '../../support/database.ts';
import { submit } from '../../support/tasks.ts';
import { contractOf } from './contract.ts';
import { watchDatabase } from './fingerprint.ts';

// Requests made from the document, good and bad, for every operation that it has: whatever comes, the answer is one
// that the document promises, and a refusal has changed nothing. `CONTRACT_SEED=<seed>` repeats a run.

const REQUESTS = 1_000;
/** The fingerprint reads every row, each time. */
const MAX_TASKS = 150;
const SEED = Number(process.env.CONTRACT_SEED ?? Math.floor(Math.random() * 2 ** 31));

const { pool } = await createDatabase();
await registerRunner(pool, { host: 'a', pid: 1, version: '1', taskNames: [], concurrency: 1, leaseSecs: 15 });
const submitted = await submit(
  pool,
  { name: 'example.echo', payload: { message: 'a' } },
  { name: 'example.sleep', payload: { ms: 1 }, delayMs: 3_600_000, tags: ['a'], initiator: 'ann' },
);
const filled = await fill(
  pool,
  STATES.map((state) => ({
    state,
    created: '2026-01-01T00:00:00Z',
    ...(state === 'failed' ? { error: 'no' } : {}),
    finished: '2026-01-01T00:00:00Z',
  })),
);
const workflow = await submitWithStep(pool);
const delivery = await submitDelivery(pool, workflow.id);
await storeKnownLimit(pool);
await storeKnownSchedule(pool);
const database = await watchDatabase(pool);
const api = await startApi(pool, { config: testConfig(SENDERS) });
const document = buildOpenApi(definitions);
const contract = contractOf(document);
const operations = operationsOf(document);
const { body: firstPage } = await api.call('GET', '/v1/tasks?page_size=1');
const source: Source = {
  document: document as { components: { schemas: Record<string, JsonSchema> } },
  ids: [workflow.id, ...submitted.map(({ id }) => id), ...filled],
  words: {
    step_id: [workflow.stepId],
    delivery_id: [delivery],
    limit_name: [KNOWN_LIMIT],
    schedule_id: [KNOWN_SCHEDULE, 'example.new'],
    task: ['example.echo', 'example.sleep'],
    cron: ['30 2 * * *', '*/5 * * * * *', '0 0 29 2 *'],
    timezone: ['Europe/Berlin', 'UTC'],
    at: ['2026-03-29T02:30', '2099-01-01T00:00:00Z'],
    source: ['shop', 'meter'],
    'X-Gitea-Event': ['push'],
    'X-GitHub-Event': ['push'],
    name: definitions.map(({ name }) => name),
    namespace: definitions.map(({ namespace }) => namespace),
    cursor: [firstPage.next_cursor],
    tag: ['a'],
    initiator: ['ann'],
    'Idempotency-Key': ['a', 'b'],
    dedup_key: ['a', 'b'],
    version: ['1.0.0'],
  },
};

/** How often each kind of status was answered. */
const answered = new Map<string, number>();

/** Sends a request, and throws with whatever is wrong with its answer. */
async function sendAndJudge(made: ApiRequest): Promise<void> {
  // Without a good signature nothing would be looked at.
  const request = wellSigned(made);
  const before = await database.fingerprint();
  const received = await exchange(api.url, request);
  const after = await database.fingerprint();
  const kind = `${Math.floor(received.status / 100)}xx`;
  answered.set(kind, (answered.get(kind) ?? 0) + 1);
  // Node refuses what is too long for it before any operation is known.
  const isTooLong = received.status === 431 && target(request).length > 8_000;
  const problem = isTooLong ? null : contract(request, received);
  const written = received.status >= 400 && before !== after ? `is a ${received.status}, but it wrote` : null;
  if ((problem ?? written) === null) {
    if (before !== after && (await database.countTasks()) > MAX_TASKS) await database.restore();
    return;
  }
  // The smaller requests that are tried next shall find what this one found.
  await database.restore();
  const sent = `${request.method} ${target(request)}\n${JSON.stringify(request.headers)}\n${textOf(request)}`;
  throw new Error(
    `${sent.slice(0, 2_000)}\nthe answer ${problem ?? written}\n${received.text.slice(0, 2_000)}\nCONTRACT_SEED=${SEED}`,
  );
}

test.each(
  operations.map(
    (located, index) => [`${located.method.toUpperCase()} ${located.path}`, located, SEED + index] as const,
  ),
)('%s answers what it documents, and a refusal changes nothing', async (_name, located, seed) => {
  await database.restore();
  const good = validRequest(source, located);
  const request = fc.oneof({ weight: 2, arbitrary: good }, { weight: 3, arbitrary: broken(source, good) });
  await fc.assert(fc.asyncProperty(request, sendAndJudge), {
    numRuns: Math.ceil(REQUESTS / operations.length),
    seed,
  });
});

afterAll(() => {
  // A refusal of everything would keep every promise.
  const all = [...answered.values()].reduce((sum, count) => sum + count, 0);
  expect((answered.get('2xx') ?? 0) / all).toBeGreaterThan(0.1);
  expect((answered.get('4xx') ?? 0) / all).toBeGreaterThan(0.1);
});
