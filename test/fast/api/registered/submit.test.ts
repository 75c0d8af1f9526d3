import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createRegistry } from '../../../../core/registry.ts';
import type { TaskDefinition } from '../../../../core/task.ts';
import { stepRows } from '../../../../core/workflows/graph.ts';
import { endRunner } from '../../../../store/attempts/runners.ts';
import { getTask } from '../../../../store/tasks/tasks.ts';
import { startApi } from '../../../support/api.ts';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { diamond } from '../../workflows/shapes.ts';
import { textTask } from '../definitions.ts';
import { as, authenticateByWords } from '../principals.ts';
import { invoice, OTHER, OWN, registerOf, runnerOf } from './pool.ts';

const { pool } = await createDatabase();
const own = textTask('shop.pack', {});
const moved = textTask('shop.moved', {});
await registerOf(pool, OWN, [own, moved]);
await registerOf(pool, OTHER, [
  invoice,
  diamond as unknown as TaskDefinition,
  textTask('billing.remind', {}),
]);
const SECRET = 'secret-of-the-sender';
const WEBHOOK_SOURCES = JSON.stringify([
  {
    ...{ name: 'bank', scheme: 'hmac', secrets: [SECRET] },
    ...{ signature_header: 'X-Signature', delivery_header: 'X-Id' },
    rules: [{ event: '*', task: 'billing.remind', payload: { text: { $from: '/who' } } }],
  },
]);
const api = await startApi(pool, {
  registry: createRegistry([own]),
  project: OWN,
  config: testConfig({ WEBHOOK_SOURCES }),
  authenticate: authenticateByWords,
});
const ANN = as('ann of *');
const PATH = '/v1/tasks/billing.send_invoice';
const body = (number: unknown, rest: object = {}) => ({ payload: { number }, dedup: 'none', ...rest });

describe('a task of another repository is submitted', () => {
  test('by its path, with the version and the policy that are registered', async () => {
    const answer = await api.call('POST', PATH, { payload: { number: 1 }, dedup_key: 'a' }, ANN);
    expect([answer.status, answer.body.task]).toMatchObject([
      201,
      // The runner applies the defaults of the payload.
      { name: 'billing.send_invoice', version: '2.0.0', payload: { number: 1 }, state: 'queued' },
    ]);
    const { id } = answer.body.task;
    expect(await getTask(pool, id)).toMatchObject({ priority: 7, max_attempts: 3, dedup_key: 'a' });
    const { rows } = await pool.query(
      'select dedup_until - now() < interval $$61 seconds$$ as short from errand.tasks where id = $1',
      [id],
    );
    expect(rows).toEqual([{ short: true }]);
    const again = await api.call('POST', PATH, { payload: { number: 2 }, dedup_key: 'a' }, ANN);
    expect([again.status, again.body.task.id]).toEqual([200, id]);
  });

  test('by the body, and by idempotency key', async () => {
    const named = { name: 'send_invoice', namespace: 'billing', context: { number: 3 } };
    const first = await api.call('POST', '/v1/tasks', named, { ...ANN, 'idempotency-key': 'k' });
    expect(first.status).toBe(201);
    const second = await api.call('POST', '/v1/tasks', named, { ...ANN, 'idempotency-key': 'k' });
    expect([second.status, second.body.task.id]).toEqual([200, first.body.task.id]);
    const other = { ...named, context: { number: 4 } };
    expect((await api.call('POST', '/v1/tasks', other, { ...ANN, 'idempotency-key': 'k' })).status).toBe(409);
    const keyless = await api.call('POST', PATH, { payload: { number: 1 } }, ANN);
    expect([keyless.status, keyless.body.details[0].path]).toEqual([400, '/body/dedup_key']);
  });

  test('in a batch, with the problems of each item', async () => {
    const answer = await api.call('POST', `${PATH}/batch`, { items: [body(1), body('x'), body(2)] }, ANN);
    expect([answer.status, answer.body]).toMatchObject([
      200,
      { created: 2, invalid: 1, items: [{ created: true }, { created: false }, { created: true }] },
    ]);
    expect(answer.body.items[1].errors).toEqual([
      { path: '/body/items/1/payload/number', message: 'must be integer, got "x"' },
    ]);
    const atomic = await api.call('POST', `${PATH}/batch?atomic=true`, { items: [body(1), body(0)] }, ANN);
    expect(atomic.status).toBe(400);
  });

  test('with the steps that are registered, if it is a workflow', async () => {
    const answer = await api.call('POST', '/v1/tasks/graph.diamond', { payload: { value: 1 } }, ANN);
    expect(answer.status).toBe(201);
    const { rows } = await pool.query(
      'select name, max_attempts from errand.tasks where parent_id = $1 order by id',
      [answer.body.task.id],
    );
    const steps = stepRows(diamond.graph).map(({ name, max_attempts }) => ({ name, max_attempts }));
    expect(rows).toEqual(steps);
    // A step is not submitted by its name.
    expect((await api.call('POST', '/v1/tasks/graph.diamond.plus', { payload: {} }, ANN)).status).toBe(404);
  });

  test('by a webhook whose rule names it', async () => {
    const sent = JSON.stringify({ who: 'Ann' });
    const signed = { 'x-id': '1', 'x-signature': createHmac('sha256', SECRET).update(sent).digest('hex') };
    const headers = { 'content-type': 'application/json', ...signed };
    const answer = await api.call('POST', '/v1/webhooks/bank', sent, headers);
    expect(answer.status).toBe(201);
    const task = await getTask(pool, answer.body.task.id);
    expect(task).toMatchObject({ name: 'billing.remind', payload: { text: 'Ann' } });
    const wrong = JSON.stringify({ who: 1 });
    const signature = createHmac('sha256', SECRET).update(wrong).digest('hex');
    const refused = await api.call('POST', '/v1/webhooks/bank', wrong, {
      ...headers,
      'x-signature': signature,
    });
    expect([refused.status, refused.body.details]).toEqual([
      400,
      [{ path: '/body/who', message: 'must be string, got 1' }],
    ]);
  });
});

describe('its payload', () => {
  test('gets all problems at once, in the form of every other task', async () => {
    const payload = { number: 0, to: 5, more: 1 };
    const { status, body: told } = await api.call('POST', PATH, { payload, dedup: 'none' }, ANN);
    expect([status, told.code]).toEqual([400, 'VALIDATION_FAILED']);
    expect(told.details.map(({ path }: { path: string }) => path).toSorted()).toEqual([
      '/body/payload/more',
      '/body/payload/number',
      '/body/payload/to',
    ]);
    const missing = await api.call('POST', PATH, { payload: {}, dedup: 'none' }, ANN);
    expect(missing.body.details).toEqual([{ path: '/body/payload/number', message: 'is required' }]);
  });

  test('is not refused for what only the repository of the task can judge', async () => {
    // Ajv divides doubles: for it, 4.35 is no multiple of 0.01.
    const payload = { number: 1, rate: 4.35 };
    expect((await api.call('POST', PATH, { payload, dedup: 'none' }, ANN)).status).toBe(201);
  });

  test('has the rules of storage and the bounds of options', async () => {
    const nul = await api.call('POST', PATH, body(1, { payload: { number: 1, to: 'a\u0000' } }), ANN);
    expect([nul.status, nul.body.details[0].path]).toEqual([400, '/body/payload/to']);
    const bound = await api.call('POST', PATH, body(1, { max_attempts: 0 }), ANN);
    expect([bound.status, bound.body.details[0].path]).toEqual([400, '/body/max_attempts']);
  });
});

describe('its version', () => {
  test('may be an older one that it takes: the runner judges the payload', async () => {
    const sent = { payload: { no: '12' }, version: '1.0.0', dedup: 'none' };
    const answer = await api.call('POST', PATH, sent, ANN);
    expect([answer.status, answer.body.task.version]).toEqual([201, '1.0.0']);
  });

  test.each(['0.9.0', '3.0.0'])('is 404 for %s, as for own tasks', async (version) => {
    const answer = await api.call('POST', PATH, body(1, { version }), ANN);
    expect([answer.status, answer.body.error]).toEqual([
      404,
      `billing.send_invoice has no version ${version}: use 2.0.0, and payloads of 1.0.0 can be converted to it`,
    ]);
  });
});

describe('an unknown name', () => {
  test('is 404 with close names of other repositories, as far as the caller may see them', async () => {
    const answer = await api.call('POST', '/v1/tasks/billing.send_invoise', body(1), ANN);
    expect([answer.status, answer.body.error]).toEqual([
      404,
      'There is no task "billing.send_invoise": did you mean billing.send_invoice or billing.remind?',
    ]);
    const hidden = await api.call('POST', '/v1/tasks/shop.send_invoice', body(1), as('bob of shop'));
    expect([hidden.status, hidden.text]).toEqual([404, expect.not.stringContaining('billing')]);
    const pause = await api.call('PUT', '/v1/queues/billing.remindd/pause', {}, ANN);
    expect([pause.status, pause.body.error]).toEqual([404, expect.stringContaining('billing.remind')]);
  });

  test('of another namespace is 403, whether it is registered or not', async () => {
    for (const name of ['billing.send_invoice', 'billing.nothing']) {
      const { status } = await api.call('POST', `/v1/tasks/${name}`, body(1), as('bob of shop'));
      expect({ name, status }).toEqual({ name, status: 403 });
    }
  });
});

test("a name that the API's own repository has removed is accepted only while a live runner has it", async () => {
  const path = '/v1/tasks/shop.moved';
  const send = () => api.call('POST', path, { payload: { text: 'a' } }, ANN);
  expect((await send()).status).toBe(404);
  const id = await runnerOf(pool, OWN, ['shop.moved']);
  const other = await startApi(pool, {
    registry: createRegistry([own]),
    project: OWN,
    authenticate: authenticateByWords,
  });
  expect((await other.call('POST', path, { payload: { text: 'a' } }, ANN)).status).toBe(201);
  await endRunner(pool, id);
});

test('an API without tasks submits those of others', async () => {
  const bare = await startApi(pool, { registry: createRegistry([]), project: 'front' });
  expect((await bare.call('POST', PATH, body(1))).status).toBe(201);
  expect((await bare.call('POST', '/v1/tasks/shop.pack', { payload: { text: 'a' } })).status).toBe(201);
  expect((await bare.call('POST', '/v1/tasks/shop.pack', { payload: { text: 1 } })).status).toBe(400);
});

describe('what else an API says of it', () => {
  test('shows, explains, cancels, retries and counts it like an own task', async () => {
    const { id } = (await api.call('POST', PATH, body(9), ANN)).body.task;
    expect((await api.call('GET', `/v1/tasks/${id}`, undefined, ANN)).status).toBe(200);
    const explained = await api.call('GET', `/v1/tasks/${id}/explain`, undefined, ANN);
    expect(explained.body.reasons[0].code).toBe('no_live_runner');
    expect((await api.call('DELETE', `/v1/tasks/${id}`, undefined, ANN)).body.task.state).toBe('cancelled');
    expect((await api.call('PATCH', `/v1/tasks/${id}/retry`, undefined, ANN)).body.task.state).toBe('queued');
    const listed = await api.call('GET', '/v1/tasks?name=billing.send_invoice', undefined, ANN);
    expect(listed.body.total).toBeGreaterThan(0);
    const stats = await api.call('GET', '/v1/tasks/stats', undefined, ANN);
    expect(JSON.stringify(stats.body)).toContain('billing.send_invoice');
    const paused = await api.call('PUT', '/v1/queues/billing.send_invoice/pause', {}, ANN);
    expect(paused.status).toBe(200);
    await api.call('PUT', '/v1/queues/billing.send_invoice/resume', {}, ANN);
  });

  test('names its owner', async () => {
    const { body: shown } = await api.call('GET', '/v1/handlers', undefined, ANN);
    const owners = shown.handlers.map(({ name, owner }: Record<string, string>) => `${name} ${owner}`);
    expect(owners).toContain('billing.send_invoice billing');
    expect(owners).toContain('shop.pack shop');
  });

  test('measures its queue, and that no runner has it', async () => {
    const { text } = await api.call('GET', '/metrics');
    expect(text).toMatch(/^errand_queue_unattended\{name="billing\.remind"\} [1-9]/m);
    expect(text).toMatch(/^errand_live_runners\{name="billing\.remind"\} 0$/m);
    expect(text).toMatch(/^errand_queue_depth\{namespace="billing"\} [1-9]/m);
    expect(text).toMatch(/^errand_submissions_total\{name="billing\.remind",outcome="created"\} 1$/m);
  });
});
